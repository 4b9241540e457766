package profiles

import (
	"slices"
	"testing"
	"time"
)

func TestCheck(t *testing.T) {
	huge := Compare{Arg: 3, Mask: mapHugetlb}
	prot := func(mask, value uint64) Compare { return Compare{Arg: 2, Mask: mask, Value: value} }
	add := func(rules ...Rule) func(p *Profile) {
		return func(p *Profile) { p.Rules = append(p.Rules, rules...) }
	}
	grant := func(g FileGrant) func(p *Profile) {
		return func(p *Profile) {
			p.Rules = append(p.Rules, allow(PhaseRun, nil, "openat"))
			g.Why, p.Limits.FileSize = "for tests", 1<<20
			p.Files = append(p.Files, g)
		}
	}
	device := func(path string) func(p *Profile) {
		return func(p *Profile) {
			p.Rules = append(p.Rules, allow(PhaseRun, nil, "openat"))
			p.Devices = []DeviceGrant{{Path: path, Access: AccessRead, Why: "for tests"}}
		}
	}
	network := func(host string) func(p *Profile) {
		return func(p *Profile) {
			p.Rules = append(p.Rules, allow(PhaseRun, []Compare{{Arg: 0, Mask: word, Value: 2}}, "socket"))
			p.Network = []NetworkGrant{{To: []Destination{{TCP, host, 80}}, Why: "for tests"}}
		}
	}
	thread := constants["CLONE_VM"] | constants["CLONE_SIGHAND"] | constants["CLONE_THREAD"]
	const namespaces = 0x7e020000 // CLONE_NEW*
	tests := []struct {
		name   string
		change func(p *Profile)
		want   []string
	}{
		{"strict", func(*Profile) {}, nil},
		{"dangerous", add(allow(PhaseRun, nil, "unshare")), []string{"IB002"}},
		{"no condition on a selector", add(allow(PhaseRun, nil, "ioctl")), []string{"IB003"}},
		{"a condition on it", add(allow(PhaseRun, []Compare{{0, word, 15}}, "prctl")), nil},
		{"twice the same", add(allow(PhaseRun, nil, "getpid"), allow(PhaseRun, nil, "getpid")), []string{"IB004"}},
		{"narrower beside wider", add(allow(PhaseRun, []Compare{{0, 1, 1}}, "getpid"), allow(PhaseRun, nil, "getpid")), []string{"IB004"}},
		{"two cover one", add(allow(PhaseRun, []Compare{{0, 1, 1}}, "getpid"), allow(PhaseRun, []Compare{{0, 1, 0}}, "getpid"),
			allow(PhaseRun, []Compare{{0, 2, 0}}, "getpid")), []string{"IB004"}},
		{"overlap only", add(allow(PhaseRun, []Compare{{0, 1, 1}}, "getpid"), allow(PhaseRun, []Compare{{0, 2, 2}}, "getpid")), nil},
		{"load beside run", add(allow(PhaseLoad, nil, "readlink"), allow(PhaseRun, nil, "readlink")), []string{"IB004"}},
		{"a group's rule", add(allow(PhaseRun, nil, "getpid"), Rule{Calls: []string{"getpid"}, Phase: PhaseRun, Action: Allow, Why: "for tests", Group: "@time"}), nil},
		{"to be written", add(Rule{Calls: []string{"getpid"}, Phase: PhaseRun, Action: Allow, Why: unreasoned}), []string{"IB006"}},
		{"one word", add(Rule{Calls: []string{"getpid"}, Phase: PhaseRun, Action: Allow, Why: "needed"}), []string{"IB006"}},
		{"write and run", func(p *Profile) {
			without(p, "mprotect")
			p.Rules = append(p.Rules, allow(PhaseRun, nil, "mprotect"))
		}, []string{"IB007"}},
		{"write and run while loading", add(allow(PhaseLoad, []Compare{prot(protExec, protExec), huge}, "mmap")), []string{"IB007"}},
		{"run what was written", func(p *Profile) {
			without(p, "mprotect")
			p.Rules = append(p.Rules, allow(PhaseRun, []Compare{prot(protWrite, 0)}, "mprotect"))
		}, []string{"IB008"}},
		{"huge pages", func(p *Profile) {
			without(p, "mmap")
			p.Rules = append(p.Rules, allow(PhaseRun, []Compare{prot(protExec, 0)}, "mmap"))
		}, []string{"IB009"}},
		{"open without grant", add(allow(PhaseRun, nil, "openat")), []string{"IB004", "IB010"}},
		{"socket without grant", add(allow(PhaseRun, []Compare{{0, word, 2}}, "socket")), []string{"IB010"}},
		{"local socket", add(allow(PhaseRun, []Compare{{0, word, 1}}, "socket")), nil},
		{"grant without open", func(p *Profile) {
			p.Files = []FileGrant{{Path: "/clips", Inside: "/clips", Access: AccessRead, Why: "for tests"}}
			p.Devices = []DeviceGrant{{Path: "/dev/snd/*", Access: AccessRead, Why: "for tests"}}
			p.Network = []NetworkGrant{{To: []Destination{{TCP, "::1", 80}}, Why: "for tests"}}
		}, []string{"IB011", "IB011", "IB011"}},
		{"processes", func(p *Profile) {
			p.Limits.Threads = 2
			p.Rules = append(p.Rules, allow(PhaseRun, []Compare{{0, namespaces, 0}}, "clone"))
		}, []string{"IB012"}},
		{"namespaces", func(p *Profile) {
			p.Limits.Threads = 2
			p.Rules = append(p.Rules, allow(PhaseRun, []Compare{{0, thread, thread}}, "clone"))
		}, []string{"IB002", "IB012"}},
		{"threads", func(p *Profile) {
			p.Limits.Threads = 2
			p.Rules = append(p.Rules, allow(PhaseRun, []Compare{{0, thread | namespaces, thread}}, "clone"))
		}, nil},
		{"threads that cannot be", func(p *Profile) { p.Limits.Threads = 2 }, []string{"IB013"}},
		{"no room for a thread", func(p *Profile) {
			p.Limits.Pids = 1
			p.Rules = append(p.Rules, allow(PhaseRun, []Compare{{0, thread | namespaces, thread}}, "clone"))
		}, []string{"IB013"}},
		{"memory out of reach", func(p *Profile) { p.Limits.AddressSpace = 1 << 20 }, []string{"IB013"}},
		{"more CPU than processors", func(p *Profile) { p.Limits.CPUs, p.Limits.CPU = []int{1}, 2 }, []string{"IB013"}},
		{"a folder that cannot be written", func(p *Profile) {
			grant(FileGrant{Path: "/clips", Inside: "/clips", Access: AccessWrite})(p)
			p.Limits.FileSize = 0
		}, []string{"IB004", "IB013"}},
		{"kills lost", func(p *Profile) { without(p, "ptrace") }, []string{"IB015"}},
		{"a folder", grant(FileGrant{Path: "~/clips", Inside: "/work", Access: AccessWrite}), []string{"IB004"}},
		{"the machine", grant(FileGrant{Path: "/etc/", Inside: "/work", Access: AccessRead}), []string{"IB004", "IB016"}},
		{"the home", grant(FileGrant{Path: "~/", Inside: "/work", Access: AccessRead}), []string{"IB004", "IB016"}},
		{"the disk", device("/dev/sda1"), []string{"IB004", "IB016"}},
		{"all devices", device("/dev/*"), []string{"IB004", "IB016"}},
		{"any terminal", device("/dev/tt[xy]0"), []string{"IB004", "IB016"}},
		{"sound", device("/dev/snd/pcm*"), []string{"IB004"}},
		{"one host", network("192.168.1.7"), nil},
		{"a name", network("obs.lan"), nil},
		{"the loopback", network("127.0.0.0/8"), nil},
		{"everything", network("0.0.0.0/0"), []string{"IB017"}},
		{"half of IPv6", network("8000::/1"), []string{"IB017"}},
		{"credentials", network("169.254.169.254"), []string{"IB017"}},
		{"secrets", func(p *Profile) {
			p.Environment = []EnvironmentGrant{{Name: "LANG"}, {Name: "LD_PRELOAD"}, {Name: "MY_API_KEY"}}
		}, []string{"IB018", "IB018"}},
		{"a grant in a grant", func(p *Profile) {
			grant(FileGrant{Path: "/clips", Inside: "/work", Access: AccessRead})(p)
			p.Files = append(p.Files, FileGrant{Path: "/clips/a", Inside: "/a", Access: AccessRead, Why: "for tests"})
		}, []string{"IB004", "IB019"}},
		{"a wider one in a grant", func(p *Profile) {
			grant(FileGrant{Path: "/clips", Inside: "/work", Access: AccessRead})(p)
			p.Files = append(p.Files, FileGrant{Path: "/clips/a", Inside: "/a", Access: AccessWrite, Why: "for tests"})
		}, []string{"IB004"}},
		{"a folder twice", func(p *Profile) {
			grant(FileGrant{Path: "/clips", Inside: "/work", Access: AccessRead})(p)
			p.Files = append(p.Files, FileGrant{Path: "/clips", Inside: "/clips", Access: AccessRead, Why: "for tests"})
		}, []string{"IB004", "IB019"}},
		{"patience", func(p *Profile) { p.Limits.TriggerTimeout = time.Minute }, []string{"IB020"}},
	}
	seen := map[string]bool{}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := Named(Default)
			if err != nil {
				t.Fatal(err)
			}
			p.Chain = nil // all of it is its own
			test.change(p)
			var got []string
			for _, f := range p.Check() {
				got = append(got, f.ID)
				seen[f.ID] = true
				if f.Text == "" {
					t.Errorf("%s says nothing", f.ID)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, test.want) {
				t.Errorf("found %v, want %v: %v", got, test.want, p.Check())
			}
		})
	}
	for _, l := range Lints() {
		if !seen[l.ID] && !slices.Contains([]Lint{lintLoad, lintInherited, lintCeiling}, l) {
			t.Errorf("%s is never found", l.ID)
		}
	}
}

// TestCheckInherited: what a parent says is the parent's, what both say is
// said twice.
func TestCheckInherited(t *testing.T) {
	parent, err := Named(Default)
	if err != nil {
		t.Fatal(err)
	}
	child := *parent
	child.Chain = []Source{{"mine", Position{"mine.toml", 1}}, {Default, Position{"embedded:strict.toml", 1}}}
	child.Rules = slices.Clone(parent.Rules)
	for i := range child.Rules {
		child.Rules[i].At = Position{"embedded:strict.toml", 10 + i}
		child.Rules[i].Why = unreasoned // not the child's to answer for
	}
	child.LimitsAt = map[string]Position{"memory": {"mine.toml", 4}, "cpu": {"mine.toml", 5}, "pids": {"embedded:strict.toml", 9}}
	child.Limits.CPU = 1
	if got := child.Check(); len(got) != 0 {
		t.Errorf("found %v in what is inherited", got)
	}
	same := allow(PhaseRun, nil, "futex")
	same.At = Position{"mine.toml", 7}
	child.Rules = append(child.Rules, same)
	got := child.Check()
	if len(got) != 1 || got[0].ID != "IB005" || got[0].At != same.At {
		t.Errorf("found %v, want IB005 at %v", got, same.At)
	}
	if got := child.CheckParent(parent); len(got) != 1 || got[0].ID != "IB005" || got[0].At.Line != 4 {
		t.Errorf("found %v, want IB005 at the limit memory", got)
	}
}

func TestLintsAreStable(t *testing.T) {
	var ids []string
	for _, l := range Lints() {
		ids = append(ids, l.ID)
		if l.Title == "" || l.Severity != Error && l.Severity != Warning {
			t.Errorf("lint %+v", l)
		}
	}
	if !slices.IsSorted(ids) || len(slices.Compact(ids)) != len(Lints()) {
		t.Errorf("ids %v", ids)
	}
}

// TestEmbeddedProfiles: what is built in has no finding but those that
// docs/profile-lints.md gives a reason for.
func TestEmbeddedProfiles(t *testing.T) {
	known := map[string][]string{
		// Their files and destinations are the config's word.
		"network-client": {"IB010", "IB010"},
		"legacy":         {"IB010", "IB010"},
	}
	for _, name := range Names() {
		p, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		found := p.Check()
		if len(p.Chain) > 1 {
			parent, err := Named(p.Chain[1].Name)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, p.CheckParent(parent)...)
		}
		var ids []string
		for _, f := range found {
			ids = append(ids, f.ID)
		}
		if !slices.Equal(ids, known[name]) {
			t.Errorf("%s: found %v", name, found)
		}
	}
}
