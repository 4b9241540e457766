package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/isobooth/isobooth/profiles"
)

// doctorSchema is the version of doctor's JSON about a profile: it changes
// when a key changes its meaning or goes, not when one is added.
const doctorSchema = 1

// profileReport is what doctor says of a profile on this machine.
type profileReport struct {
	Schema       int          `json:"schema"`
	Version      string       `json:"version"` // of isobooth
	Kernel       string       `json:"kernel"`
	Arch         string       `json:"arch"`
	User         int          `json:"user"`
	Profile      string       `json:"profile"`
	File         string       `json:"file"`
	Require      []string     `json:"require"`
	AllowMissing []string     `json:"allow_missing"`
	Starts       bool         `json:"starts"`
	Layers       []layerState `json:"layers"`
}

// doctorProfile reports what of a profile this machine can enforce.
func (a *app) doctorProfile(name string, asJSON bool) error {
	p, err := a.findProfile(name)
	if err != nil {
		return err
	}
	m := a.probe(p)
	r := m.report(p)
	if asJSON {
		writeJSON(a.stdout, r)
	} else {
		a.printProfileReport(r)
	}
	if r.Starts {
		return nil
	}
	var stops []string
	for i := range r.Layers {
		base, _, _ := strings.Cut(r.Layers[i].Layer, ".")
		if r.Layers[i].stops() && !slices.Contains(stops, base) {
			stops = append(stops, r.Layers[i].Layer)
		}
	}
	return fmt.Errorf("profile %q needs %s: %w", p.Name, strings.Join(stops, ", "), errMissing)
}

func (m *machine) report(p *profiles.Profile) *profileReport {
	r := &profileReport{
		Schema: doctorSchema, Version: version, Kernel: m.kernel, Arch: runtime.GOARCH, User: os.Geteuid(), Profile: p.Name,
		Require: append([]string{}, p.Require...), AllowMissing: append([]string{}, m.allowed...), Starts: true, Layers: m.layers(p),
	}
	if len(p.Chain) > 0 {
		r.File = p.Chain[0].At.File
	}
	for i := range r.Layers {
		r.Starts = r.Starts && !r.Layers[i].stops()
	}
	return r
}

func (a *app) printProfileReport(r *profileReport) {
	fmt.Fprintf(a.stdout, "profile %q (%s) on %s, user %d\n", r.Profile, r.File, r.Kernel, r.User)
	for i := range r.Layers {
		l := &r.Layers[i]
		needed := "every booth"
		switch {
		case !l.Needed:
			needed = "not needed"
		case len(l.By) > 0:
			needed = strings.Join(l.By, " ")
		}
		if l.Required {
			needed += ", required"
		}
		how := "inferred"
		if l.Tried {
			how = "tried"
		}
		fmt.Fprintf(a.stdout, "%-6s %-26s %s\n", l.Enforced, l.Layer, needed)
		fmt.Fprintf(a.stdout, "       %-26s %s: %s\n", "", how, printable(l.How))
		if l.Enforced == enforcedYes {
			continue
		}
		if l.Needed {
			fmt.Fprintf(a.stdout, "       %-26s %s\n", "", lossText[l.IfMissing])
		}
		if l.Hint != "" {
			fmt.Fprintf(a.stdout, "       %-26s hint: %s\n", "", printable(l.Hint))
		}
	}
	if r.Starts {
		fmt.Fprintln(a.stdout, "booths of this profile start here")
	} else {
		fmt.Fprintln(a.stdout, "booths of this profile do NOT start here")
	}
}

var lossText = map[string]string{
	lossRefused: "a booth that needs it does not start",
	lossAllowed: "booths start without it: the config allows it",
	lossLess:    "booths start; other layers hold, or it is only slower",
}
