//go:build linux

package runner_test

import (
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/isobooth/isobooth/profiles"
	"golang.org/x/sys/unix"
)

// sweeps runs a test for every profile and phase.
func sweeps(t *testing.T, run func(t *testing.T, s *sweeper)) {
	for _, profile := range profiles.Names() {
		for _, phase := range []string{"load", "run"} {
			t.Run(profile+"/"+phase, func(t *testing.T) { run(t, newSweeper(t, newHost(t), profile, phase)) })
		}
	}
}

// TestSweep tries every number. What passes, what is refused, what the kernel
// is said to lack and what kills must be exactly what the profile publishes.
func TestSweep(t *testing.T) {
	sweeps(t, func(t *testing.T, s *sweeper) {
		var probes []probe
		for nr := range lastNumber + 1 {
			p := probe{native, uint64(nr), bad}
			if c, ok := s.filter.Call(nr); ok {
				if p = newProbe(c); len(c.Run) > 0 {
					p.args = fit(p.args, c.Run[0])
				} else if len(c.Load) > 0 {
					p.args = fit(p.args, c.Load[0])
				}
				known := slices.Contains(returns, c.Name) || slices.Contains(spawns, c.Name) || ends[c.Name].Kind != ""
				if published(s.filter, s.phase, p) == reached && !known {
					t.Fatalf("the profile lets %s through and this test knows no harmless arguments for it", c.Name)
				}
			}
			probes = append(probes, p)
		}
		for _, nr := range []uint64{lastNumber + 1, 4096, x32 - 1, math.MaxUint32, math.MaxUint64} {
			probes = append(probes, probe{native, nr, bad})
		}
		got := s.compare(probes)
		s.ruleByRule(got)
		t.Logf("%d reach the kernel, %d are refused, %d lacking, %d killed; %d booths",
			len(got[reached]), len(got[refused]), len(got[lacking]), len(got[killed]), s.booths)
	})
}

// ruleByRule compares names with the rules themselves, as `isobooth profile
// show` prints them.
func (s *sweeper) ruleByRule(got map[outcome][]string) {
	s.t.Helper()
	p, err := profiles.Named(s.plan.Policy.Profile)
	if err != nil {
		s.t.Fatal(err)
	}
	want := map[outcome][]string{}
	for _, r := range p.Rules {
		var o outcome
		switch {
		case r.Action == profiles.Kill:
			o = killed
		case r.Action == profiles.Allow && (r.Phase == profiles.PhaseRun || s.phase == "load"):
			o = reached
		default:
			continue
		}
		for _, name := range r.Calls {
			known := slices.ContainsFunc(s.filter.Calls, func(c profiles.Call) bool { return c.Name == name })
			if known && !slices.Contains(want[o], name) {
				want[o] = append(want[o], name)
			}
		}
	}
	for _, o := range []outcome{reached, killed} {
		for _, name := range got[o] {
			if !slices.Contains(want[o], name) {
				s.t.Errorf("%s: %s; no rule says so", name, o)
			}
		}
		for _, name := range want[o] {
			if !slices.Contains(got[o], name) {
				s.t.Errorf("%s: a rule says %q; that is not what was found", name, o)
			}
		}
	}
}

// TestSweepArguments tries the calls that depend on their arguments: for each
// alternative of the profile arguments that fit it, and those one bit away.
func TestSweepArguments(t *testing.T) {
	sweeps(t, func(t *testing.T, s *sweeper) {
		var probes []probe
		seen := map[probe]bool{}
		add := func(p probe) {
			if !seen[p] {
				seen[p] = true
				probes = append(probes, p)
			}
		}
		for i := range s.filter.Calls {
			c := &s.filter.Calls[i]
			for _, all := range slices.Concat(c.Run, c.Load) {
				base := newProbe(c)
				base.args = fit(base.args, all)
				add(base)
				for _, compare := range all {
					for bit := range 64 {
						near := base
						near.args[compare.Arg] ^= 1 << bit
						add(near)
					}
				}
			}
		}
		got := s.compare(probes)
		if len(got[reached]) == 0 || len(got[refused]) == 0 {
			t.Error("want some that pass and some that do not")
		}
		t.Logf("%d pass, %d do not; %d booths", len(got[reached]), len(got[refused]), s.booths)
	})
}

// TestSweepRegister leaves garbage in the upper half of the register that
// holds the number, which the kernel does not look at and so nobody may.
func TestSweepRegister(t *testing.T) {
	sweeps(t, func(t *testing.T, s *sweeper) {
		const garbage = 0x5a5a5a5a << 32
		for _, nr := range []uint64{unix.SYS_GETPPID, unix.SYS_PTRACE, unix.SYS_CLONE3, unix.SYS_READ, lastNumber} {
			s.compare([]probe{{native, garbage | nr, bad}})
		}
	})
}

// TestSweepFamilies tries sockets of every family and type, pairs of them,
// and every option of prctl.
func TestSweepFamilies(t *testing.T) {
	sweeps(t, func(t *testing.T, s *sweeper) {
		s.compare(families())
		s.compare(options())
	})
}

func families() (probes []probe) {
	for family := range uint64(47) { // 46 is the family after the last, AF_MAX of Linux 5.16
		for _, kind := range []uint64{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_RAW} {
			args := [6]uint64{family, kind, 0, math.MaxUint64}
			probes = append(probes, probe{opening, unix.SYS_SOCKET, args}, probe{native, unix.SYS_SOCKETPAIR, args})
		}
	}
	return probes
}

func options() (probes []probe) {
	option := func(n uint64) {
		args := bad
		args[0] = n
		probes = append(probes, probe{native, unix.SYS_PRCTL, args})
	}
	for n := range uint64(101) { // Linux 6.18 has them up to 78
		option(n)
	}
	for _, n := range []uint64{unix.PR_SET_PTRACER, unix.PR_SET_VMA, math.MaxUint32, math.MaxUint64} {
		option(n)
	}
	return probes
}

// TestSweepForeign enters the kernel by its other doors. In booths it tries a
// few calls, as each kills its booth; in children under the same filter, and
// nothing else, it tries them all.
func TestSweepForeign(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("arm64 has no x32, and enters 32-bit code only in a 32-bit program")
	}
	sigsys := fmt.Sprintf("killed %d", syscall.SIGSYS)
	sweeps(t, func(t *testing.T, s *sweeper) {
		for _, nr := range []uint64{1, 4, 11, 20, 120, 359, lastNumber} { // exit, write, execve, getpid, clone, socket
			s.compare([]probe{{int80, nr, bad}})
		}
		for _, nr := range []uint64{0, unix.SYS_GETPID, unix.SYS_EXECVE, unix.SYS_CLONE, 520, 547, lastNumber, 0x3fffffff, 0x40000000, 0xbffffffe} {
			s.compare([]probe{{native, x32 | nr, bad}})
		}
		filter := s.plan.Policy.BPF
		for entry, first := range map[string]int{"int80": 0, "native": x32} {
			if ends := under(t, filter, entry, first, first+lastNumber); len(ends) != 1 || ends[sigsys] != lastNumber+1 {
				t.Errorf("%s %#x and up: %v; want all killed", entry, first, ends)
			}
		}
		for nr, want := range map[int]string{unix.SYS_GETTIMEOFDAY: "returned", unix.SYS_PTRACE: sigsys, lastNumber: "returned"} {
			if ends := under(t, filter, "native", nr, nr); ends[want] != 1 {
				t.Errorf("control: native %d under the filter: %v, want %s", nr, ends, want)
			}
		}
	})
	// Without a filter these calls do no harm and kill nobody.
	if ends := under(t, nil, "int80", 20, 20); ends["returned"] != 1 {
		missing(t, fmt.Sprintf("the 32-bit entry: int 0x80 without a filter: %v", ends))
	}
	if ends := under(t, nil, "native", x32|unix.SYS_GETPID, x32|unix.SYS_GETPID); ends["returned"] != 1 {
		t.Errorf("control: x32 without a filter: %v", ends)
	}
}

// TestSweepControl makes the calls that every booth refuses without a booth:
// there the refusal's EPERM must be gone.
func TestSweepControl(t *testing.T) {
	s := newSweeper(t, nil, "strict", "run") // makes no booths
	var probes []probe
	for i := range s.filter.Calls {
		c := &s.filter.Calls[i]
		p := newProbe(c)
		if published(s.filter, "run", p) == refused && omitted[c.Name] == "" {
			probes = append(probes, p)
		}
	}
	probes = slices.Concat(probes, families(), options())
	for chunk := range slices.Chunk(probes, sweepChunk) {
		out, err := exec.Command(filepath.Join(bin, "unconfined"), filepath.Join(s.library(chunk), "p.so"), "go").Output()
		if err != nil {
			t.Fatalf("unconfined: %v\n%s", err, out)
		}
		words := strings.Fields(string(out))
		if len(words) != len(chunk) {
			t.Fatalf("%d results of %d probes", len(words), len(chunk))
		}
		for i, p := range chunk {
			if words[i] == "-1" && !privileged(s.name(p), p.args[0]) {
				t.Errorf("%s %#x is refused without a booth, too", s.name(p), p.args)
			}
		}
	}
	t.Logf("%d calls tried without a booth", len(probes))
}

// privileged reports whether EPERM may be the kernel's own answer to a call
// with this first argument: it then wants a capability before it looks at the
// rest.
func privileged(name string, first uint64) bool {
	switch name {
	case "setgroups", "fanotify_init", "move_mount", "fsopen", "fsmount", "fspick":
		return true
	case "socket":
		return first == unix.AF_PACKET || first == unix.AF_XDP
	case "prctl":
		return slices.Contains([]uint64{unix.PR_CAPBSET_DROP, unix.PR_SET_SECUREBITS, unix.PR_SET_IO_FLUSHER, unix.PR_GET_IO_FLUSHER}, first) ||
			first == unix.PR_GET_TIMERSLACK // -1 is the slack that the option before has set
	}
	return false
}

// omitted are the calls that the control leaves out, and why.
var omitted = map[string]string{
	"acct":          "changes the machine",
	"chroot":        "changes the process for good",
	"clock_settime": "changes the machine",
	"msgget":        "makes a queue that outlives the process",
	"pause":         "waits for ever",
	"semget":        "makes semaphores that outlive the process",
	"setdomainname": "changes the machine",
	"sethostname":   "changes the machine",
	"settimeofday":  "changes the machine",
	"shmget":        "makes memory that outlives the process",
	"sync":          "writes back all files of the machine",
	"syslog":        "changes the machine",
	"vfork":         "its child runs on our stack; fork and clone stand for it",
	"vhangup":       "hangs up the terminal of whoever runs the test",
}
