package profiles

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	seccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

// ociFilter compiles linux.seccomp as a container runtime does: every rule
// goes to libseccomp as it stands.
func ociFilter(t *testing.T, text []byte) *Filter {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var config specs.LinuxSeccomp
	if err := d.Decode(&config); err != nil {
		t.Fatal(err)
	}
	actions := map[specs.LinuxSeccompAction]seccomp.ScmpAction{
		specs.ActAllow: seccomp.ActAllow, specs.ActErrno: seccomp.ActErrno, specs.ActKillProcess: seccomp.ActKillProcess,
	}
	action := func(a specs.LinuxSeccompAction, errno *uint) seccomp.ScmpAction {
		act, ok := actions[a]
		if !ok {
			t.Fatalf("action %q", a)
		}
		if a == specs.ActErrno {
			act = act.SetReturnCode(int16(*errno))
		}
		return act
	}
	filter, err := seccomp.NewFilter(action(config.DefaultAction, config.DefaultErrnoRet))
	if err != nil {
		t.Fatal(err)
	}
	defer filter.Release()
	for _, arch := range config.Architectures {
		name := strings.ToLower(strings.TrimPrefix(string(arch), "SCMP_ARCH_"))
		if name == "x86_64" {
			name = "amd64"
		}
		a, err := seccomp.GetArchFromString(name)
		if err != nil {
			t.Fatal(err)
		}
		if native, err := seccomp.GetNativeArch(); err != nil || native != a {
			t.Fatalf("architecture %s, this machine is %v: %v", arch, native, err)
		}
	}
	for _, rule := range config.Syscalls {
		act := action(rule.Action, rule.ErrnoRet)
		for _, name := range rule.Names {
			nr, err := seccomp.GetSyscallFromName(name)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if rule.Args == nil {
				err = filter.AddRule(nr, act)
			} else {
				var conditions []seccomp.ScmpCondition
				for _, arg := range rule.Args {
					if arg.Op != specs.OpMaskedEqual {
						t.Fatalf("%s: operator %s", name, arg.Op)
					}
					c, err := seccomp.MakeCondition(arg.Index, seccomp.CompareMaskedEqual, arg.Value, arg.ValueTwo)
					if err != nil {
						t.Fatal(err)
					}
					conditions = append(conditions, c)
				}
				err = filter.AddRuleConditional(nr, act, conditions)
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	program, err := export(filter)
	if err != nil {
		t.Fatal(err)
	}
	return &Filter{BPF: program}
}

// TestOCI runs the filter of the OCI form beside ours: it never allows what
// ours does not, and in fact does the same.
func TestOCI(t *testing.T) {
	for _, name := range Names() {
		p, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		ours := compileNamed(t, name)
		for _, phase := range []Phase{PhaseRun, PhaseLoad} {
			t.Run(name+" "+string(phase), func(t *testing.T) {
				text, err := p.OCI(phase)
				if err != nil {
					t.Fatal(err)
				}
				sim, arch := simulate(t, ociFilter(t, text)), nativeArch(t)
				allowed := 0
				for i := range ours.Calls {
					c := &ours.Calls[i]
					for arg := range 6 {
						for _, v := range argumentGrid() {
							var args [6]uint64
							args[arg] = v
							want := c.expected(args)
							if phase == PhaseLoad && want == "notify" && c.Continue(args) {
								want = "allow"
							}
							if want == "notify" {
								want = "errno:EPERM"
							}
							got := ret(sim.run(t, call{nr: uint32(c.Nr), arch: arch, args: args}))
							if got != want {
								t.Fatalf("%s%x: %s, ours does %s", c.Name, args, got, want)
							}
							if got == "allow" {
								allowed++
							}
						}
					}
				}
				if allowed == 0 {
					t.Error("nothing is allowed")
				}
				for nr := range uint32(1024) {
					if _, known := ours.Call(int(nr)); !known {
						if got := ret(sim.run(t, call{nr: nr, arch: arch})); got == "allow" {
							t.Errorf("number %d: %s", nr, got)
						}
					}
					if got := ret(sim.run(t, call{nr: nr, arch: unix.AUDIT_ARCH_I386})); got == "allow" {
						t.Errorf("number %d of another architecture: %s", nr, got)
					}
				}
			})
		}
	}
}

// TestListing: the text has one line for each instruction, and says of a call
// what a reader of the program needs to follow it.
func TestListing(t *testing.T) {
	f := compileNamed(t, Default)
	lines := strings.Split(strings.TrimSuffix(f.Listing(), "\n"), "\n")
	if want := len(f.BPF)/instructionSize + 1; len(lines) != want {
		t.Errorf("%d lines, want %d", len(lines), want)
	}
	text := f.Listing()
	for _, want := range []string{"   0  load  arch\n", "return kill\n", "return notify", "return ENOSYS\n", "return allow\n", "load  a2.lo\n", "# mprotect\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "op 0x") {
		t.Errorf("an instruction has no name in\n%s", text)
	}
}
