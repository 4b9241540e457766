//go:build linux

package runner_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/isobooth/isobooth/cgroups"
	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
)

// groupFiles reads a file of every group of a host's booths, as the kernel has
// it, sorted; memory.limit_in_bytes on v1, memory.max on v2.
func groupFiles(t *testing.T, h *host, names ...string) (values []string) {
	t.Helper()
	for _, tree := range groups(t, h.tree) {
		for _, name := range names {
			files, err := filepath.Glob(filepath.Join(tree, "b[0-9]*", name))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, strings.TrimSpace(string(data)))
			}
		}
	}
	slices.Sort(values)
	return values
}

func memories(t *testing.T, h *host) []string {
	t.Helper()
	return groupFiles(t, h, "memory.limit_in_bytes", "memory.max")
}

// TestSetLimits changes a booth's limits while it serves: those of its group at
// once, on the worker in reserve, too; deadlines from the next use; those of
// processes from the next start.
func TestSetLimits(t *testing.T) {
	h := newHost(t)
	if h.tree == "" {
		missing(t, "control groups")
	}
	lane := newLane(t, h)
	p := build(t, "crash")
	b := h.must(p, nil)
	eventually(t, "a worker is in reserve", b.Standby)
	pid, files := b.About().PID, openFilesOf(t, b)
	pids := workers(t)

	small := newPlan(t, b.name, p, func(p *profiles.Profile) {
		p.Limits.Memory, p.Limits.Pids, p.Limits.CPUWeight = 24<<20, 9, 50
		p.Limits.TriggerTimeout = 50 * time.Millisecond
	})
	const bytes = "25165824"
	if slices.Contains(memories(t, h), bytes) {
		t.Fatal("control: that is its limit already")
	}
	if err := b.SetLimits(small); err != nil {
		t.Fatal(err)
	}
	if got := memories(t, h); !slices.Equal(got, []string{bytes, bytes}) {
		t.Errorf("memory of both groups %q", got)
	}
	if now := workers(t); b.About().PID != pid || !slices.Equal(now, pids) || b.Plan() != small {
		t.Errorf("workers %q, before %q", now, pids)
	}
	// The plugin has less from now on, and the message says how much.
	send(t, lane, b, do("eat", 1))
	if c := b.cause(); c.Kind != runner.CauseOOM && c.Kind != runner.CauseTimeout {
		t.Errorf("cause %+v", c)
	}
	b.again()
	send(t, lane, b, do("spin", 2))
	if c := b.cause(); c.Kind != runner.CauseTimeout {
		t.Errorf("with a trigger_timeout of 50 ms: %+v", c)
	}
	b.again()
	if got := memories(t, h); !slices.Contains(got, bytes) || slices.ContainsFunc(got, func(s string) bool { return s != bytes }) {
		t.Errorf("memory after the restart %q", got)
	}

	// open_files is a worker's from its start on.
	eventually(t, "a worker is in reserve", b.Standby)
	fewer := newPlan(t, b.name, p, func(p *profiles.Profile) { p.Limits.OpenFiles-- })
	if err := b.SetLimits(fewer); err != nil {
		t.Fatal(err)
	}
	if got := openFilesOf(t, b); got != files {
		t.Errorf("open files of the running worker: %s", got)
	}
	eventually(t, "a new worker is in reserve, the old one is gone", func() bool { return b.Standby() && len(workers(t)) == 2 })
	send(t, lane, b, do("segv", 1))
	b.cause()
	b.again()
	if got := openFilesOf(t, b); got != fmt.Sprint(fewer.Limits.OpenFiles) {
		t.Errorf("open files after the restart: %s, want %d", got, fewer.Limits.OpenFiles)
	}
	if !runner.NeedsWorker("open_files") || runner.NeedsWorker("memory") || runner.NeedsWorker("trigger_timeout") {
		t.Error("NeedsWorker says something else")
	}

	// What the kernel does not take leaves everything as it is.
	plan := b.Plan()
	none := newPlan(t, b.name, p, func(p *profiles.Profile) { p.Limits.Memory, p.Limits.CPUs = 99<<20, []int{1 << 12} })
	if err := b.SetLimits(none); !errors.Is(err, cgroups.ErrLimit) || !strings.Contains(err.Error(), "cpuset") {
		t.Errorf("a processor that there is not: %v", err)
	}
	if got := memories(t, h); b.Plan() != plan || slices.Contains(got, fmt.Sprint(99<<20)) {
		t.Errorf("afterwards memory is %q", got)
	}
	if err := b.SetLimits(other(t, b.name, p, nil)); err == nil {
		t.Error("another filter was taken for a limit")
	}
	send(t, lane, b, do("hello", 9))
	b.reply()
}

// TestSetLimitsReserve: limits that come while the worker in reserve is being
// made leave the booth with one in reserve, of the new limits.
func TestSetLimitsReserve(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	p := build(t, "crash")
	for round, wait := range []time.Duration{0, 15 * time.Millisecond, 30 * time.Millisecond} {
		b, stop, err := h.run(newPlan(t, fmt.Sprintf("round-%d", round), p, nil))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(wait) // the reserve is made from 10 ms on
		plan := newPlan(t, b.name, p, func(p *profiles.Profile) { p.Limits.OpenFiles--; p.Limits.Memory = 24 << 20 })
		if err := b.SetLimits(plan); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a worker is in reserve", b.Standby)
		if got := memories(t, h); h.tree != "" && !slices.Equal(slices.Compact(got), []string{"25165824"}) {
			t.Errorf("round %d: memory %q", round, got)
		}
		send(t, lane, b, do("segv", 1))
		b.cause()
		b.again()
		if got := openFilesOf(t, b); got != fmt.Sprint(plan.Limits.OpenFiles) {
			t.Errorf("round %d: open files after the restart: %s", round, got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}

// TestSetLimitsWhileHeld: in quarantine they go from the next start on; when
// the booth has stopped there is nothing to change.
func TestSetLimitsWhileHeld(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	p := build(t, "crash")
	b, stop, err := h.run(newPlan(t, "held", p, func(p *profiles.Profile) { p.Limits.Violations = 1 }))
	if err != nil {
		t.Fatal(err)
	}
	send(t, lane, b, do("ptrace", 1))
	eventually(t, "quarantine", func() bool { return b.State() == runner.StateQuarantined })
	plan := newPlan(t, "held", p, func(p *profiles.Profile) { p.Limits.Memory = 24 << 20 })
	if err := b.SetLimits(plan); err != nil {
		t.Fatal(err)
	}
	if err := b.Release(); err != nil {
		t.Fatal(err)
	}
	b.again()
	if got := memories(t, h); h.tree != "" && !slices.Contains(got, "25165824") {
		t.Errorf("memory %q", got)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := b.SetLimits(plan); err != runner.ErrStopped {
		t.Errorf("when it is stopped: %v", err)
	}
}

// requireController skips a test that needs more of control groups than every
// booth does.
func requireController(t *testing.T, name string) {
	t.Helper()
	if r := cgroups.Probe(); !r.Usable || !slices.Contains(r.Controllers, name) {
		missing(t, fmt.Sprintf("the controller %s, where there are %q", name, r.Controllers))
	}
}

// TestCPUs: a worker that may not use the processor of the triggers is not
// pinned to it, and goes back there when it may.
func TestCPUs(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("one processor: there is nowhere else")
	}
	requireController(t, "cpuset")
	h := newHost(t)
	last, err := runner.LastCPU()
	if err != nil {
		t.Fatal(err)
	}
	only := func(cpu int) func(*profiles.Profile) {
		return func(p *profiles.Profile) { p.Limits.CPUs = []int{cpu} }
	}
	lane := pinned(t, h)
	p := build(t, "crash")
	for name, first := range map[string]int{"aside": 0, "there": last} {
		b, stop, err := h.run(newPlan(t, name, p, only(first)))
		if err != nil {
			t.Fatal(err)
		}
		for i, cpu := range []int{first, last - first, first} {
			if i > 0 {
				if err := b.SetLimits(newPlan(t, name, p, only(cpu))); err != nil {
					t.Fatal(err)
				}
			}
			if set := affinity(t, b.About().PID); !set.IsSet(cpu) || set.Count() != 1 {
				t.Errorf("%s: on %d processors, want %d alone", name, set.Count(), cpu)
			}
			if at := b.About().CPU; (at == last) != (cpu == last) {
				t.Errorf("%s: said to be pinned to %d", name, at)
			}
			send(t, lane, b, do("hello", 1))
			b.reply()
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}

// TestCPUsReserve: a worker in reserve does not come with the processors of
// before.
func TestCPUsReserve(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("one processor: there is nowhere else")
	}
	requireController(t, "cpuset")
	h := newHost(t)
	lane := newLane(t, h)
	p := build(t, "crash")
	only := func(cpu int) func(*profiles.Profile) {
		return func(p *profiles.Profile) { p.Limits.CPUs = []int{cpu} }
	}
	b, stop, err := h.run(newPlan(t, "reserve", p, only(0)))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a worker is in reserve", b.Standby)
	if err := b.SetLimits(newPlan(t, "reserve", p, only(1))); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a worker is in reserve again", b.Standby)
	send(t, lane, b, do("segv", 1))
	if cause := b.cause(); cause.Kind != runner.CauseSignal {
		t.Errorf("ended by %v", cause)
	}
	b.again()
	if set := affinity(t, b.About().PID); !set.IsSet(1) || set.Count() != 1 {
		t.Errorf("the next one is on %d processors, want 1 alone", set.Count())
	}
	if n := b.Stats().Restarts; n != 1 {
		t.Errorf("%d restarts, want one", n)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
