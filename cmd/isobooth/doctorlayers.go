package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/isobooth/isobooth/profiles"
)

// What a machine does with a layer.
const (
	enforcedYes    = "yes"
	enforcedPartly = "partly"
	enforcedNo     = "no"
)

// What becomes of a booth whose layer is missing.
const (
	lossRefused = "refused" // it does not start
	lossAllowed = "allowed" // it starts: allow_missing in the config lists the layer
	lossLess    = "less"    // it starts; other layers hold, or it is only slower
)

// layerState is what doctor says of one layer for one profile.
type layerState struct {
	Layer    string   `json:"layer"`
	Needed   bool     `json:"needed"` // by this profile
	By       []string `json:"by"`     // FILE:LINE of what needs it; none: every booth does
	Required bool     `json:"required"`
	Enforced string   `json:"enforced"`
	// Tried says that it was done, or refused, just now; else How infers it.
	Tried     bool   `json:"tried"`
	How       string `json:"how"`
	IfMissing string `json:"if_missing"`
	Hint      string `json:"hint,omitempty"` // unless Enforced is yes
}

// stops reports whether no booth of the profile starts for lack of the layer.
func (l *layerState) stops() bool {
	return l.Needed && l.Enforced == enforcedNo && l.IfMissing == lossRefused
}

// attempt is what came of trying something.
type attempt struct {
	err  error
	how  string
	hint string
}

func (t attempt) state(tried bool) layerState {
	if t.err != nil {
		return layerState{Enforced: enforcedNo, Tried: tried, How: t.err.Error(), Hint: t.hint}
	}
	return layerState{Enforced: enforcedYes, Tried: tried, How: t.how}
}

// machine is what was found out about this one. Everything in it was tried,
// unless its name says otherwise.
type machine struct {
	kernel  string
	root    bool
	allowed []string // layers that the config allows to be missing

	spaces   map[string]attempt // namespaces, by name
	seccomp  map[string]attempt // a filter with a listener, "", and what more it can do
	landlock map[string]attempt // a ruleset, "", and rights of later versions
	sealed   attempt
	groups   map[string]attempt // a control group, "", and its limits by key
	rlimits  map[string]uint64  // hard limits, by key
	library  string             // of libseccomp; inferred

	// booth is an empty booth of the profile: by layer, what the jailer found
	// from outside, or why it could not be made. "" is the booth as a whole.
	booth map[string]attempt
}

// layers says of every layer whether the profile needs it, and whether it is
// enforced. It looks at nothing but its arguments.
func (m *machine) layers(p *profiles.Profile) []layerState {
	all := slices.Concat(m.boothLayers(), m.seccompLayers(p), m.landlockLayers(p), m.rlimitLayer(p), m.groupLayers(p), m.grantLayers(p))
	for i := range all {
		l := &all[i]
		base, _, _ := strings.Cut(l.Layer, ".")
		l.Required = slices.Contains(p.Require, l.Layer) || slices.Contains(p.Require, "namespaces") && slices.Contains(namespaceNames(), l.Layer)
		if l.IfMissing == "" {
			l.IfMissing = lossRefused
			if slices.Contains(m.allowed, base) && !slices.Contains(p.Require, base) {
				l.IfMissing = lossAllowed
			}
		}
		if l.By == nil {
			l.By = []string{}
		}
	}
	return all
}

func namespaceNames() []string {
	return []string{"user", "mount", "pid", "net", "ipc", "uts", "cgroupns", "time"}
}

// boothLayers are those that every booth has, and that are there with Linux
// 5.10 and user namespaces.
func (m *machine) boothLayers() []layerState {
	var all []layerState
	for _, name := range namespaceNames() {
		l := m.spaces[name].state(true)
		l.Layer, l.Needed = name, true
		all = append(all, l)
	}
	for _, name := range []string{"root", "capabilities", "no_new_privs"} {
		l := m.inBooth(name, "Linux 5.10 and a mount namespace have what it needs")
		l.Layer, l.Needed = name, true
		all = append(all, l)
	}
	l := m.sealed.state(true)
	l.Layer, l.Needed = "sealed_memory", true
	whole := m.booth[""].state(true)
	whole.Layer, whole.Needed = "booth", true
	return append(all, l, whole)
}

// inBooth is a layer as the empty booth has it; without such a booth it is
// inferred.
func (m *machine) inBooth(name, inferred string) layerState {
	if t, ok := m.booth[name]; ok {
		return t.state(true)
	}
	if m.spaces["mount"].err != nil {
		return layerState{Enforced: enforcedNo, How: "there is no mount namespace", Hint: m.spaces["mount"].hint}
	}
	return layerState{Enforced: enforcedYes, How: inferred}
}

func (m *machine) seccompLayers(p *profiles.Profile) []layerState {
	base := m.seccomp[""].state(true)
	if t, ok := m.booth["seccomp"]; ok && base.Enforced == enforcedYes {
		base = t.state(true)
	}
	base.Layer, base.Needed = "seccomp", true
	all := []layerState{base}
	for _, part := range seccompParts {
		l := m.seccomp[part.name].state(true)
		l.Layer, l.IfMissing = "seccomp."+part.name, part.loss
		if part.network {
			l.By = networkBy(p)
			l.Needed = len(l.By) > 0
		}
		if l.Enforced == enforcedNo {
			l.Hint = part.without
		}
		all = append(all, l)
	}
	return append(all, layerState{Layer: "seccomp.calls", Needed: true, Enforced: enforcedYes, How: m.library, IfMissing: lossLess})
}

// seccompParts are what a filter's listener can do on newer kernels;
// seccomp_unotify(2).
var seccompParts = []struct {
	name    string
	network bool // a network grant needs it
	loss    string
	without string // what is so without it
}{
	{"addfd", true, lossRefused, "network grants need Linux 5.9"},
	{"addfd_send", false, lossLess, "Linux 5.14 has it; without it a connection takes one call more"},
	{"wait_killable_recv", false, lossLess, "Linux 5.19 has it; without it a signal can interrupt a held call, which is then made again"},
	{"sync_wake_up", false, lossLess, "Linux 6.6 has it; without it refused calls and loading take longer"},
}

func networkBy(p *profiles.Profile) []string {
	var by []string
	for _, n := range p.Network {
		by = append(by, n.At.String())
	}
	return by
}

// landlockParts are the rights that came after the first version.
var landlockParts = []struct {
	name    string
	since   string
	without string // what holds without it
	by      func(p *profiles.Profile) []string
}{
	{"refer", "ABI 2, Linux 5.19", "renaming between folders is then refused altogether", nil},
	{"truncate", "ABI 3, Linux 6.2", "a granted file can then be emptied where it can be written; read-only ones are mounted so", func(p *profiles.Profile) []string { return writesBy(p) }},
	{"net", "ABI 4, Linux 6.7", "the network namespace has no way out, either", networkBy},
	{"ioctl_dev", "ABI 5, Linux 6.10", "the filter alone then decides about ioctl on granted devices", func(p *profiles.Profile) []string { return devicesBy(p, false) }},
	{"scope", "ABI 6, Linux 6.12", "the pid, ipc and net namespaces keep signals and sockets inside", nil},
}

func writesBy(p *profiles.Profile) []string {
	var by []string
	for _, f := range p.Files {
		if f.Access == profiles.AccessWrite {
			by = append(by, f.At.String())
		}
	}
	return by
}

// devicesBy lists the device grants, or those for reading alone.
func devicesBy(p *profiles.Profile, readOnly bool) []string {
	var by []string
	for _, d := range p.Devices {
		if !readOnly || d.Access != profiles.AccessWrite {
			by = append(by, d.At.String())
		}
	}
	return by
}

func (m *machine) landlockLayers(p *profiles.Profile) []layerState {
	base := m.landlock[""].state(true)
	base.Layer, base.Needed = "landlock", true
	var lacks []string
	var parts []layerState
	for _, part := range landlockParts {
		l := m.landlock[part.name].state(true)
		l.Layer, l.IfMissing = "landlock."+part.name, lossLess
		if part.by != nil {
			l.By = part.by(p)
			l.Needed = len(l.By) > 0
		}
		if l.Enforced == enforcedNo {
			l.Hint = part.since + " has it; " + part.without
			if l.Needed {
				lacks = append(lacks, part.name)
			}
		}
		parts = append(parts, l)
	}
	if base.Enforced == enforcedYes && len(lacks) > 0 {
		base.Enforced = enforcedPartly
		base.How += ", without " + strings.Join(lacks, " and ")
		base.Hint = "a newer kernel has what this profile needs beyond that"
	}
	if by := devicesBy(p, true); base.Enforced == enforcedNo && len(by) > 0 {
		// Nothing else keeps a device from being written to.
		base.By, base.IfMissing = by, lossRefused
	}
	return append([]layerState{base}, parts...)
}

// rlimitLayer holds what a profile wants against what this process may have.
func (m *machine) rlimitLayer(p *profiles.Profile) []layerState {
	l := m.inBooth("rlimits", "all are below what this process may have")
	l.Layer, l.Needed = "rlimits", true
	want := map[string]uint64{"open_files": p.Limits.OpenFiles, "file_size": p.Limits.FileSize, "address_space": p.Limits.AddressSpace}
	for _, key := range []string{"open_files", "file_size", "address_space"} {
		l.By = append(l.By, p.LimitsAt[key].String())
		if hard, ok := m.rlimits[key]; ok && want[key] > hard && l.Enforced == enforcedYes && !l.Tried {
			l.Enforced, l.How = enforcedNo, fmt.Sprintf("%s: the profile has %d, this process may have %d", key, want[key], hard)
			l.Hint = "ulimit -H, or LimitNOFILE= and others in a unit, raise it"
		}
	}
	return []layerState{l}
}
