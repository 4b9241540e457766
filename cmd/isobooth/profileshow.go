package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/isobooth/isobooth/profiles"
	"github.com/spf13/cobra"
)

// showFormats are the forms of profile show.
var showFormats = []string{"text", "json", "toml", "bpf", "bpf-raw", "oci", "sbpl"}

func (a *app) profileShowCmd() *cobra.Command {
	var asJSON bool
	var format, phase string
	cmd := &cobra.Command{
		Use: "show PROFILE", Short: "Print a profile as it is in force, with all it inherits", Args: a.args(1, 1),
		Long: `Show prints a profile with all it inherits:

  text     limits, rules, grants and ceilings, each with file and line; the default
  json     the same for programs; also --json
  toml     one complete profile that extends nothing and means the same
  bpf      the compiled filter, one instruction a line
  bpf-raw  the compiled filter, an array of struct sock_filter
  oci      linux.seccomp of an OCI runtime configuration
  sbpl     a profile for macOS's sandbox-exec

The OCI form knows no phases: --phase run is what holds once a booth is sealed,
--phase load what holds before that.`,
		ValidArgsFunction: a.completeProfiles(1),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := a.openProfile(args[0])
			if err != nil {
				return err
			}
			if asJSON {
				format = "json"
			}
			if phase != string(profiles.PhaseRun) && phase != string(profiles.PhaseLoad) {
				return a.usage(c, fmt.Errorf("--phase %q: want run or load", phase))
			}
			if c.Flags().Changed("phase") && format != "oci" {
				return a.usage(c, fmt.Errorf("--phase is for --format oci"))
			}
			return a.showProfile(c, p, format, profiles.Phase(phase))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&format, "format", "text", "`FORM`: "+strings.Join(showFormats, ", "))
	cmd.Flags().StringVar(&phase, "phase", "run", "of the OCI form, `PHASE` run or load")
	a.completions(cmd, map[string][]string{"format": showFormats, "phase": {"run", "load"}})
	return cmd
}

// completions gives flags their values.
func (a *app) completions(cmd *cobra.Command, values map[string][]string) {
	for flag, list := range values {
		// The flag was added a line ago; an error would be ours.
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp))
	}
}

func (a *app) showProfile(c *cobra.Command, p *profiles.Profile, format string, phase profiles.Phase) error {
	var text []byte
	switch format {
	case "text":
		printProfile(a.stdout, p)
		return nil
	case "json":
		writeJSON(a.stdout, newShownProfile(p))
		return nil
	case "toml":
		text = []byte(p.TOML())
	case "bpf", "bpf-raw":
		filter, err := p.Compile()
		if err != nil {
			return err
		}
		if text = filter.BPF; format == "bpf" {
			text = []byte(filter.Listing())
		}
	case "oci":
		var err error
		if text, err = p.OCI(phase); err != nil {
			return err
		}
		if phase == profiles.PhaseRun {
			a.say("what a plugin's loader needs is not in it: a container with this filter must have loaded its libraries before the filter is set; --phase load has it, for good")
		}
	case "sbpl":
		s, err := p.SBPL()
		if err != nil {
			return err
		}
		text = []byte(s)
	default:
		return a.usage(c, fmt.Errorf("--format %q: want %s", format, strings.Join(showFormats, ", ")))
	}
	_, err := a.stdout.Write(text)
	return err
}

func printProfile(w io.Writer, p *profiles.Profile) {
	fmt.Fprintf(w, "%s: %s\n", p.Name, p.Description)
	for i, s := range p.Chain {
		word := "from"
		if i > 0 {
			word = "extends " + s.Name + ","
		}
		fmt.Fprintf(w, "%s %s\n", word, s.At.File)
	}
	if len(p.Require) > 0 {
		fmt.Fprintf(w, "does not start without %s\n", strings.Join(p.Require, ", "))
	}
	fmt.Fprintln(w, "\nLimits:")
	for _, l := range p.LimitValues() {
		fmt.Fprintf(w, "  %-18s %-10s %s\n", l.Key, l.Value, l.At)
	}
	fmt.Fprintln(w, "\nRules:")
	for _, r := range p.Rules {
		via := r.Group
		if via != "" {
			via += " "
		}
		fmt.Fprintf(w, "  %-16s %s%s\n", ruleWord(&r), via, strings.Join(r.Calls, " "))
		if len(r.When) > 0 {
			fmt.Fprintf(w, "  %16s where %s\n", "", strings.Join(r.Conditions(r.Calls[0]), " and "))
		}
		fmt.Fprintf(w, "  %16s %s # %s\n", "", r.At, r.Why)
	}
	if list := p.Grants(); len(list) > 0 {
		fmt.Fprintln(w, "\nGrants:")
		for _, g := range list {
			fmt.Fprintf(w, "  %-11s %s: %s  %s # %s\n", g.Kind, g.Name, g.Text, g.At, g.Why)
		}
	}
	if list := ceilingLines(&p.Ceilings); len(list) > 0 {
		fmt.Fprintln(w, "\nCeilings:")
		for _, text := range list {
			fmt.Fprintf(w, "  %s\n", text)
		}
	}
	if list := p.Warnings(); len(list) > 0 {
		fmt.Fprintln(w, "\nLooser than strict:")
		for _, text := range list {
			fmt.Fprintf(w, "  %s\n", text)
		}
	}
}

func ruleWord(r *profiles.Rule) string {
	if r.Action == profiles.Allow {
		return fmt.Sprintf("%s %s", r.Action, r.Phase)
	}
	return r.ActionText()
}
