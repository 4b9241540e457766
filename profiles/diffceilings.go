package profiles

import (
	"slices"
	"strings"
)

// diffCeilings compares what profiles that extend a or b, and the config, may
// not exceed.
func diffCeilings(a, b *Ceilings) []Difference {
	var out []Difference
	add := func(name, before, now string, atA, atB Position, to Direction) {
		switch {
		case before == now:
			return
		case before == "":
			to = Tighter
		case now == "":
			to = Looser
		}
		out = append(out, Difference{Kind: "ceiling", Name: name, Direction: to, A: before, B: now, AtA: atA, AtB: atB})
	}
	for i := range limitKeys {
		k := &limitKeys[i]
		x, y := a.Limits[k.name], b.Limits[k.name]
		add("limits."+k.name, x.Text, y.Text, x.At, y.At, k.change(&x.value, &y.value))
	}
	for _, f := range a.Forbid {
		if !b.forbidsName(f.Name) {
			add("forbid "+f.Name, "forbidden", "", f.At, Position{}, Looser)
		}
	}
	for _, f := range b.Forbid {
		if !a.forbidsName(f.Name) {
			add("forbid "+f.Name, "", "forbidden", Position{}, f.At, Tighter)
		}
	}
	for _, kind := range []struct {
		name string
		x, y *AccessCeiling
	}{{"files", a.Files, b.Files}, {"devices", a.Devices, b.Devices}} {
		x, y := kind.x.orNone(), kind.y.orNone()
		to := Tighter
		if y.Access.above(x.Access) {
			to = Looser
		}
		add(kind.name, string(x.Access), string(y.Access), x.At, y.At, to)
	}
	x, y := a.Network.orNone(), b.Network.orNone()
	add("network", x.text(), y.text(), x.At, y.At, networkChange(&x, &y))
	return out
}

func (c *Ceilings) forbidsName(name string) bool {
	return slices.ContainsFunc(c.Forbid, func(f Forbidden) bool { return f.Name == name })
}

// orNone is the ceiling, or one with nothing in it where there is none.
func (c *AccessCeiling) orNone() AccessCeiling {
	if c == nil {
		return AccessCeiling{}
	}
	return *c
}

func (c *NetworkCeiling) orNone() NetworkCeiling {
	if c == nil {
		return NetworkCeiling{}
	}
	return *c
}

// text is "" for no ceiling; one that allows no host has a place.
func (c *NetworkCeiling) text() string {
	switch {
	case c.At == (Position{}):
		return ""
	case len(c.Hosts) == 0:
		return "none"
	}
	return strings.Join(slices.Sorted(slices.Values(c.Hosts)), " ")
}

func networkChange(before, now *NetworkCeiling) Direction {
	inside := func(a, b *NetworkCeiling) bool {
		return !slices.ContainsFunc(a.Hosts, func(host string) bool { return !b.covers(host) })
	}
	return direction(inside(before, now), inside(now, before))
}
