package profiles

import (
	"strings"
	"testing"
)

// everything has one of each thing that a profile can say.
const everything = `name = "everything"
description = "a \"quoted\" word and é"
extends = "threads"
require = ["landlock", "cgroup"]
[limits]
memory = "32MiB"
swap = "1MiB"
cpus = "0-1,3"
cpu_weight = 50
file_size = "1MiB"
[ceilings]
limits = { memory = "256MiB", pids = 64 }
forbid = ["ptrace", "@audio"]
files = "write"
devices = "read"
network = ["127.0.0.0/8", "obs.lan"]
[[remove]]
calls = ["ptrace"]
why = "another way to say no"
[[rules]]
calls = ["ptrace"]
action = "errno:ENOSYS"
why = "some library asks"
[[rules]]
calls = ["@files-read"]
phase = "run"
action = "allow"
why = "reads clips"
[[rules]]
calls = ["unshare"]
phase = "run"
when = ["arg0 == 0"]
action = "allow"
accept_risk = "a test's"
why = "nobody needs it"
[[files]]
path = "~/a \"b\""
inside = "/work"
access = "write"
why = "clips"
[[devices]]
path = "/dev/snd/pcm*"
access = "read"
why = "sound"
[[network]]
to = ["tcp://127.0.0.1:4455", "udp://obs.lan:9000"]
why = "OBS"
[[environment]]
names = ["LANG", "TZ"]
why = "dates"
`

// TestTOML: a profile written out as one means the same, and written out again
// it is the same text.
func TestTOML(t *testing.T) {
	all := map[string]*Profile{}
	for _, name := range Names() {
		p, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = p
	}
	p, err := ParseProfile("everything.toml", []byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	all["everything"] = p
	for name, p := range all {
		text := p.TOML()
		flat, err := ParseProfile("flat.toml", []byte(text))
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
			continue
		}
		for _, d := range Diff(p, flat) {
			t.Errorf("%s: %s", name, d.Text())
		}
		if again := flat.TOML(); again != text {
			t.Errorf("%s: written out twice:\n%s\nand\n%s", name, text, again)
		}
		if len(flat.Chain) != 1 || len(flat.Removed) != 0 || strings.Contains(text, "@") && name != "everything" {
			t.Errorf("%s is not flat: %v", name, flat.Chain)
		}
	}
	if len(Diff(p, all[Default])) == 0 {
		t.Error("everything is like strict")
	}
	for _, want := range []string{
		`limits = { memory = "256MiB", pids = 64 }`, `forbid = ["ptrace", "@audio"]`, `network = ["127.0.0.0/8", "obs.lan"]`,
		`accept_risk = "a test's"`, `require = ["landlock", "cgroup"]`, `cpus = "0-1,3"`, `description = "a \"quoted\" word and é"`,
	} {
		if !strings.Contains(p.TOML(), want) {
			t.Errorf("no %s in\n%s", want, p.TOML())
		}
	}
}
