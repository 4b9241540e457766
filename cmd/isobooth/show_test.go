package main

import (
	"bytes"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/control"
)

// TestReporterNeverWaits: a terminal that nobody reads holds up neither the
// event path nor the jailer's messages; what is lost is counted.
func TestReporterNeverWaits(t *testing.T) {
	r, w := io.Pipe()
	a := &app{stdout: w, stderr: w}
	outs := newOutputs(nil, testLimits)
	outs.add("b")
	rep := a.newReporter(false, false, outs)
	event, err := midi.FromMessage([]byte{0x90, 60, 100}, 0, "test")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		reply := &runner.Reply{Booth: "b", Mapping: &midi.Mapping{Name: "m"}, Event: event}
		for range 2 * reportQueue {
			rep.Reply(reply)
			rep.State("b", runner.StateBackingOff, &runner.Cause{Kind: runner.CauseExit, Text: "ended"})
		}
		rep.Denied("b", control.Denial{Call: "socket", Phase: "run", Count: 1})
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("the reporter waits for its output")
	}
	if n := rep.dropped.Load(); n < 2*reportQueue-1 {
		t.Errorf("%d lines counted as lost", n)
	}
	if rep.ends != 2*reportQueue || rep.denials.counts()["b: socket() (run phase)"] != 1 {
		t.Errorf("%d ends, denials %v", rep.ends, rep.denials)
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
	rep.close()
	// The jailer may still have something to say.
	rep.Denied("b", control.Denial{Call: "socket", Phase: "run", Count: 2})
}

// TestLimitIsNamedOnce: one message and one hint for each limit of a booth;
// the summary has the count.
func TestLimitIsNamedOnce(t *testing.T) {
	var out bytes.Buffer
	a := &app{stdout: io.Discard, stderr: &out}
	rep := a.newReporter(false, false, newOutputs(nil, testLimits))
	for _, l := range []runner.Limit{{Name: "pids", Value: 8, Count: 1}, {Name: "cpu", Value: 0.5, Count: 1}, {Name: "pids", Value: 8, Count: 4}} {
		rep.Limited("b", l)
	}
	rep.Limited("other", runner.Limit{Name: "memory", Value: 1 << 20, Count: 1})
	rep.close()
	want := `isobooth: booth "b": reached its limit of 8 tasks
isobooth: hint: raise pids in its profile if the plugin is meant to need more
isobooth: booth "b": reached its CPU limit of 50 % of a core
isobooth: hint: raise cpu in its profile if the plugin is meant to need more
isobooth: booth "other": reached its memory limit of 1 MiB
isobooth: hint: raise memory in its profile if the plugin is meant to need more
`
	if out.String() != want {
		t.Errorf("said\n%swant\n%s", out.String(), want)
	}
	if got := rep.reached("b"); !slices.Equal(got, []runner.Limit{{Name: "cpu", Value: 0.5, Count: 1}, {Name: "pids", Value: 8, Count: 4}}) {
		t.Errorf("reached %v", got)
	}
}

// TestReplyDoesNotAllocate: Reply is on the event path.
func TestReplyDoesNotAllocate(t *testing.T) {
	a := &app{stdout: io.Discard, stderr: io.Discard}
	rep := a.newReporter(false, true, newOutputs(nil, testLimits))
	defer rep.close()
	event, err := midi.FromMessage([]byte{0x90, 60, 100}, 0, "test")
	if err != nil {
		t.Fatal(err)
	}
	// With the queue full nothing is printed meanwhile, which would allocate.
	reply := &runner.Reply{Booth: "b", Mapping: &midi.Mapping{Name: "m"}, Event: event}
	full := &reporter{app: a, outs: newOutputs(nil, testLimits), queue: make(chan report), notes: make(chan string)}
	if n := testing.AllocsPerRun(1000, func() { full.Reply(reply) }); n != 0 {
		t.Errorf("%v allocations for each reply", n)
	}
}

// TestReadyAgain: only a booth that ended, or was held, is ready again.
func TestReadyAgain(t *testing.T) {
	var out bytes.Buffer
	outs := newOutputs(nil, testLimits)
	for _, name := range []string{"one", "two", "held"} {
		outs.add(name)
	}
	r := (&app{stdout: io.Discard, stderr: &out}).newReporter(false, true, outs)
	r.State("one", runner.StateLoading, nil)
	r.State("one", runner.StateStandby, &runner.Cause{Kind: runner.CauseExit, Text: "ended"})
	r.State("two", runner.StateReady, nil)
	r.State("one", runner.StateReady, nil)
	r.State("held", runner.StateQuarantined, nil)
	r.State("held", runner.StateReady, nil)
	r.close()
	if want := "isobooth: booth \"one\": ended; restarting\nisobooth: booth \"one\": ready again\nisobooth: booth \"held\": ready again\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
