package main

import (
	"errors"
	"fmt"

	"github.com/isobooth/isobooth/profiles"
	"github.com/spf13/cobra"
)

// errDifferent is diff's finding; like diff(1) it exits with 1.
var errDifferent = &shownError{errors.New("the profiles differ")}

type differenceJSON struct {
	Kind      string             `json:"kind"`
	Name      string             `json:"name"`
	Phase     profiles.Phase     `json:"phase,omitempty"` // of calls; none for both
	Direction profiles.Direction `json:"direction"`
	A         string             `json:"a,omitempty"`
	B         string             `json:"b,omitempty"`
	AtA       *profiles.Position `json:"at_a,omitempty"`
	AtB       *profiles.Position `json:"at_b,omitempty"`
}

func (a *app) profileDiffCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "diff A B", Short: "Compare what two profiles mean", Args: a.args(2, 2),
		Long: `Diff compares meaning, not text: what becomes of each system call in each phase,
limits, grants and required layers. Each line says whether B is looser or
tighter than A in it, or different in both ways. It exits with 0 when the two
mean the same and with 1 when they do not.`,
		ValidArgsFunction: a.completeProfiles(2),
		RunE: func(c *cobra.Command, args []string) error {
			before, err := a.openProfile(args[0])
			if err != nil {
				return err
			}
			now, err := a.openProfile(args[1])
			if err != nil {
				return err
			}
			list := profiles.Diff(before, now)
			if asJSON {
				a.diffJSON(list)
			} else {
				a.printDiff(list)
			}
			if len(list) > 0 {
				return errDifferent
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) diffJSON(list []profiles.Difference) {
	out := []differenceJSON{}
	for _, d := range list {
		out = append(out, differenceJSON{d.Kind, d.Name, d.Phase, d.Direction, d.A, d.B, place(d.AtA), place(d.AtB)})
	}
	writeJSON(a.stdout, out)
}

func (a *app) printDiff(list []profiles.Difference) {
	for _, d := range list {
		fmt.Fprintln(a.stdout, d.Text())
	}
}

// place is a position for JSON: none for what stands in no file.
func place(at profiles.Position) *profiles.Position {
	if at.File == "" {
		return nil
	}
	return &at
}
