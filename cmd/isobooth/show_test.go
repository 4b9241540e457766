package main

import (
	"bytes"
	"io"
	"slices"
	"strings"
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

// TestGestureIsShown: a line names what a trigger was beyond its message, and
// a change of the mode has one of its own, in order; the quiet say neither.
func TestGestureIsShown(t *testing.T) {
	keys := midi.KeySet{1 << 60, 1 << 3}
	for name, tc := range map[string]struct {
		raw     []byte
		gesture midi.Gesture
		text    string
		json    string
	}{
		"message":  {[]byte{0x90, 60, 100}, midi.Gesture{Mode: "a"}, "key 60  vel 100  b  0.0 µs", `"gesture":"message","mode":"a"`},
		"hold":     {[]byte{0x90, 60, 100}, midi.Gesture{Kind: midi.GestureHold, Duration: 500 * time.Millisecond}, "b  hold 500ms  ", `"gesture":"hold","duration_us":500000,"mode":""`},
		"taps":     {[]byte{0x90, 60, 100}, midi.Gesture{Kind: midi.GestureTaps, Taps: 2}, "b  taps 2  ", `"gesture":"taps","taps":2,`},
		"chord":    {[]byte{0x90, 67, 100}, midi.Gesture{Kind: midi.GestureChord, Keys: keys}, "b  chord [60 67]  ", `"gesture":"chord","keys":[60,67],`},
		"turn":     {[]byte{0xb0, 20, 126}, midi.Gesture{Kind: midi.GestureTurn, Steps: -2}, "b  turn -2  ", `"gesture":"turn","steps":-2,`},
		"crossing": {[]byte{0xb0, 7, 64}, midi.Gesture{Kind: midi.GestureCrossing}, "b  crossing  ", `"gesture":"crossing",`},
		"clock":    {[]byte{0xf8}, midi.Gesture{Kind: midi.GestureClock, Steps: 4}, "clock                            b  clock 4  ", `"gesture":"clock","steps":4,`},
		"position": {[]byte{0xf2, 16, 1}, midi.Gesture{}, "song position 144 ", `"gesture":"message",`},
	} {
		event, err := midi.FromMessage(tc.raw, 0, "test")
		if err != nil {
			t.Fatal(err)
		}
		for _, asJSON := range []bool{false, true} {
			var out bytes.Buffer
			outs := newOutputs(nil, testLimits)
			outs.add("b")
			rep := (&app{stdout: &out, stderr: &out}).newReporter(asJSON, false, outs)
			rep.mode("edit")
			rep.Reply(&runner.Reply{Booth: "b", Mapping: &midi.Mapping{Name: "m"}, Event: event, Gesture: tc.gesture})
			rep.close()
			rep.mode("too late")
			first, want := "isobooth: mode \"edit\"\n", tc.text
			if asJSON {
				first, want = `{"type":"mode","mode":"edit"}`+"\n", tc.json
			}
			if rest, ok := strings.CutPrefix(out.String(), first); !ok || !strings.Contains(rest, want) || strings.Count(rest, "\n") != 1 {
				t.Errorf("%s: printed\n%swant %q, then one line with %q", name, out.String(), first, want)
			}
		}
	}
	var out bytes.Buffer
	quiet := (&app{stdout: &out, stderr: &out}).newReporter(false, true, newOutputs(nil, testLimits))
	quiet.mode("edit")
	quiet.close()
	if out.Len() > 0 {
		t.Errorf("quiet, and yet %q", out.String())
	}
}
