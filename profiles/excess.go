package profiles

import "fmt"

// excess is something in a profile beyond one of its ceilings.
type excess struct {
	what    string   // the thing, in words
	at      Position // of the thing
	ceiling Position
}

func (e *excess) Error() string {
	return fmt.Sprintf("%s: beyond the ceiling at %s", e.what, e.ceiling)
}

// excess returns the first thing beyond a ceiling, or nil.
func (p *Profile) excess() *excess {
	for i := range limitKeys {
		key := &limitKeys[i]
		if c, ok := p.Ceilings.Limits[key.name]; ok && key.looser(&p.Limits, &c.value) {
			return &excess{fmt.Sprintf("%s: %s is looser than %s", key.name, key.text(&p.Limits), c.Text), p.LimitsAt[key.name], c.At}
		}
	}
	for i := range p.Ceilings.Forbid {
		f := &p.Ceilings.Forbid[i]
		for j := range p.Rules {
			if rule := &p.Rules[j]; !f.allows(rule) {
				return &excess{fmt.Sprintf("rule for %v: %s is forbidden", rule.Calls, f.Name), rule.At, f.At}
			}
		}
	}
	if c := p.Ceilings.Files; c != nil {
		for _, g := range p.Files {
			if g.Access.above(c.Access) {
				return &excess{fmt.Sprintf("files: %q is granted for %s, at most %s", g.Path, g.Access, c.Access), g.At, c.At}
			}
		}
	}
	if c := p.Ceilings.Devices; c != nil {
		for _, g := range p.Devices {
			if g.Access.above(c.Access) {
				return &excess{fmt.Sprintf("devices: %q is granted for %s, at most %s", g.Path, g.Access, c.Access), g.At, c.At}
			}
		}
	}
	if c := p.Ceilings.Network; c != nil {
		for _, g := range p.Network {
			for _, d := range g.To {
				if !c.covers(d.Host) {
					return &excess{fmt.Sprintf("network: %q is granted", d), g.At, c.At}
				}
			}
		}
	}
	return nil
}

// underCeilings is an error at the line of this file that exceeds a ceiling,
// or that sets one which the parents exceed.
func (p *parser) underCeilings(profile *Profile) error {
	e := profile.excess()
	switch {
	case e == nil:
		return nil
	case e.at.File == p.file:
		return &parseError{file: p.file, line: e.at.Line, err: e}
	}
	return &parseError{file: p.file, line: e.ceiling.Line, err: fmt.Errorf("%s: the ceiling is below what the parents give, at %s", e.what, e.at)}
}
