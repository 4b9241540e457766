package main

import (
	"errors"

	"github.com/isobooth/isobooth/profiles"
)

// groupKeys are the limits of a control group, and when a profile needs more
// than every kernel with the basic controllers has.
var groupKeys = []struct {
	key    string
	needed func(l *profiles.Limits) bool
}{
	{"memory", nil}, {"swap", nil}, {"cpu", nil}, {"pids", nil},
	{"cpu_weight", func(l *profiles.Limits) bool { return l.CPUWeight != 0 && l.CPUWeight != 100 }},
	{"cpus", func(l *profiles.Limits) bool { return len(l.CPUs) > 0 }},
	{"io_weight", func(l *profiles.Limits) bool { return l.IOWeight != 0 && l.IOWeight != 100 }},
}

func (m *machine) groupLayers(p *profiles.Profile) []layerState {
	whole := m.groups[""]
	base := whole.state(true)
	base.Layer, base.Needed = "cgroup", true
	all := []layerState{base}
	for _, k := range groupKeys {
		t, tried := m.groups[k.key], true
		if whole.err != nil {
			t, tried = attempt{err: errors.New("there are no control groups")}, false
		}
		l := t.state(tried)
		l.Layer, l.Needed = "cgroup."+k.key, k.needed == nil || k.needed(&p.Limits)
		if at, ok := p.LimitsAt[k.key]; ok && l.Needed {
			l.By = []string{at.String()}
		}
		switch {
		case whole.err != nil: // what becomes of the layer becomes of its parts
		case k.key == "swap" && p.Limits.Swap == 0 && l.Enforced == enforcedNo:
			l.Enforced, l.IfMissing = enforcedPartly, lossLess
			l.How += "; no swap is asked for, and swappiness 0 keeps nearly all out of it"
		default:
			l.IfMissing = lossRefused
		}
		all = append(all, l)
	}
	return all
}

// grantLayers are what file, device, network and /tmp grants need.
func (m *machine) grantLayers(p *profiles.Profile) []layerState {
	var files []string
	for _, f := range p.Files {
		files = append(files, f.At.String())
	}
	add := func(name string, by []string, l layerState) layerState {
		l.Layer, l.By, l.Needed = name, by, len(by) > 0
		return l
	}
	granted := func(name, inferred string) layerState {
		if t, ok := m.booth[name]; ok {
			return t.state(true)
		}
		return layerState{Enforced: enforcedYes, How: inferred}
	}
	idmap := layerState{Enforced: enforcedYes, How: "a booth of this user needs no mapping of owners"}
	if m.root {
		idmap = granted("files.idmapped", "Linux 5.12 has it, each file system since a version of its own")
	}
	network := m.seccomp["addfd"].state(true)
	if network.Enforced == enforcedYes {
		network = granted("network", "the listener has what it needs")
	}
	var tmp, environment []string
	if p.Limits.TmpSize > 0 {
		tmp = append(tmp, p.LimitsAt["tmp_size"].String())
	}
	for _, e := range p.Environment {
		environment = append(environment, e.At.String())
	}
	return []layerState{
		add("files", files, granted("files", "bind mounts")),
		add("files.idmapped", files, idmap),
		add("devices", devicesBy(p, false), granted("devices", "bind mounts")),
		add("tmp", tmp, granted("tmp", "a tmpfs")),
		add("network", networkBy(p), network),
		add("environment", environment, granted("environment", "it is set by the jailer")),
	}
}
