package main

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/miditest"
)

const path = "../demo.mid"

func TestDemoIsGenerated(t *testing.T) {
	want, err := demo()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("demo.mid differs from what the generator makes: run it again")
	}
}

// What the documentation says about the piece.
func TestDemoContents(t *testing.T) {
	s, err := midi.OpenSMF(path)
	if err != nil {
		t.Fatal(err)
	}
	if s.Duration() != 8*time.Second {
		t.Errorf("lasts %v", s.Duration())
	}
	s.Clock = new(miditest.Clock)
	kinds := map[midi.Kind]int{}
	sounding := map[uint8]bool{}
	bend := midi.BendCentre
	if err := s.Run(t.Context(), func(e *midi.Event) {
		kinds[e.Kind()]++
		if e.Channel() != channel {
			t.Errorf("event on channel %d", e.Channel()+1)
		}
		switch e.Kind() {
		case midi.NoteOn:
			if sounding[e.Key()] {
				t.Errorf("key %d struck twice at %v", e.Key(), e.Time)
			}
			sounding[e.Key()] = true
		case midi.NoteOff:
			delete(sounding, e.Key())
		case midi.PitchBend:
			bend = e.Bend()
		}
	}); err != nil {
		t.Fatal(err)
	}
	if kinds[midi.NoteOn] != 27 || kinds[midi.NoteOff] != 27 || kinds[midi.ControlChange] != 5 ||
		kinds[midi.ProgramChange] != 1 || kinds[midi.PitchBend] != 3 {
		t.Errorf("contains %v", kinds)
	}
	if len(sounding) > 0 || bend != midi.BendCentre {
		t.Errorf("left sounding: %v, bend %d", sounding, bend)
	}
}
