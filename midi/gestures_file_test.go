package midi_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/miditest"
)

// TestGesturesByTheTimeOfTheFile: what a file holds does not depend on how late
// its events are. The receiver here is so slow that by the machine's clock
// every short press would be a long one.
func TestGesturesByTheTimeOfTheFile(t *testing.T) {
	// 500 ticks in a quarter of 500 ms: a tick is a millisecond. Each key is
	// down for 100 ms; the third for 600, and the fourth to the end.
	data := file(0, 500, track(
		[]byte{0, 0x90, 60, 1, 100, 0x80, 60, 0},
		[]byte{0x83, 0x74, 0x90, 60, 1, 100, 0x80, 60, 0}, // 500 later
		[]byte{0x83, 0x74, 0x90, 60, 1, 0x84, 0x58, 0x80, 60, 0},
		[]byte{0x83, 0x74, 0x90, 60, 1},
	))
	for name, late := range map[string]time.Duration{"in time": 0, "late": time.Second} {
		smf, err := midi.NewSMF(bytes.NewReader(data), "song")
		if err != nil {
			t.Fatal(err)
		}
		clock := new(miditest.Clock)
		b := newBand()
		b.use(t, "n note=60\nh note=60,hold='500ms'")
		smf.Clock, smf.Timers = clock, b
		if err := smf.Run(t.Context(), func(e *midi.Event) {
			b.Feed(e)
			clock.Advance(late)
		}); err != nil {
			t.Fatal(err)
		}
		b.End()
		if want := []string{"n/100ms", "n/100ms", "h/500ms", "n"}; !slices.Equal(b.got, want) {
			t.Errorf("%s: %q, want %q", name, b.got, want)
		}
	}
}

// TestTimersBetweenEvents: what is due happens at its time of the file, not
// with the next event.
func TestTimersBetweenEvents(t *testing.T) {
	data := file(0, 500, track([]byte{0, 0x90, 60, 1, 0xa0, 0, 0x80, 60, 0})) // 4096 ms
	smf, err := midi.NewSMF(bytes.NewReader(data), "song")
	if err != nil {
		t.Fatal(err)
	}
	clock := new(miditest.Clock)
	var at []time.Duration
	g := midi.NewGestures(midi.NewModes(""), func(*midi.Mapping, *midi.Event, *midi.Gesture) { at = append(at, clock.Now()) })
	s := &band{Gestures: g}
	s.use(t, "a note=60,hold='500ms'\nb note=60,hold='2s'")
	smf.Clock, smf.Timers = clock, g
	if err := smf.Run(t.Context(), g.Feed); err != nil {
		t.Fatal(err)
	}
	if want := []time.Duration{500 * time.Millisecond, 2 * time.Second}; !slices.Equal(at, want) {
		t.Errorf("fired at %v, want %v", at, want)
	}
}
