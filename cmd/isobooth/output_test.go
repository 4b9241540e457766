package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/miditest"
	"github.com/isobooth/isobooth/runner"
)

// testLimits are the defaults.
var testLimits = midiLimits{rate: 3125, burst: 4096, hops: 4, window: 50 * time.Millisecond}

// port is a MIDI port in memory with a clock that stands still.
type port struct {
	sent []string
	err  error
	now  time.Duration
}

func (p *port) send(msg []byte) error {
	if p.err == nil {
		p.sent = append(p.sent, fmt.Sprintf("% x", msg))
	}
	return p.err
}

// outputsTo makes outputs with these limits on the port's clock.
func (p *port) outputsTo(l midiLimits) *outputs {
	s := newOutputs(p.send, l)
	s.now = func() time.Duration { return p.now }
	return s
}

func TestDefaultLimits(t *testing.T) {
	s, err := loadSettings("", (&app{}).root().PersistentFlags())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.MIDI.limits(); err != nil || got != testLimits {
		t.Errorf("%+v, %v, want %+v", got, err, testLimits)
	}
}

// TestOutputRate: what is over the rate is dropped and told at doubling
// counts, and what ends a note that sounds is not.
func TestOutputRate(t *testing.T) {
	var p port
	l := testLimits
	l.burst, l.rate = 9, 1000
	s := p.outputsTo(l)
	o, neighbour := s.add("flood"), s.add("neighbour")
	var told []string
	say := func(format string, args ...any) { told = append(told, fmt.Sprintf(format, args...)) }
	for key := range byte(100) {
		err := o.send([]byte{0x90, key, 1}, 0)
		if (err == nil) != (key < 3) || err != nil && err != errOverRate {
			t.Fatalf("note %d: %v", key, err)
		}
		s.tell(say)
	}
	if err := neighbour.send([]byte{0x90, 60, 1}, 0); err != nil {
		t.Errorf("the neighbour's note: %v", err)
	}
	if got := o.stats(); got != (outputStats{Sent: 3, Dropped: 97}) {
		t.Errorf("%+v", got)
	}
	if len(told) != 7 || !strings.Contains(told[6], `"flood": 64 MIDI messages dropped`) || !strings.Contains(told[6], "midi.out_rate") {
		t.Errorf("%d messages: %q", len(told), told)
	}
	// The keys that sound, not the one that was dropped, and each once.
	for _, x := range []struct {
		key  byte
		want error
	}{{0, nil}, {0, errOverRate}, {2, nil}, {50, errOverRate}} {
		if err := o.send([]byte{0x80, x.key, 0}, 0); err != x.want {
			t.Errorf("note-off %d: %v, want %v", x.key, err, x.want)
		}
	}
	// They are paid for: 15 bytes at 1000 a second, 9 of them credit.
	p.now = 6 * time.Millisecond
	if err := o.send([]byte{0x90, 60, 1}, 0); err != errOverRate {
		t.Errorf("with the debt not paid: %v", err)
	}
	p.now = 7 * time.Millisecond
	if err := o.send([]byte{0x90, 60, 1}, 0); err != nil {
		t.Errorf("with the debt paid: %v", err)
	}
}

// TestOutputForm: nothing but whole messages gets out, sysex within its limit
// and within the rate.
func TestOutputForm(t *testing.T) {
	var p port
	o := p.outputsTo(testLimits).add("b")
	sysex := func(n int) []byte {
		b := bytes.Repeat([]byte{1}, n)
		b[0], b[n-1] = 0xf0, 0xf7
		return b
	}
	endless := sysex(1000)
	endless[999] = 1
	for name, msg := range map[string][]byte{
		"nothing":                {},
		"running status":         {60, 100},
		"running status behind":  {0x90, 60, 100, 61, 100},
		"two messages":           {0xc0, 5, 0xc0, 6},
		"clock inside a note":    {0x90, 0xf8, 60},
		"clock inside sysex":     {0xf0, 1, 0xf8, 0xf7},
		"sysex without its end":  endless,
		"sysex inside sysex":     {0xf0, 1, 0xf0, 0xf7},
		"sysex goes on":          {1, 2, 0xf7},
		"sysex over its limit":   sysex(midi.MaxSysEx + 1),
		"undefined":              {0xf5},
		"a note's beginning":     {0x90, 60},
		"realtime that is no":    {0xfd},
		"end without its sysex ": {0xf7},
	} {
		if err := o.send(msg, 0); !errors.Is(err, midi.ErrMessage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(p.sent) != 0 {
		t.Fatalf("sent %q", p.sent)
	}
	if got := o.stats(); got != (outputStats{Refused: 14}) {
		t.Errorf("%+v", got)
	}
	// The longest passes, and then nothing until the cable would have it.
	if err := o.send(sysex(midi.MaxSysEx), 0); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := o.send(sysex(midi.MaxSysEx), 0); err != errOverRate {
			t.Fatalf("a second at once: %v", err)
		}
	}
	p.now = (midi.MaxSysEx - 4096) * time.Second / 3125
	if err := o.send([]byte{0xf8}, 0); err != errOverRate {
		t.Errorf("a clock before it is paid: %v", err)
	}
	p.now += time.Millisecond
	if err := o.send([]byte{0xf8}, 0); err != nil {
		t.Errorf("a clock behind it: %v", err)
	}
}

// TestOutputRelease: what a plugin leaves sounding ends with it, also without
// credit, and only once; and its echo is no trigger.
func TestOutputRelease(t *testing.T) {
	var p port
	l := testLimits
	l.burst, l.hops = 9, maxHops
	s := p.outputsTo(l)
	o := s.add("b")
	for _, msg := range [][]byte{{0x90, 60, 1}, {0x91, 61, 1}, {0xb0, 64, 127}} {
		if err := o.send(msg, 0); err != nil {
			t.Fatal(err)
		}
	}
	if o.send([]byte{0x90, 62, 1}, 0) != errOverRate {
		t.Fatal("there is credit left")
	}
	p.sent = nil
	o.release()
	o.release()
	if want := []string{"80 3c 40", "b0 40 00", "81 3d 40"}; !slices.Equal(p.sent, want) {
		t.Errorf("sent %q, want %q", p.sent, want)
	}
	if got := o.stats(); got != (outputStats{Sent: 6, Released: 3, Dropped: 1}) {
		t.Errorf("%+v", got)
	}
	in := s.newInput(miditest.NewSource("cable"))
	ev, err := midi.FromMessage([]byte{0x80, 60, 64}, 0, "cable")
	if err != nil {
		t.Fatal(err)
	}
	from := in.admit(&ev)
	if from != o {
		t.Fatalf("the release came back and was let in, hop %d", ev.Hop)
	}
	from.cut(&ev)
	if n := o.stats().LoopsCut; n != 0 {
		t.Errorf("%d loops", n)
	}

	// A port that is gone keeps nothing from being tried again.
	if err := s.add("c").send([]byte{0x90, 60, 1}, 0); err != nil {
		t.Fatal(err)
	}
	p.err, p.sent = errors.New("unplugged"), nil
	s.of("c").release()
	p.err = nil
	s.of("c").release()
	if want := []string{"80 3c 40"}; !slices.Equal(p.sent, want) {
		t.Errorf("sent %q, want %q", p.sent, want)
	}
}

// TestReporterReleases: every end of a booth ends its notes, being ready does
// not.
func TestReporterReleases(t *testing.T) {
	for _, tc := range []struct {
		state runner.State
		cause *runner.Cause
		want  int
	}{
		{runner.StateReady, nil, 0},
		{runner.StateDraining, nil, 1},
		{runner.StateStopped, nil, 1},
		{runner.StateBackingOff, &runner.Cause{Kind: runner.CauseExit}, 1},
		{runner.StateLoading, nil, 1},
	} {
		var p port
		outs := p.outputsTo(testLimits)
		a := &app{stdout: io.Discard, stderr: io.Discard}
		rep := a.newReporter(false, true, outs)
		if err := outs.add("b").send([]byte{0x90, 60, 1}, 0); err != nil {
			t.Fatal(err)
		}
		rep.State("b", tc.state, tc.cause)
		if n := len(p.sent) - 1; n != tc.want {
			t.Errorf("%s: %d releases, want %d", tc.state, n, tc.want)
		}
		rep.close()
	}
}

// TestAdmit: which of the events that come in may be triggers.
func TestAdmit(t *testing.T) {
	on, off, other := []byte{0x90, 60, 1}, []byte{0x80, 60, 0}, []byte{0x90, 61, 1}
	type step struct {
		msg []byte
		out uint8 // the hop with which it has been sent just before, plus one
		hop uint8 // it must have
		cut bool
	}
	for name, tc := range map[string]struct {
		hops  uint8
		steps []step
	}{
		"a player":                      {0, []step{{on, 0, 0, false}, {off, 0, 0, false}, {on, 0, 0, false}}},
		"echoes up to the limit":        {2, []step{{on, 0, 0, false}, {on, 1, 1, false}, {on, 2, 2, false}, {on, 3, 3, true}}},
		"none is a trigger":             {0, []step{{on, 0, 0, false}, {on, 1, 1, true}}},
		"others pass meanwhile":         {0, []step{{on, 1, 1, true}, {other, 0, 0, false}}},
		"a key let down comes up":       {0, []step{{on, 0, 0, false}, {off, 1, 1, false}, {off, 0, 1, true}}},
		"a key not let down need not":   {0, []step{{on, 1, 1, true}, {off, 1, 1, true}}},
		"the player plays it once more": {1, []step{{on, 1, 1, false}, {off, 0, 0, false}}},
		"a sysex means no key":          {0, []step{{[]byte{0xf0, 1, 0xf7}, 0, 0, false}, {[]byte{0xf0, 1, 0xf7}, 1, 1, true}}},
		"a clock means no key":          {0, []step{{[]byte{0xf8}, 0, 0, false}, {[]byte{0xf8}, 1, 1, true}}},
	} {
		t.Run(name, func(t *testing.T) {
			var p port
			l := testLimits
			l.hops = tc.hops
			s := p.outputsTo(l)
			s.add("silent")
			o := s.add("b")
			in := s.newInput(miditest.NewSource("cable"))
			for i, x := range tc.steps {
				if x.out > 0 {
					if err := o.send(x.msg, x.out-1); err != nil {
						t.Fatal(err)
					}
				}
				ev, err := midi.FromMessage(x.msg, 0, "cable")
				if err != nil {
					t.Fatal(err)
				}
				from := in.admit(&ev)
				if (from == o) != x.cut || from != nil && !x.cut || ev.Hop != x.hop {
					t.Fatalf("step %d: hop %d, cut %v", i+1, ev.Hop, from != nil)
				}
			}
		})
	}
}

// TestOrdinaryPlayingIsNotCut: the fastest roll on one key, through a plugin
// that sends just what it gets, without any loop.
func TestOrdinaryPlayingIsNotCut(t *testing.T) {
	var p port
	s := p.outputsTo(testLimits)
	o := s.add("thru")
	in := s.newInput(miditest.NewSource("pad"))
	play := func(msg ...byte) bool {
		ev, err := midi.FromMessage(msg, p.now, "pad")
		if err != nil {
			t.Fatal(err)
		}
		if in.admit(&ev) != nil {
			return false
		}
		if err := o.send(msg, ev.Hop); err != nil {
			t.Fatal(err)
		}
		return true
	}
	for i := range 1000 { // 16 a second
		p.now += 31 * time.Millisecond
		on := play(0x99, 36, 127)
		p.now += 31 * time.Millisecond
		if off := play(0x89, 36, 0); !on || !off {
			t.Fatalf("stroke %d: on %v, off %v", i+1, on, off)
		}
	}
	// A knob that a plugin passes on, and that says the same very fast, is
	// what looks like a loop.
	cut := 0
	for range 100 {
		p.now += 10 * time.Millisecond
		if !play(0xb0, 16, 1) {
			cut++
		}
	}
	if cut == 0 {
		t.Error("a loop of 10 ms was not cut")
	}
}

func TestNoInputForWhatCannotComeBack(t *testing.T) {
	var p port
	s := p.outputsTo(testLimits)
	if s.newInput(&midi.SMF{}) != nil {
		t.Error("a file is taken for a port")
	}
	if newOutputs(nil, testLimits).newInput(miditest.NewSource("x")) != nil {
		t.Error("there is no port to come back from")
	}
	if s.newInput(miditest.NewSource("x")) == nil {
		t.Error("a port is taken for a file")
	}
	var none *input
	if none.admit(&midi.Event{}) != nil {
		t.Error("cut without an input")
	}
}

// TestOutputDoesNotAllocate: it is on the event path, in and out, also when it
// drops and cuts.
func TestOutputDoesNotAllocate(t *testing.T) {
	l := testLimits
	l.hops, l.window = 0, time.Hour
	s := newOutputs(func([]byte) error { return nil }, l)
	o := s.add("b")
	in := s.newInput(miditest.NewSource("cable"))
	on := []byte{0x90, 60, 1}
	ev, err := midi.FromMessage(on, 0, "cable")
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(5000, func() {
		_ = o.send(on, 0)
		e := ev
		if from := in.admit(&e); from != nil {
			from.cut(&e)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if got := o.stats(); got.Sent == 0 || got.Dropped == 0 || got.LoopsCut < 5000 {
		t.Errorf("%+v: not every branch ran", got)
	}
}

// TestOutputFromManyGoroutines is for the race detector: booths answer, ports
// deliver, booths end, and someone looks, all at once.
func TestOutputFromManyGoroutines(t *testing.T) {
	out := miditest.NewOut()
	a := &app{stdout: io.Discard, stderr: io.Discard}
	l := testLimits
	l.rate = 1 << 20
	s := newOutputs(out.Send, l)
	rep := a.newReporter(false, true, s)
	s.add("a")
	s.add("b")
	var wg sync.WaitGroup
	for _, o := range s.all() {
		for g := range 2 {
			wg.Go(func() {
				for i := range 500 {
					_ = o.send([]byte{0x90 | byte(g), byte(i & 127), 1}, 0)
				}
			})
		}
		wg.Go(func() {
			for range 100 {
				rep.State(o.booth, runner.StateStopped, nil)
				_ = o.stats()
			}
		})
	}
	for range 2 {
		in := s.newInput(miditest.NewSource("cable"))
		wg.Go(func() {
			ev, err := midi.FromMessage([]byte{0x90, 1, 1}, 0, "cable")
			for range 500 {
				if e := ev; err == nil {
					if from := in.admit(&e); from != nil {
						from.cut(&e)
					}
				}
			}
		})
	}
	wg.Wait()
	rep.close()
	sent, dropped := uint64(0), uint64(0)
	for _, o := range s.all() {
		o.release()
		sent, dropped = sent+o.stats().Sent-o.stats().Released, dropped+o.stats().Dropped
		if h := o.held; h != (midi.Held{}) {
			t.Errorf("booth %s still holds something", o.booth)
		}
	}
	if sent+dropped != 2000 {
		t.Errorf("%d sent, %d dropped, of 2000", sent, dropped)
	}
}
