//go:build linux

package runner_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/verify"
)

// other is a plan that differs from newPlan's in its filter and its limits.
func other(t *testing.T, name string, p *verify.Plugin, change func(*profiles.Profile)) *runner.Plan {
	t.Helper()
	return newPlan(t, name, p, func(p *profiles.Profile) {
		allowing("getppid")(p)
		p.Limits.TriggerTimeout = 5 * time.Second
		p.Limits.OpenFiles--
		if change != nil {
			change(p)
		}
	})
}

// hangs is a plugin that stays in its constructor.
func hangs(t *testing.T) *verify.Plugin {
	t.Helper()
	return build(t, "load", "-DFROM=CONSTRUCTOR", "-DATTACK=attack_hang")
}

// replacing calls Replace on another goroutine.
func replacing(b *booth, plan *runner.Plan) <-chan error {
	done := make(chan error, 1)
	go func() { done <- b.Replace(plan) }()
	return done
}

// TestReplaceLosesNothing changes a booth's plan over and over while triggers
// come without a pause. Each is answered once, in order. The quick plugin is
// swapped between two triggers of the lane, the slow one, which always has
// triggers waiting, between two of the booth's own goroutine.
func TestReplaceLosesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		source string
		flags  []string
		action string
		least  int // so many replaces
	}{
		"quick": {"crash", nil, "hello", 12},
		"slow":  {"spin", []string{"-DSPIN_MS=4"}, "go", 6},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			lane := pinned(t, h)
			p := build(t, c.source, c.flags...)
			b, stop, err := h.run(newPlan(t, p.Manifest.Name, p, nil))
			if err != nil {
				t.Fatal(err)
			}
			plans := []*runner.Plan{other(t, b.name, p, nil), newPlan(t, b.name, p, nil)}
			var answered atomic.Int64
			finished := make(chan error, 1)
			go func() {
				for n := 0; ; n++ {
					r, ok := <-b.replies
					if !ok {
						finished <- nil
						return
					}
					if r.key != byte(n%128) || r.status != 0 {
						finished <- fmt.Errorf("reply %d is %+v", n, r)
						return
					}
					answered.Add(1)
				}
			}()
			replaced := make(chan error, 1)
			go func() {
				pid := b.About().PID
				for i := range c.least {
					plan := plans[i%len(plans)]
					if err := b.Replace(plan); err != nil {
						replaced <- fmt.Errorf("replace %d: %w", i, err)
						return
					}
					if now := b.About().PID; now == pid || b.Plan() != plan {
						replaced <- fmt.Errorf("replace %d: worker %d follows %d, its plan is in force: %v", i, now, pid, b.Plan() == plan)
						return
					}
					pid = b.About().PID
				}
				replaced <- nil
			}()
			sent := int64(0)
			for busy := true; busy; {
				select {
				case err := <-replaced:
					if err != nil {
						t.Fatal(err)
					}
					busy = false
				case err := <-finished:
					t.Fatal(err)
				default:
				}
				if sent-answered.Load() >= runner.QueueLen/2 {
					time.Sleep(time.Millisecond)
					continue
				}
				send(t, lane, b, do(c.action, byte(sent%128)))
				sent++
			}
			eventually(t, "every trigger is answered", b.Idle)
			if err := stop(); err != nil {
				t.Error(err)
			}
			close(b.replies)
			if err := <-finished; err != nil {
				t.Error(err)
			}
			want := runner.Stats{Triggers: uint64(sent), Replies: uint64(sent)}
			if s := b.Stats(); s != want || answered.Load() != sent {
				t.Errorf("stats %+v, want %+v; %d replies", s, want, answered.Load())
			}
			if len(b.causes) > 0 {
				t.Errorf("it ended: %+v", <-b.causes)
			}
		})
	}
}

// TestReplaceChangesTheFilter: a call is refused, then allowed, then refused.
func TestReplaceChangesTheFilter(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	c := newCanary(t)
	p := build(t, "run", c.flags()...)
	b := h.must(p, nil)
	tight, loose := newPlan(t, b.name, p, nil), newPlan(t, b.name, p, allowing("openat"))
	for i, plan := range []*runner.Plan{loose, tight, tight, loose} {
		if i == 0 {
			send(t, lane, b, do("openat", 1))
			b.reply()
			eventually(t, "control: strict refuses openat", func() bool { return b.denied("run openat") > 0 })
		}
		if err := b.Replace(plan); err != nil {
			t.Fatal(err)
		}
		before := len(b.recorded())
		send(t, lane, b, do("openat", 1))
		b.reply()
		if refused := len(b.recorded()) > before; plan == loose && refused {
			t.Errorf("plan %d: openat was refused", i)
		}
		if plan == tight {
			eventually(t, "openat is refused", func() bool { return len(b.recorded()) > before })
		}
	}
}

// recorded lists the denials so far.
func (b *booth) recorded() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var calls []string
	for _, d := range b.records {
		calls = append(calls, d.Phase+" "+d.Call)
	}
	return calls
}

// TestReplaceByBroken: a plan under which the plugin does not come up changes
// nothing, and says why.
func TestReplaceByBroken(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	p := build(t, "crash")
	b := h.must(p, nil)
	pid, plan := b.About().PID, b.Plan()
	crashes := build(t, "load", "-DFROM=CONSTRUCTOR", "-DATTACK=attack_crash")
	for name, broken := range map[string]*runner.Plan{
		"crashes":      newPlan(t, b.name, crashes, nil),
		"hangs":        newPlan(t, b.name, hangs(t), func(p *profiles.Profile) { p.Limits.LoadTimeout = 200 * time.Millisecond }),
		"no processor": newPlan(t, b.name, p, func(p *profiles.Profile) { p.Limits.CPUs = []int{1 << 12} }),
	} {
		if name == "no processor" && h.tree == "" {
			continue
		}
		err := b.Replace(broken)
		var start *runner.StartError
		if !errors.As(err, &start) {
			t.Errorf("%s: %v, want a StartError", name, err)
		}
		send(t, lane, b, do("hello", 3))
		if r := b.reply(); r.status != 0 || b.About().PID != pid || b.Plan() != plan {
			t.Errorf("%s: afterwards %+v, worker %d, want %d", name, r, b.About().PID, pid)
		}
		if x := b.History(); x.Crashes != 0 || len(x.Violations) != 0 || len(b.causes) != 0 {
			t.Errorf("%s: held against it: %+v", name, x)
		}
	}
	eventually(t, "only it and the one in reserve are left", func() bool { return len(workers(t)) == 2 })
	if err := b.Replace(newPlan(t, "another", p, nil)); err == nil {
		t.Error("another booth's plan was taken")
	}
	if err := b.Replace(&runner.Plan{Name: b.name}); err == nil {
		t.Error("an empty plan was taken")
	}
}

// TestOldCrashesMeanwhile: while a successor is being made, or waits for the
// end of a trigger, the old worker ends.
func TestOldCrashesMeanwhile(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	p := build(t, "crash")
	b := h.must(p, func(p *profiles.Profile) { p.Limits.TriggerTimeout, p.Limits.QueueAge = time.Second, time.Hour })

	// It is being made, and will not come up: the old plan goes on.
	eventually(t, "a worker is in reserve", b.Standby)
	done := replacing(b, newPlan(t, b.name, hangs(t), func(p *profiles.Profile) { p.Limits.LoadTimeout = 2 * time.Second }))
	eventually(t, "it hangs in its constructor", func() bool { return b.denied("load getppid") > 0 })
	send(t, lane, b, do("segv", 1))
	send(t, lane, b, do("hello", 2))
	if r := b.reply(); r.key != 2 || r.status != 0 {
		t.Errorf("after the crash: %+v", r)
	}
	if c := b.cause(); c.Signal != syscall.SIGSEGV {
		t.Errorf("cause %+v", c)
	}
	var start *runner.StartError
	if err := next(t, done, "the end of Replace"); !errors.As(err, &start) || start.Cause.Kind != runner.CauseTimeout {
		t.Errorf("replace: %v", err)
	}

	// It waits for a trigger to end, over which the old one is killed: it is
	// the next worker.
	plan := other(t, b.name, p, func(p *profiles.Profile) { p.Limits.QueueAge = time.Hour })
	pid := b.About().PID
	send(t, lane, b, do("spin", 3))
	done = replacing(b, plan)
	for key := byte(4); key < 10; key++ {
		send(t, lane, b, do("hello", key))
	}
	if err := next(t, done, "the end of Replace"); err != nil {
		t.Errorf("replace: %v", err)
	}
	for key := byte(4); key < 10; key++ {
		if r := b.reply(); r.key != key || r.status != 0 {
			t.Errorf("reply %+v, want key %d", r, key)
		}
	}
	if b.Plan() != plan || b.About().PID == pid {
		t.Errorf("worker %d after %d, plan in force: %v", b.About().PID, pid, b.Plan() == plan)
	}
	want := runner.Stats{Triggers: 9, Replies: 7, Lost: 2, Restarts: 2}
	if s := b.Stats(); s != want {
		t.Errorf("stats %+v, want %+v", s, want)
	}
}

// TestReplaceDuringRestart: a plan that comes while the booth restarts is in
// force when Replace returns, and what waited for the restart is delivered.
func TestReplaceDuringRestart(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	p := build(t, "crash")
	patient := func(p *profiles.Profile) { p.Limits.QueueAge, p.Limits.RestartFree = time.Hour, 1<<20 }
	b := h.must(p, patient)
	plans := []*runner.Plan{other(t, b.name, p, patient), newPlan(t, b.name, p, patient)}
	const rounds = 8
	for i := range rounds {
		send(t, lane, b, do("segv", 1))
		done := replacing(b, plans[i%2])
		for key := range byte(3) {
			send(t, lane, b, do("hello", key))
		}
		for key := range byte(3) {
			if r := b.reply(); r.key != key || r.status != 0 {
				t.Errorf("round %d: reply %+v, want key %d", i, r, key)
			}
		}
		if err := next(t, done, "the end of Replace"); err != nil || b.Plan() != plans[i%2] {
			t.Errorf("round %d: %v, in force: %v", i, err, b.Plan() == plans[i%2])
		}
		b.cause()
	}
	if s := b.Stats(); s.Replies != 3*rounds || s.Lost != rounds || s.Dropped+s.Expired != 0 {
		t.Errorf("stats %+v", s)
	}
}

// TestNewCrashesAtOnce: a successor that crashes over its first trigger is
// restarted like any worker, under its own plan.
func TestNewCrashesAtOnce(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	p := build(t, "crash")
	b := h.must(p, nil)
	plan := other(t, b.name, p, nil)
	if err := b.Replace(plan); err != nil {
		t.Fatal(err)
	}
	b.again()
	send(t, lane, b, do("segv", 1))
	b.cause()
	b.again()
	send(t, lane, b, do("hello", 2))
	if r := b.reply(); r.status != 0 || b.Plan() != plan {
		t.Errorf("after the restart: %+v", r)
	}
	if files := openFilesOf(t, b); files != fmt.Sprint(plan.Limits.OpenFiles) {
		t.Errorf("it was restarted with %s open files, want %d", files, plan.Limits.OpenFiles)
	}
}

// openFilesOf is the limit of a booth's worker, as the kernel has it.
func openFilesOf(t *testing.T, b *booth) string {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", b.About().PID))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "Max open files"); ok {
			return strings.Fields(rest)[0]
		}
	}
	t.Fatal("no open files in limits")
	return ""
}

// TestReplaceReserve: the worker in reserve is of the plan in force.
func TestReplaceReserve(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	p := build(t, "crash")
	b := h.must(p, nil)
	eventually(t, "a worker is in reserve", b.Standby)
	plan := other(t, b.name, p, nil)
	if err := b.Replace(plan); err != nil {
		t.Fatal(err)
	}
	b.again()
	eventually(t, "another is in reserve", b.Standby)
	eventually(t, "the old ones are gone", func() bool { return len(workers(t)) == 2 })
	send(t, lane, b, do("segv", 1))
	b.again()
	if files := openFilesOf(t, b); files != fmt.Sprint(plan.Limits.OpenFiles) {
		t.Errorf("the next has %s open files, want %d", files, plan.Limits.OpenFiles)
	}
}

// TestReplaceWhileHeld: in a pause and in quarantine the plan is exchanged, and
// goes from the next start on.
func TestReplaceWhileHeld(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	p := build(t, "crash")
	for action, state := range map[string]runner.State{"segv": runner.StateBackingOff, "ptrace": runner.StateQuarantined} {
		held := func(p *profiles.Profile) {
			p.Limits.RestartFree, p.Limits.RestartPause, p.Limits.RestartPauseMax, p.Limits.Violations = 1, time.Hour, time.Hour, 2
		}
		b, stop, err := h.run(newPlan(t, action, p, held))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			send(t, lane, b, do(action, 1))
			b.cause()
			if i == 0 {
				b.again()
			}
		}
		if s := b.State(); s != state {
			t.Fatalf("control: it is %s, want %s", s, state)
		}
		for _, change := range []func(*profiles.Profile){nil, held} { // two in a row
			plan := other(t, action, p, change)
			if err := b.Replace(plan); err != nil {
				t.Errorf("%s: %v", state, err)
			}
			if s := b.State(); s != state || b.Plan() != plan {
				t.Errorf("it is %s, and the plan is in force: %v", s, b.Plan() == plan)
			}
		}
		if err := b.Release(); err != nil {
			t.Fatal(err)
		}
		b.again()
		if files := openFilesOf(t, b); files != fmt.Sprint(b.Plan().Limits.OpenFiles) {
			t.Errorf("%s: it was started with %s open files", state, files)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if err := b.Replace(other(t, action, p, nil)); err != runner.ErrStopped {
			t.Errorf("when it is stopped: %v", err)
		}
	}
}

// TestReplaceAndStop: the booth stops, or its jailer ends, while a successor is
// being made. newHost and nothingLeft see that nothing of it is left.
func TestReplaceAndStop(t *testing.T) {
	slow := func(p *profiles.Profile) { p.Limits.LoadTimeout = time.Hour }
	t.Run("stop", func(t *testing.T) {
		h := newHost(t)
		p := build(t, "crash")
		b, stop, err := h.run(newPlan(t, "crash", p, nil))
		if err != nil {
			t.Fatal(err)
		}
		done := replacing(b, newPlan(t, b.name, hangs(t), slow))
		eventually(t, "it hangs in its constructor", func() bool { return b.denied("load getppid") > 0 })
		late := replacing(b, other(t, b.name, p, nil))
		if err := stop(); err != nil {
			t.Error(err)
		}
		for _, c := range []<-chan error{done, late} {
			if err := next(t, c, "the end of Replace"); err != runner.ErrStopped {
				t.Errorf("replace: %v", err)
			}
		}
		if pids := workers(t); len(pids) != 0 {
			t.Errorf("workers %q still run", pids)
		}
	})
	t.Run("jailer", func(t *testing.T) {
		h, tree := openHost(t, true)
		b, _, err := h.run(newPlan(t, "crash", build(t, "crash"), nil))
		if err != nil {
			t.Fatal(err)
		}
		done := replacing(b, newPlan(t, b.name, hangs(t), slow))
		eventually(t, "it hangs in its constructor", func() bool { return b.denied("load getppid") > 0 })
		if err := syscall.Kill(h.JailerPID(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if err := next(t, done, "the end of Replace"); err == nil {
			t.Error("replace: no error")
		}
		if err := next(t, b.done, "end of Run"); !errors.Is(err, runner.ErrJailer) {
			t.Errorf("Run: %v", err)
		}
		if err := h.Close(); err == nil {
			t.Error("Close does not tell that the jailer was killed")
		}
		if tree != nil {
			if err := tree.Close(); err != nil {
				t.Error(err)
			}
		}
		eventually(t, "workers end", func() bool { return len(workers(t)) == 0 })
		h.nothingLeft()
	})
}

// TestReplacedAttacks: what a worker does that was replaced, on its way out, is
// held against its plugin.
func TestReplacedAttacks(t *testing.T) {
	h := newHost(t)
	p := build(t, "end")
	for _, quota := range []int{1, 100} {
		b, stop, err := h.run(newPlan(t, fmt.Sprintf("quota-%d", quota), p, func(p *profiles.Profile) { p.Limits.Denials = quota }))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Replace(newPlan(t, b.name, p, nil)); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is in its stop()", func() bool { return b.denied("run getppid") > 0 })
		if quota == 1 {
			eventually(t, "quarantine", func() bool { return b.State() == runner.StateQuarantined })
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if q := b.History().Quarantine; (q != nil) != (quota == 1) {
			t.Errorf("quota %d: %+v", quota, q)
		}
	}
}

// everyGrant gives a profile one of each kind: a folder, a device, a /tmp in
// memory, a destination.
func everyGrant(t *testing.T, folder string) func(*profiles.Profile) {
	t.Helper()
	to := destination(t, "tcp://127.0.0.1:9")
	return func(p *profiles.Profile) {
		p.Files = []profiles.FileGrant{file(folder, "/folder", profiles.AccessRead)}
		p.Devices = []profiles.DeviceGrant{{Path: "/dev/full", Access: profiles.AccessWrite, Why: "test"}}
		p.Network = []profiles.NetworkGrant{{To: []profiles.Destination{to}, Why: "test"}}
		p.Limits.TmpSize = 1 << 20
	}
}

// rootsOf lists the folders that roots of booths are laid out in.
func rootsOf(t *testing.T, h *host) []string {
	t.Helper()
	roots, err := filepath.Glob(filepath.Join(h.dir, "jail", "root*"))
	if err != nil {
		t.Fatal(err)
	}
	return roots
}

// TestReplaceLeaksNothing: many replaces leave this process and the jailer
// with what they had, also where one of the two has grants.
func TestReplaceLeaksNothing(t *testing.T) {
	h := newHost(t)
	p := build(t, "crash")
	b := h.must(p, nil)
	plans := []*runner.Plan{other(t, b.name, p, everyGrant(t, t.TempDir())), newPlan(t, b.name, p, nil)}
	var before use
	for i := range 24 {
		if err := b.Replace(plans[i%2]); err != nil {
			t.Fatal(err)
		}
		b.again()
		if i == 3 {
			eventually(t, "it has settled", func() bool { return b.Standby() && len(workers(t)) == 2 })
			before = measure(t, h)
		}
	}
	eventually(t, "it has settled", func() bool { return b.Standby() && len(workers(t)) == 2 })
	before.compare(t, h)
	// The last plan has no grants: its workers share one root, in which is the
	// control.
	if roots := rootsOf(t, h); len(roots) != 1 {
		t.Errorf("roots of booths: %q", roots)
	}
	if h.tree != "" {
		if n := len(groups(t, h.tree)); n == 0 {
			t.Errorf("control: no group is called %s", h.tree)
		}
	}
}
