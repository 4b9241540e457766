package profiles

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

func allow(phase Phase, when []Compare, calls ...string) Rule {
	return Rule{Calls: calls, Phase: phase, Action: Allow, When: when, Why: "for tests"}
}

func TestDiff(t *testing.T) {
	prot := func(mask, value uint64) []Compare { return []Compare{{Arg: 2, Mask: mask, Value: value}} }
	tests := []struct {
		name   string
		change func(p *Profile)
		want   []string
	}{
		{"nothing", func(*Profile) {}, nil},
		{"order, names and reasons", func(p *Profile) {
			slices.Reverse(p.Rules)
			p.Name, p.Description = "other", "other"
			for i := range p.Rules {
				p.Rules[i].Why = "other"
			}
		}, nil},
		{"one rule becomes two", func(p *Profile) {
			without(p, "mprotect")
			p.Rules = append(p.Rules, allow(PhaseRun, prot(5, 0), "mprotect"), allow(PhaseRun, prot(5, 1), "mprotect"))
		}, nil},
		{"half of them", func(p *Profile) {
			without(p, "mprotect")
			p.Rules = append(p.Rules, allow(PhaseRun, prot(5, 0), "mprotect"))
		}, []string{"tighter call mprotect: allowed where prot & PROT_EXEC == 0 -> allowed where prot & PROT_READ|PROT_EXEC == 0"}},
		{"another half", func(p *Profile) {
			without(p, "mprotect")
			p.Rules = append(p.Rules, allow(PhaseRun, prot(1, 1), "mprotect"))
		}, []string{"different call mprotect: allowed where prot & PROT_EXEC == 0 -> allowed where prot & PROT_READ == PROT_READ"}},
		{"a call more", func(p *Profile) { p.Rules = append(p.Rules, allow(PhaseRun, nil, "getpid")) },
			[]string{"looser call getpid: refused -> allowed"}},
		{"a call more while loading", func(p *Profile) { p.Rules = append(p.Rules, allow(PhaseLoad, nil, "readlink")) },
			[]string{"looser call readlink (load phase): refused -> allowed"}},
		{"load becomes run", func(p *Profile) { p.Rules = append(p.Rules, allow(PhaseRun, nil, "openat")) },
			[]string{"looser call openat (run phase): refused -> allowed"}},
		{"no conditions", func(p *Profile) { p.Rules = append(p.Rules, allow(PhaseRun, nil, "mprotect")) },
			[]string{"looser call mprotect: allowed where prot & PROT_EXEC == 0 -> allowed"}},
		{"kill becomes refused", func(p *Profile) { without(p, "ptrace") }, []string{"looser call ptrace: kill -> refused"}},
		{"errno becomes refused", func(p *Profile) { without(p, "clone3") }, []string{"different call clone3: ENOSYS -> refused"}},
		{"allow is gone", func(p *Profile) { without(p, "futex") }, []string{"tighter call futex: allowed -> refused"}},
		{"limits", func(p *Profile) {
			p.Limits.Memory, p.Limits.Pids = 65<<20, 1
			p.Limits.RestartPause, p.Limits.QueueAge = time.Millisecond, time.Second
		}, []string{
			"looser limit memory: 64MiB -> 65MiB", "tighter limit pids: 8 -> 1",
			"looser limit restart_pause: 100ms -> 1ms", "looser limit queue_age: 500ms -> 1s",
		}},
		{"processors", func(p *Profile) { p.Limits.CPUs = []int{0, 1, 3} }, []string{"tighter limit cpus: all -> 0-1,3"}},
		{"grants", func(p *Profile) {
			p.Files = []FileGrant{{Path: "~/clips", Inside: "/work", Access: AccessRead}}
			p.Devices = []DeviceGrant{{Path: "/dev/snd/*", Access: AccessWrite}}
			p.Network = []NetworkGrant{{To: []Destination{{TCP, "::1", 80}, {UDP, "obs.lan", 9000}}}}
			p.Environment = []EnvironmentGrant{{Name: "TZ"}}
			p.Require = []string{"landlock"}
		}, []string{
			"looser device /dev/snd/*: nothing -> write", "looser environment TZ: nothing -> read",
			"looser file /work: nothing -> read ~/clips",
			"looser network tcp://[::1]:80: nothing -> connect", "looser network udp://obs.lan:9000: nothing -> connect",
			"tighter require landlock: nothing -> required",
		}},
	}
	opposite := map[Direction]Direction{Looser: Tighter, Tighter: Looser, Different: Different}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, err := Named(Default)
			if err != nil {
				t.Fatal(err)
			}
			b, err := Named(Default)
			if err != nil {
				t.Fatal(err)
			}
			test.change(b)
			var got []string
			forth := Diff(a, b)
			for _, d := range forth {
				got = append(got, d.Text())
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got\n%q\nwant\n%q", got, test.want)
			}
			back := Diff(b, a)
			if len(back) != len(forth) {
				t.Fatalf("%d differences one way, %d the other", len(forth), len(back))
			}
			for _, d := range forth {
				if !slices.ContainsFunc(back, func(o Difference) bool {
					return o.Kind == d.Kind && o.Name == d.Name && o.A == d.B && o.B == d.A && o.Direction == opposite[d.Direction]
				}) {
					t.Errorf("not the other way round: %s", d.Text())
				}
			}
		})
	}
}

func TestDiffOfGrants(t *testing.T) {
	a := Profile{Files: []FileGrant{{Path: "/a", Inside: "/work", Access: AccessRead}, {Path: "/x", Inside: "/x", Access: AccessRead}}}
	b := Profile{Files: []FileGrant{{Path: "/b", Inside: "/work", Access: AccessRead}, {Path: "/x", Inside: "/x", Access: AccessWrite}}}
	var got []string
	for _, d := range Diff(&a, &b) {
		got = append(got, d.Text())
	}
	if want := []string{"different file /work: read /a -> read /b", "looser file /x: read /x -> write /x"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestLimitFields: every limit has its place in the table, and one only.
func TestLimitFields(t *testing.T) {
	p, err := Named(Default)
	if err != nil {
		t.Fatal(err)
	}
	for i := range reflect.TypeFor[Limits]().NumField() {
		changed := p.Limits
		field := reflect.ValueOf(&changed).Elem().Field(i)
		switch field.Kind() {
		case reflect.Slice:
			field.Set(reflect.ValueOf([]int{0}))
		case reflect.Float64:
			field.SetFloat(field.Float() + 1)
		case reflect.Int, reflect.Int64:
			field.SetInt(field.Int() + 1)
		default:
			field.SetUint(field.Uint() + 1)
		}
		found := 0
		for i := range limitKeys {
			k := &limitKeys[i]
			if k.change(&p.Limits, &changed) != Same {
				found++
				if k.text(&p.Limits) == k.text(&changed) || atLimit[k.name] == "" {
					t.Errorf("limit %s: %q and %q", k.name, k.text(&p.Limits), k.text(&changed))
				}
			}
		}
		if name := reflect.TypeFor[Limits]().Field(i).Name; found != 1 {
			t.Errorf("a change of %s is seen %d times", name, found)
		}
	}
}

// TestDiffOfCeilings: what a ceiling allows those below it is part of what a
// profile means.
func TestDiffOfCeilings(t *testing.T) {
	read := func(ceilings string) *Profile {
		p, err := ParseProfile("my/p.toml", []byte("name = \"p\"\ndescription = \"d\"\nextends = \"strict\"\n[ceilings]\n"+ceilings))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	tests := []struct {
		a, b string
		want []string
	}{
		{"limits = { memory = \"128MiB\" }\n", "limits = { memory = \"128MiB\" }\n", nil},
		{"", "limits = { memory = \"128MiB\" }\n", []string{"tighter ceiling limits.memory: nothing -> 128MiB"}},
		{"limits = { memory = \"128MiB\" }\n", "limits = { memory = \"1GiB\", pids = 9 }\n",
			[]string{"looser ceiling limits.memory: 128MiB -> 1GiB", "tighter ceiling limits.pids: nothing -> 9"}},
		{"forbid = [\"socket\"]\nfiles = \"read\"\n", "forbid = [\"ptrace\"]\nfiles = \"none\"\ndevices = \"write\"\n", []string{
			"looser ceiling forbid socket: forbidden -> nothing", "tighter ceiling forbid ptrace: nothing -> forbidden",
			"tighter ceiling files: read -> none", "tighter ceiling devices: nothing -> write"}},
		{"network = [\"10.0.0.0/8\"]\n", "network = []\n", []string{"tighter ceiling network: 10.0.0.0/8 -> none"}},
		{"network = [\"10.0.0.0/8\"]\n", "network = [\"10.1.0.0/16\"]\n", []string{"tighter ceiling network: 10.0.0.0/8 -> 10.1.0.0/16"}},
		{"network = [\"10.1.0.0/16\"]\n", "network = [\"obs.lan\"]\n", []string{"different ceiling network: 10.1.0.0/16 -> obs.lan"}},
		{"network = []\n", "", []string{"looser ceiling network: none -> nothing"}},
	}
	for _, test := range tests {
		var got []string
		for _, d := range Diff(read(test.a), read(test.b)) {
			got = append(got, d.Text())
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%q -> %q: got %q, want %q", test.a, test.b, got, test.want)
		}
	}
}
