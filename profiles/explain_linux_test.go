package profiles

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// placed reads an embedded profile as if it were a file of the user's.
func placed(t *testing.T, name string) (p *Profile, text string) {
	t.Helper()
	data, err := os.ReadFile(name + ".toml")
	if err != nil {
		t.Fatal(err)
	}
	p, err = ParseProfile("my/"+name+".toml", data)
	if err != nil {
		t.Fatal(err)
	}
	p.Chain = []Source{{Name: name, At: Position{File: "my/" + name + ".toml", Line: 1}}}
	return p, string(data)
}

func arguments6(values ...uint64) *[6]uint64 {
	var args [6]uint64
	copy(args[:], values)
	return &args
}

func TestExplain(t *testing.T) {
	tests := []struct {
		name    string
		profile string
		call    string
		phase   Phase
		args    *[6]uint64
		want    Outcome
		rules   int
		text    string
	}{
		{"always", "strict", "read", PhaseRun, nil, Allowed, 1, "at any time"},
		{"always, while loading", "strict", "read", PhaseLoad, nil, Allowed, 1, "at any time"},
		{"load only, loading", "strict", "openat", PhaseLoad, nil, Allowed, 1, "while the plugin loads"},
		{"load only, running", "strict", "openat", PhaseRun, nil, Refused, 0, "while the plugin loads only"},
		{"no rule", "strict", "socket", PhaseRun, nil, Refused, 0, "no rule names socket"},
		{"fails", "strict", "clone3", PhaseRun, nil, Failed, 1, "ENOSYS"},
		{"kills", "strict", "ptrace", PhaseLoad, nil, Killed, 1, "SIGSYS"},
		{"not there", "strict", "opnat", PhaseRun, nil, Unknown, 0, "no system call"},
		{"arguments decide", "strict", "mmap", PhaseRun, nil, Conditional, 1, "prot & PROT_EXEC == 0"},
		{"arguments decide, loading", "strict", "mmap", PhaseLoad, nil, Conditional, 2, ", or prot & PROT_WRITE == 0"},
		{"they hold", "strict", "mmap", PhaseRun, arguments6(0, 4096, 3, 0x22), Allowed, 1, "at any time"},
		{"they do not", "strict", "mmap", PhaseRun, arguments6(0, 4096, 5, 0x2), Refused, 1, "with these arguments"},
		{"they hold while loading", "strict", "mmap", PhaseLoad, arguments6(0, 4096, 5, 0x2), Allowed, 1, "while the plugin loads"},
		{"garbage above 32 bits", "threads", "prctl", PhaseRun, arguments6(0xdead_0000_000f), Allowed, 1, "thread names"},
		{"another option", "threads", "prctl", PhaseRun, arguments6(38), Refused, 2, "option == PR_SET_NAME, or option == PR_SET_VMA"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, _ := placed(t, test.profile)
			e := p.Explain(test.call, test.phase, test.args)
			if e.Outcome != test.want || len(e.Rules) != test.rules || !strings.Contains(e.Text, test.text) {
				t.Errorf("%s with %d rules: %s\nwant %s with %d: ... %s ...", e.Outcome, len(e.Rules), e.Text, test.want, test.rules, test.text)
			}
		})
	}
}

// TestExplainAgrees compares every explanation with what the compiled profile
// does, for every call and many arguments.
func TestExplainAgrees(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			p, err := Named(name)
			if err != nil {
				t.Fatal(err)
			}
			f := compileNamed(t, name)
			for i := range f.Calls {
				c := &f.Calls[i]
				grid := argumentGrid()
				if len(c.Run)+len(c.Load) == 0 {
					grid = grid[:2] // arguments decide nothing
				}
				for arg := range 6 {
					for _, v := range grid {
						var args [6]uint64
						args[arg] = v
						for _, phase := range []Phase{PhaseLoad, PhaseRun} {
							want := outcomeOf(c, phase, args)
							if e := p.Explain(c.Name, phase, &args); e.Outcome != want {
								t.Fatalf("%s %x, %s: explained as %s, is %s: %s", c.Name, args, phase, e.Outcome, want, e.Text)
							}
						}
					}
				}
			}
		})
	}
}

func outcomeOf(c *Call, phase Phase, args [6]uint64) Outcome {
	switch v := c.KernelVerdict(args); {
	case v == VerdictKill:
		return Killed
	case v == VerdictErrno:
		return Failed
	case v == VerdictAllow || phase == PhaseLoad && c.Continue(args):
		return Allowed
	}
	return Refused
}

// TestEditAllows applies every edit that is proposed to the text it is
// proposed for, and asks again: of a profile in a file, of the same one built
// in, which stays, and of one that extends it.
func TestEditAllows(t *testing.T) {
	given := map[string]*[6]uint64{
		"": nil, "zeros": arguments6(), "code": arguments6(0, 4096, 5, 0x22), "huge pages": arguments6(0, 4096, 3, 0x40022),
		"numbers": arguments6(2, 0x80001, 1, 4, 5, 6), "thread": arguments6(0x3d0f00),
	}
	for _, name := range Names() {
		inFile, text := placed(t, name)
		builtIn, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		childText := fmt.Sprintf("name = %q\ndescription = \"d\"\nextends = %q\n", "child", name)
		p := builtIn
		child, err := ParseProfile("my/child.toml", []byte(childText))
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			of    string
			p     *Profile
			file  string
			after int
			text  string
		}{
			{"file", inFile, "my/" + name + ".toml", strings.Count(text, "\n"), text},
			{"built in", builtIn, "my-" + name + ".toml", 0, ""},
			{"child", child, "my/child.toml", 3, childText},
		} {
			t.Run(name+" "+test.of, func(t *testing.T) {
				proposed := 0
				parsed := map[string]*Profile{} // many edits are the same
				for i, k := range knownCalls() {
					if i%5 != 0 && selectors[k.name] == nil && !p.names(k.name) {
						continue // no rule, no arguments: one is like the other
					}
					for label, args := range given {
						if label != "" && label != "numbers" && selectors[k.name] == nil {
							continue // arguments decide nothing about its edit
						}
						for _, phase := range []Phase{PhaseLoad, PhaseRun} {
							before := test.p.Explain(k.name, phase, args)
							edit := test.p.EditFor(k.name, phase, args)
							if before.Outcome == Allowed && edit.Lines != nil {
								t.Errorf("%s %s with %s: an edit for what is allowed: %q", k.name, phase, label, edit.Lines)
							}
							if edit.Lines == nil || strings.Contains(edit.Text, "first take") {
								continue // one that fails by its own file's word is in the way
							}
							proposed++
							if edit.File != test.file || edit.After != test.after || !strings.Contains(edit.Text, "risk: ") {
								t.Fatalf("%s: edit of %s after %d: %s", k.name, edit.File, edit.After, edit.Text)
							}
							lines := strings.Join(edit.Lines, "\n") + "\n"
							changed, err := parsed[lines], error(nil)
							if changed == nil {
								changed, err = ParseProfile(edit.File, []byte(test.text+lines))
								parsed[lines] = changed
							}
							if err != nil {
								t.Fatalf("%s %s with %s: %v\n%s", k.name, phase, label, err, strings.Join(edit.Lines, "\n"))
							}
							// Of recvmsg a rule may allow a part only.
							after := changed.Explain(k.name, phase, args)
							if part := k.name == "recvmsg" && args == nil && after.Outcome == Conditional; after.Outcome != Allowed && !part {
								t.Errorf("%s %s with %s: %s after the edit\n%s", k.name, phase, label, after.Outcome, strings.Join(edit.Lines, "\n"))
							}
						}
					}
				}
				if proposed == 0 {
					t.Error("no edit was tried")
				}
			})
		}
	}
}

// names reports whether a rule names the call.
func (p *Profile) names(call string) bool {
	return slices.ContainsFunc(p.Rules, func(r Rule) bool { return slices.Contains(r.Calls, call) })
}

func TestEditIsNarrow(t *testing.T) {
	tests := []struct {
		call  string
		phase Phase
		args  *[6]uint64
		want  string
	}{
		{"prctl", PhaseRun, arguments6(15), `when = ["option == PR_SET_NAME"]`},
		{"socket", PhaseRun, arguments6(1, 0x80001), `when = ["domain == AF_UNIX", "type & 0xf == 1"]`},
		{"fcntl", PhaseRun, arguments6(3, 1030), `when = ["cmd == F_DUPFD_CLOEXEC"]`},
		{"mmap", PhaseRun, arguments6(0, 1, 5, 0x22), `when = ["prot & PROT_WRITE|PROT_EXEC == PROT_EXEC", "flags & MAP_HUGETLB == 0"]`},
		{"openat", PhaseLoad, nil, `phase = "load"`},
		{"getpid", PhaseLoad, nil, `phase = "run"`},
		{"socket", PhaseRun, nil, ""},
		{"clone3", PhaseRun, nil, ""},
		{"execve", PhaseRun, nil, ""},
		{"mmap", PhaseRun, arguments6(0, 1, 7, 0x22), ""},
		{"mprotect", PhaseRun, nil, ""},
	}
	p, _ := placed(t, Default)
	p.Rules = slices.DeleteFunc(p.Rules, func(r Rule) bool { return slices.Contains(r.Calls, "openat") })
	for _, test := range tests {
		edit := p.EditFor(test.call, test.phase, test.args)
		if test.want == "" && (edit.Lines != nil || edit.File != "" || edit.Text == "") {
			t.Errorf("%s: %+v, want no lines and a reason", test.call, edit)
		}
		if test.want != "" && !slices.Contains(edit.Lines, test.want) {
			t.Errorf("%s: no line %s in\n%s", test.call, test.want, strings.Join(edit.Lines, "\n"))
		}
	}
}

// TestEditOfEmbedded: what is built in is extended, not changed.
func TestEditOfEmbedded(t *testing.T) {
	p, _ := placed(t, Default)
	p.Chain[0].At.File = "embedded:strict.toml"
	edit := p.EditFor("getpid", PhaseRun, nil)
	if edit.File != "my-strict.toml" || edit.After != 0 || !slices.Contains(edit.Lines, `extends = "strict"`) || !strings.Contains(edit.Text, "built in") {
		t.Errorf("edit %+v", edit)
	}
}

// TestVia names the way through two parents and a group.
func TestVia(t *testing.T) {
	p := Profile{Chain: []Source{{"c", Position{"c.toml", 1}}, {"b", Position{"b.toml", 1}}, {"a", Position{"a.toml", 1}}}}
	for _, test := range []struct {
		file, group, want string
	}{
		{"c.toml", "", ""},
		{"b.toml", "", "inherited from b"},
		{"a.toml", "@timers", "inherited from a through b, group @timers"},
	} {
		if got := p.Via(Position{test.file, 3}, test.group); got != test.want {
			t.Errorf("via %s: %q, want %q", test.file, got, test.want)
		}
	}
}

// TestCovers compares the exact answer with trying every value of a few bits.
func TestCovers(t *testing.T) {
	c := func(mask, value uint64) []Compare { return []Compare{{Arg: 0, Mask: mask, Value: value}} }
	tests := []struct {
		name         string
		alternatives [][]Compare
		inner        []Compare
	}{
		{"nothing", nil, nil},
		{"everything", [][]Compare{nil}, c(3, 1)},
		{"two halves", [][]Compare{c(1, 0), c(1, 1)}, nil},
		{"three quarters", [][]Compare{c(1, 0), c(3, 1)}, nil},
		{"three quarters, and what is asked lies inside", [][]Compare{c(1, 0), c(3, 1)}, c(3, 1)},
		{"across", [][]Compare{c(2, 2), c(1, 1)}, c(3, 3)},
		{"across, outside", [][]Compare{c(2, 2), c(1, 1)}, c(4, 4)},
		{"two arguments", [][]Compare{{{0, 1, 1}, {1, 1, 1}}, c(1, 0)}, c(1, 1)},
		{"two arguments, all", [][]Compare{{{0, 1, 1}, {1, 1, 1}}, {{0, 1, 1}, {1, 1, 0}}, c(1, 0)}, nil},
	}
	for _, test := range tests {
		want := true
		for v := range uint64(64) {
			args := [6]uint64{v & 7, v >> 3}
			if anyHolds([][]Compare{test.inner}, args) && !anyHolds(test.alternatives, args) {
				want = false
			}
		}
		if got := covers(test.alternatives, test.inner); got != want {
			t.Errorf("%s: covered %v, want %v", test.name, got, want)
		}
	}
}

func TestSelectorsExist(t *testing.T) {
	for call, names := range selectors {
		for _, name := range names {
			if _, ok := findArgument(call, name); !ok {
				t.Errorf("%s has no argument %s", call, name)
			}
		}
	}
	for _, r := range risks {
		for _, call := range r.calls {
			if !knownCall(call) {
				t.Errorf("%s is no system call", call)
			}
		}
	}
}

// TestExplainRemoved names the [[remove]] that took a rule away, and the
// ceiling that keeps it from coming back.
func TestExplainRemoved(t *testing.T) {
	p, err := ParseProfile("my/less.toml", []byte(`name = "less"
description = "d"
extends = "threads"
[ceilings]
forbid = ["eventfd2"]
[[remove]]
calls = ["eventfd2"]
why = "no event loop here"
[[remove]]
calls = ["openat"]
phase = "load"
why = "opens nothing"
`))
	if err != nil {
		t.Fatal(err)
	}
	e := p.Explain("eventfd2", PhaseRun, nil)
	if e.Outcome != Refused || e.Removed != (Position{"my/less.toml", 7}) || !strings.Contains(e.Text, "no event loop here") {
		t.Errorf("explained as %+v", e)
	}
	if edit := p.EditFor("eventfd2", PhaseRun, nil); edit.Lines != nil || !strings.Contains(edit.Text, "my/less.toml:5") {
		t.Errorf("edit %+v, want none, for the ceiling", edit)
	}
	if e := p.Explain("openat", PhaseRun, nil); e.Removed != (Position{}) {
		t.Errorf("explained as %+v: it was never allowed in the run phase", e)
	}
	if e := p.Explain("openat", PhaseLoad, nil); e.Removed.Line != 10 {
		t.Errorf("explained as %+v", e)
	}
	if e := p.Explain("futex", PhaseRun, nil); !strings.Contains(e.Text, "inherited from strict through threads") {
		t.Errorf("explained as %s", e.Text)
	}
}

// TestEditGrants applies the grants that are proposed, and asks again.
func TestEditGrants(t *testing.T) {
	const head = `name = "mine"
description = "d"
extends = "network-client"
`
	read := func(text string) *Profile {
		p, err := ParseProfile("my/mine.toml", []byte(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		return p
	}
	to := Destination{TCP, "192.168.1.7", 80}
	asks := map[string]func(p *Profile) Reach{
		"destination": func(p *Profile) Reach { return p.ReachNetwork(to) },
		"file":        func(p *Profile) Reach { return p.ReachPath("/srv/a \"b\"") },
		"device":      func(p *Profile) Reach { return p.ReachPath("/dev/snd/pcmC0D0p") },
		"variable":    func(p *Profile) Reach { return p.ReachEnvironment("LANG") },
	}
	for name, ask := range asks {
		for _, parent := range []string{"network-client", "strict"} {
			head := strings.Replace(head, "network-client", parent, 1)
			before := ask(read(head))
			if before.Outcome != Refused || before.Edit.File != "my/mine.toml" || before.Edit.After != 3 || !strings.Contains(before.Edit.Text, "risk: ") {
				t.Errorf("%s: %+v", name, before)
			}
			after := read(head + strings.Join(before.Edit.Lines, "\n") + "\n")
			if r := ask(after); r.Outcome != Allowed || r.At.Line < 5 || r.Edit.Lines != nil || strings.Contains(r.Text, "no rule") {
				t.Errorf("%s after the edit: %+v", name, r)
			}
			if name == "destination" && !after.allowsAny("socket") {
				t.Error("a destination, and no socket")
			}
		}
	}
	if r := asks["file"](read(strings.Replace(head, "network-client", "strict", 1) + "[[rules]]\ncalls = [\"getcwd\"]\naction = \"kill\"\nwhy = \"for tests\"\n")); strings.Contains(strings.Join(r.Edit.Lines, " "), "@files-read") ||
		!strings.Contains(r.Edit.Text, "kills for") {
		t.Errorf("a group that cannot be had: %+v", r.Edit)
	}
	low := read(head + "[ceilings]\nfiles = \"none\"\ndevices = \"none\"\nnetwork = [\"10.0.0.0/8\"]\n")
	for _, name := range []string{"destination", "file", "device"} {
		if r := asks[name](low); r.Edit.Lines != nil || !strings.Contains(r.Edit.Text, "ceiling at my/mine.toml:") {
			t.Errorf("%s below the ceiling: %+v", name, r.Edit)
		}
	}
	// With a destination granted, no rule may take the host's socket elsewhere.
	granting := read(head + strings.Join(low.EditForDestination(Destination{TCP, "10.0.0.1", 80}).Lines, "\n") + "\n")
	for _, call := range []string{"connect", "bind", "listen", "sendmsg", "sendmmsg"} {
		if edit := granting.EditFor(call, PhaseRun, nil); edit.Lines != nil {
			t.Errorf("%s: %+v", call, edit)
		}
	}
	if e := granting.Explain("connect", PhaseRun, nil); e.Outcome != Conditional {
		t.Errorf("connect: %+v", e)
	}
	if e := granting.Explain("connect", PhaseLoad, nil); e.Outcome != Refused {
		t.Errorf("connect while loading: %+v", e)
	}
}
