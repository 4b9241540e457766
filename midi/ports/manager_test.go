package ports

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/miditest"
)

// Every port that any pattern matches is opened, once, and no other.
func TestOpensEveryMatch(t *testing.T) {
	r := newRig(t)
	a, b := r.driver.Plug("Pad A"), r.driver.Plug("Pad B")
	twin, keys := r.driver.Plug("Pad A"), r.driver.Plug("Keys")
	r.globs("Pad*", "*A", "Pad B")
	r.start()
	r.eventually("three ports open", func() bool { return a.Open() && b.Open() && twin.Open() })
	r.settled()
	if keys.Open() {
		t.Error("a port that nothing matches is open")
	}
	for _, p := range []*miditest.DriverIn{a, b, twin} {
		if n := p.Opened(); n != 1 {
			t.Errorf("%s %s was opened %d times", p.Port().Name, p.Port().ID, n)
		}
	}
	a.Push(0, 0x90, 60, 1)
	twin.Push(0, 0x90, 61, 1)
	r.eventually("events of both twins", func() bool { return len(r.got("Pad A")) == 2 })
	r.globs("*") // the control: it can be opened
	r.eventually("the fourth port open", keys.Open)
}

// Without a port there is no error; one that comes is opened, and again when it
// comes back.
func TestHotPlug(t *testing.T) {
	r := newRig(t)
	r.globs("Pad*", "Keys")
	r.start()
	r.isTold("waiting Pad*,Keys: no MIDI ports")
	pad := r.driver.Plug("Pad")
	r.eventually("the port open", pad.Open)
	pad.Push(0, 0xf8)
	r.eventually("an event", func() bool { return len(r.got("Pad")) == 1 })
	pad.Unplug()
	r.isTold("gone Pad")
	r.eventually("waiting again", func() bool { return strings.HasPrefix(r.told()[len(r.told())-1], "waiting") })

	again := r.driver.Replug(pad)
	r.eventually("the port open again", again.Open)
	again.Push(0, 0xfa)
	r.eventually("an event of the new one", func() bool { return len(r.got("Pad")) == 2 })
	states := r.m.States()
	if len(states) != 1 || states[0].Messages != 2 || !states[0].Open {
		t.Errorf("states %+v, want one port that has gone on counting", states)
	}
	again.Unplug()
	r.eventually("closed", func() bool { return !r.m.States()[0].Open })
	other := r.driver.Plug("Pad") // in another socket
	r.eventually("the port open at another place", other.Open)
	if states := r.m.States(); len(states) != 1 || states[0].ID != other.Port().ID {
		t.Errorf("states %+v", states)
	}
}

// A port that goes releases what it held, be it that it says so, that only the
// list shows it, that it fails, or that it is not wanted any more.
func TestReleasesWhatWasHeld(t *testing.T) {
	for name, end := range map[string]func(r *rig, p *miditest.DriverIn){
		"unplugged":  func(r *rig, p *miditest.DriverIn) { p.Unplug() },
		"vanished":   func(r *rig, p *miditest.DriverIn) { p.Vanish() },
		"failed":     func(r *rig, p *miditest.DriverIn) { p.Break(errors.New("host error")) },
		"not wanted": func(r *rig, p *miditest.DriverIn) { r.globs("other") },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			pad, keys := r.driver.Plug("Pad"), r.driver.Plug("Keys other")
			r.globs("*")
			r.start()
			r.eventually("open", func() bool { return pad.Open() && keys.Open() })
			keys.Push(0, 0x90, 1, 1)
			pad.Push(0, 0x90, 60, 1)
			pad.Push(0, 0x92, 61, 1)
			pad.Push(0, 0xb0, 64, 127)
			pad.Push(0, 0x90, 62, 1)
			pad.Push(0, 0x90, 62, 0)
			r.eventually("events", func() bool { return len(r.got("Pad")) == 5 })
			if name == "not wanted" {
				r.globs("Keys*")
			} else {
				end(r, pad)
			}
			r.eventually("releases", func() bool { return len(r.got("Pad")) == 8 })
			r.settled()
			got := r.got("Pad")[5:]
			if want := []string{"80 3c 40", "b0 40 00", "82 3d 40"}; !slices.Equal(got, want) {
				t.Errorf("released %q, want %q", got, want)
			}
			if got := r.got("Keys other"); len(got) != 1 {
				t.Errorf("the other port got %q", got)
			}
		})
	}
}

// At the end of everything nothing is released: the plugins end, too.
func TestStopReleasesNothing(t *testing.T) {
	r := newRig(t)
	pad := r.driver.Plug("Pad")
	r.globs("*")
	r.start()
	r.eventually("open", pad.Open)
	pad.Push(0, 0x90, 60, 1)
	r.eventually("an event", func() bool { return len(r.got("Pad")) == 1 })
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if got := r.got("Pad"); len(got) != 1 {
		t.Errorf("got %q", got)
	}
	if pad.Open() {
		t.Error("the port is open still")
	}
}

// A port that goes and comes back between two looks, with the same ID, is
// another one all the same if the system said that it went.
func TestReplugBetweenLooks(t *testing.T) {
	for _, said := range []bool{false, true} {
		r := newRig(t)
		changed := r.driver.Changed
		r.driver.Changed = nil
		pad := r.driver.Plug("Pad")
		r.globs("*")
		r.start()
		r.eventually("open", pad.Open)
		r.settled()
		pad.Vanish()
		again := r.driver.Replug(pad)
		if !said { // the control
			changed()
			r.settled()
			if again.Open() {
				t.Error("opened without being told; this test shows nothing")
			}
			continue
		}
		client, _, _ := strings.Cut(pad.Port().ID, ":")
		changed(client + ":")
		r.eventually("the new one open", again.Open)
		r.isTold("gone Pad")
	}
}

// What cannot be opened is told once, and tried again ever more slowly.
func TestOpenFails(t *testing.T) {
	r := newRig(t)
	waits := make(chan time.Duration, 100)
	var now time.Time
	r.m.now = func() time.Time { return now }
	r.m.after = func(d time.Duration) <-chan time.Time {
		c := make(chan time.Time, 1)
		if d > 0 {
			waits <- d
			now = now.Add(d) // this is the goroutine of Run, which alone reads now
		}
		c <- now
		return c
	}
	pad := r.driver.Plug("Pad")
	busy := errors.New("device or resource busy")
	r.driver.Fail(pad.Port().ID, busy)
	r.globs("*")
	r.start()
	var got []time.Duration
	for range 10 {
		got = append(got, <-waits)
	}
	r.driver.Fail(pad.Port().ID, nil)
	go func() { // further tries until it works
		for range waits {
		}
	}()
	r.eventually("open", pad.Open)
	if n := strings.Count(strings.Join(r.told(), "\n"), "failed"); n != 1 {
		t.Errorf("told %d failures: %q", n, r.told())
	}
	ms := time.Millisecond
	want := []time.Duration{250 * ms, 500 * ms, 1000 * ms, 2000 * ms, 4000 * ms, 8000 * ms, 16000 * ms, 30000 * ms, 30000 * ms, 30000 * ms}
	if !slices.Equal(got, want) {
		t.Errorf("waited %v, want %v", got, want)
	}
}

// A port whose reading fails is opened again.
func TestRunFails(t *testing.T) {
	r := newRig(t)
	pad := r.driver.Plug("Pad")
	r.globs("*")
	r.start()
	r.eventually("open", pad.Open)
	pad.Break(errors.New("host error"))
	r.isTold(`failed Pad: read MIDI port "Pad": host error`)
	r.eventually("open again", func() bool { return pad.Opened() == 2 })
}

// While the ports cannot be listed, those that are open stay so.
func TestListingFails(t *testing.T) {
	r := newRig(t)
	pad := r.driver.Plug("Pad")
	r.globs("*")
	r.start()
	r.eventually("open", pad.Open)
	r.driver.Break(errors.New("no more descriptors"))
	r.m.poke()
	r.isTold("blind : no more descriptors")
	r.settled()
	pad.Push(0, 0xf8)
	r.eventually("an event", func() bool { return len(r.got("Pad")) == 1 })
	r.driver.Break(nil)
	keys := r.driver.Plug("Keys")
	r.eventually("a new one open", keys.Open)
	if n := pad.Opened(); n != 1 {
		t.Errorf("the first was opened %d times", n)
	}
}

// Other patterns close and open what is different, and leave the rest alone.
func TestSetGlobs(t *testing.T) {
	r := newRig(t)
	a, b, c := r.driver.Plug("A"), r.driver.Plug("B"), r.driver.Plug("C")
	r.globs("A", "B")
	r.start()
	r.eventually("open", func() bool { return a.Open() && b.Open() })
	if err := r.m.SetGlobs([]string{"*", "[b"}, ""); !errors.Is(err, midi.ErrGlob) {
		t.Fatalf("SetGlobs = %v", err)
	}
	if err := r.m.SetGlobs([]string{"*"}, "[b"); !errors.Is(err, midi.ErrGlob) {
		t.Fatalf("SetGlobs = %v", err)
	}
	r.settled()
	if c.Open() {
		t.Error("a set of patterns that was refused is in force")
	}
	r.globs("B", "C")
	r.eventually("changed over", func() bool { return !a.Open() && c.Open() })
	r.isTold("closed A")
	if n := b.Opened(); n != 1 {
		t.Errorf("B was opened %d times", n)
	}
}

// Losses are counted, and told when they have doubled.
func TestLosses(t *testing.T) {
	r := newRig(t)
	r.driver.Queue = 1
	pad := r.driver.Plug("Pad")
	r.block = make(chan struct{})
	r.globs("*")
	r.start()
	r.eventually("open", pad.Open)
	pad.Push(0, 0xf8)
	r.eventually("a delivery that waits", func() bool { return len(r.got("Pad")) == 1 })
	for range 5 {
		pad.Push(0, 0xfa) // one fits
	}
	close(r.block)
	r.isTold("losing Pad")
	if st := r.m.States(); len(st) != 1 || st[0].Overflows != 4 || st[0].Messages != 2 {
		t.Errorf("states %+v", st)
	}
	pad.Push(0, 0xf8)
	r.settled()
	if n := strings.Count(strings.Join(r.told(), "\n"), "losing"); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// What ports leave behind does not grow without end.
func TestForgets(t *testing.T) {
	r := newRig(t)
	r.globs("*")
	r.start()
	for i := range maxSlots + 20 {
		p := r.driver.Plug(fmt.Sprintf("Pad %d", i))
		r.eventually("open", p.Open)
		p.Unplug()
		r.eventually("closed", func() bool { return !p.Open() })
	}
	r.settled()
	if n := len(r.m.States()); n != maxSlots {
		t.Errorf("%d ports are remembered, want %d", n, maxSlots)
	}
}

// Run ends in bounded time and leaves no goroutine, also with many ports that
// came and went, and while they listen.
func TestStopLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	r := newRig(t)
	r.globs("*")
	r.driver.PlugOut("Synth")
	if err := r.m.SetGlobs([]string{"*"}, "Synth"); err != nil {
		t.Fatal(err)
	}
	r.start()
	for i := range 20 {
		p := r.driver.Plug("Pad")
		r.eventually("open", p.Open)
		switch i % 3 {
		case 0:
			p.Unplug()
		case 1:
			p.Vanish()
		}
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	r.eventually("all goroutines ended", func() bool { return runtime.NumGoroutine() <= before })
}

// A delivery that hangs does not hang the end: it is named.
func TestStopWithHangingDelivery(t *testing.T) {
	r := newRig(t)
	pad, keys := r.driver.Plug("Pad"), r.driver.Plug("Keys")
	r.block = make(chan struct{})
	r.globs("*")
	r.m.after = func(d time.Duration) <-chan time.Time {
		if d == closePatience {
			d = 0
		}
		return time.After(d)
	}
	r.start()
	r.eventually("open", func() bool { return pad.Open() && keys.Open() })
	pad.Push(0, 0xf8)
	r.eventually("a delivery that waits", func() bool { return len(r.got("Pad")) == 1 })
	err := r.stop()
	close(r.block)
	if err == nil || !strings.Contains(err.Error(), `"Pad"`) {
		t.Errorf("Run = %v", err)
	}
	r.eventually("closed after all", func() bool { return !pad.Open() && !keys.Open() })
}

// TestIdleRemembersNothing: other programs' ports come and go as often as they
// like, and a Manager that wants none keeps nothing of it. One that looks at
// ports does not, either.
func TestIdleRemembersNothing(t *testing.T) {
	for _, patterns := range [][]string{nil, {"pad"}} {
		r := newRig(t)
		r.globs(patterns...)
		r.start()
		for range 1000 {
			r.m.changes.Tell("128:0")
		}
		r.eventually("forgetting", func() bool {
			r.m.changes.mu.Lock()
			defer r.m.changes.mu.Unlock()
			return len(r.m.changes.gone) == 0
		})
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	}
}
