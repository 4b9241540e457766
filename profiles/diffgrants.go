package profiles

import (
	"fmt"
	"slices"
	"strings"
)

// granted is one thing outside the booth that a profile allows.
type granted struct {
	kind, name string
	access     Access // files and devices
	what       string // for people
	why        string
	same       string // what must be the same for two grants of a name to be the same
	at         Position
}

// grants lists them one by one: a network grant with three destinations is
// three.
func (p *Profile) grants() []granted {
	var out []granted
	for _, g := range p.Files {
		out = append(out, granted{kind: "file", name: g.Inside, access: g.Access, what: fmt.Sprintf("%s %s", g.Access, g.Path), same: g.Path, why: g.Why, at: g.At})
	}
	for _, g := range p.Devices {
		out = append(out, granted{kind: "device", name: g.Path, access: g.Access, what: string(g.Access), why: g.Why, at: g.At})
	}
	for _, g := range p.Network {
		for _, to := range g.To {
			out = append(out, granted{kind: "network", name: to.String(), what: "connect", why: g.Why, at: g.At})
		}
	}
	for _, g := range p.Environment {
		out = append(out, granted{kind: "environment", name: g.Name, what: "read", why: g.Why, at: g.At})
	}
	return out
}

func diffGrants(a, b *Profile) []Difference {
	var out []Difference
	before, now := a.grants(), b.grants()
	for _, x := range before {
		i := slices.IndexFunc(now, x.isNamed)
		if i < 0 {
			out = append(out, Difference{Kind: x.kind, Name: x.name, Direction: Tighter, A: x.what, AtA: x.at})
			continue
		}
		if to := x.to(&now[i]); to != Same {
			out = append(out, Difference{Kind: x.kind, Name: x.name, Direction: to, A: x.what, B: now[i].what, AtA: x.at, AtB: now[i].at})
		}
	}
	for _, y := range now {
		if !slices.ContainsFunc(before, y.isNamed) {
			out = append(out, Difference{Kind: y.kind, Name: y.name, Direction: Looser, B: y.what, AtB: y.at})
		}
	}
	for _, layer := range a.Require {
		if !slices.Contains(b.Require, layer) {
			out = append(out, Difference{Kind: "require", Name: layer, Direction: Looser, A: "required"})
		}
	}
	for _, layer := range b.Require {
		if !slices.Contains(a.Require, layer) {
			out = append(out, Difference{Kind: "require", Name: layer, Direction: Tighter, B: "required"})
		}
	}
	slices.SortStableFunc(out, func(x, y Difference) int { return strings.Compare(x.Kind, y.Kind) })
	return out
}

func (g *granted) isNamed(o granted) bool { return g.kind == o.kind && g.name == o.name }

func (g *granted) to(now *granted) Direction {
	switch {
	case g.same != now.same:
		return Different
	case g.access == now.access:
		return Same
	case now.access == AccessWrite:
		return Looser
	}
	return Tighter
}
