package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/isobooth/isobooth/cgroups"
	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/control"
	"github.com/isobooth/isobooth/verify"
)

// tryBooth builds an empty booth of the profile, which only our own code runs
// in, with what of its limits and grants can be had here, and removes it.
func (a *app) tryBooth(m *machine, p *profiles.Profile) {
	s := &session{app: a}
	defer func() {
		if err := s.close(); err != nil {
			a.say("warning: %v", err)
		}
	}()
	fail := func(err error, hint string) { m.booth[""] = attempt{err: err, hint: hint} }
	var err error
	if s.name, err = daemonName(); err != nil {
		fail(err, "")
		return
	}
	s.tree, err = cgroups.Open(s.name)
	if err != nil {
		m.groups = map[string]attempt{"": {err: err, hint: cgroups.Probe().Hint}}
	} else {
		m.groups = tryGroups(s.tree, &p.Limits)
	}
	if err := s.makeDir(); err != nil {
		fail(err, "")
		return
	}
	o := runner.HostOptions{Dir: s.dir, Landlock: m.landlock[""].err == nil, Observer: unheard{}, Groups: s.tree}
	for _, part := range []struct {
		name string
		to   *string
	}{{"isobooth-jail", &o.Jailer}, {"isobooth-worker", &o.Worker}} {
		if *part.to, err = findProgram(part.name, a.settings.Libexec); err != nil {
			fail(err, "make builds it beside isobooth; --libexec names another folder")
			return
		}
	}
	if s.host, err = runner.NewHost(o); err != nil {
		fail(err, "")
		return
	}
	s.tryPlan(m, p)
}

// tryPlan leaves out, one after the other, the grants that cannot be given
// and the limits that cannot be set: what remains is looked at all the same.
func (s *session) tryPlan(m *machine, p *profiles.Profile) {
	most := *p
	places := runner.ThisUser()
	places.Work = filepath.Join(s.dir, "work")
	if err := os.Mkdir(places.Work, 0o700); err != nil {
		m.booth[""] = attempt{err: err}
		return
	}
	for {
		plan, err := runner.NewPlanAt(places, "doctor", &verify.Plugin{ABI: "isobooth/1"}, &most)
		var layers []control.Layer
		if err == nil {
			possible(&plan.Limits.Group, m.groups)
			layers, err = s.host.Try(plan)
		}
		for _, l := range layers {
			m.note(l.Name, attempt{how: l.Detail})
		}
		if err == nil {
			m.granted(&most)
			m.booth[""] = attempt{how: "an empty one was built, looked at from outside and removed"}
			return
		}
		layer, hint := layerOf(err)
		if layer == "" && plan == nil && len(most.Network) > 0 {
			layer = "network" // a name that cannot be looked up, or a rule that does not go with it
		}
		m.note(layer, attempt{err: err, hint: hint})
		if !without(&most, layer, err) {
			m.booth[""] = attempt{err: err, hint: hint}
			return
		}
	}
}

// note keeps the first that was found of a layer.
func (m *machine) note(layer string, t attempt) {
	if _, ok := m.booth[layer]; !ok {
		m.booth[layer] = t
	}
}

// without takes the grant that an error is about out of a profile, or where
// that is not known all of its kind; false when there is none.
func without(p *profiles.Profile, layer string, err error) bool {
	var at profiles.Position // of no grant
	var grant *runner.GrantError
	if errors.As(err, &grant) {
		at = grant.At
	}
	before := len(p.Files) + len(p.Devices) + len(p.Environment) + len(p.Network)
	files, devices, environment := p.Files, p.Devices, p.Environment
	switch layer {
	case "files", "files.idmapped":
		p.Files = slices.DeleteFunc(slices.Clone(files), func(f profiles.FileGrant) bool { return grant == nil || f.At == at })
	case "devices":
		p.Devices = slices.DeleteFunc(slices.Clone(devices), func(d profiles.DeviceGrant) bool { return grant == nil || d.At == at })
	case "landlock": // nothing else keeps a device from being written to
		p.Devices = slices.DeleteFunc(slices.Clone(devices), func(d profiles.DeviceGrant) bool { return d.Access != profiles.AccessWrite })
	case "network":
		p.Network = nil
	case "environment":
		p.Environment = slices.DeleteFunc(slices.Clone(environment), func(e profiles.EnvironmentGrant) bool { return grant == nil || e.At == at })
	}
	return len(p.Files)+len(p.Devices)+len(p.Environment)+len(p.Network) < before
}

// granted notes of what was granted that it could be.
func (m *machine) granted(p *profiles.Profile) {
	given := attempt{how: "granted to the empty booth"}
	if len(p.Files) > 0 {
		m.note("files", given)
		m.note("files.idmapped", given)
	}
	if len(p.Devices) > 0 {
		m.note("devices", given)
	}
	if p.Limits.TmpSize > 0 {
		m.note("tmp", given)
	}
	if len(p.Network) > 0 {
		m.note("network", attempt{how: "granted to the empty booth: all names have addresses"})
	}
}

// layerOf names the layer of an error, with what to do.
func layerOf(err error) (layer, hint string) {
	var grant *runner.GrantError
	var missing *runner.LayerError
	switch {
	case errors.As(err, &grant):
		return grant.What, grant.Hint
	case errors.As(err, &missing) && missing.Layer == "files" && strings.Contains(err.Error(), "cannot map its owner"):
		return "files.idmapped", "grant a folder on another file system, or run the daemon as the user that owns it"
	case errors.As(err, &missing):
		return missing.Layer, ""
	}
	return "", ""
}

// possible takes out of limits what this machine has no controller for.
func possible(l *cgroups.Limits, groups map[string]attempt) {
	if groups["swap"].err != nil {
		l.Swap = 0
	}
	if groups["cpu_weight"].err != nil {
		l.CPUWeight = 0
	}
	if groups["cpus"].err != nil {
		l.CPUs = nil
	}
	if groups["io_weight"].err != nil {
		l.IOWeight = 0
	}
}

// unheard is the Observer of booths that run nothing.
type unheard struct{}

func (unheard) State(string, runner.State, *runner.Cause) {}
func (unheard) Denied(string, control.Denial)             {}
func (unheard) Trouble(string, string)                    {}
func (unheard) Limited(string, runner.Limit)              {}
