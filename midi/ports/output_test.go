package ports

import (
	"errors"
	"testing"

	"github.com/isobooth/isobooth/midi"
)

var note = []byte{0x90, 60, 1}

// The output is opened when it is there, and again when it comes back; what is
// sent meanwhile is dropped and counted.
func TestOutputComesAndGoes(t *testing.T) {
	r := newRig(t)
	if err := r.m.Send(note); err != ErrNone {
		t.Errorf("Send without a pattern = %v", err)
	}
	if err := r.m.SetGlobs(nil, "Synth*"); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.isTold("out: waiting Synth*: no MIDI ports")
	if err := r.m.Send(note); !errors.Is(err, ErrAway) {
		t.Errorf("Send before it is there = %v", err)
	}
	r.driver.PlugOut("Other")
	synth := r.driver.PlugOut("Synth 1")
	r.eventually("open", synth.Open)
	r.isTold("out: opened Synth 1")
	if err := r.m.Send(note); err != nil {
		t.Errorf("Send = %v", err)
	}
	if err := r.m.Send([]byte{0x90}); !errors.Is(err, midi.ErrMessage) {
		t.Errorf("Send of a fragment = %v", err)
	}
	synth.Unplug()
	if err := r.m.Send(note); !errors.Is(err, ErrAway) {
		t.Errorf("Send to what is unplugged = %v", err)
	}
	r.isTold("out: gone Synth 1")
	again := r.driver.PlugOut("Synth 2")
	r.eventually("open again", again.Open)
	r.eventually("a message there", func() bool { return r.m.Send(note) == nil })
	again.Vanish()
	r.isTold("out: gone Synth 2")
	r.eventually("an error", func() bool { return errors.Is(r.m.Send(note), ErrAway) })
	st := r.m.States()
	if len(st) != 1 || st[0].Direction != "out" || st[0].Open || st[0].Messages < 2 || st[0].Away < 3 {
		t.Errorf("states %+v", st)
	}
	sent, _ := synth.Wait(t.Context(), 1)
	if len(sent) != 1 {
		t.Errorf("the first synth got % x", sent)
	}
}

// It stays with one port while there are several, and goes over to another
// pattern.
func TestOutputIsOne(t *testing.T) {
	r := newRig(t)
	a, b := r.driver.PlugOut("A"), r.driver.PlugOut("B")
	if err := r.m.SetGlobs(nil, "*"); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.eventually("open", a.Open)
	r.settled()
	if b.Open() {
		t.Error("both are open")
	}
	if err := r.m.SetGlobs(nil, "B"); err != nil {
		t.Fatal(err)
	}
	r.eventually("changed over", func() bool { return !a.Open() && b.Open() })
	r.isTold("out: closed A")
	if err := r.m.SetGlobs(nil, ""); err != nil {
		t.Fatal(err)
	}
	r.eventually("closed", func() bool { return !b.Open() })
	if err := r.m.Send(note); err != ErrNone {
		t.Errorf("Send = %v", err)
	}
}

// One that cannot be opened is tried again.
func TestOutputFails(t *testing.T) {
	r := newRig(t)
	a := r.driver.PlugOut("A")
	r.driver.Fail(a.Port().ID, errors.New("busy"))
	if err := r.m.SetGlobs(nil, "*"); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.isTold("out: failed A: busy")
	r.driver.Fail(a.Port().ID, nil)
	r.eventually("open", a.Open)
}
