//go:build linux

package runner_test

import (
	"fmt"
	"io/fs"
	"math/bits"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/verify"
	"golang.org/x/sys/unix"
)

// grab is an attempt to take much of one resource. It is made three times: in
// a booth that allows its system calls but not the amount, in one that allows
// both, which is the control, and in one that allows neither.
type grab struct {
	name   string
	amount int      // MiB, or pieces
	calls  []string // needed beyond those of strict
	limit  func(*profiles.Limits)

	// With the calls but not the amount:
	named  string           // limit that is reported
	ends   bool             // it ends, for want of memory
	errno  syscall.Errno    // what the plugin was told, when it does not end
	most   int              // how much it got then
	counts func(*booth) int // how much the host sees, in the control, too
	alone  bool             // no profile allows the amount: the control has no booth
	root   bool             // such a control has to be root's
}

func memory(l *profiles.Limits) { l.Memory = 32 << 20 }
func files(l *profiles.Limits)  { l.OpenFiles = 64 }
func tasks(l *profiles.Limits)  { l.Pids = 8 }

// roomy holds every amount below, and nothing that this machine would notice.
func roomy(l *profiles.Limits) {
	l.Memory, l.CPU, l.Pids = 256<<20, 1, 64
	l.OpenFiles, l.FileSize, l.AddressSpace = 4096, 256<<20, profiles.Unlimited
	l.TriggerTimeout = patience
}

var threadCalls = []string{"clone", "set_robust_list", "rseq", "rt_sigprocmask"}

// grabs lists what is tried.
func grabs(t *testing.T) []grab {
	return []grab{
		{name: "anonymous", amount: 64, limit: memory, named: "memory", ends: true, counts: mebibytes},
		{name: "small-blocks", amount: 64, limit: memory, named: "memory", ends: true, counts: mebibytes},
		{name: "page-tables", amount: 48, limit: memory, named: "memory", ends: true, counts: mebibytes},
		{name: "memfd-write", amount: 64, calls: []string{"memfd_create"}, limit: memory, named: "memory", ends: true, counts: mebibytes},
		{name: "memfd-map", amount: 64, calls: []string{"memfd_create", "ftruncate"}, limit: memory, named: "memory", ends: true, counts: mebibytes},
		{name: "pipes", amount: 48, calls: []string{"pipe2", "fcntl"}, limit: memory, named: "memory", ends: true, counts: mebibytes},
		{name: "socket-buffers", amount: 64, calls: []string{"socketpair", "setsockopt"}, limit: memory, named: "memory", ends: true, counts: mebibytes},
		{name: "sysv-messages", amount: 64, calls: []string{"msgget", "msgsnd"}, limit: memory, named: "memory", ends: true, counts: mebibytes},
		{name: "sysv-memory", amount: 64, calls: []string{"shmget", "shmat", "shmdt"}, limit: memory, named: "memory", ends: true, counts: mebibytes},
		{name: "sysv-semaphores", amount: 64, calls: []string{"semget"}, limit: memory, named: "memory", ends: true, counts: mebibytes},

		// The kernel keeps SIGXFSZ from the first process of a pid namespace.
		{name: "memfd-write", amount: 16, calls: []string{"memfd_create"}, limit: func(l *profiles.Limits) { l.FileSize = 0 }, errno: syscall.EFBIG, most: 4, counts: mebibytes},
		{name: "page-tables", amount: 4, limit: func(l *profiles.Limits) { l.AddressSpace = 1 << 30 }, errno: syscall.ENOMEM, most: 1},

		{name: "descriptors", amount: 2000, calls: []string{"dup"}, limit: files, errno: syscall.EMFILE, most: 64, counts: openFiles},
		{name: "eventfd", amount: 2000, calls: []string{"eventfd2"}, limit: files, errno: syscall.EMFILE, most: 64, counts: openFiles},
		{name: "epoll", amount: 2000, calls: []string{"pipe2", "epoll_create1", "epoll_ctl"}, limit: files, errno: syscall.EMFILE, most: 64, counts: openFiles},
		{name: "inotify", amount: 80, calls: []string{"inotify_init1"}, limit: files, errno: syscall.EMFILE, most: 64, counts: openFiles},

		{name: "processes", amount: 40, calls: []string{"clone"}, limit: tasks, named: "pids", errno: syscall.EAGAIN, most: 7, counts: children},
		{name: "zombies", amount: 40, calls: []string{"clone"}, limit: tasks, named: "pids", errno: syscall.EAGAIN, most: 7, counts: children},
		{name: "threads", amount: 40, calls: threadCalls, limit: tasks, named: "pids", errno: syscall.EAGAIN, most: 7, counts: children},
		{name: "fork-bomb", amount: 40, calls: []string{"clone", "getpid"}, limit: tasks, named: "pids", errno: syscall.EAGAIN, most: 7, counts: children},

		// What no profile can change has its control without a booth.
		{name: "timers", amount: 200, calls: []string{"timer_create"}, errno: syscall.EAGAIN, most: 16, counts: queued, alone: true},
		{name: "signals", amount: 200, calls: []string{"rt_sigprocmask", "rt_sigqueueinfo", "getpid"}, errno: syscall.EAGAIN, most: 16, counts: queued, alone: true},
		{name: "posix-queues", amount: 4, calls: []string{"mq_open", "mq_unlink", "getpid"}, errno: syscall.EMFILE, alone: true},
		{name: "locked", amount: 1, calls: []string{"mlock"}, errno: syscall.EPERM, counts: lockedPages, alone: true},
		{name: "keys", amount: keyQuota(t) + 100, calls: []string{"add_key"}, errno: syscall.EDQUOT, most: keyQuota(t), alone: true, root: true},
		{name: "fifo", amount: 1, calls: []string{"sched_setscheduler"}, errno: syscall.EPERM, counts: urgency, alone: true, root: true},
		{name: "deadline", amount: 1, calls: []string{"sched_setattr"}, errno: syscall.EPERM, counts: urgency, alone: true, root: true},
		{name: "nice", amount: 1, calls: []string{"setpriority"}, errno: syscall.EACCES, counts: urgency, alone: true, root: true},
		{name: "io-class", amount: 1, calls: []string{"ioprio_set"}, errno: syscall.EPERM, counts: urgency, alone: true, root: true},
	}
}

// What the host sees of a booth.

func mebibytes(b *booth) int { return int(b.Usage().Memory >> 20) }

func children(b *booth) int { return int(b.Usage().Pids) - 1 }

func openFiles(b *booth) int {
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", b.About().PID))
	if err != nil {
		b.t.Error(err)
	}
	return len(fds)
}

// queued counts the signals that are reserved or wait, of the booth's user.
func queued(b *booth) int {
	n, _, _ := strings.Cut(statusField(b, "SigQ"), "/")
	return atoi(b.t, n)
}

func lockedPages(b *booth) int {
	n, _ := strings.CutSuffix(statusField(b, "VmLck"), " kB")
	return atoi(b.t, n)
}

// urgency is 0 for a worker that the scheduler treats like everyone else.
func urgency(b *booth) int {
	pid := b.About().PID
	attr, err := unix.SchedGetAttr(pid, 0)
	if err != nil {
		b.t.Error(err)
		return -1
	}
	io, _, e := unix.Syscall(unix.SYS_IOPRIO_GET, 1, uintptr(pid), 0)
	const realtime = 1 // class, ioprio_set(2)
	if attr.Policy != unix.SCHED_NORMAL || attr.Nice != 0 || e != 0 || io>>13 == realtime {
		b.t.Logf("policy %d, nice %d, io priority %#x, %v", attr.Policy, attr.Nice, io, e)
		return 1
	}
	return 0
}

func statusField(b *booth, name string) string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.About().PID))
	if err != nil {
		b.t.Error(err)
	}
	for line := range strings.Lines(string(data)) {
		if key, value, _ := strings.Cut(line, ":"); key == name {
			return strings.TrimSpace(value)
		}
	}
	b.t.Errorf("no %s in status", name)
	return "0"
}

func atoi(t *testing.T, text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Error(err)
	}
	return n
}

// keyQuota is how many keys a user other than root may have.
func keyQuota(t *testing.T) int {
	data, err := os.ReadFile("/proc/sys/kernel/keys/maxkeys")
	if err != nil {
		missing(t, err.Error())
	}
	return atoi(t, strings.TrimSpace(string(data)))
}

// granting changes strict: more calls in the run phase, other limits.
func granting(calls []string, limits ...func(*profiles.Limits)) func(*profiles.Profile) {
	return func(p *profiles.Profile) {
		p.Rules = slices.Clone(p.Rules)
		for i := range p.Rules { // a call has one rule that kills, or none
			p.Rules[i].Calls = slices.DeleteFunc(slices.Clone(p.Rules[i].Calls), func(c string) bool {
				return slices.Contains(calls, c) && p.Rules[i].Action != profiles.Allow
			})
		}
		p.Rules = slices.DeleteFunc(p.Rules, func(r profiles.Rule) bool { return len(r.Calls) == 0 })
		if len(calls) > 0 {
			p.Rules = append(p.Rules, profiles.Rule{Calls: calls, Phase: profiles.PhaseRun, Action: profiles.Allow, Why: "test"})
		}
		for _, limit := range limits {
			limit(&p.Limits)
		}
	}
}

// heart is a booth that must go on answering whatever its neighbour does.
type heart struct {
	*booth
	lane  *runner.Lane
	beats int
}

// beat is one trigger with its reply, by a lane that is as urgent as a MIDI
// port's, on the processor of all workers. It leaves that processor to others
// before, or there would be little left for an attack.
func (h *heart) beat(t *testing.T) time.Duration {
	t.Helper()
	time.Sleep(time.Millisecond)
	h.beats++
	since := time.Now()
	send(t, h.lane, h.booth, do("hello", byte(h.beats%128)))
	if r := h.reply(); r.status != 0 || r.key != byte(h.beats%128) {
		t.Fatalf("neighbour: %+v", r)
	}
	return time.Since(since)
}

// fine checks that the neighbour noticed nothing but time.
func (h *heart) fine(t *testing.T) {
	t.Helper()
	if s := h.Stats(); s.Triggers != uint64(h.beats) || s.Replies != s.Triggers || s.Failed+s.Dropped+s.Restarts != 0 {
		t.Errorf("neighbour: %+v after %d beats", s, h.beats)
	}
}

// pinned is newLane on the processor that the tests' workers run on.
func pinned(t *testing.T, h *host) *runner.Lane {
	t.Helper()
	cpu, err := runner.LastCPU()
	if err != nil {
		t.Fatal(err)
	}
	lane, err := h.NewLane(cpu)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(lane.Close)
	return lane
}

// result is what became of a grab: a reply or the booth's end.
type result struct {
	reached int
	errno   syscall.Errno
	cause   *runner.Cause
}

func (o result) String() string {
	switch {
	case o.cause != nil:
		return fmt.Sprintf("ended: %v", o.cause)
	case o.errno != 0:
		return fmt.Sprintf("got %d, then %v", o.reached, o.errno)
	}
	return fmt.Sprintf("got %d", o.reached)
}

// try makes a grab, and has the neighbour answer meanwhile and after.
func try(t *testing.T, heart *heart, b *booth, action string) (o result) {
	t.Helper()
	before := hostCounts(t)
	send(t, heart.lane, b, do(action, 1))
	var latencies []time.Duration
	for done, since := false, time.Now(); !done || len(latencies) < 50; {
		latencies = append(latencies, heart.beat(t))
		select {
		case r := <-b.replies:
			done = true
			if _, err := fmt.Sscan(r.result, &o.reached, &o.errno); err != nil {
				t.Fatalf("replied %+v", r)
			}
		case c := <-b.causes:
			done = true
			o.cause = &c
		default:
		}
		if time.Since(since) > 2*patience {
			t.Fatal("neither reply nor end")
		}
	}
	slices.Sort(latencies)
	after := hostCounts(t)
	t.Logf("%v; neighbour's median %v, 99%% %v; open files %+d, available memory %+d MiB, processes %+d", o,
		latencies[len(latencies)/2], latencies[len(latencies)*99/100], after[0]-before[0], (after[1]-before[1])>>10, after[2]-before[2])
	return o
}

// hostCounts are open files, available KiB and processes of the whole
// machine. Others change them, too, so they are for the log only.
func hostCounts(t *testing.T) (counts [3]int) {
	t.Helper()
	read := func(path string) string {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	_, available, _ := strings.Cut(read("/proc/meminfo"), "MemAvailable:")
	_, processes, _ := strings.Cut(read("/proc/loadavg"), "/")
	for i, text := range []string{read("/proc/sys/fs/file-nr"), available, processes} {
		counts[i] = atoi(t, strings.Fields(text)[0])
	}
	return counts
}

// reached lists the limits that were reported, without the CPU's, which any
// plugin reaches that has much to do.
func (b *booth) reached() (names []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.limits {
		if l.Name != "cpu" && !slices.Contains(names, l.Name) {
			names = append(names, l.Name)
		}
	}
	return names
}

// reports checks that a booth that has ended was reported to have reached the
// named limit and no other; "" is none.
func (b *booth) reports(t *testing.T, limit string) {
	t.Helper()
	if got := b.reached(); strings.Join(got, " ") != limit {
		t.Errorf("limits %q are reported, want %q", got, limit)
	}
}

func TestGrabs(t *testing.T) {
	h := newHost(t)
	if h.tree == "" {
		t.Skip("missing: control groups")
	}
	heart := &heart{booth: h.must(named(build(t, "echo"), "neighbour"), nil)}
	plugin := build(t, "resources")
	for i, g := range grabs(t) {
		t.Run(fmt.Sprintf("%s-%d", g.name, g.amount), func(t *testing.T) {
			heart.lane = pinned(t, h)
			run := func(kind string, change func(*profiles.Profile)) (b *booth, o result, stop func()) {
				b, end, err := h.run(newPlan(t, fmt.Sprintf("%s-%d-%s", g.name, i, kind), plugin, change))
				if err != nil {
					t.Fatal(err)
				}
				o = try(t, heart, b, fmt.Sprintf("%s %d", g.name, g.amount))
				return b, o, func() {
					if err := end(); err != nil {
						t.Error(err)
					}
				}
			}
			limit := g.limit
			if limit == nil {
				limit = roomy
			}
			b, o, stop := run("limited", granting(g.calls, roomy, limit))
			switch {
			case g.ends:
				if o.cause == nil || o.cause.Kind != runner.CauseOOM {
					t.Fatalf("BREACH: %v, want an end for want of memory", o)
				}
				b.again()
			case o.cause != nil || o.errno != g.errno || o.reached > g.most:
				t.Errorf("BREACH: %v, want %v and no more than %d", o, g.errno, g.most)
			case g.counts != nil && g.counts(b) > g.most:
				t.Errorf("BREACH: outside, %d are seen, want %d at most", g.counts(b), g.most)
			}
			stop()
			b.reports(t, g.named)

			uncontrolled := g.root && os.Geteuid() != 0
			switch {
			case uncontrolled:
			case g.alone:
				g.unlimited(t, plugin)
			default:
				b, o, stop = run("control", granting(g.calls, roomy))
				if o.cause != nil || o.errno != 0 || o.reached != g.amount {
					t.Errorf("control: %v, want %d", o, g.amount)
				} else if g.counts != nil && g.counts(b) < g.amount {
					t.Errorf("control: outside, %d are seen, want %d", g.counts(b), g.amount)
				}
				stop()
				b.reports(t, "")
			}

			if len(g.calls) > 0 {
				g.refused(t, heart, h, plugin)
			}
			if uncontrolled {
				t.Skip("missing: root, to do it without a booth; what a booth may not do was tried")
			}
		})
	}
	heart.fine(t)
}

// unlimited makes the grab without a booth, as this user.
func (g *grab) unlimited(t *testing.T, plugin *verify.Plugin) {
	t.Helper()
	cmd := exec.Command(filepath.Join(bin, "unconfined"), filepath.Join(plugin.Dir, "p.so"), fmt.Sprintf("%s %d", g.name, g.amount))
	var out []byte
	var err error
	done := make(chan struct{})
	go func() { // on a thread that is not pinned; SCHED_DEADLINE wants that
		defer close(done)
		out, err = cmd.CombinedOutput()
	}()
	<-done
	if want := fmt.Sprintf("%d 0", g.amount); err != nil || string(out) != want {
		missing(t, fmt.Sprintf("%s without a booth: %q, %v, want %q", g.name, out, err, want))
	}
}

// refused makes the grab under strict, whose filter must stop and name it.
func (g *grab) refused(t *testing.T, heart *heart, h *host, plugin *verify.Plugin) {
	t.Helper()
	b, stop, err := h.run(newPlan(t, plugin.Manifest.Name+"-"+g.name, plugin, nil))
	if err != nil {
		t.Fatal(err)
	}
	o := try(t, heart, b, fmt.Sprintf("%s %d", g.name, g.amount))
	if g.name == "keys" { // the filter kills for these
		if o.cause == nil || o.cause.Signal != syscall.SIGSYS {
			t.Errorf("BREACH under strict: %v, want SIGSYS", o)
		}
		b.again()
	} else {
		if o.cause != nil || o.errno != syscall.EPERM || o.reached != 0 {
			t.Errorf("BREACH under strict: %v, want %v", o, syscall.EPERM)
		}
		eventually(t, "one of the calls is named as refused", func() bool {
			return slices.ContainsFunc(g.calls, func(c string) bool { return b.denied("run "+c) > 0 })
		})
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestSpin has threads spin on the processor that the lane and the neighbour
// run on. They get their share of it and no more, by the kernel's own account;
// the controls are not held back.
func TestSpin(t *testing.T) {
	h := newHost(t)
	if h.tree == "" {
		t.Skip("missing: control groups")
	}
	heart := &heart{booth: h.must(named(build(t, "echo"), "neighbour"), nil), lane: pinned(t, h)}
	plugin := build(t, "resources")
	share := func(cores float64) func(*profiles.Limits) {
		return func(l *profiles.Limits) { l.CPU = cores }
	}
	const limit = 0.1
	// spins is how much CPU time they took, and how long that lasted.
	spins := func(b *booth) (cpu, lasted time.Duration) {
		since, before := time.Now(), b.Usage().CPU
		var latencies []time.Duration
		for len(latencies) < 200 || time.Since(since) < 500*time.Millisecond {
			latencies = append(latencies, heart.beat(t))
		}
		cpu, lasted = b.Usage().CPU-before, time.Since(since)
		slices.Sort(latencies)
		t.Logf("%s: %v of CPU in %v; neighbour's median %v, 99%% %v", b.name, cpu, lasted, latencies[len(latencies)/2], latencies[len(latencies)*99/100])
		return cpu, lasted
	}
	// The kernel hands a quota out in slices, of 5 ms for each processor.
	most := func(lasted time.Duration) time.Duration {
		return time.Duration(limit*float64(lasted)) + 50*time.Millisecond
	}
	start := func(name string, cores float64) (*booth, func() error) {
		b, stop, err := h.run(newPlan(t, name, plugin, granting(threadCalls, roomy, share(cores))))
		if err != nil {
			t.Fatal(err)
		}
		if o := try(t, heart, b, "spin 32"); o.reached != 32 || o.errno != 0 {
			t.Fatalf("%s: %v", name, o)
		}
		return b, stop
	}

	b, stop := start("limited", limit)
	if cpu, lasted := spins(b); cpu > most(lasted) {
		t.Errorf("BREACH: %v of CPU time within %v, want at most %v", cpu, lasted, most(lasted))
	}
	limited := b.Usage()
	if limited.Throttled == 0 || limited.ThrottledTime == 0 || limited.Pids != 33 {
		t.Errorf("usage %+v", limited)
	}
	eventually(t, "the CPU limit is reported", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return slices.ContainsFunc(b.limits, func(l runner.Limit) bool { return l.Name == "cpu" && l.Value == limit && l.Count > 0 })
	})
	if err := stop(); err != nil {
		t.Error(err)
	}

	// More than there are: with as many, the slices do not always add up.
	b, stop = start("control", float64(2*runtime.NumCPU()))
	eventually(t, "control: with more they take more", func() bool {
		cpu, lasted := spins(b)
		return cpu > most(lasted)
	})
	// The kernel's timer hands out the next period's share late when the machine
	// itself stands still.
	if u := b.Usage(); u.Throttled*5 > limited.Throttled {
		t.Errorf("control: usage %+v", u)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	heart.fine(t)
}

// TestLimitsAreCounted: the Observer is told of each limit at every doubling
// only, over all restarts of a booth.
func TestLimitsAreCounted(t *testing.T) {
	h := newHost(t)
	if h.tree == "" {
		t.Skip("missing: control groups")
	}
	lane := newLane(t, h)
	b := h.must(build(t, "resources"), granting([]string{"clone", "getpid"}, roomy, memory, tasks))
	if u := b.Usage(); u.Memory == 0 || u.MemoryPeak < u.Memory || u.Pids != 1 {
		t.Errorf("usage %+v", u)
	}
	const ends = 3
	for range ends {
		send(t, lane, b, do("fork-bomb 40", 1))
		b.reply()
		send(t, lane, b, do("anonymous 64", 1))
		if c := b.cause(); c.Kind != runner.CauseOOM {
			t.Errorf("cause %+v", c)
		}
		b.again()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t.Logf("%v", b.limits)
	for name, value := range map[string]float64{"memory": 32 << 20, "pids": 8} {
		count := uint64(0)
		for _, l := range b.limits {
			if l.Name != name {
				continue
			}
			// On v2 many are counted at once.
			if l.Value != value || bits.Len64(l.Count) <= bits.Len64(count) {
				t.Errorf("after %d: %d, %v", count, l.Count, l)
			}
			count = l.Count
		}
		if count < ends-1 { // the third is not a doubling
			t.Errorf("%s is reported %d times after %d", name, count, ends)
		}
	}
}

// TestRefusalFlood: a plugin that does nothing but be refused is not reported
// more often than its count doubles.
func TestRefusalFlood(t *testing.T) {
	h := newHost(t)
	heart := &heart{booth: h.must(named(build(t, "echo"), "neighbour"), nil), lane: pinned(t, h)}
	b := h.must(build(t, "resources"), deadline(patience))
	const n = 20000
	if o := try(t, heart, b, fmt.Sprintf("refused %d", n)); o.cause == nil && o.reached != n {
		t.Errorf("%v", o)
	}
	eventually(t, "they are named", func() bool { return b.denied("run getppid") > 0 })
	b.mu.Lock()
	told := len(b.records)
	b.mu.Unlock()
	if told > 15 { // 1, 2, 4 ... 16384
		t.Errorf("%d reports of %d refusals", told, n)
	}
	heart.fine(t)
}

// TestHugePages: pages of a kind that the memory limit does not count are
// refused. The control gets as far as the kernel, which mostly has none.
func TestHugePages(t *testing.T) {
	h := newHost(t)
	heart := &heart{booth: h.must(named(build(t, "echo"), "neighbour"), nil), lane: pinned(t, h)}
	plugin := build(t, "resources")
	b := h.must(named(plugin, "strict"), nil)
	if o := try(t, heart, b, "huge 1"); o.errno != syscall.EPERM || o.reached != 0 {
		t.Errorf("BREACH: %v", o)
	}
	eventually(t, "mmap is named as refused", func() bool { return b.denied("run mmap") > 0 })
	control := h.must(named(plugin, "control"), granting([]string{"mmap"}, roomy))
	if o := try(t, heart, control, "huge 1"); o.reached != 1 && o.errno != syscall.ENOMEM || control.denied("run mmap") != 0 {
		t.Errorf("control: %v", o)
	}
	heart.fine(t)
}

// TestNothingIsWritable: a booth has no file system that it could fill, even
// where its profile allows the calls, with Landlock and without.
func TestNothingIsWritable(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("missing: root, to look into a booth; nothing of it depends on who made the booth")
	}
	calls := []string{"openat", "mkdirat", "mknodat"}
	for _, landlock := range []bool{true, false} {
		t.Run(fmt.Sprintf("landlock %v", landlock), func(t *testing.T) {
			h, tree := openHost(t, landlock)
			t.Cleanup(func() {
				if err := h.Close(); err != nil {
					t.Error(err)
				}
				if tree != nil {
					if err := tree.Close(); err != nil {
						t.Error(err)
					}
				}
				h.nothingLeft()
			})
			b, stop, err := h.run(newPlan(t, "write", build(t, "write"), granting(calls, roomy)))
			if err != nil {
				t.Fatal(err)
			}
			before := contents(t, b)
			send(t, newLane(t, h), b, do("go", 1))
			r := b.reply()
			if n := strings.Count(r.result, "\n"); n != 49 {
				t.Errorf("%d attempts in %q", n, r.result)
			}
			for line := range strings.Lines(r.result) {
				if strings.HasSuffix(line, " 0\n") {
					t.Errorf("BREACH: %q succeeded", strings.TrimSpace(line))
				}
			}
			if after := contents(t, b); after != before {
				t.Errorf("BREACH: the booth's files were\n%s\nand are\n%s", before, after)
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}

	root, dir := t.TempDir(), t.TempDir()
	compile(t, dir, "write", fmt.Sprintf("-DROOT=%q", root))
	for _, folder := range []string{"dev/shm", "dev/mqueue", "dev/pts", "tmp", "run", "proc/self", "var", "lib", "sys/fs/cgroup"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"isobooth-worker", "proc/self/oom_score_adj", "proc/self/comm", "dev/ptmx", "dev/pts/ptmx"} {
		if err := os.WriteFile(filepath.Join(root, file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(filepath.Join(bin, "unconfined"), filepath.Join(dir, "p.so"), "go").Output()
	if n := strings.Count(string(out), " 0\n"); err != nil || n != 49 {
		missing(t, fmt.Sprintf("writing without a booth: %d of 49, %v\n%s", n, err, out))
	}
	for _, made := range []string{"dev/shm/file", "tmp/folder", "var/fifo"} {
		if _, err := os.Stat(filepath.Join(root, made)); err != nil {
			t.Errorf("control: %v", err)
		}
	}
}

// contents lists every file of a booth but its processes', and its descriptors.
func contents(t *testing.T, b *booth) string {
	t.Helper()
	var all []string
	root := fmt.Sprintf("/proc/%d/root/", b.About().PID)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		all = append(all, path)
		if path == root+"proc" {
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(all, root+"isobooth-worker") {
		t.Fatalf("not a booth's root: %q", all)
	}
	return strings.Join(all, "\n") + fmt.Sprint(openFiles(b))
}
