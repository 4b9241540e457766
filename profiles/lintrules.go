package profiles

import (
	"slices"
	"strings"
)

// ownRules are those that this profile's own text has.
func (p *Profile) ownRules() []Rule {
	var own []Rule
	for _, rule := range p.Rules {
		if p.own(rule.At) {
			own = append(own, rule)
		}
	}
	return own
}

// allowing lists the rules that allow a call in a phase, or while loading
// only.
func (p *Profile) allowing(call string, phase Phase) []Rule {
	var out []Rule
	for _, rule := range p.Rules {
		if rule.Action == Allow && slices.Contains(rule.Calls, call) && (rule.Phase == PhaseRun || phase == PhaseLoad) {
			out = append(out, rule)
		}
	}
	return out
}

// allowsAny reports whether one of the calls can be made once loaded.
func (p *Profile) allowsAny(calls ...string) bool {
	return slices.ContainsFunc(calls, func(call string) bool { return len(p.allowing(call, PhaseRun)) > 0 })
}

// checkRules looks at each rule by itself and beside the others.
func (p *Profile) checkRules() []Finding {
	var found []Finding
	for i, rule := range p.Rules {
		if !p.own(rule.At) {
			continue
		}
		if text := emptyReason(rule.Why); text != "" {
			found = append(found, lintReason.at(rule.At, "rule for %s: %s; say which library or function needs it, and for what", rule.Calls[0], text))
		}
		if rule.Action != Allow {
			continue
		}
		for _, call := range rule.Calls {
			if dangerous(call, rule.When) {
				found = append(found, lintDangerous.at(rule.At, "%s: %s; accepted because: %s", call, danger(call), rule.AcceptRisk))
			}
			if wide(call, rule) {
				found = append(found, lintWide.at(rule.At, "%s: %s; add when = [...] about %s", call, riskOf(call), strings.Join(selectors[call], ", ")))
			}
			if rule.Group == "" {
				found = append(found, p.covered(i, call)...)
			}
		}
	}
	return found
}

// wide reports whether a call is allowed in the run phase without any look at
// the argument that decides what it does.
func wide(call string, rule Rule) bool {
	switch call {
	case "ioctl", "prctl", "prlimit64", "socket":
		return rule.Phase == PhaseRun && len(rule.When) == 0
	}
	return false
}

// covered compares rule i, as far as it is about call, with the other rules.
// Of two that say the same, the later one is to go. Rules of a group are not
// looked at: a group is for one intent, and two may share a call.
func (p *Profile) covered(i int, call string) []Finding {
	rule := p.Rules[i]
	var inherited, own [][]Compare
	var by []Rule
	for j, other := range p.Rules {
		if i == j || other.Action != Allow || !slices.Contains(other.Calls, call) || other.Phase == PhaseLoad && rule.Phase == PhaseRun {
			continue
		}
		same := other.Phase == rule.Phase && covers([][]Compare{rule.When}, other.When) && covers([][]Compare{other.When}, rule.When)
		if p.own(other.At) && same && j > i {
			continue
		}
		own = append(own, other.When)
		by = append(by, other)
		if !p.own(other.At) {
			inherited = append(inherited, other.When)
		}
	}
	switch {
	case covers(inherited, rule.When):
		at := slices.IndexFunc(by, func(r Rule) bool { return !p.own(r.At) })
		return []Finding{lintInherited.at(rule.At, "%s: %s allows it already", call, by[at].At)}
	case covers(own, rule.When):
		return []Finding{lintCovered.at(rule.At, "%s: what this rule allows, %s allows already", call, by[0].At)}
	}
	return nil
}

// emptyReason says why a reason is none; "" for one that may do.
func emptyReason(why string) string {
	words := strings.Fields(why)
	for _, placeholder := range []string{"todo", "fixme", "xxx", "tbd", "???"} {
		if len(words) > 0 && strings.HasPrefix(strings.ToLower(words[0]), placeholder) {
			return "its reason is still to be written"
		}
	}
	if len(words) < 2 {
		return "its reason is one word"
	}
	return ""
}

// checkMemory looks at what may be done to memory that holds code.
func (p *Profile) checkMemory() []Finding {
	var found []Finding
	for _, rule := range p.ownRules() {
		if rule.Action != Allow {
			continue
		}
		for _, call := range rule.Calls {
			if slices.Contains(codeCalls, call) {
				found = append(found, checkCode(call, &rule)...)
			}
			if call == "mmap" && cubeOf(rule.When).meets(cubeOf([]Compare{{Arg: 3, Mask: mapHugetlb, Value: mapHugetlb}})) && !fileOnly(&rule) {
				found = append(found, lintHuge.at(rule.At, `mmap: the kernel does not count huge pages as the booth's memory; add "flags & MAP_HUGETLB == 0"`))
			}
			if call == "clone" && rule.Phase == PhaseRun && !threadsOnly(&rule) {
				found = append(found, lintProcesses.at(rule.At, "clone: it can make processes or namespaces; compare flags as the profile threads does"))
			}
		}
	}
	return found
}

func checkCode(call string, rule *Rule) []Finding {
	prot := func(bits uint64) bool {
		return cubeOf(rule.When).meets(cubeOf([]Compare{{Arg: 2, Mask: bits, Value: bits}}))
	}
	switch {
	case prot(protWrite | protExec):
		return []Finding{lintWriteExec.at(rule.At, `%s: %s; add "prot & PROT_EXEC == 0", or for code from files "prot & PROT_WRITE == 0"`, call, riskOf(call))}
	case rule.Phase == PhaseRun && prot(protExec):
		return []Finding{lintExec.at(rule.At, `%s: %s; the rule can be one of phase = "load", or have "prot & PROT_EXEC == 0"`, call, riskOf(call))}
	}
	return nil
}

// fileOnly reports whether a rule maps files only: a file of a booth is never
// on hugetlbfs, the only kind that huge pages come from.
func fileOnly(rule *Rule) bool {
	const mapAnonymous = 0x20
	return !cubeOf(rule.When).meets(cubeOf([]Compare{{Arg: 3, Mask: mapAnonymous, Value: mapAnonymous}}))
}

// threadsOnly reports whether the flags of clone are bound to make a thread of
// the same process, in the same namespaces.
func threadsOnly(rule *Rule) bool {
	flags := cubeOf(rule.When)[0]
	thread := constants["CLONE_VM"] | constants["CLONE_SIGHAND"] | constants["CLONE_THREAD"]
	var namespaces uint64
	for name, bit := range constants {
		if strings.HasPrefix(name, "CLONE_NEW") {
			namespaces |= bit
		}
	}
	return flags.value&thread == thread && flags.mask&namespaces == namespaces && flags.value&namespaces == 0
}

// checkKills looks for calls that strict calls attacks and this profile takes
// for mistakes.
func (p *Profile) checkKills() []Finding {
	strict, err := Named(Default)
	if err != nil {
		return nil // a test parses every embedded profile
	}
	at := Position{}
	if len(p.Chain) > 0 {
		at = p.Chain[0].At
	}
	var calls []string
	for _, rule := range strict.Rules {
		for _, call := range rule.Calls {
			if rule.Action == Kill && p.meaning(call, PhaseRun).verdict != VerdictKill && len(p.allowing(call, PhaseLoad)) == 0 {
				calls = append(calls, call)
			}
		}
	}
	if len(p.Chain) > 1 {
		calls = nil
		for _, r := range p.Removed {
			if r.Rule.Action == Kill && p.own(r.At) && p.meaning(r.Rule.Calls[0], PhaseRun).verdict == VerdictNotify {
				calls, at = append(calls, r.Rule.Calls...), r.At
			}
		}
	}
	if len(calls) == 0 {
		return nil
	}
	return []Finding{lintKill.at(at, "%s: no library tries these by accident; take over strict's rules with action = \"kill\"", strings.Join(calls, ", "))}
}
