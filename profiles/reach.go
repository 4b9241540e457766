package profiles

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Reach says whether something outside a booth is granted, and by which line.
type Reach struct {
	What    string
	Outcome Outcome // Allowed or Refused
	Access  Access  // of files and devices
	At      Position
	Text    string // one or two sentences, for people
	Edit    Edit   // the grant that would allow it; zero when it is allowed
}

// ReachPath asks for a path as the plugin sees it: a device below /dev, or a
// file. A grant of more counts before one of less.
func (p *Profile) ReachPath(name string) Reach {
	name = path.Clean(name)
	r := Reach{What: name, Outcome: Refused, Text: fmt.Sprintf("no grant has %s: in the booth it does not exist", name)}
	take := func(access Access, at Position, text, why string) {
		if r.Outcome == Allowed && access != AccessWrite {
			return
		}
		r.Outcome, r.Access, r.At = Allowed, access, at
		r.Text = fmt.Sprintf("%s, by %s%s: %q", text, at, p.inBrackets(at), why)
	}
	for _, g := range p.Files {
		if g.Inside == name || below(name, g.Inside) {
			take(g.Access, g.At, fmt.Sprintf("%s is %s of the host, to %s", g.Inside, g.Path, g.Access), g.Why)
		}
	}
	for _, g := range p.Devices {
		if ok, err := path.Match(g.Path, name); err == nil && ok {
			take(g.Access, g.At, fmt.Sprintf("%s matches %s, to %s", name, g.Path, g.Access), g.Why)
		}
	}
	if r.Outcome == Allowed && !p.allowsAny(openCalls...) {
		r.Text += "; but no rule of phase run allows openat, so it can be opened while loading only"
	}
	if r.Outcome == Refused {
		r.Edit = p.editForPath(name)
	}
	if slices.Contains([]string{"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"}, name) && r.Outcome == Refused {
		r.Text, r.Edit = name+" is in every booth; opening it takes a rule for openat", p.EditFor("openat", PhaseRun, nil)
	}
	return r
}

// ReachNetwork asks for a destination. A name is not resolved: it is compared
// as it stands, with names; an address also with networks.
func (p *Profile) ReachNetwork(to Destination) Reach {
	r := Reach{What: to.String(), Outcome: Refused, Text: fmt.Sprintf("no grant has %s", to.String())}
	for _, g := range p.Network {
		for _, have := range g.To {
			if have.Protocol == to.Protocol && have.Port == to.Port && within(to.Host, have.Host) {
				r.Outcome, r.At = Allowed, g.At
				r.Text = fmt.Sprintf("it may connect to %s, by %s%s: %q", have.String(), g.At, p.inBrackets(g.At), g.Why)
				return r
			}
		}
	}
	r.Edit = p.EditForDestination(to)
	return r
}

// ReachEnvironment asks for a variable.
func (p *Profile) ReachEnvironment(name string) Reach {
	r := Reach{What: name, Outcome: Refused, Text: fmt.Sprintf("no grant has %s: the plugin does not see it", name)}
	for _, g := range p.Environment {
		if g.Name == name {
			r.Outcome, r.At = Allowed, g.At
			r.Text = fmt.Sprintf("it gets the host's value of %s, by %s%s: %q", name, g.At, p.inBrackets(g.At), g.Why)
			return r
		}
	}
	r.Edit = p.editForGrant([]string{"[[environment]]", "names = " + quotedList([]string{name})}, "the plugin gets the host's value", "")
	return r
}

func (p *Profile) inBrackets(at Position) string {
	if via := p.Via(at, ""); via != "" {
		return " (" + via + ")"
	}
	return ""
}

// Granted is one grant, for listings.
type Granted struct {
	Kind string // "file", "device", "network", "environment"
	Name string // path inside, device, destination, variable
	Text string // what of it: "read ~/clips"
	Why  string
	At   Position
}

// Grants lists all grants, one destination and one variable at a time.
func (p *Profile) Grants() []Granted {
	var out []Granted
	for _, g := range p.grants() {
		out = append(out, Granted{g.kind, g.name, strings.TrimSpace(g.what), g.why, g.at})
	}
	return out
}
