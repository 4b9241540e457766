package profiles

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// shelf is a library in memory, by name.
type shelf map[string]string

func (s shelf) parent(_ *source, extends string) (*source, error) {
	text, ok := s[extends]
	if !ok {
		return nil, fmt.Errorf("profile %q: %w", extends, ErrUnknown)
	}
	return &source{file: extends + ".toml", data: []byte(text)}, nil
}

// parse parses the text of child.toml.
func (s shelf) parse(text string) (*Profile, error) {
	return resolve(&source{file: "child.toml", data: []byte(text)}, s)
}

// base is minimal as "base", with what is to be removed and exceeded.
func base() shelf {
	text := strings.Replace(minimal, `"tiny"`, `"base"`, 1) + `
[[rules]]
calls = ["@event-loop", "openat"]
phase = "run"
action = "allow"
why = "waits"

[[rules]]
calls = ["openat"]
phase = "load"
action = "allow"
why = "dlopen"

[[rules]]
calls = ["bpf"]
action = "kill"
why = "no library does that"

[[files]]
path = "{work}"
inside = "/work"
access = "write"
why = "notes"

[[devices]]
path = "/dev/snd/pcm*"
access = "write"
why = "sound"

[[network]]
to = ["tcp://127.0.0.1:4455", "udp://obs.lan:9000"]
why = "OBS"

[[environment]]
names = ["LANG", "TZ"]
why = "words and times"
`
	bound := `name = "bound"
description = "has ceilings"
extends = "base"

[ceilings]
limits = { memory = "2MiB", restart_pause = "20ms", cpus = "0-3" }
forbid = ["execve", "@network-client"]
files = "write"
devices = "write"
network = ["127.0.0.0/8", "obs.lan"]
`
	return shelf{"base": text, "bound": bound}
}

const head = "name = \"child\"\ndescription = \"for tests\"\nextends = \"base\"\n" // three lines

func TestExtends(t *testing.T) {
	on := base()
	parent, err := on.parse(strings.Replace(head, "child", "other", 1))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, text string
		want       func(p *Profile) // changes the parent into what the child should be
	}{
		{"nothing", "", func(p *Profile) {}},
		{"limits", "[limits]\nmemory = \"3MiB\"\ncpus = \"all\"\n", func(p *Profile) {
			p.Limits.Memory, p.Limits.CPUs = 3<<20, nil
			p.LimitsAt["memory"], p.LimitsAt["cpus"] = Position{"child.toml", 5}, Position{"child.toml", 6}
		}},
		{"require", `require = ["landlock", "cgroup"]`, func(p *Profile) { p.Require = []string{"landlock", "cgroup"} }},
		{"a call more", "[[rules]]\ncalls = [\"getpid\"]\nphase = \"run\"\naction = \"allow\"\nwhy = \"logs\"\n", func(p *Profile) {
			p.Rules = append(p.Rules, Rule{Calls: []string{"getpid"}, Phase: PhaseRun, Action: Allow, Why: "logs", At: Position{"child.toml", 5}})
		}},
		{"a group", "[[rules]]\ncalls = [\"@random\"]\nphase = \"run\"\naction = \"allow\"\nwhy = \"seeds\"\n", func(p *Profile) {
			p.Rules = append(p.Rules, Rule{Calls: []string{"getrandom"}, Phase: PhaseRun, Action: Allow, Group: "@random",
				Why: "seeds: keys of hash tables, seeds", At: Position{"child.toml", 5}})
		}},
		{"a group refused", "[[rules]]\ncalls = [\"@random\"]\naction = \"errno:ENOSYS\"\nwhy = \"seeds\"\n", func(p *Profile) {
			p.Rules = append(p.Rules, Rule{Calls: []string{"getrandom"}, Action: Errno, Errno: 38, Group: "@random", Why: "seeds", At: Position{"child.toml", 5}})
		}},
		{"remove a call", "[[remove]]\ncalls = [\"openat\"]\nwhy = \"none\"\n", func(p *Profile) {
			p.Rules = slices.DeleteFunc(p.Rules, func(r Rule) bool { return slices.Contains(r.Calls, "openat") })
		}},
		{"remove a call in a phase", "[[remove]]\ncalls = [\"openat\"]\nphase = \"run\"\nwhy = \"none\"\n", func(p *Profile) {
			p.Rules = slices.DeleteFunc(p.Rules, func(r Rule) bool { return slices.Contains(r.Calls, "openat") && r.Phase == PhaseRun })
		}},
		{"remove a group", "[[remove]]\ncalls = [\"@event-loop\"]\nwhy = \"none\"\n", func(p *Profile) {
			p.Rules = slices.DeleteFunc(p.Rules, func(r Rule) bool { return r.Group == "@event-loop" })
		}},
		{"remove a kill and allow", "[[remove]]\ncalls = [\"bpf\"]\nwhy = \"x\"\n[[rules]]\ncalls = [\"bpf\"]\nphase = \"run\"\naction = \"allow\"\nwhy = \"x\"\naccept_risk = \"a test\"\n", func(p *Profile) {
			p.Rules = slices.DeleteFunc(p.Rules, func(r Rule) bool { return slices.Contains(r.Calls, "bpf") })
			p.Rules = append(p.Rules, Rule{Calls: []string{"bpf"}, Phase: PhaseRun, Action: Allow, Why: "x", AcceptRisk: "a test", At: Position{"child.toml", 8}})
		}},
		{"remove grants", `[[remove]]
files = ["/work"]
devices = ["/dev/snd/pcm*"]
network = ["udp://obs.lan:9000"]
environment = ["TZ"]
why = "none"
`, func(p *Profile) {
			p.Files, p.Devices = nil, nil
			p.Network[0].To = p.Network[0].To[:1]
			p.Environment = p.Environment[:1]
		}},
		{"grants more", `[[files]]
path = "/srv/clips"
access = "read"
why = "clips"
[[network]]
to = ["tcp://[::1]:80", "tcp://192.168.0.0/16:80"]
why = "web"
`, func(p *Profile) {
			p.Files = append(p.Files, FileGrant{"/srv/clips", "/srv/clips", AccessRead, "clips", Position{"child.toml", 5}})
			p.Network = append(p.Network, NetworkGrant{[]Destination{{TCP, "::1", 80}, {TCP, "192.168.0.0/16", 80}}, "web", Position{"child.toml", 9}})
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := on.parse(head + test.text)
			if err != nil {
				t.Fatal(err)
			}
			want := *parent
			want.Name = "child"
			want.Chain = []Source{{"child", Position{"child.toml", 1}}, {"base", Position{"base.toml", 1}}}
			want.LimitsAt = maps.Clone(parent.LimitsAt)
			want.Rules, want.Network = slices.Clone(parent.Rules), slices.Clone(parent.Network)
			test.want(&want)
			if strings.Contains(test.text, "calls = [\"openat\"]\nwhy") && len(got.Removed) != 2 {
				t.Errorf("removed %+v, want both rules", got.Removed)
			}
			for _, r := range got.Removed {
				if len(r.Rule.Calls) != 1 || r.At != (Position{"child.toml", 5}) || r.Why == "" {
					t.Errorf("removal %+v", r)
				}
			}
			got.Removed, want.lines = nil, got.lines // TestEditAllows looks at them
			if len(got.Files) == 0 {
				got.Files = nil
			}
			if len(got.Devices) == 0 {
				got.Devices = nil
			}
			if !reflect.DeepEqual(*got, want) {
				t.Errorf("got\n%+v\nwant\n%+v", *got, want)
			}
		})
	}
}

// TestExtendsRefuses has an error for every way in which a child is wrong. Its
// lines begin at 4.
func TestExtendsRefuses(t *testing.T) {
	rule := func(calls, rest string) string {
		return "[[rules]]\ncalls = [" + calls + "]\nwhy = \"x\"\n" + rest + "\n"
	}
	const allow = "phase = \"run\"\naction = \"allow\""
	bound := strings.Replace(head, `"base"`, `"bound"`, 1)
	tests := []struct {
		name, text string
		want       string // the whole error, but for what stands for itself
	}{
		{"no such parent", "name = \"child\"\ndescription = \"x\"\nextends = \"nobody\"\n", `child.toml:3: invalid profile: extends "nobody": profile "nobody": unknown profile`},
		{"empty parent", "name = \"child\"\ndescription = \"x\"\nextends = \"\"\n", `child.toml:3: invalid profile: extends is empty`},
		{"circle", "name = \"child\"\ndescription = \"x\"\nextends = \"child\"\n", `child.toml:3: invalid profile: extends "child": profiles extend one another in a circle: child.toml -> child.toml`},
		{"larger circle", "name = \"child\"\ndescription = \"x\"\nextends = \"round\"\n", `round.toml:3: invalid profile: extends "child": profiles extend one another in a circle: child.toml -> round.toml -> child.toml`},
		{"long chain", "name = \"child\"\ndescription = \"x\"\nextends = \"chain1\"\n", `chain7.toml:3: invalid profile: extends "chain8": more than 8 profiles extend one another`},
		{"broken parent", "name = \"child\"\ndescription = \"x\"\nextends = \"broken\"\n", `broken.toml:1: invalid profile: description is missing`},
		{"incomplete without a parent", "name = \"child\"\ndescription = \"x\"\n[limits]\nmemory = \"1MiB\"\n", `child.toml:3: invalid profile: swap: is missing`},

		{"unknown limit", head + "[limits]\nnice = 3\n", `child.toml:5: invalid profile: unknown key "limits.nice"`},
		{"limit of another type", head + "[limits]\ncpus = 3\n", `child.toml:5: invalid profile: cpus: want text in quotes`},
		{"count in quotes", head + "[limits]\ncpu_weight = \"3\"\n", `child.toml:5: invalid profile: cpu_weight: want a whole number`},
		{"weight too high", head + "[limits]\nio_weight = 10001\n", `child.toml:5: invalid profile: io_weight: want 1 to 10000, have 10001`},
		{"processors descending", head + "[limits]\ncpus = \"3-1\"\n", `child.toml:5: invalid profile: cpus: processors "3-1": want "all" or a list`},
		{"processor twice", head + "[limits]\ncpus = \"1,1\"\n", `child.toml:5: invalid profile: cpus: processors "1,1": want`},
		{"processor beyond", head + "[limits]\ncpus = \"8192\"\n", `child.toml:5: invalid profile: cpus: processors "8192": want`},
		{"no processor", head + "[limits]\ncpus = \"\"\n", `child.toml:5: invalid profile: cpus: processors "": want`},
		{"fewer pids than the parent's threads", head + "[limits]\nthreads = 2\n\npids = 1\n", `child.toml:5: invalid profile: threads: 2 is more than pids, 1`},
		{"less memory than the parent's tmp", head + "[limits]\nmemory = \"32KiB\"\n", `child.toml:5: invalid profile: tmp_size: 64KiB is more than memory, 32KiB`},

		{"unknown layer", head + "require = [\"landlock\", \"moat\"]\n", `child.toml:4: invalid profile: require: unknown layer "moat"; there are seccomp`},
		{"layer twice", head + "require = [\"landlock\", \"landlock\"]\n", `child.toml:4: invalid profile: require: "landlock" twice`},

		{"remove without a parent", minimal + "[[remove]]\ncalls = [\"read\"]\nwhy = \"x\"\n", `child.toml:48: invalid profile: remove: this profile extends none`},
		{"remove nothing", head + "[[remove]]\nwhy = \"x\"\n", `child.toml:4: invalid profile: remove: names nothing`},
		{"remove without why", head + "[[remove]]\ncalls = [\"read\"]\n", `child.toml:4: invalid profile: why is missing`},
		{"remove with two lines of why", head + "[[remove]]\ncalls = [\"read\"]\nwhy = \"a\\nb\"\n", `child.toml:6: invalid profile: why "a\nb": want one line`},
		{"remove a call the parent lacks", head + "[[remove]]\ncalls = [\n\"read\",\n\"getpid\"]\nwhy = \"x\"\n", `child.toml:7: invalid profile: remove: no rule of a parent names "getpid"`},
		{"remove a call of another phase", head + "[[remove]]\ncalls = [\"read\"]\nphase = \"load\"\nwhy = \"x\"\n", `child.toml:5: invalid profile: remove: no rule of phase load of a parent names "read"`},
		{"remove a kill by phase", head + "[[remove]]\ncalls = [\"bpf\"]\nphase = \"run\"\nwhy = \"x\"\n", `child.toml:5: invalid profile: remove: no rule of phase run`},
		{"remove in no phase", head + "[[remove]]\ncalls = [\"read\"]\nphase = \"stop\"\nwhy = \"x\"\n", `child.toml:6: invalid profile: phase "stop": want run or load`},
		{"remove a file in a phase", head + "[[remove]]\nfiles = [\"/work\"]\nphase = \"run\"\nwhy = \"x\"\n", `child.toml:6: invalid profile: remove: only calls have a phase`},
		{"remove an unknown call", head + "[[remove]]\ncalls = [\"raed\"]\nwhy = \"x\"\n", `child.toml:5: invalid profile: unknown syscall "raed"`},
		{"remove an unknown group", head + "[[remove]]\ncalls = [\"@raed\"]\nwhy = \"x\"\n", `child.toml:5: invalid profile: unknown group "@raed"; there are @compute`},
		{"remove a file the parent lacks", head + "[[remove]]\nfiles = [\"/wrok\"]\nwhy = \"x\"\n", `child.toml:5: invalid profile: remove: no parent grants files "/wrok"`},
		{"remove a device the parent lacks", head + "[[remove]]\ndevices = [\"/dev/snd/*\"]\nwhy = \"x\"\n", `child.toml:5: invalid profile: remove: no parent grants devices "/dev/snd/*"`},
		{"remove a destination the parent lacks", head + "[[remove]]\nnetwork = [\"tcp://127.0.0.1:1\"]\nwhy = \"x\"\n", `child.toml:5: invalid profile: remove: no parent grants network`},
		{"remove a variable the parent lacks", head + "[[remove]]\nenvironment = [\"LC_ALL\"]\nwhy = \"x\"\n", `child.toml:5: invalid profile: remove: no parent grants environment "LC_ALL"`},

		{"unknown group", head + rule(`"@everything"`, allow), `child.toml:5: invalid profile: unknown group "@everything"`},
		{"group with conditions", head + rule(`"@timers"`, allow+"\nwhen = [\"arg0 == 0\"]"), `child.toml:9: invalid profile: group "@timers" brings its own conditions`},
		{"group that may not continue", head + rule(`"@threads"`, "phase = \"load\"\naction = \"allow\""), `child.toml:5: invalid profile: call "clone": not one the jailer may let continue`},
		{"allow what the parent kills for", head + rule(`"bpf"`, allow+"\naccept_risk = \"x\""), `child.toml:5: invalid profile: call "bpf": base.toml:62 says kill, this rule allow; a [[remove]] must name the call first`},
		{"kill for what the parent allows", head + rule(`"write", "read"`, "action = \"kill\""), `child.toml:5: invalid profile: call "read": base.toml:29 says allow, this rule kill; a [[remove]] must`},
		{"kill for a group of which the parent allows some", head + rule(`"@io"`, "action = \"kill\""), `child.toml:5: invalid profile: call "fcntl": base.toml:50 says allow, this rule kill`},
		{"allow and kill", head + rule(`"getpid"`, allow) + rule(`"getpid"`, "action = \"kill\""), `child.toml:10: invalid profile: call "getpid": another rule says allow, this one kill`},
		{"recvmsg that the jailer does not hear of", head + rule(`"recvmsg"`, allow), `child.toml:5: invalid profile: call "recvmsg": the jailer must hear of it`},
		{"dangerous call", head + rule(`"mount"`, allow), `child.toml:5: invalid profile: call "mount" is dangerous: changes what paths mean`},
		{"dangerous group", head + rule(`"@processes"`, allow), `child.toml:5: invalid profile: call "execve" is dangerous: starts another program`},
		{"clone with namespaces", head + rule(`"clone"`, allow), `child.toml:5: invalid profile: call "clone" is dangerous: its flags may ask for namespaces`},
		{"clone with one namespace", head + rule(`"clone"`, allow+"\nwhen = [\"flags & 0x7c020000 == 0\"]"), `child.toml:5: invalid profile: call "clone" is dangerous`},
		{"socket of any family", head + rule(`"socket"`, allow), `child.toml:5: invalid profile: call "socket" is dangerous: only AF_UNIX`},
		{"socket of another family", head + rule(`"socket"`, allow+"\nwhen = [\"domain == AF_VSOCK\"]"), `child.toml:5: invalid profile: call "socket" is dangerous`},
		{"prctl of any option", head + rule(`"prctl"`, allow), `child.toml:5: invalid profile: call "prctl" is dangerous: its option may be PR_SET_SECCOMP`},
		{"no risk to accept", head + rule(`"getpid"`, allow+"\naccept_risk = \"x\""), `child.toml:9: invalid profile: accept_risk: this rule allows no dangerous call`},
		{"risk accepted without a word", head + rule(`"mount"`, allow+"\naccept_risk = \"\""), `child.toml:9: invalid profile: accept_risk is missing`},
		{"sendto to anybody with destinations", head + rule(`"sendto"`, allow), `child.toml:5: invalid profile: call "sendto": the kernel may not allow it while destinations are granted (base.toml:78)`},
		{"connect with destinations", head + rule(`"connect"`, allow), `child.toml:5: invalid profile: call "connect": the kernel may not allow it`},

		{"memory above the ceiling", bound + "[limits]\nmemory = \"3MiB\"\n", `child.toml:5: invalid profile: memory: 3MiB is looser than 2MiB: beyond the ceiling at bound.toml:6`},
		{"pause below the floor", bound + "[limits]\nrestart_pause = \"10ms\"\n", `child.toml:5: invalid profile: restart_pause: 10ms is looser than 20ms: beyond the ceiling at bound.toml:6`},
		{"processors beyond the ceiling", bound + "[limits]\ncpus = \"all\"\n", `child.toml:5: invalid profile: cpus: all is looser than 0-3: beyond the ceiling at bound.toml:6`},
		{"forbidden call", bound + rule(`"execve"`, allow+"\naccept_risk = \"x\""), `child.toml:5: invalid profile: rule for [execve]: execve is forbidden: beyond the ceiling at bound.toml:7`},
		{"forbidden group", bound + rule(`"@network-client"`, allow), `child.toml:5: invalid profile: rule for [socket]: @network-client is forbidden: beyond the ceiling at bound.toml:7`},
		{"call of a forbidden group", bound + rule(`"shutdown"`, allow), `child.toml:5: invalid profile: rule for [shutdown]: @network-client is forbidden: beyond the ceiling at bound.toml:7`},
		{"destination beyond the ceiling", bound + "[[network]]\nto = [\"tcp://10.0.0.1:80\"]\nwhy = \"x\"\n", `child.toml:5: invalid profile: network: "tcp://10.0.0.1:80" is granted: beyond the ceiling at bound.toml:10`},
		{"network wider than the ceiling", bound + "[[network]]\nto = [\"tcp://126.0.0.0/7:80\"]\nwhy = \"x\"\n", `child.toml:5: invalid profile: network: "tcp://126.0.0.0/7:80" is granted: beyond the ceiling`},
		{"name that the ceiling lacks", bound + "[[network]]\nto = [\"tcp://obs.lan.example:80\"]\nwhy = \"x\"\n", `child.toml:5: invalid profile: network: "tcp://obs.lan.example:80" is granted: beyond the ceiling`},
		{"looser ceiling", bound + "[ceilings]\nlimits = { memory = \"3MiB\" }\n", `child.toml:5: invalid profile: ceiling of memory: 3MiB is looser than 2MiB, the ceiling at bound.toml:6`},
		{"ceiling below the parent", bound + "[ceilings]\nlimits = { memory = \"512KiB\" }\n", `child.toml:5: invalid profile: memory: 1MiB is looser than 512KiB: the ceiling is below what the parents give, at base.toml:5`},
		{"ceiling of files below the parent", bound + "[ceilings]\nfiles = \"read\"\n", `child.toml:5: invalid profile: files: "{work}" is granted for write, at most read: the ceiling is below what the parents give`},
		{"ceiling of devices below the parent", bound + "[ceilings]\ndevices = \"none\"\n", `child.toml:5: invalid profile: devices: "/dev/snd/pcm*" is granted for write, at most none: the ceiling is below`},
		{"ceiling of network below the parent", bound + "[ceilings]\nnetwork = []\n", `child.toml:5: invalid profile: network: "tcp://127.0.0.1:4455" is granted: the ceiling is below`},
		{"looser ceiling of network", bound + "[ceilings]\nnetwork = [\"10.0.0.0/8\"]\n", `child.toml:5: invalid profile: ceiling of network: "10.0.0.0/8" is not within the ceiling at bound.toml:10`},
		{"ceiling of network that is none", bound + "[ceilings]\nnetwork = [\"10.0.0.1/8\"]\n", `child.toml:5: invalid profile: ceiling of network: network "10.0.0.1/8" has bits beyond its length; 10.0.0.0/8 has not`},
		{"unknown ceiling", bound + "[ceilings]\nlimits = { memroy = \"1MiB\" }\n", `child.toml:5: invalid profile: unknown key "ceilings.limits.memroy"`},
		{"ceiling without a unit", bound + "[ceilings]\nlimits = { memory = \"1\" }\n", `child.toml:5: invalid profile: ceiling of memory: size "1": want`},
		{"ceiling of files that is none", bound + "[ceilings]\nfiles = \"some\"\n", `child.toml:5: invalid profile: ceiling of files "some": want none, read or write`},
		{"forbid an unknown call", bound + "[ceilings]\nforbid = [\"exceve\"]\n", `child.toml:5: invalid profile: unknown syscall "exceve"`},
		{"forbid an unknown group", bound + "[ceilings]\nforbid = [\"@net\"]\n", `child.toml:5: invalid profile: unknown group "@net"`},
		{"forbid what the parent allows", bound + "[ceilings]\nforbid = [\"read\"]\n", `child.toml:5: invalid profile: rule for [read]: read is forbidden: the ceiling is below what the parents give, at base.toml:29`},
	}
	on := base()
	on["round"] = strings.Replace(head, `"base"`, `"child"`, 1)
	on["child"] = head
	on["broken"] = "name = \"broken\"\n"
	for i := range 8 {
		on[fmt.Sprintf("chain%d", i)] = strings.Replace(head, `"base"`, fmt.Sprintf(`"chain%d"`, i+1), 1)
	}
	on["chain8"] = head
	for _, text := range []string{head, bound, strings.Replace(head, `"base"`, `"chain3"`, 1)} {
		if _, err := on.parse(text); err != nil {
			t.Fatalf("what the tests spoil is refused already: %v", err)
		}
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if strings.Contains(test.want, "unknown syscall") && !checksNames() {
				t.Skip("no call table on this system")
			}
			p, err := on.parse(test.text)
			if !errors.Is(err, ErrInvalid) {
				t.Fatalf("got %+v, error %v; want ErrInvalid", p, err)
			}
			if !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("error is\n%v\nwant\n%s", err, test.want)
			}
		})
	}
}

// TestCeilingsLeaveRoom is the other half: what is within them is taken.
func TestCeilingsLeaveRoom(t *testing.T) {
	on := base()
	text := strings.Replace(head, `"base"`, `"bound"`, 1) + `
[limits]
memory = "2MiB"
restart_pause = "30ms"
cpus = "1,2"

[ceilings]
limits = { memory = "2MiB", cpu = "20%" }
forbid = ["@processes"]
files = "write"
network = ["127.0.0.0/9", "obs.lan"]

[[rules]]
calls = ["getpid", "fcntl", "epoll_create1", "@poll"]
phase = "run"
action = "allow"
why = "not among what is forbidden"

[[network]]
to = ["tcp://127.1.2.3:80", "udp://127.64.0.0/10:9000", "tcp://obs.lan:80"]
why = "within"
`
	p, err := on.parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Ceilings.Limits) != 4 || len(p.Ceilings.Forbid) != 3 || p.Ceilings.Network.At.File != "child.toml" {
		t.Errorf("ceilings are %+v", p.Ceilings)
	}
}
