package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/isobooth/isobooth/profiles"
	"github.com/spf13/cobra"
)

type explainOptions struct {
	asJSON, profile, plugin bool
	phase                   string
}

func (a *app) profileExplainCmd() *cobra.Command {
	o := &explainOptions{}
	cmd := &cobra.Command{
		Use: "explain PROFILE|PLUGIN [WHAT [ARGUMENT=VALUE ...]]", Short: "Say what is allowed, by which line, and why",
		Long: `Explain PROFILE WHAT says whether the profile allows something, by which line of
which file, how that line came there and why it exists, and if not, which lines
would allow it and what that risks. WHAT is

  a system call     openat, with ARGUMENT=VALUE for those that decide:
                    explain threads prctl option=PR_SET_NAME
  a group of calls  @threads
  a limit           limits.memory
  a path            /work/a.wav, as the plugin sees it
  a destination     tcp://127.0.0.1:4455
  a variable        environment.LANG

Explain PLUGIN, a folder or a name in the config, says in plain words what that
plugin may do here. Explain PROFILE alone says it of the profile. A word that is
both takes --plugin or --profile. With WHAT, a plugin stands for its profile.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.usage(c, errors.New("explain takes a profile or a plugin"))
			}
			return nil
		},
		ValidArgsFunction: a.completeExplain,
		RunE: func(c *cobra.Command, args []string) error {
			if !slices.Contains([]string{"", "load", "run"}, o.phase) {
				return a.usage(c, fmt.Errorf("--phase %q: want run or load", o.phase))
			}
			if len(args) == 1 {
				return a.explainOne(c, args[0], o)
			}
			p, err := a.profileCalled(c, args[0], o)
			if err != nil {
				return err
			}
			return a.explainWhat(c, p, args[1], args[2:], o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.asJSON, "json", false, "print JSON")
	f.BoolVar(&o.profile, "profile", false, "the first argument is a profile")
	f.BoolVar(&o.plugin, "plugin", false, "the first argument is a plugin")
	f.StringVar(&o.phase, "phase", "", "of a system call: `PHASE` load or run; without it, both")
	a.completions(cmd, map[string][]string{"phase": {"load", "run"}})
	return cmd
}

// completeExplain offers profiles and plugins, then calls and what else can be asked for,
// then the names of a call's arguments.
func (a *app) completeExplain(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	const none = cobra.ShellCompDirectiveNoFileComp
	switch len(args) {
	case 0:
		return append(a.profileNames(), a.pluginNames(c)...), cobra.ShellCompDirectiveDefault
	case 1:
		words := profiles.CallNames()
		for _, g := range profiles.Groups() {
			words = append(words, g.Name)
		}
		for _, name := range profiles.LimitNames() {
			words = append(words, "limits."+name)
		}
		return words, none
	}
	var words []string
	for _, name := range profiles.ArgumentNames(args[1]) {
		words = append(words, name+"=")
	}
	return words, none | cobra.ShellCompDirectiveNoSpace
}

// explainWhat is about one thing of a profile.
func (a *app) explainWhat(c *cobra.Command, p *profiles.Profile, what string, given []string, o *explainOptions) error {
	limit, isLimit := strings.CutPrefix(what, "limits.")
	variable, isVariable := strings.CutPrefix(what, "environment.")
	isCall := !isLimit && !isVariable && !strings.ContainsAny(what, "/@")
	if !isCall && len(given) > 0 {
		return a.usage(c, fmt.Errorf("%q: only a system call has arguments", given[0]))
	}
	switch {
	case isCall:
		return a.explainCall(c, p, what, given, o)
	case strings.HasPrefix(what, "@"):
		return a.explainGroup(p, what, o)
	case isLimit:
		return a.explainLimit(p, limit, o)
	case isVariable:
		return a.explainReach(p.ReachEnvironment(variable), o)
	case strings.Contains(what, "://"):
		to, err := profiles.ParseDestination(what)
		if err != nil {
			return err
		}
		return a.explainReach(p.ReachNetwork(to), o)
	case strings.HasPrefix(what, "/"):
		return a.explainReach(p.ReachPath(what), o)
	}
	return a.usage(c, fmt.Errorf("%q is no system call, group, limit, path or destination", what))
}

type explanationJSON struct {
	Call    string             `json:"call"`
	Phase   profiles.Phase     `json:"phase"`
	Outcome profiles.Outcome   `json:"outcome"`
	Text    string             `json:"text"`
	Rules   []ruleJSON         `json:"rules"`
	Removed *profiles.Position `json:"removed,omitempty"`
	Edit    *editJSON          `json:"edit,omitempty"` // that would allow it
}

type ruleJSON struct {
	At     profiles.Position `json:"at"`
	Via    string            `json:"via,omitempty"` // how it came into the profile
	Group  string            `json:"group,omitempty"`
	Phase  profiles.Phase    `json:"phase,omitempty"`
	Action string            `json:"action"`
	When   []string          `json:"when"`
	Why    string            `json:"why"`
}

type editJSON struct {
	File  string   `json:"file,omitempty"` // none: no change is proposed
	After int      `json:"after"`          // 0: the lines are a new file
	Lines []string `json:"lines"`
	Text  string   `json:"text"`
}

func (a *app) explainCall(c *cobra.Command, p *profiles.Profile, call string, given []string, o *explainOptions) error {
	var args []profiles.Compare
	for _, text := range given {
		one, err := profiles.ParseArgument(call, text)
		if err != nil {
			return a.usage(c, err)
		}
		if slices.ContainsFunc(args, func(have profiles.Compare) bool { return have.Arg == one.Arg }) {
			return a.usage(c, fmt.Errorf("argument %q: given twice", text))
		}
		args = append(args, one)
	}
	phases := []profiles.Phase{profiles.PhaseLoad, profiles.PhaseRun}
	if o.phase != "" {
		phases = []profiles.Phase{profiles.Phase(o.phase)}
	}
	list := []explanationJSON{}
	for _, phase := range phases {
		list = append(list, explained(p, call, phase, args))
	}
	if o.asJSON {
		writeJSON(a.stdout, list)
		return nil
	}
	for i := range list {
		// What is the same in both phases is said once.
		if i == 1 && list[0].Text == list[1].Text {
			break
		}
		list[i].print(a.stdout)
	}
	return nil
}

func explained(p *profiles.Profile, call string, phase profiles.Phase, args []profiles.Compare) explanationJSON {
	e := p.ExplainKnown(call, phase, args)
	j := explanationJSON{Call: call, Phase: phase, Outcome: e.Outcome, Text: e.Text, Rules: []ruleJSON{}, Removed: place(e.Removed)}
	for _, r := range e.Rules {
		j.Rules = append(j.Rules, ruleJSON{r.At, p.Via(r.At, ""), r.Group, r.Phase, r.ActionText(), r.Conditions(call), r.Why})
	}
	if e.Outcome != profiles.Allowed && e.Outcome != profiles.Unknown {
		edit := p.EditForKnown(call, phase, args)
		j.Edit = newEditJSON(&edit)
	}
	return j
}

func (j *explanationJSON) print(w io.Writer) {
	fmt.Fprintf(w, "%s, %s phase: %s\n  %s\n", j.Call, j.Phase, j.Outcome, j.Text)
	for _, r := range j.Rules {
		via := ""
		if r.Via != "" {
			via = " " + r.Via
		}
		if r.Group != "" {
			via += " by group " + r.Group
		}
		fmt.Fprintf(w, "  %s%s: %s %s\n", r.At, via, r.Action, r.Phase)
		if len(r.When) > 0 {
			fmt.Fprintf(w, "    where %s\n", strings.Join(r.When, " and "))
		}
		fmt.Fprintf(w, "    why: %s\n", r.Why)
	}
	j.Edit.print(w)
}

func newEditJSON(e *profiles.Edit) *editJSON {
	return &editJSON{e.File, e.After, append([]string{}, e.Lines...), e.Text}
}

// print says what would allow it; nothing for what is allowed.
func (e *editJSON) print(w io.Writer) {
	if e == nil {
		return
	}
	fmt.Fprintf(w, "  to allow it: %s\n", e.Text)
	for _, line := range e.Lines {
		fmt.Fprintf(w, "    %s\n", line)
	}
}

// explainGroup says of each call of a group what becomes of it.
func (a *app) explainGroup(p *profiles.Profile, name string, o *explainOptions) error {
	groups := profiles.Groups()
	i := slices.IndexFunc(groups, func(g profiles.Group) bool { return g.Name == name })
	if i < 0 {
		var names []string
		for _, g := range groups {
			names = append(names, g.Name)
		}
		return fmt.Errorf("unknown group %q; there are %s", name, strings.Join(names, " "))
	}
	phase := profiles.PhaseRun
	if o.phase != "" {
		phase = profiles.Phase(o.phase)
	}
	list := []explanationJSON{}
	seen := map[string]bool{}
	for _, rule := range groups[i].Allow {
		for _, call := range rule.Calls {
			if !seen[call] {
				seen[call] = true
				list = append(list, explained(p, call, phase, nil))
			}
		}
	}
	if o.asJSON {
		writeJSON(a.stdout, list)
		return nil
	}
	fmt.Fprintf(a.stdout, "%s: %s\n", name, groups[i].Description)
	for _, e := range list {
		where := ""
		if len(e.Rules) > 0 {
			where = e.Rules[0].At.String()
		}
		fmt.Fprintf(a.stdout, "  %-12s %-20s %s\n", e.Outcome, e.Call, where)
	}
	return nil
}

type limitJSON struct {
	Profile string            `json:"profile"`
	Value   string            `json:"value"`
	At      profiles.Position `json:"at"`
}

// explainLimit names the value in force and, below it, each one of a parent
// that it took the place of.
func (a *app) explainLimit(p *profiles.Profile, key string, o *explainOptions) error {
	chain := []limitJSON{}
	says := ""
	all := []*profiles.Profile{p} // with what the config says of a plugin on top
	for i := range p.Chain {
		in, err := a.ofChain(&p.Chain[i])
		if err != nil {
			return err
		}
		all = append(all, in)
	}
	for _, in := range all {
		for _, l := range in.LimitValues() {
			if l.Key == key && (len(chain) == 0 || chain[len(chain)-1].At != l.At) {
				says, chain = l.Says, append(chain, limitJSON{in.Name, l.Value, l.At})
			}
		}
	}
	if len(chain) == 0 {
		return fmt.Errorf("unknown limit %q; there are %s", key, strings.Join(profiles.LimitNames(), ", "))
	}
	if o.asJSON {
		writeJSON(a.stdout, struct {
			Limit string      `json:"limit"`
			Value string      `json:"value"`
			Says  string      `json:"says"`
			Chain []limitJSON `json:"chain"` // the value in force, then those it took the place of
		}{key, chain[0].Value, says, chain})
		return nil
	}
	fmt.Fprintf(a.stdout, "%s = %s, by %s\n  at it: %s\n", key, chain[0].Value, chain[0].At, says)
	for _, over := range chain[1:] {
		fmt.Fprintf(a.stdout, "  in place of %s, by %s (%s)\n", over.Value, over.At, over.Profile)
	}
	return nil
}

func (a *app) explainReach(r profiles.Reach, o *explainOptions) error {
	var edit *editJSON
	if r.Outcome != profiles.Allowed {
		edit = newEditJSON(&r.Edit)
	}
	if o.asJSON {
		writeJSON(a.stdout, struct {
			What    string             `json:"what"`
			Outcome profiles.Outcome   `json:"outcome"`
			Access  profiles.Access    `json:"access,omitempty"`
			At      *profiles.Position `json:"at,omitempty"`
			Text    string             `json:"text"`
			Edit    *editJSON          `json:"edit,omitempty"` // that would grant it
		}{r.What, r.Outcome, r.Access, place(r.At), r.Text, edit})
		return nil
	}
	fmt.Fprintf(a.stdout, "%s: %s\n  %s\n", r.What, r.Outcome, r.Text)
	edit.print(a.stdout)
	return nil
}
