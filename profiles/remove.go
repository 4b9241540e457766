package profiles

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Removal is a rule for one call, of a parent, that a [[remove]] took away.
type Removal struct {
	Rule Rule // with that call alone in Calls
	At   Position
	Why  string
}

type removeDocument struct {
	Calls       []string `toml:"calls"`
	Phase       string   `toml:"phase"`
	Files       []string `toml:"files"`
	Devices     []string `toml:"devices"`
	Network     []string `toml:"network"`
	Environment []string `toml:"environment"`
	Why         string   `toml:"why"`
}

// removals takes away what the parents gave. Naming what they did not give is
// an error: the profile then does not do what its author thinks.
func (p *parser) removals(profile *Profile) error {
	if len(p.doc.Remove) > 0 && p.doc.Extends == "" {
		return p.fail("remove[0]", errors.New("remove: this profile extends none, there is nothing to remove"))
	}
	for i := range p.doc.Remove {
		path, doc := fmt.Sprintf("remove[%d]", i), &p.doc.Remove[i]
		switch {
		case len(doc.Calls)+len(doc.Files)+len(doc.Devices)+len(doc.Network)+len(doc.Environment) == 0:
			return p.fail(path, errors.New("remove: names nothing; want calls, files, devices, network or environment"))
		case doc.Phase != "" && len(doc.Calls) == 0:
			return p.fail(path+".phase", errors.New("remove: only calls have a phase"))
		case doc.Phase != "" && Phase(doc.Phase) != PhaseRun && Phase(doc.Phase) != PhaseLoad:
			return p.fail(path+".phase", fmt.Errorf("phase %q: want run or load", doc.Phase))
		case doc.Why == "":
			return p.fail(path+".why", errors.New("why is missing: say who does not need this"))
		}
		if err := oneLine("why", doc.Why); err != nil {
			return p.fail(path+".why", err)
		}
		for j, name := range doc.Calls {
			if err := p.removeCalls(profile, fmt.Sprintf("%s.calls[%d]", path, j), name, doc); err != nil {
				return err
			}
		}
		if err := p.removeGrants(profile, path, doc); err != nil {
			return err
		}
	}
	return nil
}

// removeCalls takes away every rule of a call, or of a group's own calls:
// whichever rule gave them, so that nothing of them is left.
func (p *parser) removeCalls(profile *Profile, at, name string, doc *removeDocument) error {
	calls := []string{name}
	if strings.HasPrefix(name, "@") {
		group, err := findGroup(name)
		if err != nil {
			return p.fail(at, err)
		}
		calls = group.own()
	} else if !knownCall(name) {
		return p.fail(at, fmt.Errorf("unknown syscall %q%s", name, meant(name, CallNames())))
	}
	var kept []Rule
	found := false
	for _, rule := range profile.Rules {
		if doc.Phase != "" && rule.Phase != Phase(doc.Phase) {
			kept = append(kept, rule)
			continue
		}
		stay := rule
		stay.Calls = nil
		for _, call := range rule.Calls {
			if !slices.Contains(calls, call) {
				stay.Calls = append(stay.Calls, call)
				continue
			}
			found = true
			gone := rule
			gone.Calls = []string{call}
			profile.Removed = append(profile.Removed, Removal{Rule: gone, At: p.at(at), Why: doc.Why})
		}
		if len(stay.Calls) > 0 {
			kept = append(kept, stay)
		}
	}
	if !found {
		in := ""
		if doc.Phase != "" {
			in = " of phase " + doc.Phase
		}
		return p.fail(at, fmt.Errorf("remove: no rule%s of a parent names %q", in, name))
	}
	profile.Rules = kept
	return nil
}

func (p *parser) removeGrants(profile *Profile, path string, doc *removeDocument) error {
	for _, kind := range []struct {
		name   string
		wanted []string
		remove func(string) bool
	}{
		{"files", doc.Files, profile.removeFile},
		{"devices", doc.Devices, profile.removeDevice},
		{"network", doc.Network, profile.removeDestination},
		{"environment", doc.Environment, profile.removeEnvironment},
	} {
		for i, what := range kind.wanted {
			if !kind.remove(what) {
				return p.fail(fmt.Sprintf("%s.%s[%d]", path, kind.name, i), fmt.Errorf("remove: no parent grants %s %q", kind.name, what))
			}
		}
	}
	return nil
}

func (p *Profile) removeFile(inside string) (found bool) {
	n := len(p.Files)
	p.Files = slices.DeleteFunc(p.Files, func(g FileGrant) bool { return g.Inside == inside })
	return len(p.Files) < n
}

func (p *Profile) removeDevice(path string) (found bool) {
	n := len(p.Devices)
	p.Devices = slices.DeleteFunc(p.Devices, func(g DeviceGrant) bool { return g.Path == path })
	return len(p.Devices) < n
}

func (p *Profile) removeDestination(text string) (found bool) {
	var kept []NetworkGrant
	for _, g := range p.Network {
		n := len(g.To)
		g.To = slices.DeleteFunc(g.To, func(d Destination) bool { return d.String() == text })
		found = found || len(g.To) < n
		if len(g.To) > 0 {
			kept = append(kept, g)
		}
	}
	p.Network = kept
	return found
}

func (p *Profile) removeEnvironment(name string) (found bool) {
	n := len(p.Environment)
	p.Environment = slices.DeleteFunc(p.Environment, func(g EnvironmentGrant) bool { return g.Name == name })
	return len(p.Environment) < n
}
