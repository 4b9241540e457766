package main

import (
	"fmt"

	"github.com/isobooth/isobooth/profiles"
	"github.com/spf13/cobra"
)

func (a *app) profileCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "profile", Short: "Look at what booths may do", RunE: needsCommand}
	cmd.AddCommand(a.profileListCmd())
	return cmd
}

type profileJSON struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Warnings    []string `json:"warnings"` // where it is looser than strict
}

func (a *app) profileListCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the embedded profiles", Args: a.args(0, 0),
		RunE: func(c *cobra.Command, args []string) error {
			list := []profileJSON{}
			for _, name := range profiles.Names() {
				p, err := profiles.Named(name)
				if err != nil {
					return err
				}
				list = append(list, profileJSON{p.Name, p.Description, append([]string{}, p.Warnings()...)})
			}
			if asJSON {
				writeJSON(a.stdout, list)
				return nil
			}
			for _, p := range list {
				fmt.Fprintf(a.stdout, "%-10s %s\n", p.Name, p.Description)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
