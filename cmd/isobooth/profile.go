package main

import (
	"fmt"
	"strings"

	"github.com/isobooth/isobooth/profiles"
	"github.com/spf13/cobra"
)

func (a *app) profileCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "profile", Short: "Look at what booths may do", RunE: needsCommand}
	cmd.AddCommand(a.profileListCmd(), a.profileShowCmd())
	return cmd
}

type profileJSON struct {
	Name        string          `json:"name"`
	Origin      profiles.Origin `json:"origin"`
	File        string          `json:"file"`
	Description string          `json:"description"`
	Warnings    []string        `json:"warnings"`        // where it is looser than strict
	Error       string          `json:"error,omitempty"` // why it cannot be used
}

func (a *app) profileListCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List all profiles: built in, of the system and of the user", Args: a.args(0, 0),
		RunE: func(c *cobra.Command, args []string) error {
			library := a.library()
			all, err := library.List()
			list := []profileJSON{}
			for _, l := range all {
				p := profileJSON{Name: l.Name, Origin: l.Origin, File: l.File, Warnings: []string{}}
				if profile, err := library.Load(l.Name); err != nil {
					p.Error = err.Error()
				} else {
					p.Description, p.Warnings = profile.Description, append(p.Warnings, profile.Warnings()...)
				}
				list = append(list, p)
			}
			if asJSON {
				writeJSON(a.stdout, list)
				return err
			}
			for _, p := range list {
				if p.Error != "" {
					p.Description = "cannot be used: " + p.Error
				}
				fmt.Fprintf(a.stdout, "%-16s %-8s %s\n", p.Name, p.Origin, p.Description)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) profileShowCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show PROFILE", Short: "Print a profile's limits and rules, and where it is looser than strict", Args: a.args(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := a.findProfile(args[0])
			if err != nil {
				return err
			}
			if asJSON {
				writeJSON(a.stdout, struct {
					*profiles.Profile
					Warnings []string
				}{p, append([]string{}, p.Warnings()...)})
				return nil
			}
			w, l := a.stdout, p.Limits
			fmt.Fprintf(w, "%s: %s\n\n", p.Name, p.Description)
			fmt.Fprintf(w, "memory %d MiB, cpu %.0f %%, %d tasks (%d once sealed), %d open files\n", l.Memory>>20, l.CPU*100, l.Pids, l.Threads, l.OpenFiles)
			fmt.Fprintf(w, "deadlines: load %v, trigger %v, stop %v\n", l.LoadTimeout, l.TriggerTimeout, l.StopTimeout)
			fmt.Fprintf(w, "restart: at once %d times, then after %v to %v; triggers wait at most %v meanwhile\n", l.RestartFree, l.RestartPause, l.RestartPauseMax, l.QueueAge)
			fmt.Fprintf(w, "quarantine: after %d refused calls in a minute, or %d attacks in ten minutes\n\n", l.Denials, l.Violations)
			for _, r := range p.Rules {
				fmt.Fprintf(w, "%-6s %-6s %s  # %s\n", r.Action, r.Phase, strings.Join(r.Calls, " "), r.Why)
			}
			if list := p.Warnings(); len(list) > 0 {
				fmt.Fprintln(w, "\nLooser than strict:")
				for _, text := range list {
					fmt.Fprintf(w, "  %s\n", text)
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
