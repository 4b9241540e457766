package profiles

import (
	"fmt"
	"slices"
	"strings"
)

// Outcome is what becomes of a system call in one phase.
type Outcome string

const (
	Allowed     Outcome = "allowed"     // by the kernel, or by the jailer while loading
	Conditional Outcome = "conditional" // arguments decide, and none were given
	Refused     Outcome = "refused"     // by the jailer: EPERM, named and counted
	Failed      Outcome = "failed"      // by the kernel, with an errno
	Killed      Outcome = "killed"      // SIGSYS
	Unknown     Outcome = "unknown"     // not a call of this machine: ENOSYS
)

// Explanation says what becomes of a call and by which line.
type Explanation struct {
	Call    string
	Phase   Phase
	Outcome Outcome
	// Rules are those that decide, or that would under other arguments.
	Rules []Rule
	// Removed is where an inherited rule was taken away, or zero.
	Removed Position
	Text    string // one or two sentences, for people
}

// Explain says what becomes of a call with these arguments; with nil, of the
// call whatever its arguments.
func (p *Profile) Explain(call string, phase Phase, args *[6]uint64) Explanation {
	return p.ExplainKnown(call, phase, known(args))
}

// known are comparisons that only these arguments pass.
func known(args *[6]uint64) []Compare {
	if args == nil {
		return nil
	}
	all := make([]Compare, len(args))
	for i, v := range args {
		all[i] = Compare{Arg: i, Mask: long, Value: v}
	}
	return all
}

// ExplainKnown is Explain where only some arguments are known, at most one
// comparison for each.
func (p *Profile) ExplainKnown(call string, phase Phase, args []Compare) Explanation {
	e := Explanation{Call: call, Phase: phase}
	if !callOfThisMachine(call) {
		e.Outcome = Unknown
		e.Text = fmt.Sprintf("%s is no system call of this machine: its number fails with ENOSYS%s", call, meant(call, CallNames()))
		return e
	}
	var holding, other []Rule // of this phase; of the load phase, in the run phase
	var later []Rule
	for _, rule := range p.Rules {
		switch {
		case !slices.Contains(rule.Calls, call):
		case rule.Action != Allow:
			return p.notAllowed(e, rule)
		case rule.Phase == PhaseLoad && phase != PhaseLoad:
			later = append(later, rule)
		case cubeOf(args).meets(cubeOf(rule.When)):
			holding = append(holding, rule)
		default:
			other = append(other, rule)
		}
	}
	when := alternatives(holding)
	switch {
	case len(holding) > 0 && covers(when, args):
		e.Outcome, e.Rules = Allowed, p.deciding(holding, args)
		e.Text = fmt.Sprintf("%s is allowed %s, %s", call, duration(phase, e.Rules), p.says(&e.Rules[0]))
	case len(holding) > 0:
		e.Outcome, e.Rules = Conditional, holding
		e.Text = fmt.Sprintf("%s is allowed %s where %s, %s; with other arguments it is refused: EPERM",
			call, duration(phase, holding), conditionsText(call, holding), p.says(&holding[0]))
	case len(other) > 0:
		e.Outcome, e.Rules = Refused, other
		e.Text = fmt.Sprintf("%s is refused with these arguments: EPERM; it is allowed where %s, %s",
			call, conditionsText(call, other), p.says(&other[0]))
	case len(later) > 0:
		e.Outcome = Refused
		e.Text = fmt.Sprintf("%s is refused in the run phase: EPERM; it is allowed while the plugin loads only, %s", call, p.says(&later[0]))
	case call == "connect" && phase == PhaseRun && len(p.Network) > 0:
		e.Outcome = Conditional
		e.Text = "connect is made by the host for what [[network]] grants, and refused for anything else: EPERM"
	default:
		e.Outcome = Refused
		e.Text = fmt.Sprintf("no rule names %s: it is refused with EPERM, named and counted", call)
	}
	if gone := p.removal(call, phase); gone != nil && e.Outcome == Refused {
		e.Removed = gone.At
		e.Text += fmt.Sprintf("; %s allowed it, and a [[remove]] at %s took that away: %q", gone.Rule.At, gone.At, gone.Why)
	}
	return e
}

// removal is the one that took a rule away which allowed the call in a phase,
// or nil.
func (p *Profile) removal(call string, phase Phase) *Removal {
	for i := range p.Removed {
		r := &p.Removed[i]
		if r.Rule.Action == Allow && slices.Contains(r.Rule.Calls, call) && (r.Rule.Phase == PhaseRun || phase == PhaseLoad) {
			return r
		}
	}
	return nil
}

// notAllowed explains a rule that fails or kills; such a call has no other.
func (p *Profile) notAllowed(e Explanation, rule Rule) Explanation {
	e.Rules = []Rule{rule}
	if rule.Action == Kill {
		e.Outcome = Killed
		e.Text = fmt.Sprintf("%s kills the plugin (SIGSYS), %s", e.Call, p.says(&rule))
		return e
	}
	e.Outcome = Failed
	e.Text = fmt.Sprintf("%s fails with %s, %s", e.Call, errnoName(rule.Errno), p.says(&rule))
	return e
}

// deciding are those of the rules that allow the call whatever else; where
// only several together do, all.
func (p *Profile) deciding(rules []Rule, args []Compare) []Rule {
	var alone []Rule
	for _, rule := range rules {
		if covers([][]Compare{rule.When}, args) {
			alone = append(alone, rule)
		}
	}
	if len(alone) == 0 {
		alone = slices.Clone(rules)
	}
	// A rule that holds for good says more than one of the load phase.
	slices.SortStableFunc(alone, func(a, b Rule) int { return -strings.Compare(string(a.Phase), string(b.Phase)) })
	return alone
}

// says names the line, the way it came here and its reason.
func (p *Profile) says(rule *Rule) string {
	text := "by " + rule.At.String()
	if rule.At.File == "" {
		text = "by a rule of this profile"
	}
	if via := p.Via(rule.At, rule.Group); via != "" {
		text += " (" + via + ")"
	}
	return fmt.Sprintf("%s: %q", text, rule.Why)
}

// Via is the way something at a position came into this profile: the parent
// it is inherited from, through which profiles, and the group that brought
// it. It is "" for what the profile says itself, in its own words.
func (p *Profile) Via(at Position, group string) string {
	var parts []string
	for i, source := range p.Chain {
		if i > 0 && source.At.File == at.File {
			text := "inherited from " + source.Name
			if i > 1 {
				var through []string
				for _, s := range p.Chain[1:i] {
					through = append(through, s.Name)
				}
				text += " through " + strings.Join(through, ", ")
			}
			parts = append(parts, text)
			break
		}
	}
	if group != "" {
		parts = append(parts, "group "+group)
	}
	return strings.Join(parts, ", ")
}

// duration is how long the rules allow something that is allowed in phase.
func duration(phase Phase, rules []Rule) string {
	if slices.ContainsFunc(rules, func(r Rule) bool { return r.Phase == PhaseRun }) {
		return "at any time"
	}
	return "while the plugin loads"
}

func alternatives(rules []Rule) [][]Compare {
	out := make([][]Compare, len(rules))
	for i := range rules {
		out[i] = rules[i].When
	}
	return out
}

func conditionsText(call string, rules []Rule) string {
	var out []string
	for i := range rules {
		out = append(out, strings.Join(rules[i].Conditions(call), " and "))
	}
	return strings.Join(out, ", or ")
}

func errnoName(n int) string {
	for name, have := range errnos {
		if have == n {
			return name
		}
	}
	return fmt.Sprintf("errno %d", n)
}
