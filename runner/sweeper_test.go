//go:build linux

package runner_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/control"
	"golang.org/x/sys/unix"
)

// How a probe is made, and sizes; testdata/plugins/sweep.c has the same.
const (
	native     = 0
	int80      = 1
	spawn      = 2
	sigreturn  = 3
	opening    = 4
	sweepMax   = 2048
	sweepChunk = 128
	sweepMark  = "the sweep table\x00" // 16 bytes
)

// x32 marks a call of the x32 ABI in its number.
const x32 = 0x40000000

// lastNumber is where the sweep of numbers ends. Linux 6.18 stays below 500.
const lastNumber = 1023

// probe is one system call to try.
type probe struct {
	how  uint64
	nr   uint64
	args [6]uint64
}

// number is the call as the kernel sees it: an int, whatever else the register
// holds.
func (p probe) number() int { return int(int32(p.nr)) }

// foreign reports whether the call is one of another ABI of this processor.
// Of -1 the kernel itself says ENOSYS.
func (p probe) foreign() bool {
	return p.how == int80 || runtime.GOARCH == "amd64" && p.nr&x32 != 0 && p.number() != -1
}

// outcome is what became of a probe.
type outcome string

const (
	// reached: the kernel carried the call out, or found fault with the
	// arguments itself. That it was not refused is the jailer's and the exit
	// status' word; that the kernel did not lack it is the plugin's.
	reached outcome = "reaches the kernel"
	// refused: the jailer has a record of it, and its count is exact.
	refused outcome = "refused by the jailer"
	// lacking: ENOSYS, and neither record nor end. The errno is the plugin's
	// word; nothing outside sees it.
	lacking outcome = "ENOSYS"
	// killed: SIGSYS, by the exit status.
	killed outcome = "killed"
	// failed: EPERM, and no record: the kernel's own answer, by a rule.
	failed outcome = "EPERM by the filter"
)

// bad is no descriptor, no pointer, no size and no set of flags. It has no
// bit that a profile's conditions could tell from another.
var bad = [6]uint64{math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64}

// returns are the calls that come back at once from bad arguments, with an
// error of the kernel's own that is neither EPERM nor ENOSYS, or do no harm.
// Whatever a profile lets through must be here or in ends or spawns.
var returns = []string{
	"access", "alarm", "brk", "capget", "chdir", "clock_getres", "clock_gettime", "clock_nanosleep", "close",
	"copy_file_range", "creat", "dup", "dup2", "dup3", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait",
	"epoll_pwait2", "epoll_wait", "eventfd", "eventfd2", "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir",
	"fcntl", "fdatasync", "fstat", "fstatfs", "fsync", "ftruncate", "futex", "get_robust_list", "getcpu",
	"getcwd", "getdents64", "getegid", "geteuid", "getgid", "getgroups", "getitimer", "getpeername", "getpgid",
	"getpgrp", "getpid", "getppid", "getpriority", "getrandom", "getresgid", "getresuid", "getrlimit", "getrusage",
	"getsid", "getsockname", "getsockopt", "gettid", "gettimeofday", "getuid", "inotify_add_watch", "inotify_init",
	"inotify_init1", "inotify_rm_watch", "ioctl", "kill", "lseek", "lstat", "madvise", "membarrier", "mkdir", "mkdirat",
	"mmap", "mprotect", "mremap", "msync", "munmap",
	"nanosleep", "newfstatat", "open", "openat", "pipe", "pipe2", "poll", "ppoll", "prctl", "pread64", "preadv",
	"preadv2", "prlimit64", "pselect6", "pwrite64", "pwritev", "pwritev2", "read", "readahead", "readlink",
	"readlinkat", "readv", "recvfrom", "recvmsg", "rename", "renameat", "renameat2", "restart_syscall", "rmdir", "rseq",
	"rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigsuspend", "rt_sigtimedwait",
	"sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity", "sched_getparam", "sched_getscheduler",
	"sched_setaffinity", "sched_setparam", "sched_setscheduler", "sched_yield", "select", "sendto",
	"set_robust_list", "set_tid_address", "setitimer", "setpriority", "setsockopt", "shutdown", "sigaltstack",
	"signalfd", "signalfd4", "socket", "socketpair", "stat", "statfs", "statx", "sync_file_range", "sysinfo", "tgkill",
	"time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime", "timerfd_create",
	"timerfd_gettime", "timerfd_settime", "times", "tkill", "truncate", "umask", "uname", "unlink", "unlinkat",
	"utimensat", "write", "writev",
}

// ends are the calls that end the process when they are let through.
var ends = map[string]runner.Cause{
	"exit":         {Kind: runner.CauseExit, Code: 255},
	"exit_group":   {Kind: runner.CauseExit, Code: 255},
	"rt_sigreturn": {Kind: runner.CauseSignal, Signal: syscall.SIGSEGV},
}

// unfiltered are the numbers that the kernel of an x86 machine carries out
// whatever a filter says, since they are its own probes' way back: uretprobe,
// Linux 6.14, and uprobe, Linux 6.18. Called from elsewhere the first ends in
// SIGILL and the second in an error.
var unfiltered = map[uint64]outcome{
	335: "ended its booth: crashed: signal 4 (illegal instruction)",
	336: reached,
}

// passesAny reports whether this kernel carries out a number of unfiltered
// under a filter that kills for every call but exit_group.
func passesAny(t *testing.T, nr uint64) bool {
	t.Helper()
	var filter []byte
	for _, ins := range []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // nr, struct seccomp_data
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_EXIT_GROUP},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_KILL_PROCESS},
	} {
		filter = binary.NativeEndian.AppendUint16(filter, ins.Code)
		filter = append(filter, ins.Jt, ins.Jf)
		filter = binary.NativeEndian.AppendUint32(filter, ins.K)
	}
	sigsys := fmt.Sprintf("killed %d", syscall.SIGSYS)
	if ends := under(t, filter, "native", unix.SYS_GETPID, unix.SYS_GETPID); ends[sigsys] != 1 {
		t.Fatalf("control: getpid under that filter: %v", ends)
	}
	return under(t, filter, "native", int(nr), int(nr))[sigsys] == 0
}

// under makes the calls of a range under a filter and nothing else, and counts
// how they ended. nil is no filter.
func under(t *testing.T, filter []byte, entry string, first, last int) map[string]int {
	t.Helper()
	path := "-"
	if filter != nil {
		path = filepath.Join(t.TempDir(), "filter")
		if err := os.WriteFile(path, filter, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(filepath.Join(bin, "filtered"), path, entry, strconv.Itoa(first), strconv.Itoa(last)).CombinedOutput()
	if err != nil {
		t.Fatalf("filtered: %v\n%s", err, out)
	}
	ends := map[string]int{}
	for line := range strings.Lines(string(out)) {
		_, end, _ := strings.Cut(strings.TrimSpace(line), " ")
		ends[end]++
	}
	return ends
}

// spawns are the calls that may come back twice.
var spawns = []string{"clone", "fork", "vfork"}

// opens are the calls that make a descriptor even of bad arguments, or of those
// that a profile wants.
var opens = []string{"eventfd", "inotify_init", "socket"}

// newProbe makes a call of the profile with arguments that do no harm.
func newProbe(c *profiles.Call) probe {
	p := probe{native, uint64(c.Nr), bad}
	switch {
	case c.Name == "futex":
		p.args = [6]uint64{1, 1} // FUTEX_WAKE, not aligned; of a bad operation it says ENOSYS
	case c.Name == "rt_sigreturn":
		p.how = sigreturn
	case slices.Contains(spawns, c.Name):
		p.how, p.args = spawn, [6]uint64{}
	case slices.Contains(opens, c.Name):
		p.how = opening
	}
	return p
}

// fit changes arguments so that every comparison holds.
func fit(args [6]uint64, all []profiles.Compare) [6]uint64 {
	for _, c := range all {
		args[c.Arg] = args[c.Arg]&^c.Mask | c.Value
	}
	return args
}

// published is what the profile says becomes of a probe.
func published(f *profiles.Filter, phase string, p probe) outcome {
	if p.foreign() {
		return killed
	}
	c, ok := f.Call(p.number())
	if !ok {
		return lacking
	}
	switch v := c.KernelVerdict(p.args); {
	case v == profiles.VerdictKill:
		return killed
	case v == profiles.VerdictErrno && c.Errno == int(syscall.ENOSYS):
		return lacking
	case v == profiles.VerdictErrno && c.Errno == int(syscall.EPERM):
		return failed
	case v == profiles.VerdictErrno:
		return outcome(fmt.Sprintf("errno %d", c.Errno))
	case v == profiles.VerdictAllow, phase == "load" && c.Continue(p.args):
		return reached
	}
	return refused
}

// sweeper runs probes in booths of one profile.
type sweeper struct {
	t      *testing.T
	h      *host
	lib    []byte // the compiled plugin
	filter *profiles.Filter
	plan   *runner.Plan
	phase  string // "load" or "run"
	booths int
}

func newSweeper(t *testing.T, h *host, profile, phase string) *sweeper {
	t.Helper()
	dir := t.TempDir()
	compile(t, dir, "sweep")
	lib, err := os.ReadFile(filepath.Join(dir, "p.so"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := profiles.Named(profile)
	if err != nil {
		t.Fatal(err)
	}
	s := &sweeper{t: t, h: h, lib: lib, phase: phase}
	if s.filter, err = p.Compile(); err != nil {
		t.Fatal(err)
	}
	// The profile's filter alone: not every machine has the devices that audio
	// grants, and a booth that may write has a second filter, against set-id bits.
	p.Files, p.Devices = nil, nil
	if s.plan, err = runner.NewPlan("sweep", open(t, dir, "sweep"), p); err != nil {
		t.Fatal(err)
	}
	s.plan.Limits.Denials = 1 << 20 // it is refused more than any plugin may be
	return s
}

// library writes the plugin with its table of probes and returns its folder.
func (s *sweeper) library(probes []probe) (dir string) {
	s.t.Helper()
	if len(probes) > sweepMax {
		s.t.Fatalf("%d probes, the table takes %d", len(probes), sweepMax)
	}
	at := bytes.Index(s.lib, []byte(sweepMark))
	if at < 0 {
		s.t.Fatal("the compiled plugin has no table")
	}
	var loading uint64
	if s.phase == "load" {
		loading = 1
	}
	b := slices.Clone(s.lib)
	into := b[at+len(sweepMark):]
	put := func(v uint64) {
		binary.NativeEndian.PutUint64(into, v)
		into = into[8:]
	}
	put(loading)
	put(uint64(len(probes)))
	for _, p := range probes {
		put(p.how)
		put(p.nr)
		for _, a := range p.args {
			put(a)
		}
	}
	dir = s.t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.so"), b, 0o755); err != nil {
		s.t.Fatal(err)
	}
	return dir
}

// attempt makes the probes in one booth. It returns what the plugin says each
// returned and what the jailer recorded, or how the booth ended.
func (s *sweeper) attempt(probes []probe) (said []int64, records []control.Denial, end *runner.Cause) {
	s.t.Helper()
	s.booths++
	plan := *s.plan
	plan.Name = fmt.Sprintf("%s-%d", s.phase, s.booths)
	plan.Plugin = open(s.t, s.library(probes), plan.Name)
	b, stop, err := s.h.run(&plan)
	var start *runner.StartError
	switch {
	case errors.As(err, &start):
		return nil, b.records, &start.Cause
	case err != nil:
		s.t.Fatal(err)
	}
	lane := newLane(s.t, s.h)
	for from := 0; from < len(probes) && end == nil; from += sweepChunk {
		send(s.t, lane, b, do("go", byte(from/sweepChunk)))
		var answer string
		select {
		case r := <-b.replies:
			answer = r.result
		case c := <-b.causes:
			end = &c
		}
		for word := range strings.FieldsSeq(answer) {
			n, err := strconv.ParseInt(word, 10, 64)
			if err != nil {
				s.t.Fatal(err)
			}
			said = append(said, n)
		}
	}
	// The jailer reports a refusal before it answers the call, and everything
	// before it answers our request to remove the booth.
	if err := stop(); err != nil {
		s.t.Fatal(err)
	}
	if end == nil && len(said) != len(probes) {
		s.t.Fatalf("%d results of %d probes", len(said), len(probes))
	}
	return said, b.records, end
}

// try makes every probe and returns what became of it. The jailer reports the
// 1st, 2nd, 4th and so on of the refusals that it takes for the same, so that
// one of a kind is always told. What a report is about was refused; what came
// back with another error than EPERM was not. The rest is tried again, with
// less beside it, and so is everything when the booth ends.
func (s *sweeper) try(probes []probe) []outcome {
	s.t.Helper()
	if len(probes) == 0 {
		return nil
	}
	said, records, end := s.attempt(probes)
	if len(probes) == 1 && end != nil {
		return []outcome{ended(s.name(probes[0]), end)}
	}
	type call struct {
		nr   int
		args [6]uint64
	}
	tried, told := map[call]probe{}, map[call]bool{}
	for _, p := range probes {
		tried[call{p.number(), p.args}] = p
	}
	for _, d := range records {
		c := call{d.Nr, d.Args}
		if p, ok := tried[c]; !ok || d.Phase != s.phase || s.name(p) != d.Call {
			s.t.Errorf("refused without being tried: %+v", d)
		}
		told[c] = true
	}
	half := len(probes) / 2
	if end != nil {
		return append(s.try(probes[:half]), s.try(probes[half:])...)
	}
	outcomes := make([]outcome, len(probes))
	var unclear []probe
	var where []int
	for i, p := range probes {
		switch errno := syscall.Errno(-said[i]); {
		case told[call{p.number(), p.args}]:
			outcomes[i] = refused
			if errno != syscall.EPERM {
				s.t.Errorf("%s %#x was refused and answered with %d", s.name(p), p.args, said[i])
			}
		case errno == syscall.ENOSYS:
			outcomes[i] = lacking
		case errno != syscall.EPERM:
			outcomes[i] = reached
		case len(probes) == 1:
			outcomes[i] = failed // by the kernel: nothing else was there to be told
		default:
			unclear, where = append(unclear, p), append(where, i)
		}
	}
	half = len(unclear)
	if half == len(probes) {
		half /= 2
	}
	for i, o := range append(s.try(unclear[:half]), s.try(unclear[half:])...) {
		outcomes[where[i]] = o
	}
	return outcomes
}

// batches cuts probes into what one table takes. It sorts them by number, so
// that those of one call are together, on which the jailer's counts depend.
func batches(probes []probe) (all [][]probe) {
	slices.SortStableFunc(probes, func(a, b probe) int { return cmp.Compare(a.nr, b.nr) })
	from := 0
	for i := range probes {
		first := i
		for first > from && probes[first-1].nr == probes[i].nr {
			first--
		}
		if i-from == sweepMax {
			if first == from {
				first = i // one call has more than a table takes
			}
			all = append(all, probes[from:first])
			from = first
		}
	}
	if from < len(probes) {
		all = append(all, probes[from:])
	}
	return all
}

// ended names how a probe on its own ended its booth.
func ended(name string, c *runner.Cause) outcome {
	got := *c
	got.Text = ""
	if got == (runner.Cause{Kind: runner.CauseSignal, Signal: syscall.SIGSYS}) {
		return killed
	}
	if want, ok := ends[name]; ok && got == want {
		return reached
	}
	return outcome("ended its booth: " + c.Text)
}

// name is the call's name in the profile.
func (s *sweeper) name(p probe) string {
	switch c, ok := s.filter.Call(p.number()); {
	case p.how == int80:
		return fmt.Sprintf("int 0x80, number %d", p.nr)
	case p.foreign():
		return fmt.Sprintf("x32 number %#x", p.nr)
	case !ok:
		return fmt.Sprintf("number %d", p.number())
	default:
		return c.Name
	}
}

// compare makes the probes and reports every one that became of another than
// the profile publishes.
func (s *sweeper) compare(probes []probe) (got map[outcome][]string) {
	s.t.Helper()
	var pass, stop, alone []probe
	for _, p := range probes {
		_, last := ends[s.name(p)]
		switch want := published(s.filter, s.phase, p); {
		case want == killed, last && want == reached, unfiltered[p.nr] != "":
			alone = append(alone, p)
		case want == refused:
			stop = append(stop, p)
		default:
			pass = append(pass, p)
		}
	}
	var outcomes []outcome
	for _, batch := range slices.Concat(batches(pass), batches(stop)) {
		outcomes = append(outcomes, s.try(batch)...)
	}
	for _, p := range alone {
		outcomes = append(outcomes, s.try([]probe{p})...)
	}
	got = map[outcome][]string{}
	for i, p := range slices.Concat(pass, stop, alone) {
		name := s.name(p)
		if runtime.GOARCH == "amd64" && p.how == native && unfiltered[p.nr] == outcomes[i] && passesAny(s.t, p.nr) {
			continue
		}
		got[outcomes[i]] = append(got[outcomes[i]], name)
		if want := published(s.filter, s.phase, p); outcomes[i] != want {
			s.t.Errorf("%s (%d) %#x: %s; the profile publishes: %s", name, p.nr, p.args, outcomes[i], want)
		}
	}
	return got
}
