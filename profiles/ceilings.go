package profiles

import (
	"fmt"
	"slices"
	"strings"
)

// Ceilings are what neither a profile that has them, nor one that extends it,
// nor anything laid over it may exceed. The zero value is none.
type Ceilings struct {
	Limits  map[string]LimitCeiling // by key
	Forbid  []Forbidden
	Files   *AccessCeiling
	Devices *AccessCeiling
	Network *NetworkCeiling
}

// LimitCeiling is the loosest value a limit may have.
type LimitCeiling struct {
	Text string // as in [limits]
	At   Position

	value Limits // the one limit; the others are not set
}

// Forbidden is a call or group that must not be allowed.
type Forbidden struct {
	Name string // of a group with its "@"
	At   Position

	calls []string // that it stands for
	// had are, for a group, the rules that the profile itself allows some of
	// these calls by; they stay.
	had []Rule
}

// AccessCeiling is the strongest access that may be granted.
type AccessCeiling struct {
	Access Access
	At     Position
}

// NetworkCeiling lists the hosts and networks that may be granted.
type NetworkCeiling struct {
	Hosts []string
	At    Position
}

type ceilingsDocument struct {
	Limits  map[string]any `toml:"limits"`
	Forbid  []string       `toml:"forbid"`
	Files   string         `toml:"files"`
	Devices string         `toml:"devices"`
	Network []string       `toml:"network"`
}

// ceilings tightens what the parents set. Nothing can be loosened.
func (p *parser) ceilings(profile *Profile) error {
	if err := p.limitCeilings(&profile.Ceilings); err != nil {
		return err
	}
	if err := p.forbid(profile); err != nil {
		return err
	}
	if err := p.accessCeiling("files", p.doc.Ceilings.Files, &profile.Ceilings.Files); err != nil {
		return err
	}
	if err := p.accessCeiling("devices", p.doc.Ceilings.Devices, &profile.Ceilings.Devices); err != nil {
		return err
	}
	return p.networkCeiling(&profile.Ceilings)
}

func (p *parser) limitCeilings(c *Ceilings) error {
	doc := p.doc.Ceilings.Limits
	if err := p.knownLimits("ceilings.limits", doc); err != nil {
		return err
	}
	for i := range limitKeys {
		key := &limitKeys[i]
		v, here := doc[key.name]
		if !here {
			continue
		}
		path := "ceilings.limits." + key.name
		ceiling := LimitCeiling{At: p.at(path)}
		text, err := key.value(v)
		if err == nil {
			err = key.set(&ceiling.value, text)
		}
		if err != nil {
			return p.fail(path, fmt.Errorf("ceiling of %s: %w", key.name, err))
		}
		ceiling.Text = key.text(&ceiling.value)
		if above, ok := c.Limits[key.name]; ok && key.looser(&ceiling.value, &above.value) {
			return p.fail(path, fmt.Errorf("ceiling of %s: %s is looser than %s, the ceiling at %s", key.name, ceiling.Text, above.Text, above.At))
		}
		if c.Limits == nil {
			c.Limits = map[string]LimitCeiling{}
		}
		c.Limits[key.name] = ceiling
	}
	return nil
}

func (p *parser) forbid(profile *Profile) error {
	for i, name := range p.doc.Ceilings.Forbid {
		path := fmt.Sprintf("ceilings.forbid[%d]", i)
		f := Forbidden{Name: name, At: p.at(path), calls: []string{name}}
		if strings.HasPrefix(name, "@") {
			group, err := findGroup(name)
			if err != nil {
				return p.fail(path, err)
			}
			f.calls, f.had = group.own(), profile.Rules
		} else if !knownCall(name) {
			return p.fail(path, fmt.Errorf("unknown syscall %q%s", name, meant(name, CallNames())))
		}
		profile.Ceilings.Forbid = append(profile.Ceilings.Forbid, f)
	}
	return nil
}

func (p *parser) accessCeiling(kind, text string, c **AccessCeiling) error {
	path := "ceilings." + kind
	if _, here := p.pos[path]; !here {
		return nil
	}
	a := Access(text)
	if a != AccessNone && a != AccessRead && a != AccessWrite {
		return p.fail(path, fmt.Errorf("ceiling of %s %q: want none, read or write", kind, text))
	}
	if *c != nil && a.above((*c).Access) {
		return p.fail(path, fmt.Errorf("ceiling of %s: %s is looser than %s, the ceiling at %s", kind, a, (*c).Access, (*c).At))
	}
	*c = &AccessCeiling{a, p.at(path)}
	return nil
}

// above reports whether a gives more than b.
func (a Access) above(b Access) bool {
	order := []Access{AccessNone, AccessRead, AccessWrite}
	return slices.Index(order, a) > slices.Index(order, b)
}

func (p *parser) networkCeiling(c *Ceilings) error {
	const path = "ceilings.network"
	if _, here := p.pos[path]; !here {
		return nil
	}
	next := &NetworkCeiling{At: p.at(path)}
	for i, text := range p.doc.Ceilings.Network {
		at := fmt.Sprintf("%s[%d]", path, i)
		host, err := checkHost(text)
		if err != nil {
			return p.fail(at, fmt.Errorf("ceiling of network: %w", err))
		}
		if c.Network != nil && !c.Network.covers(host) {
			return p.fail(at, fmt.Errorf("ceiling of network: %q is not within the ceiling at %s", host, c.Network.At))
		}
		next.Hosts = append(next.Hosts, host)
	}
	c.Network = next
	return nil
}

func (c *NetworkCeiling) covers(host string) bool {
	return slices.ContainsFunc(c.Hosts, func(ceiling string) bool { return within(host, ceiling) })
}

// allows reports whether a rule keeps to the ceiling.
func (f *Forbidden) allows(rule *Rule) bool {
	if rule.Action != Allow {
		return true
	}
	for _, call := range rule.Calls {
		if !slices.Contains(f.calls, call) {
			continue
		}
		if !slices.ContainsFunc(f.had, func(had Rule) bool {
			return had.Action == Allow && slices.Contains(had.Calls, call) &&
				(had.Phase == rule.Phase || had.Phase == PhaseRun) && implies(rule.When, had.When)
		}) {
			return false
		}
	}
	return true
}
