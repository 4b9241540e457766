//go:build linux

package runner_test

import (
	"errors"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
)

// TestPrepare: a worker that has been prepared takes nothing until Commit, and
// leaves nothing behind after Withdraw.
func TestPrepare(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	p := build(t, "crash")
	b := h.must(p, nil)
	pid, old, plan := b.About().PID, b.Plan(), other(t, b.name, p, nil)
	hello := func(key byte, want int) {
		t.Helper()
		send(t, lane, b, do("hello", key))
		if r := b.reply(); r.key != key || r.status != 0 {
			t.Errorf("reply %+v", r)
		}
		if now := b.About().PID; (now == pid) != (want == pid) {
			t.Errorf("key %d was answered by %d; the first worker is %d", key, now, pid)
		}
	}
	for range 2 {
		next, err := b.Prepare(plan)
		if err != nil {
			t.Fatal(err)
		}
		hello(1, pid)
		next.Withdraw()
		hello(2, pid)
	}
	if b.Plan() != old {
		t.Error("a plan is in force that was withdrawn")
	}
	eventually(t, "only it and the one in reserve are left", func() bool { return len(workers(t)) == 2 })

	next, err := b.Prepare(plan)
	if err != nil {
		t.Fatal(err)
	}
	hello(3, pid)
	if err := next.Commit(); err != nil || b.Plan() != plan {
		t.Fatalf("commit: %v, in force: %v", err, b.Plan() == plan)
	}
	hello(4, 0)
	if x := b.History(); x.Crashes != 0 || len(b.causes) != 0 {
		t.Errorf("held against it: %+v", x)
	}

	var start *runner.StartError
	crashes := build(t, "load", "-DFROM=CONSTRUCTOR", "-DATTACK=attack_crash")
	if _, err := b.Prepare(newPlan(t, b.name, crashes, nil)); !errors.As(err, &start) {
		t.Errorf("one that does not load: %v, want a StartError", err)
	}
	hello(5, 0)
}

// TestPreparedEnds: a worker that is killed while it waits changes nothing;
// neither does a booth that crashes or stops meanwhile hang.
func TestPreparedEnds(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	p := build(t, "crash")
	b, stop, err := h.run(newPlan(t, "crash", p, nil))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a worker is in reserve", b.Standby)
	before := workers(t)
	old, plan := b.Plan(), other(t, b.name, p, nil)
	next, err := b.Prepare(plan)
	if err != nil {
		t.Fatal(err)
	}
	killed := 0
	for _, worker := range workers(t) {
		if slices.Contains(before, worker) {
			continue
		}
		killed++
		pid, err := strconv.Atoi(worker)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is gone", func() bool { return !slices.Contains(workers(t), worker) })
	}
	if err := next.Commit(); err == nil || killed != 1 || b.Plan() != old {
		t.Errorf("commit of %d dead workers: %v, old plan: %v", killed, err, b.Plan() == old)
	}

	if next, err = b.Prepare(plan); err != nil {
		t.Fatal(err)
	}
	send(t, lane, b, do("segv", 1))
	b.cause()
	if err := next.Commit(); err != nil || b.Plan() != plan {
		t.Errorf("commit after a crash: %v, in force: %v", err, b.Plan() == plan)
	}
	send(t, lane, b, do("hello", 2))
	if r := b.reply(); r.key != 2 || r.status != 0 {
		t.Errorf("reply %+v", r)
	}

	if next, err = b.Prepare(old); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := next.Commit(); !errors.Is(err, runner.ErrStopped) {
		t.Errorf("commit after the stop: %v", err)
	}
	if _, err := b.Prepare(plan); err != runner.ErrStopped {
		t.Errorf("prepare after the stop: %v", err)
	}
}

// TestAnotherBuild: another build of the plugin begins with its own history,
// also where the one before is in quarantine; the same build does not.
func TestAnotherBuild(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	held := func(p *profiles.Profile) { p.Limits.Violations = 1 }
	p, fixed := build(t, "crash"), build(t, "crash", "-g", "-DISOBOOTH_TEST_BUILD=2")
	if p.Image.SHA256 == fixed.Image.SHA256 {
		t.Fatal("the two builds are one")
	}
	b := h.must(p, held)
	send(t, lane, b, do("ptrace", 1))
	b.cause()
	eventually(t, "it is in quarantine", func() bool { return b.State() == runner.StateQuarantined })

	same, err := b.Prepare(other(t, b.name, p, held))
	if err != nil {
		t.Fatal(err)
	}
	if err := same.Commit(); err != nil || b.State() != runner.StateQuarantined || b.History().Quarantine == nil {
		t.Fatalf("control: the same build: %v, it is %s", err, b.State())
	}
	for len(b.ready) > 0 {
		<-b.ready
	}

	plan := newPlan(t, b.name, fixed, held)
	plan.History.Quarantine = &runner.Quarantine{At: time.Now(), Cause: runner.Cause{Kind: runner.CauseSignal}}
	if _, err := b.Prepare(plan); err == nil {
		t.Error("a build that is in quarantine itself was taken")
	}
	plan.History.Quarantine = nil
	next, err := b.Prepare(plan)
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Commit(); err != nil {
		t.Fatal(err)
	}
	b.again()
	send(t, lane, b, do("hello", 2))
	if r := b.reply(); r.key != 2 || r.status != 0 || b.History().Quarantine != nil {
		t.Errorf("reply %+v, history %+v", r, b.History())
	}
}
