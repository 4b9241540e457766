package main

import (
	"fmt"

	"github.com/isobooth/isobooth/profiles"
	"github.com/spf13/cobra"
)

type profileJSON struct {
	Name        string          `json:"name"`
	Origin      profiles.Origin `json:"origin"`
	File        string          `json:"file"`
	Extends     string          `json:"extends,omitempty"`
	Description string          `json:"description"`
	Looser      int             `json:"looser"`          // in how many points than strict
	Warnings    []string        `json:"warnings"`        // these points
	Error       string          `json:"error,omitempty"` // why it cannot be used
}

func (a *app) profileListCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List all profiles: built in, of the system and of the user", Args: a.args(0, 0),
		Long: `List prints, for each profile, its name, where it comes from, in how many points
it is looser than strict, what it extends, and its description. One that cannot
be used is listed with the reason.`,
		RunE: func(c *cobra.Command, args []string) error {
			library := a.library()
			all, err := library.List()
			list := []profileJSON{}
			for _, l := range all {
				list = append(list, describeProfile(library, &l))
			}
			if asJSON {
				writeJSON(a.stdout, list)
				return err
			}
			for _, p := range list {
				if p.Error != "" {
					fmt.Fprintf(a.stdout, "%-16s %-8s      cannot be used: %s\n", p.Name, p.Origin, p.Error)
					continue
				}
				extends := ""
				if p.Extends != "" {
					extends = " (extends " + p.Extends + ")"
				}
				fmt.Fprintf(a.stdout, "%-16s %-8s %4s %s%s\n", p.Name, p.Origin, looser(p.Looser), p.Description, extends)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func describeProfile(library *profiles.Library, l *profiles.Listed) profileJSON {
	j := profileJSON{Name: l.Name, Origin: l.Origin, File: l.File, Warnings: []string{}}
	p, err := library.Load(l.Name)
	if err != nil {
		j.Error = err.Error()
		return j
	}
	j.Description, j.Warnings = p.Description, append(j.Warnings, p.Warnings()...)
	j.Looser = len(j.Warnings)
	if len(p.Chain) > 1 {
		j.Extends = p.Chain[1].Name
	}
	return j
}

func looser(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprintf("+%d", n)
}
