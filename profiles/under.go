package profiles

import "slices"

// Under returns the rules of p that the ceilings of base leave; p stays as it
// is. It is for what a booth of base is let do beyond base, to see what it
// needs.
func (p *Profile) Under(base *Profile) *Profile {
	q := *p
	q.Rules = nil
	for _, rule := range p.Rules {
		all := rule.Calls
		rule.Calls = nil
		for _, call := range all {
			one := rule
			one.Calls = []string{call}
			one.Phase = PhaseRun // what is let go on there is in both phases
			if !slices.ContainsFunc(base.Ceilings.Forbid, func(f Forbidden) bool { return !f.allows(&one) }) {
				rule.Calls = append(rule.Calls, call)
			}
		}
		if len(rule.Calls) > 0 {
			q.Rules = append(q.Rules, rule)
		}
	}
	return &q
}

// Capped returns limits with those beyond a ceiling of p lowered to it.
func (p *Profile) Capped(l Limits) Limits {
	for i := range limitKeys {
		key := &limitKeys[i]
		if c, ok := p.Ceilings.Limits[key.name]; ok && key.looser(&l, &c.value) {
			_ = key.set(&l, c.Text) // it is the text of the same limit
		}
	}
	return l
}

// UnderCeiling lowers a value of a limit to the ceiling of p, as text. What is
// no value of that limit stays as it is.
func (p *Profile) UnderCeiling(name, value string) string {
	key := findLimit(name)
	c, ok := p.Ceilings.Limits[name]
	var l Limits
	if ok && key.set(&l, value) == nil && key.looser(&l, &c.value) {
		return c.Text
	}
	return value
}
