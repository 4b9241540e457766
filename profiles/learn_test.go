package profiles

import (
	"strings"
	"testing"
)

// permissive is a profile for these tests: it allows what they let a plugin do.
const permissive = `
name = "permissive"
description = "for tests"
extends = "strict"

[[rules]]
calls = ["getpid", "rt_sigaction"]
phase = "run"
action = "allow"
why = "harmless"

[[rules]]
calls = ["clone"]
phase = "run"
when = ["flags & CLONE_THREAD|CLONE_NEWNS|CLONE_NEWCGROUP|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWUSER|CLONE_NEWPID|CLONE_NEWNET == CLONE_THREAD"]
action = "allow"
why = "threads only"

[[rules]]
calls = ["fcntl"]
phase = "run"
action = "allow"
why = "every order"

[[rules]]
calls = ["statx"]
phase = "load"
action = "allow"
why = "while loading"
`

func learnFor(t testing.TB, seen []Seen, limits ...NeededLimit) (*Learned, *Profile) {
	t.Helper()
	wide, err := ParseProfile("permissive.toml", []byte(permissive))
	if err != nil {
		t.Fatal(err)
	}
	for i := range seen {
		seen[i].Granted = wide.Allows(seen[i].Call, seen[i].Args)
	}
	learned, err := Learn("mine", "for a test", "strict", wide, seen, limits)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParseProfile("mine.toml", learned.Text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, learned.Text)
	}
	return learned, p
}

func TestLearnGrantsWhatWasSeen(t *testing.T) {
	const thread, vm, newUser = 0x10000, 0x100, 0x10000000
	seen := []Seen{
		{Call: "clone", Moment: MomentLoad, Args: [6]uint64{thread | vm}, Count: 2},
		{Call: "fcntl", Moment: MomentTrigger, Args: [6]uint64{3, 1}, Count: 1},
		{Call: "fcntl", Moment: MomentIdle, Args: [6]uint64{4, 3}, Count: 4},
		{Call: "statx", Moment: MomentLoad, Count: 1},
		{Call: "rt_sigaction", Moment: MomentLoad, Count: 1},
		{Call: "execve", Moment: MomentTrigger, Count: 1, Path: "/bin/true"},
		{Call: "connect", Moment: MomentTrigger, Count: 1, To: "tcp://127.0.0.1:80"},
		{Call: "clone", Moment: MomentTrigger, Args: [6]uint64{newUser}, Count: 1},
	}
	learned, p := learnFor(t, seen)
	for _, want := range []struct {
		call   string
		args   [6]uint64
		allows bool
	}{
		{"clone", [6]uint64{thread | vm}, true},
		{"clone", [6]uint64{thread}, true}, // as permissive has it
		{"clone", [6]uint64{newUser}, false},
		{"clone", [6]uint64{thread | newUser}, false},
		{"fcntl", [6]uint64{9, 1}, true}, // any descriptor
		{"fcntl", [6]uint64{9, 3}, true},
		{"fcntl", [6]uint64{9, 2}, false}, // an order that was not seen
		{"rt_sigaction", [6]uint64{}, true},
		{"getpid", [6]uint64{}, false}, // allowed by permissive, not seen
		{"execve", [6]uint64{}, false},
	} {
		if got := p.Allows(want.call, want.args); got != want.allows {
			t.Errorf("%s%v: allowed %v, want %v", want.call, want.args, got, want.allows)
		}
	}
	for _, r := range p.Rules {
		for _, call := range r.Calls {
			if call == "statx" && r.Phase != PhaseLoad {
				t.Errorf("statx was seen while loading only and is allowed in phase %s", r.Phase)
			}
		}
	}
	if len(learned.Refused) != 3 || learned.Refused[0].Call != "clone" || learned.Refused[1].Call != "connect" || learned.Refused[2].Call != "execve" {
		t.Errorf("not granted: %v", learned.Refused)
	}
	for _, want := range []string{"# NOT granted", `# calls = ["execve"]`, "accept_risk", "between triggers", "while loading", `# path = "/bin/true"`, `# to = ["tcp://127.0.0.1:80"]`} {
		if !strings.Contains(string(learned.Text), want) {
			t.Errorf("no %q in\n%s", want, learned.Text)
		}
	}
}

func TestLearnTakesLimits(t *testing.T) {
	_, p := learnFor(t, nil,
		NeededLimit{"pids", "32", "17 tasks seen"}, NeededLimit{"address_space", "unlimited", "more"}, NeededLimit{"memory", "128MiB", "90 MiB seen"})
	if p.Limits.Pids != 32 || p.Limits.AddressSpace != Unlimited || p.Limits.Memory != 128<<20 {
		t.Errorf("limits: %+v", p.Limits)
	}
}

// TestLearnManyOrders: a call with more orders than anybody reads is granted as
// permissive has it.
func TestLearnManyOrders(t *testing.T) {
	var seen []Seen
	for i := range 2 * maxOrders {
		seen = append(seen, Seen{Call: "fcntl", Moment: MomentTrigger, Args: [6]uint64{0, uint64(i)}, Count: 1})
	}
	learned, p := learnFor(t, seen)
	if n := strings.Count(string(learned.Text), "[[rules]]"); n != 1 {
		t.Errorf("%d rules for one call", n)
	}
	if !p.Allows("fcntl", [6]uint64{0, 1000}) {
		t.Error("not as permissive has it")
	}
}

// TestPermissiveIsHarmless: what a booth that learns lets continue is nothing
// that a profile has to accept a risk for.
func TestPermissiveIsHarmless(t *testing.T) {
	p, err := Named("legacy")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range p.Rules {
		if r.AcceptRisk != "" {
			t.Errorf("%v: accept_risk in the profile that learn goes by", r.At)
		}
	}
	if !p.Allows("getpid", [6]uint64{}) || p.Allows("execve", [6]uint64{}) {
		t.Error("legacy allows execve, or not even getpid")
	}
}

// FuzzLearn: whatever a plugin did and called itself, what is written is a
// profile, and allows no more than permissive does.
func FuzzLearn(f *testing.F) {
	f.Add("openat", "path \"/etc/passwd\"\n[[rules]]", uint64(0), uint64(3))
	f.Add("fcntl", "\x1b[31m\u202e\u2028'''", uint64(1), uint64(1030))
	f.Add("clone", "\"\"\"", uint64(0x10000), uint64(0))
	f.Add("execve", "\xff\xfe\r\n", uint64(0), uint64(0))
	f.Add("openat", "/etc/\n[[files]]\npath = \"/\"", uint64(0), uint64(0))
	f.Fuzz(func(t *testing.T, call, detail string, a, b uint64) {
		if !knownCall(call) {
			t.Skip()
		}
		for _, base := range byName(mustNamed(t).Rules) {
			if base.Name == call && base.Kernel != VerdictAllow && base.Kernel != VerdictNotify {
				t.Skip() // decided in the kernel: never seen
			}
		}
		seen := []Seen{{Call: call, Moment: MomentTrigger, Args: [6]uint64{a, b}, Count: 1, Detail: detail, Path: detail}}
		_, p := learnFor(t, seen)
		if len(p.Files)+len(p.Network) > 0 {
			t.Errorf("grants: %v %v", p.Files, p.Network)
		}
		if strict := mustNamed(t); !strict.Allows(call, seen[0].Args) && p.Allows(call, seen[0].Args) != seen[0].Granted {
			t.Errorf("%s%v: allowed %v, granted %v", call, seen[0].Args, !seen[0].Granted, seen[0].Granted)
		}
	})
}

func mustNamed(t testing.TB) *Profile {
	t.Helper()
	p, err := Named(Default)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
