package profiles

import (
	"testing"
	"time"
)

func TestUnder(t *testing.T) {
	const head = "name = \"capped\"\ndescription = \"d\"\nextends = \"strict\"\n"
	base, err := resolve(&source{file: "capped.toml", data: []byte(head + `
[ceilings]
limits = { memory = "64MiB", trigger_timeout = "5s" }
forbid = ["getppid", "@network-client", "@files-read"]
`)}, builtIn{})
	if err != nil {
		t.Fatal(err)
	}
	wide, err := Named("legacy")
	if err != nil {
		t.Fatal(err)
	}
	under := wide.Under(base)
	socket := [6]uint64{constants["AF_INET"], constants["SOCK_STREAM"]}
	for _, c := range []struct {
		call        string
		args        [6]uint64
		before, now bool
	}{
		{"getppid", [6]uint64{}, true, false},
		{"getsid", [6]uint64{}, true, true},
		{"socket", socket, true, false},
		{"openat", [6]uint64{}, true, false},
		{"execve", [6]uint64{}, false, false},
	} {
		if got := wide.Allows(c.call, c.args); got != c.before {
			t.Errorf("%s: %v before", c.call, got)
		}
		if got := under.Allows(c.call, c.args); got != c.now {
			t.Errorf("%s: %v, want %v", c.call, got, c.now)
		}
	}
	l := base.Capped(Limits{Memory: 1 << 30, TriggerTimeout: time.Minute, Pids: 256})
	if l.Memory != 64<<20 || l.TriggerTimeout != 5*time.Second || l.Pids != 256 {
		t.Errorf("capped to %+v", l)
	}
	for value, want := range map[string]string{"128MiB": "64MiB", "32MiB": "32MiB", "64MiB": "64MiB", "much": "much"} {
		if got := base.UnderCeiling("memory", value); got != want {
			t.Errorf("memory %s under the ceiling: %s, want %s", value, got, want)
		}
	}
	if got := base.UnderCeiling("pids", "999"); got != "999" {
		t.Errorf("pids, which have no ceiling: %s", got)
	}
	if l := base.Capped(Limits{Memory: 1 << 20}); l.Memory != 1<<20 {
		t.Errorf("memory raised to %d", l.Memory)
	}
}
