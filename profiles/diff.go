package profiles

import (
	"fmt"
	"slices"
	"strings"
)

// Direction is which way a difference goes.
type Direction string

const (
	Same      Direction = ""
	Looser    Direction = "looser"
	Tighter   Direction = "tighter"
	Different Direction = "different" // neither, or both
)

// direction is that to something which allows at least, or at most, what there
// was before.
func direction(least, most bool) Direction {
	switch {
	case least && most:
		return Same
	case least:
		return Looser
	case most:
		return Tighter
	}
	return Different
}

// Difference is one thing that two profiles do not agree on.
type Difference struct {
	Kind      string // "call", "limit", "file", "device", "network", "environment", "require", "ceiling"
	Name      string
	Phase     Phase // of calls; "" for both
	Direction Direction
	A, B      string // what each says, for people; "" for nothing
	AtA, AtB  Position
}

// Diff compares what two profiles mean: what becomes of each call in each
// phase, limits, grants, required layers and ceilings. It looks at names, reasons and
// the order of rules as little as the kernel does. Direction is that of b,
// seen from a.
func Diff(a, b *Profile) []Difference {
	d := diffCalls(a, b)
	for i := range limitKeys {
		k := &limitKeys[i]
		if to := k.change(&a.Limits, &b.Limits); to != Same {
			d = append(d, Difference{Kind: "limit", Name: k.name, Direction: to,
				A: k.text(&a.Limits), B: k.text(&b.Limits), AtA: a.LimitsAt[k.name], AtB: b.LimitsAt[k.name]})
		}
	}
	d = append(d, diffGrants(a, b)...)
	return append(d, diffCeilings(&a.Ceilings, &b.Ceilings)...)
}

// Text is the difference as one line.
func (d *Difference) Text() string {
	name := d.Kind + " " + d.Name
	if d.Phase != "" {
		name += fmt.Sprintf(" (%s phase)", d.Phase)
	}
	from, to := d.A, d.B
	if from == "" {
		from = "nothing"
	}
	if to == "" {
		to = "nothing"
	}
	return fmt.Sprintf("%s %s: %s -> %s", d.Direction, name, from, to)
}

func diffCalls(a, b *Profile) []Difference {
	var names []string
	for _, p := range []*Profile{a, b} {
		for _, rule := range p.Rules {
			names = append(names, rule.Calls...)
		}
	}
	slices.Sort(names)
	var out []Difference
	for _, name := range slices.Compact(names) {
		load, run := diffCall(a, b, name, PhaseLoad), diffCall(a, b, name, PhaseRun)
		if load != nil && run != nil && load.Direction == run.Direction && load.A == run.A && load.B == run.B {
			run.Phase, load = "", nil
		}
		for _, d := range []*Difference{load, run} {
			if d != nil {
				out = append(out, *d)
			}
		}
	}
	return out
}

// meaning is what becomes of a call in one phase.
type meaning struct {
	verdict Verdict // VerdictNotify stands for the jailer's refusal
	errno   int
	when    [][]Compare // of VerdictAllow: alternatives
	at      Position
}

func (p *Profile) meaning(call string, phase Phase) meaning {
	m := meaning{verdict: VerdictNotify}
	for _, rule := range p.Rules {
		if !slices.Contains(rule.Calls, call) || rule.Phase == PhaseLoad && phase != PhaseLoad {
			continue
		}
		if m.at == (Position{}) {
			m.at = rule.At
		}
		switch rule.Action {
		case Errno:
			m.verdict, m.errno = VerdictErrno, rule.Errno
		case Kill:
			m.verdict = VerdictKill
		default:
			m.verdict, m.when = VerdictAllow, append(m.when, rule.When)
		}
	}
	m.when = widest(m.when)
	return m
}

func (m *meaning) text(call string) string {
	switch m.verdict {
	case VerdictKill:
		return "kill"
	case VerdictErrno:
		return errnoName(m.errno)
	case VerdictNotify:
		return "refused"
	}
	if covers(m.when, nil) {
		return "allowed"
	}
	var parts []string
	for _, all := range m.when {
		rule := Rule{When: all}
		parts = append(parts, strings.Join(rule.Conditions(call), " and "))
	}
	slices.Sort(parts)
	return "allowed where " + strings.Join(parts, ", or ")
}

func diffCall(a, b *Profile, call string, phase Phase) *Difference {
	before, now := a.meaning(call, phase), b.meaning(call, phase)
	to := before.to(&now)
	if to == Same {
		return nil
	}
	return &Difference{Kind: "call", Name: call, Phase: phase, Direction: to,
		A: before.text(call), B: now.text(call), AtA: before.at, AtB: now.at}
}

// to is the direction from m to now. A kill is tighter than a refusal; an
// errno of the filter and a refusal of the jailer only look different to the
// plugin.
func (m *meaning) to(now *meaning) Direction {
	switch {
	case m.verdict == VerdictAllow && now.verdict == VerdictAllow:
		return direction(coversAll(now.when, m.when), coversAll(m.when, now.when))
	case now.verdict == VerdictAllow:
		return Looser
	case m.verdict == VerdictAllow:
		return Tighter
	case m.verdict == now.verdict && m.errno == now.errno:
		return Same
	case m.verdict == VerdictKill:
		return Looser
	case now.verdict == VerdictKill:
		return Tighter
	}
	return Different
}
