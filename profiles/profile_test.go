package profiles

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const minimal = `name = "tiny"
description = "for tests"

[limits]
memory = "1MiB"
cpu = "10%"
pids = 2
swap = "2MiB"
cpu_weight = 50
cpus = "0-1,3"
io_weight = 200
tmp_size = "64KiB"
open_files = 8
file_size = "0B"
address_space = "unlimited"
threads = 1
load_timeout = "1s"
trigger_timeout = "250ms"
stop_timeout = "1s"
restart_free = 2
restart_pause = "50ms"
restart_pause_max = "5s"
restart_reset = "20s"
queue_age = "300ms"
denials = 7
violations = 4

[[rules]]
calls = ["read"]
phase = "run"
action = "allow"
why = "pipe"

[[rules]]
calls = [
  "mmap",
  "mprotect",
]
phase = "run"
when = ["prot & PROT_EXEC == 0"]
action = "allow"
why = "malloc"

[[rules]]
calls = ["clone3"]
action = "errno:ENOSYS"
why = "flags in memory"
`

func TestParseProfile(t *testing.T) {
	got, err := ParseProfile("tiny.toml", []byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	at := func(line int) Position { return Position{"tiny.toml", line} }
	want := &Profile{
		Name:        "tiny",
		Description: "for tests",
		Chain:       []Source{{"tiny", at(1)}},
		Limits: Limits{
			Memory: 1 << 20, CPU: 0.1, Pids: 2,
			Swap: 2 << 20, CPUWeight: 50, CPUs: []int{0, 1, 3}, IOWeight: 200, TmpSize: 64 << 10,
			OpenFiles: 8, FileSize: 0, AddressSpace: Unlimited,
			Threads: 1, LoadTimeout: time.Second, TriggerTimeout: 250 * time.Millisecond, StopTimeout: time.Second,
			RestartFree: 2, RestartPause: 50 * time.Millisecond, RestartPauseMax: 5 * time.Second, RestartReset: 20 * time.Second,
			QueueAge: 300 * time.Millisecond, Denials: 7, Violations: 4,
		},
		LimitsAt: map[string]Position{
			"memory": at(5), "cpu": at(6), "pids": at(7), "swap": at(8), "cpu_weight": at(9), "cpus": at(10), "io_weight": at(11),
			"tmp_size": at(12), "open_files": at(13), "file_size": at(14), "address_space": at(15), "threads": at(16),
			"load_timeout": at(17), "trigger_timeout": at(18), "stop_timeout": at(19), "restart_free": at(20), "restart_pause": at(21),
			"restart_pause_max": at(22), "restart_reset": at(23), "queue_age": at(24), "denials": at(25), "violations": at(26),
		},
		Rules: []Rule{
			{Calls: []string{"read"}, Phase: PhaseRun, Action: Allow, Why: "pipe", At: at(29)},
			{Calls: []string{"mmap"}, Phase: PhaseRun, Action: Allow, Why: "malloc", When: []Compare{{Arg: 2, Mask: 4}}, At: at(36)},
			{Calls: []string{"mprotect"}, Phase: PhaseRun, Action: Allow, Why: "malloc", When: []Compare{{Arg: 2, Mask: 4}}, At: at(37)},
			{Calls: []string{"clone3"}, Action: Errno, Errno: 38, Why: "flags in memory", At: at(45)},
		},
	}
	got.lines = 0 // TestEditAllows looks at it
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestParseProfileRefuses(t *testing.T) {
	tests := []struct {
		name     string
		old, new string
		want     string
	}{
		{"unknown key", `pids = 2`, "pids = 2\nnice = \"1\"", `tiny.toml:8: invalid profile: unknown key "limits.nice"`},
		{"unknown top-level key", `name = "tiny"`, "name = \"tiny\"\ninclude = \"strict\"", `tiny.toml:2: invalid profile: unknown key "include"`},
		{"key in upper case", `pids = 2`, `Pids = 2`, `tiny.toml:7: invalid profile: unknown key "limits.Pids"`},
		{"syntax", `pids = 2`, `pids = = 2`, `tiny.toml:7: invalid profile: `},
		{"wrong type", `pids = 2`, `pids = "2"`, `tiny.toml:7: invalid profile: `},
		{"name", `"tiny"`, `"../tiny"`, `tiny.toml:1: invalid profile: name "../tiny": want a lower-case word`},
		{"no description", `"for tests"`, `""`, `tiny.toml:2: invalid profile: description is missing`},
		{"missing limit", `cpu = "10%"`, ``, `tiny.toml:4: invalid profile: cpu: is missing`},
		{"missing count", `open_files = 8`, ``, `tiny.toml:4: invalid profile: open_files: is missing`},
		{"size without unit", `"1MiB"`, `"1048576"`, `tiny.toml:5: invalid profile: memory: size "1048576": want`},
		{"size in another unit", `"1MiB"`, `"1MB"`, `tiny.toml:5: invalid profile: memory: size "1MB": want`},
		{"negative size", `"1MiB"`, `"-1MiB"`, `tiny.toml:5: invalid profile: memory: size "-1MiB": want`},
		{"size too large", `"1MiB"`, `"9000000000000GiB"`, `is too large`},
		{"no memory", `"1MiB"`, `"0B"`, `tiny.toml:5: invalid profile: memory: must be more than 0B`},
		{"unlimited memory", `"1MiB"`, `"unlimited"`, `tiny.toml:5: invalid profile: memory: size "unlimited": want`},
		{"cpu without percent", `"10%"`, `"0.1"`, `tiny.toml:6: invalid profile: cpu: share "0.1": want`},
		{"cpu not a number", `"10%"`, `"NaN%"`, `tiny.toml:6: invalid profile: cpu: share "NaN%": want`},
		{"cpu zero", `"10%"`, `"0%"`, `tiny.toml:6: invalid profile: cpu: share "0%": want 1%`},
		{"more threads than pids", `threads = 1`, `threads = 3`, `tiny.toml:16: invalid profile: threads: 3 is more than pids, 2`},
		{"no timeout", `"250ms"`, `"0s"`, `tiny.toml:18: invalid profile: trigger_timeout: duration "0s": want`},
		{"no restart pause", `restart_pause = "50ms"`, ``, `tiny.toml:4: invalid profile: restart_pause: is missing`},
		{"longest pause below the first", `"5s"`, `"10ms"`, `tiny.toml:22: invalid profile: restart_pause_max: 10ms is less than restart_pause, 50ms`},
		{"no violations", `violations = 4`, `violations = 0`, `tiny.toml:26: invalid profile: violations: want 1 to 1048576, have 0`},
		{"timeout without unit", `"250ms"`, `"250"`, `tiny.toml:18: invalid profile: trigger_timeout: duration "250": want`},
		{"unknown syscall", `"mprotect"`, `"mprotekt"`, `tiny.toml:37: invalid profile: unknown syscall "mprotekt"`},
		{"empty calls", `calls = ["read"]`, `calls = []`, `tiny.toml:29: invalid profile: calls is missing`},
		{"unknown phase", `phase = "run"`, `phase = "start"`, `tiny.toml:30: invalid profile: phase "start": want run or load`},
		{"no phase", `phase = "run"`, ``, `tiny.toml:28: invalid profile: phase "": want run or load`},
		{"phase on errno", `action = "errno:ENOSYS"`, "action = \"errno:ENOSYS\"\nphase = \"load\"", `tiny.toml:47: invalid profile: phase "load": only a rule that allows has a phase`},
		{"condition on errno", `action = "errno:ENOSYS"`, "action = \"kill\"\nwhen = [\"arg0 == 0\"]", `tiny.toml:47: invalid profile: only a rule that allows has conditions`},
		{"unknown errno", `errno:ENOSYS`, `errno:EBOGUS`, `tiny.toml:46: invalid profile: action "errno:EBOGUS": unknown errno`},
		{"errno that means success", `errno:ENOSYS`, `errno:0`, `unknown errno`},
		{"unknown action", `"errno:ENOSYS"`, `"log"`, `action "log": want allow, kill or errno:NAME`},
		{"no why", `why = "pipe"`, ``, `tiny.toml:28: invalid profile: why is missing`},
		{"two lines of why", `why = "pipe"`, `why = "a\nb"`, `tiny.toml:32: invalid profile: why "a\nb": want one line`},
		{"unknown argument", `prot & PROT_EXEC == 0`, `port & PROT_EXEC == 0`, `tiny.toml:40: invalid profile: condition "port & PROT_EXEC == 0": call "mmap" has no argument "port"`},
		{"unknown constant", `PROT_EXEC`, `PROT_EXECUTE`, `unknown constant "PROT_EXECUTE"`},
		{"never true", `PROT_EXEC == 0`, `PROT_EXEC == 1`, `never true, value 0x1 has bits outside 0x4`},
		{"empty mask", `PROT_EXEC == 0`, `0 == 0`, `mask 0x0 does not fit`},
		{"no comparison", `PROT_EXEC == 0`, `PROT_EXEC`, `want "argument & mask == value"`},
		{"contradiction", `"prot & PROT_EXEC == 0"`, `"prot & PROT_EXEC == 0", "prot & PROT_EXEC == PROT_EXEC"`, `tiny.toml:40: invalid profile: conditions on argument 2 contradict each other`},
		{"load rule for a call that may not continue", "calls = [\"read\"]\nphase = \"run\"", "calls = [\"execve\"]\nphase = \"load\"", `tiny.toml:29: invalid profile: call "execve": not one the jailer may let continue`},
		{"two actions for one call", `"clone3"`, `"read"`, `tiny.toml:45: invalid profile: call "read": another rule says allow, this one errno`},
	}
	if _, err := ParseProfile("tiny.toml", []byte(minimal)); err != nil {
		t.Fatalf("the text the tests spoil is refused already: %v", err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.name == "unknown syscall" && !checksNames() {
				t.Skip("no call table on this system")
			}
			text := strings.Replace(minimal, test.old, test.new, 1)
			if text == minimal {
				t.Fatal("nothing replaced")
			}
			p, err := ParseProfile("tiny.toml", []byte(text))
			if !errors.Is(err, ErrInvalid) {
				t.Fatalf("got %+v, error %v; want ErrInvalid", p, err)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is\n%v\nwant\n%s", err, test.want)
			}
		})
	}
}

func checksNames() bool { return !knownCall("no_such_call") }

func TestParseCompare(t *testing.T) {
	tests := []struct {
		call, text string
		want       Compare
	}{
		{"mmap", "prot & PROT_EXEC == 0", Compare{2, 4, 0}},
		{"mmap", "flags & MAP_SHARED|MAP_ANONYMOUS == MAP_ANONYMOUS", Compare{3, 0x21, 0x20}},
		{"mmap", "prot&4==4", Compare{2, 4, 4}},
		{"mmap", "arg2 == 0x5", Compare{2, 0xffffffff_ffffffff, 5}},
		{"read", "fd == 3", Compare{0, 0xffffffff, 3}},
		{"read", "arg0 == 3", Compare{0, 0xffffffff_ffffffff, 3}},
		{"prctl", "option == PR_SET_NAME", Compare{0, 0xffffffff, 15}},
	}
	for _, test := range tests {
		got, err := parseCompare(test.call, test.text)
		if err != nil || got != test.want {
			t.Errorf("%s %q: %+v, %v; want %+v", test.call, test.text, got, err, test.want)
		}
	}
	for _, text := range []string{
		"", "==", "prot", "prot ==", "== 0", "prot & == 0", "prot & PROT_EXEC| == 0", "prot & PROT_EXEC == 0 == 0",
		"prot & PROT_EXEC & PROT_READ == 0", "arg6 == 0", "arg == 0", "arg00 == 0", "prot == -1", "fd & 0x100000000 == 0",
		"prot != 0", "prot & ~1 == 0", "prot == 99999999999999999999",
	} {
		if c, err := parseCompare("mmap", text); err == nil {
			t.Errorf("%q: %+v, want an error", text, c)
		}
	}
}

func TestNamed(t *testing.T) {
	if got := Names(); !reflect.DeepEqual(got, []string{"audio", "files", "legacy", "network-client", "strict", "threads"}) {
		t.Errorf("names are %q", got)
	}
	for _, name := range Names() {
		p, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		if p.Name != name {
			t.Errorf("%s.toml has the name %q", name, p.Name)
		}
	}
	for _, name := range []string{"", "nosuch", "../strict", "strict.toml", "Strict"} {
		if _, err := Named(name); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v, want ErrUnknown", name, err)
		}
	}
}

// TestNothingMapsWritableCode holds for all embedded profiles: no rule lets memory be
// written and executed, or turned into code after it was written.
func TestNothingMapsWritableCode(t *testing.T) {
	const write, exec = 2, 4
	for _, name := range Names() {
		p, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, rule := range p.Rules {
			for _, call := range rule.Calls {
				switch {
				case call != "mmap" && call != "mprotect" && call != "pkey_mprotect" || rule.Action != Allow:
				case anyHolds([][]Compare{rule.When}, [6]uint64{2: write | exec}):
					t.Errorf("%s: %s may be writable code", name, call)
				case call != "mmap" && anyHolds([][]Compare{rule.When}, [6]uint64{2: exec}):
					t.Errorf("%s: %s may make code", name, call)
				}
			}
		}
	}
}

// FuzzParseProfile parses a text that may extend others of a small library,
// and lays something over what comes out.
func FuzzParseProfile(f *testing.F) {
	f.Add([]byte(minimal))
	for _, name := range Names() {
		src, err := builtIn{}.find(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src.data)
	}
	on := base()
	for _, text := range on {
		f.Add([]byte(text))
	}
	on["child"] = head
	for _, text := range []string{
		"rules = [{calls = [\"read\"], phase = \"run\", action = \"allow\", why = \"x\"}]",
		"limits.memory = \"1MiB\"\n[[rules]]\n[[rules]]\ncalls=[ # c\n\"a\"]",
		head + "extends = \"child\"",
		strings.Replace(head, `"base"`, `"child"`, 1),
		head + "require = [\"cgroup\"]\n[[remove]]\ncalls = [\"@event-loop\", \"bpf\"]\nfiles = [\"/work\"]\nwhy = \"x\"\n[[rules]]\ncalls = [\"@dangerous\"]\naction = \"kill\"\nwhy = \"x\"",
		head + "[ceilings]\nforbid = [\"@io\"]\nnetwork = [\"::/0\", \"127.0.0.0/8\", \"obs.lan\"]\nlimits = {cpus = \"0-3\"}\nfiles = \"write\"\n[limits]\ncpus = \"2-3\"\ntmp_size = \"1KiB\"",
		head + "[[network]]\nto = [\"udp://[fd00::/8]:53\"]\nwhy = \"x\"\n[[devices]]\npath = \"/dev/a[b]\"\naccess = \"read\"\nwhy = \"x\"",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := resolve(&source{file: "f.toml", data: data}, on)
		if err != nil {
			at, _, _ := strings.Cut(err.Error(), ":")
			if _, known := on[strings.TrimSuffix(at, ".toml")]; !errors.Is(err, ErrInvalid) || !known && at != "f.toml" {
				t.Fatalf("error without place or kind: %v", err)
			}
			return
		}
		checkProfile(t, p)
		q, err := p.Overlay(Overlay{
			Source: Position{"config", 1}, Limits: map[string]string{"memory": "1GiB"},
			Files: []FileGrant{{Path: "/srv/a", Inside: "/srv/a", Access: AccessWrite}}, Network: []NetworkGrant{{To: []Destination{{TCP, "10.1.2.3", 80}}}},
		})
		if err == nil {
			checkProfile(t, q)
		}
	})
}

// checkProfile fails when something that a profile promises does not hold.
func checkProfile(t *testing.T, p *Profile) {
	t.Helper()
	l := p.Limits
	if l.Memory <= 0 || l.CPU <= 0 || l.Pids <= 0 || l.Threads < 1 || int64(l.Threads) > l.Pids || l.TriggerTimeout <= 0 ||
		l.RestartFree < 1 || l.RestartPause <= 0 || l.RestartPauseMax < l.RestartPause || l.QueueAge <= 0 || l.Denials < 1 || l.Violations < 1 ||
		l.Swap < 0 || l.CPUWeight < 1 || l.IOWeight < 1 || l.CPUs != nil && len(l.CPUs) == 0 || l.TmpSize > uint64(l.Memory) {
		t.Fatalf("limits %+v were taken", l)
	}
	for _, name := range LimitNames() {
		if p.LimitsAt[name].Line < 1 {
			t.Fatalf("limit %s is from nowhere", name)
		}
		again := p.Limits
		if err := findLimit(name).set(&again, p.Limits.Text(name)); err != nil || name != "cpu" && !reflect.DeepEqual(again, p.Limits) {
			t.Fatalf("limit %s: %q is read as %+v, %v", name, p.Limits.Text(name), again, err)
		}
	}
	kinds := map[string]Action{}
	for _, rule := range p.Rules {
		if rule.Why == "" || len(rule.Calls) == 0 || rule.At.Line < 1 {
			t.Fatalf("rule %+v was taken", rule)
		}
		for _, c := range rule.When {
			if c.Value&^c.Mask != 0 || c.Arg < 0 || c.Arg > 5 {
				t.Fatalf("condition %+v was taken", c)
			}
		}
		for _, call := range rule.Calls {
			if before, ok := kinds[call]; ok && (before != Allow || rule.Action != Allow) {
				t.Fatalf("call %s has rules that %s and %s", call, before, rule.Action)
			}
			kinds[call] = rule.Action
			if rule.Action == Allow && dangerous(call, rule.When) && rule.AcceptRisk == "" {
				t.Fatalf("rule %+v allows a dangerous call silently", rule)
			}
			if len(p.Network) > 0 && rule.pastBroker() != "" {
				t.Fatalf("rule %+v leads past the broker", rule)
			}
		}
	}
	for i, g := range p.Files {
		for _, place := range append(slices.Clone(reserved), "/") {
			if nested(g.Inside, place) && place != "/" || g.Inside == "/" {
				t.Fatalf("file grant %+v was taken", g)
			}
		}
		for _, other := range p.Files[:i] {
			if nested(g.Inside, other.Inside) {
				t.Fatalf("file grants %+v and %+v were taken", g, other)
			}
		}
	}
	if e := p.excess(); e != nil {
		t.Fatal(e)
	}
	p.Warnings()
}

func FuzzParseDestination(f *testing.F) {
	for _, text := range []string{"tcp://127.0.0.1:80", "udp://[fd00::/8]:53", "tcp://obs.lan:4455", "tcp://0x7f.1:1", "tcp://[::ffff:1.2.3.4]:1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDestination(text)
		if err != nil {
			return
		}
		again, err := ParseDestination(d.String())
		if err != nil || again != d || d.Port == 0 {
			t.Fatalf("%q is %+v, read again %+v, %v", text, d, again, err)
		}
	})
}

func FuzzParseCompare(f *testing.F) {
	f.Add("mmap", "prot & PROT_EXEC == 0")
	f.Add("clone", "flags & CLONE_VM|CLONE_THREAD == CLONE_VM")
	f.Add("read", "arg5 == 0xffffffffffffffff")
	f.Add("fcntl", "cmd==1|2")
	f.Fuzz(func(t *testing.T, call, text string) {
		c, err := parseCompare(call, text)
		if err != nil {
			return
		}
		if c.Mask == 0 || c.Value&^c.Mask != 0 || c.Arg < 0 || c.Arg > 5 {
			t.Fatalf("%q became %+v", text, c)
		}
		var args [6]uint64
		args[c.Arg] = c.Value
		if !c.holds(args) {
			t.Fatalf("%q became %+v, which its own value fails", text, c)
		}
	})
}
