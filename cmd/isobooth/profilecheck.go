package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/spf13/cobra"
)

type findingJSON struct {
	Profile string `json:"profile"` // as it was named
	profiles.Finding
}

func (a *app) profileCheckCmd() *cobra.Command {
	var asJSON, strict bool
	cmd := &cobra.Command{
		Use: "check [PROFILE ...]", Short: "Look for mistakes in profiles", Args: cobra.ArbitraryArgs,
		Long: `Check looks for mistakes in profiles, by name or by file; without any, in all
there are. It prints a line for each: file, line, severity, id and what to do.
The ids never change; docs/profile-lints.md explains each. It exits with 1 when
it found an error, with --strict also for a warning.`,
		ValidArgsFunction: a.completeProfiles(0),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				all, err := a.library().List()
				if err != nil {
					return err // a folder that cannot be read may hold anything
				}
				for _, l := range all {
					args = append(args, l.Name)
				}
				args = slices.Compact(args) // a name that exists twice is one finding
			}
			list := []findingJSON{}
			bad := 0
			for _, name := range args {
				for _, f := range a.checkProfile(name) {
					list = append(list, findingJSON{name, f})
					if f.Severity == profiles.Error || strict {
						bad++
					}
				}
			}
			if asJSON {
				writeJSON(a.stdout, list)
			} else {
				for _, f := range list {
					fmt.Fprintf(a.stdout, "%s: %s %s: %s: %s\n", f.At, f.Severity, f.ID, f.Title, f.Text)
				}
			}
			if len(list) == 0 {
				a.say("nothing found in %d profiles", len(args))
			}
			if bad > 0 {
				return &shownError{errors.New("mistakes were found")}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&strict, "strict", false, "exit with 1 for warnings, too")
	return cmd
}

func (a *app) checkProfile(name string) []profiles.Finding {
	p, err := a.openProfile(name)
	if err != nil {
		return []profiles.Finding{profiles.LoadFinding(name, err)}
	}
	found := p.Check()
	if err := runner.CheckProfile(p); err != nil {
		found = append(found, profiles.LoadFinding(name, err))
	}
	parent, err := a.parentOf(p)
	if err != nil {
		return append(found, profiles.LoadFinding(name, err))
	}
	if parent != nil {
		found = append(found, p.CheckParent(parent)...)
	}
	return found
}
