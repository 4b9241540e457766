package main

import (
	"fmt"
	"strings"

	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/verify"
	"github.com/spf13/cobra"
)

func (a *app) verifyCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify PLUGIN",
		Short: "Check a plugin without running anything of it",
		Long: `Verify looks at a plugin's folder: manifest, signature, the library itself and
every library it needs. It prints the SHA-256 in any case. Exit code 3 means
that the signature is missing, not trusted or wrong.`,
		Args: a.args(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.load(c); err != nil {
				return err
			}
			keys, err := verify.LoadKeys(a.settings.TrustedKeys)
			if err != nil {
				return err
			}
			folder, options := args[0], verify.Options{Keys: keys, Provided: runner.Provided()}
			for _, p := range a.settings.Plugins {
				if p.Name == args[0] || sameFolder(p.Path, args[0]) {
					folder = p.Path
					if options.AllowUnsigned, err = p.unsigned(); err != nil {
						return err
					}
				}
			}
			r := verify.Examine(folder, options)
			if asJSON {
				writeJSON(a.stdout, r)
			} else {
				a.printReport(&r)
			}
			return r.Err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) printReport(r *verify.Report) {
	w := a.stdout
	fmt.Fprintf(w, "plugin    %s\n", r.Dir)
	if m := r.Manifest; m != nil {
		fmt.Fprintf(w, "name      %s %q\n", m.Name, m.Version)
		c := m.Capabilities
		var asks []string
		for _, x := range []struct {
			on   bool
			name string
		}{{c.Network, "network"}, {c.Filesystem, "filesystem"}, {c.Audio, "audio"}, {c.MIDI, "midi"}, {c.Subprocess, "subprocess"}, {c.SystemControl, "system_control"}} {
			if x.on {
				asks = append(asks, x.name)
			}
		}
		if len(asks) > 0 {
			fmt.Fprintf(w, "asks for  %s (grants nothing: the profile decides)\n", strings.Join(asks, ", "))
		}
	}
	if r.SHA256 != "" {
		fmt.Fprintf(w, "sha256    %s\n", r.SHA256)
	}
	if r.ABI != "" {
		fmt.Fprintf(w, "interface %s, entry %s\n", r.ABI, r.Entry)
	}
	for _, l := range r.Libs {
		fmt.Fprintf(w, "needs     %s sha256 %s\n", l.Path, l.SHA256)
	}
	for _, c := range r.Checks {
		mark := "ok  "
		if !c.OK {
			mark = "FAIL"
		}
		fmt.Fprintf(w, "%s      %-9s %s\n", mark, c.Name, c.Detail)
	}
}
