package profiles

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Edit is the smallest change of a profile that would allow a refused call.
type Edit struct {
	// File is the profile to change; empty when the call is allowed by no
	// profile (dangerous calls) and Text says why. With After 0 it does not
	// exist yet: Lines are the whole of a new profile, because the one that
	// refuses is built in.
	File string
	// After is the line of File behind which Lines go.
	After int
	Lines []string // TOML, each without its line end
	Text  string   // what it means and what it risks, for people
}

// unreasoned is what EditFor leaves for a person to fill in.
const unreasoned = "TODO: who needs this"

// EditFor returns the change that would allow a call in a phase; with args,
// one that is as narrow as the arguments that usually decide allow it to be.
// It has no Lines when the call is allowed already, when this machine does not
// know it, and when it is dangerous.
func (p *Profile) EditFor(call string, phase Phase, args *[6]uint64) Edit {
	return p.EditForKnown(call, phase, known(args))
}

// EditForKnown is EditFor where only some arguments are known.
func (p *Profile) EditForKnown(call string, phase Phase, args []Compare) Edit {
	e := p.ExplainKnown(call, phase, args)
	rule := Rule{Calls: []string{call}, Phase: PhaseRun, Action: Allow, When: narrow(call, args), Why: unreasoned}
	if phase == PhaseLoad && continuable(call) {
		rule.Phase = PhaseLoad
	}
	switch {
	case e.Outcome == Allowed || e.Outcome == Unknown:
		return Edit{Text: e.Text}
	case dangerous(call, rule.When):
		return Edit{Text: fmt.Sprintf("no change is proposed for %s: %s", call, danger(call))}
	case p.forbids(&rule) != nil:
		return Edit{Text: fmt.Sprintf("no change of this profile can allow %s: the ceiling at %s forbids it", call, p.forbids(&rule).At)}
	case call == "connect":
		return Edit{Text: "no rule is proposed for connect: the host connects to what a [[network]] grants; isobooth profile explain says, for a destination such as tcp://127.0.0.1:80, which lines grant it"}
	case len(p.Network) > 0 && rule.pastBroker() != "":
		return Edit{Text: fmt.Sprintf("no change is proposed for %s while a [[network]] grants destinations: it would take the host's sockets elsewhere", call)}
	case covers(p.meaning(call, rule.Phase).when, rule.When):
		return Edit{Text: fmt.Sprintf("no change is proposed for %s: of it all is allowed that a plugin may have; %s", call, e.Text)}
	case slices.Contains(codeCalls, call) && !slices.ContainsFunc(args, func(c Compare) bool { return c.Arg == 2 }):
		return Edit{Text: fmt.Sprintf("which change would allow more of %s depends on its argument prot", call)}
	case len(rule.When) > 0 && !cubeOf(args).meets(cubeOf(rule.When)):
		return Edit{Text: fmt.Sprintf("no rule may allow %s but where %s", call, strings.Join(rule.Conditions(call), " and "))}
	case writesCode(call, args):
		return Edit{Text: fmt.Sprintf("no change is proposed for %s of memory that can be written and run: %s", call, riskOf(call))}
	}
	edit := Edit{Lines: ruleLines(&rule)}
	var text []string
	if e.Outcome == Failed || e.Outcome == Killed {
		if p.own(e.Rules[0].At) && !p.builtIn() {
			text = append(text, fmt.Sprintf("first take %s out of the rule at %s", call, e.Rules[0].At))
		} else {
			edit.Lines = append([]string{
				"", "[[remove]]", fmt.Sprintf("calls = [%q]", call), fmt.Sprintf("why = %q", unreasoned),
			}, edit.Lines...)
		}
	}
	text = append([]string{p.place(&edit)}, text...)
	switch {
	case len(rule.When) > 0:
		text = append(text, "it allows the call where "+strings.Join(rule.Conditions(call), " and ")+" only")
	case len(selectors[call]) > 0:
		text = append(text, fmt.Sprintf("it allows the call whatever its arguments; add when = [...] about %s to allow less", strings.Join(selectors[call], ", ")))
	}
	text = append(text, "risk: "+riskOf(call))
	edit.Text = strings.Join(text, "; ")
	return edit
}

// own reports whether a position is in this profile's own text.
func (p *Profile) own(at Position) bool {
	return len(p.Chain) == 0 || p.Chain[0].At.File == at.File
}

// builtIn reports whether the profile is an embedded one, which nobody edits.
func (p *Profile) builtIn() bool {
	return len(p.Chain) == 0 || strings.HasPrefix(p.Chain[0].At.File, embeddedFile)
}

// forbids returns the ceiling that a rule exceeds, or nil.
func (p *Profile) forbids(rule *Rule) *Forbidden {
	for i := range p.Ceilings.Forbid {
		if f := &p.Ceilings.Forbid[i]; !f.allows(rule) {
			return f
		}
	}
	return nil
}

// place says where the lines go. A profile that is built in stays as it is: a
// new one extends it.
func (p *Profile) place(e *Edit) string {
	if !p.builtIn() {
		e.File, e.After = p.Chain[0].At.File, p.lines
		return fmt.Sprintf("append this to %s", e.File)
	}
	name := "my-" + p.Name
	if len(name) > 63 {
		name = "mine"
	}
	e.File = name + ".toml"
	e.Lines = append([]string{
		fmt.Sprintf("name = %q", name),
		fmt.Sprintf("description = %q", p.Name+", and what one plugin needs"),
		fmt.Sprintf("extends = %q", p.Name),
	}, e.Lines...)
	return fmt.Sprintf("%s is built in: this is a new profile, %s in your folder of profiles, for the plugin to use with profile = %q", p.Name, e.File, name)
}

// selectors are the arguments that decide what a call does.
var selectors = map[string][]string{
	"clone":         {"flags"},
	"fcntl":         {"cmd"},
	"ioctl":         {"request"},
	"kill":          {"pid"},
	"mmap":          {"prot", "flags"},
	"mprotect":      {"prot"},
	"pkey_mprotect": {"prot"},
	"prctl":         {"option"},
	"prlimit64":     {"pid", "resource", "new_limit"},
	"socket":        {"domain", "type"},
	"tgkill":        {"tgid"},
}

// narrow are the conditions that a rule for a call with these arguments gets.
func narrow(call string, args []Compare) []Compare {
	var when []Compare
	for _, name := range selectors[call] {
		a, _ := findArgument(call, name) // a test looks each one up
		i := slices.IndexFunc(args, func(c Compare) bool { return c.Arg == a.index })
		if i < 0 || args[i].Mask&a.bits != a.bits {
			continue
		}
		mask := a.bits
		switch {
		case name == "prot":
			mask = protWrite | protExec
			if args[i].Value&protExec == 0 {
				mask = protExec
			}
		case call == "mmap" && name == "flags":
			mask = mapHugetlb
		case call == "socket" && name == "type":
			mask = 0xf // SOCK_TYPE_MASK; the rest is SOCK_CLOEXEC and SOCK_NONBLOCK
		case name == "new_limit" && args[i].Value != 0:
			continue // a pointer, another one each time
		}
		when = append(when, Compare{Arg: a.index, Mask: mask, Value: args[i].Value & mask})
	}
	if call == "recvmsg" {
		// With the flag, the jailer must hear of it: no rule may allow that.
		when = append(when, Compare{Arg: 2, Mask: constants["MSG_CMSG_CLOEXEC"]})
	}
	slices.SortFunc(when, func(a, b Compare) int { return a.Arg - b.Arg })
	return when
}

const (
	protWrite  = 0x2
	protExec   = 0x4
	mapHugetlb = 0x40000
)

// codeCalls are those whose argument 2 is the protection of memory.
var codeCalls = []string{"mmap", "mprotect", "pkey_mprotect"}

// writesCode reports whether the arguments ask for memory that can be written
// and run.
func writesCode(call string, args []Compare) bool {
	const both = protWrite | protExec
	return slices.Contains(codeCalls, call) && slices.ContainsFunc(args, func(c Compare) bool {
		return c.Arg == 2 && c.Mask&both == both && c.Value&both == both
	})
}

// lineCount counts the last line, too, when it has no end.
func lineCount(text []byte) int {
	n := bytes.Count(text, []byte{'\n'})
	if len(text) > 0 && text[len(text)-1] != '\n' {
		n++
	}
	return n
}
