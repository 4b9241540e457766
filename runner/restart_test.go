//go:build linux

package runner_test

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"golang.org/x/sys/unix"
)

// TestRestartKeepsTriggers: what comes while a booth restarts is delivered
// afterwards, in order. The trigger that ended the plugin is not repeated.
func TestRestartKeepsTriggers(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	b := h.must(build(t, "crash"), patiently)
	pid := b.About().PID
	const rounds, n = 3, 10
	for round := range rounds {
		eventually(t, "a worker is in reserve", b.Standby)
		send(t, lane, b, do("segv", 100))
		for key := range byte(n) {
			send(t, lane, b, do("hello", key))
		}
		for key := range byte(n) {
			if r := b.reply(); r.key != key || r.status != 0 || !r.queued && key == 0 {
				t.Errorf("round %d: reply %d is %+v", round, key, r)
			}
		}
		if c := b.cause(); c.Signal != syscall.SIGSEGV {
			t.Errorf("cause %+v", c)
		}
		if now := b.About().PID; now == pid {
			t.Errorf("worker %d serves again", pid)
		} else {
			pid = now
		}
	}
	want := runner.Stats{Triggers: rounds * (n + 1), Replies: rounds * n, Lost: rounds, Restarts: rounds}
	if s := b.Stats(); s != want {
		t.Errorf("stats %+v, want %+v", s, want)
	}
}

// TestQueueExpires: what waited too long for a restart is not delivered late.
func TestQueueExpires(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	b := h.must(build(t, "crash"), func(p *profiles.Profile) {
		p.Limits.RestartFree, p.Limits.RestartPause, p.Limits.RestartPauseMax = 1, 300*time.Millisecond, 300*time.Millisecond
		p.Limits.QueueAge = time.Millisecond
	})
	for range 2 {
		send(t, lane, b, do("segv", 100))
		b.cause()
		if b.State() == runner.StateBackingOff {
			break
		}
		b.again()
	}
	if s := b.State(); s != runner.StateBackingOff {
		t.Fatalf("control: after two crashes, one of them free, the booth is %s", s)
	}
	const n = runner.QueueLen + 10 // what is too old makes room
	for range n {
		send(t, lane, b, do("hello", 1))
		time.Sleep(100 * time.Microsecond)
	}
	b.again()
	eventually(t, "all is dealt with", b.Idle)
	s := b.Stats()
	if s.Expired == 0 || s.Dropped != 0 || s.Expired+s.Replies != n || s.Lost != 2 || s.Triggers != s.Replies+s.Lost {
		t.Errorf("stats %+v", s)
	}
}

// TestQuarantineByDenials: one refused call for each trigger, and the plugin
// is out when its quota is used up, until it is released.
func TestQuarantineByDenials(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	c := newCanary(t)
	const quota = 8
	p := build(t, "run", c.flags()...)
	plan := newPlan(t, "run", p, func(p *profiles.Profile) { p.Limits.Denials = quota })
	b, stop, err := h.run(plan)
	if err != nil {
		t.Fatal(err)
	}
	for i := range quota - 1 {
		send(t, lane, b, do("openat", 1))
		if r := b.reply(); r.result != "-1" {
			t.Fatalf("call %d: %+v", i+1, r)
		}
	}
	if s := b.State(); s != runner.StateReady {
		t.Errorf("control: one call below its quota it is %s", s)
	}
	send(t, lane, b, do("openat", 1))
	if cause := b.cause(); cause.Kind != runner.CauseDenials {
		t.Errorf("cause %+v", cause)
	}
	if s := b.State(); s != runner.StateQuarantined {
		t.Errorf("afterwards it is %s", s)
	}
	if err := lane.Send(b.Booth, do("openat", 1)); err != runner.ErrNotReady {
		t.Errorf("a trigger: %v", err)
	}
	eventually(t, "no worker is left", func() bool { return len(workers(t)) == 0 })

	// The next daemon, told of it, does not start it either; nor does it fail.
	again := *plan
	again.Name, again.History = "next", b.History()
	next, stopNext, err := h.runHeld(&again)
	if err != nil || next.State() != runner.StateQuarantined {
		t.Fatalf("at the next start it is %s, %v", next.State(), err)
	}

	for _, held := range []*booth{b, next} {
		if err := held.Release(); err != nil {
			t.Errorf("release: %v", err)
		}
		held.again()
		if err := held.Release(); err != runner.ErrNotHeld {
			t.Errorf("release when it is ready: %v", err)
		}
		if x := held.History(); x.Quarantine != nil {
			t.Errorf("history %+v", x)
		}
		send(t, lane, held, do("malloc", 1))
		if r := held.reply(); r.result != "0" {
			t.Errorf("after the release: %+v", r)
		}
	}
	for _, end := range []func() error{stop, stopNext} {
		if err := end(); err != nil {
			t.Error(err)
		}
	}
}

// runHeld is run for a plan whose history says quarantine: Run is as ready as
// it will be.
func (h *host) runHeld(plan *runner.Plan) (*booth, func() error, error) {
	h.t.Helper()
	b := h.of(plan.Name)
	var err error
	if b.Booth, err = h.NewBooth(plan, b, -1); err != nil {
		return b, nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan struct{})
	b.done = make(chan error, 1)
	go func() { b.done <- b.Run(ctx, func() { close(ready) }) }()
	next(h.t, ready, plan.Name+" is started")
	return b, func() error { cancel(); return next(h.t, b.done, "end of Run") }, nil
}

// TestQuarantineByViolations: crashes alone never quarantine, attacks do.
func TestQuarantineByViolations(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	quick := func(p *profiles.Profile) {
		p.Limits.Violations, p.Limits.RestartFree = 3, 100
	}
	for _, test := range []struct {
		source, action string
		quarantined    bool
	}{{"frames", "garbage", true}, {"crash", "ptrace", true}, {"crash", "segv", false}} {
		b, stop, err := h.run(newPlan(t, test.action, build(t, test.source), quick))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			send(t, lane, b, do(test.action, 1))
			b.cause()
			if i < 2 || !test.quarantined {
				b.again()
			}
		}
		if s := b.State(); (s == runner.StateQuarantined) != test.quarantined {
			t.Errorf("%s three times: %s", test.action, s)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}

// patiently has a trigger wait for however long a restart takes.
func patiently(p *profiles.Profile) { p.Limits.QueueAge = time.Hour }

// TestSpareKilled: a worker in reserve that was killed is not used.
func TestSpareKilled(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	b := h.must(build(t, "crash"), patiently)
	eventually(t, "a worker is in reserve", b.Standby)
	for _, text := range workers(t) {
		if pid, err := strconv.Atoi(text); err == nil && pid != b.About().PID {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	eventually(t, "it is gone", func() bool { return len(workers(t)) == 1 })
	send(t, lane, b, do("segv", 1))
	send(t, lane, b, do("hello", 2))
	if r := b.reply(); r.key != 2 || r.status != 0 {
		t.Errorf("after the restart: %+v", r)
	}
}

// TestStandbyKeeps: a worker in reserve is as good after any time. Eleven
// seconds are longer than all that the jailer allows a step of a start.
func TestStandbyKeeps(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	b := h.must(build(t, "crash"), patiently)
	eventually(t, "a worker is in reserve", b.Standby)
	time.Sleep(11 * time.Second)
	send(t, lane, b, do("segv", 1))
	send(t, lane, b, do("hello", 2))
	if r := b.reply(); r.key != 2 || r.status != 0 {
		t.Errorf("after the restart: %+v", r)
	}
	if c := b.cause(); c.Signal != syscall.SIGSEGV || len(b.causes) != 0 {
		t.Errorf("cause %+v, and %d more", c, len(b.causes))
	}
}

// TestWithoutStandby: a plan may do without a worker in reserve.
func TestWithoutStandby(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	plan := newPlan(t, "crash", build(t, "crash"), nil)
	plan.Standby = false
	b, stop, err := h.run(plan)
	if err != nil {
		t.Fatal(err)
	}
	send(t, lane, b, do("segv", 1))
	b.cause()
	b.again()
	send(t, lane, b, do("hello", 2))
	b.reply()
	if n := len(workers(t)); n != 1 || b.Standby() {
		t.Errorf("%d workers, in reserve %v", n, b.Standby())
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestKeepTrying: a plugin that crashes at its first start ends Run, or is
// tried again, as the plan says.
func TestKeepTrying(t *testing.T) {
	h := newHost(t)
	p := build(t, "load", "-DFROM=CONSTRUCTOR", "-DATTACK=attack_crash")
	plan := newPlan(t, "once", p, nil)
	var start *runner.StartError
	if _, _, err := h.run(plan); !errors.As(err, &start) || start.Cause.Signal != syscall.SIGSEGV {
		t.Errorf("without: %v", err)
	}
	again := *plan
	again.Name, again.KeepTrying = "again", true
	b, stop, err := h.runHeld(&again)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if c := b.cause(); c.Signal != syscall.SIGSEGV {
			t.Errorf("cause %+v", c)
		}
	}
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if s := b.Stats(); s.Restarts < 2 {
		t.Errorf("stats %+v", s)
	}
}

// TestBuiltAside: booths are built, and plugins loaded, on other processors
// than that of the triggers. Once ready the worker is on that one.
func TestBuiltAside(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("one processor: there is nowhere else")
	}
	h := newHost(t)
	last, err := runner.LastCPU()
	if err != nil {
		t.Fatal(err)
	}
	b := h.must(build(t, "crash"), nil)
	if set := affinity(t, h.JailerPID()); set.IsSet(last) || set.Count() == 0 {
		t.Errorf("the jailer may run on processor %d", last)
	}
	if set := affinity(t, b.About().PID); !set.IsSet(last) || set.Count() != 1 {
		t.Errorf("the worker may run on %d processors, want %d alone", set.Count(), last)
	}
}

func affinity(t *testing.T, pid int) (set unix.CPUSet) {
	t.Helper()
	if err := unix.SchedGetaffinity(pid, &set); err != nil {
		t.Fatal(err)
	}
	return set
}
