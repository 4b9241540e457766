package profiles

import (
	"fmt"
	"maps"
	"slices"
)

// Overlay is what the user's config or a command gives one plugin beyond its
// profile, or less.
type Overlay struct {
	Source Position          // what errors name, and where a grant without a place stands
	Limits map[string]string // by the names of LimitNames, values as in a profile

	Files       []FileGrant
	Devices     []DeviceGrant
	Network     []NetworkGrant
	Environment []EnvironmentGrant
}

// Overlay returns a profile with o on top; p stays as it is. The same is
// checked as for a profile that extends p, ceilings among it. A grant needs no
// Why: the user's own word is reason enough. An error wraps ErrInvalid and
// names o.Source.
func (p *Profile) Overlay(o Overlay) (*Profile, error) {
	fail := func(err error) (*Profile, error) {
		return nil, &parseError{file: o.Source.File, line: o.Source.Line, err: err}
	}
	q := *p
	q.LimitsAt = maps.Clone(p.LimitsAt)
	if q.LimitsAt == nil {
		q.LimitsAt = map[string]Position{}
	}
	q.Files, q.Devices = slices.Clone(p.Files), slices.Clone(p.Devices)
	q.Network, q.Environment = slices.Clone(p.Network), slices.Clone(p.Environment)
	for _, name := range slices.Sorted(maps.Keys(o.Limits)) {
		key := findLimit(name)
		if key == nil {
			return fail(fmt.Errorf("unknown limit %q", name))
		}
		if err := key.set(&q.Limits, o.Limits[name]); err != nil {
			return fail(fmt.Errorf("%s: %w", name, err))
		}
		q.LimitsAt[name] = o.Source
	}
	if _, err := q.Limits.fit(); err != nil {
		return fail(err)
	}
	if err := q.overlayGrants(&o); err != nil {
		return fail(err)
	}
	if e := q.excess(); e != nil {
		return fail(e)
	}
	return &q, nil
}

func (p *Profile) overlayGrants(o *Overlay) error {
	place := func(at *Position, why *string) {
		if at.File == "" {
			*at = o.Source
		}
		if *why == "" {
			*why = "the user allows it"
		}
	}
	for _, g := range o.Files {
		place(&g.At, &g.Why)
		if err := p.addFile(g); err != nil {
			return fmt.Errorf("files: %w", err)
		}
	}
	for _, g := range o.Devices {
		place(&g.At, &g.Why)
		if err := p.addDevice(g); err != nil {
			return fmt.Errorf("devices: %w", err)
		}
	}
	for _, g := range o.Network {
		place(&g.At, &g.Why)
		if err := p.addNetwork(g); err != nil {
			return fmt.Errorf("network: %w", err)
		}
	}
	for _, g := range o.Environment {
		place(&g.At, &g.Why)
		if err := p.addEnvironment(g); err != nil {
			return err
		}
	}
	if at, err := p.fitGrants(); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	return nil
}
