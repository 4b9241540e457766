package midi_test

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
)

// band is Gestures with what it fires, as text: the mapping, and what is
// special about it.
type band struct {
	*midi.Gestures
	modes  *midi.Modes
	router *midi.Router
	wall   time.Time
	got    []string
}

func newBand() *band {
	b := &band{modes: midi.NewModes("default"), wall: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)}
	b.Gestures = midi.NewGestures(b.modes, func(m *midi.Mapping, e *midi.Event, g *midi.Gesture) {
		text := m.Name
		switch g.Kind {
		case midi.GestureTaps:
			text += fmt.Sprintf("/%d", g.Taps)
		case midi.GestureTurn, midi.GestureClock:
			text += fmt.Sprintf("/%+d", g.Steps)
		case midi.GestureChord:
			text += strings.ReplaceAll(fmt.Sprintf("/%d", g.Keys.Append(nil)), " ", "/")
		}
		if g.Duration != 0 {
			text += fmt.Sprintf("/%dms", g.Duration/time.Millisecond)
		}
		b.got = append(b.got, text)
	})
	b.Wall = func() time.Time { return b.wall }
	return b
}

// use puts mappings into force that are written one to a line: a name, a
// trigger, and perhaps "->" and the mode that they set, "!" for momentary.
func (b *band) use(t testing.TB, lines string) {
	t.Helper()
	var specs []midi.MappingSpec
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, trigger, _ := strings.Cut(line, " ")
		trigger, mode, sets := strings.Cut(trigger, "->")
		text := fmt.Sprintf("name = %q\ntrigger = { %s }\n", name, trigger)
		if sets {
			mode, momentary := strings.CutSuffix(strings.TrimSpace(mode), "!")
			text += fmt.Sprintf("set_mode = %q\nmomentary = %v\n", mode, momentary)
		} else {
			text += "plugin = 'p'\n"
		}
		spec, err := decode("[[mappings]]\n" + text)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		specs = append(specs, spec...)
	}
	mappings, err := midi.CompileAll(specs)
	if err != nil {
		t.Fatal(err)
	}
	b.router = midi.NewRouter(mappings)
	b.Use(b.router)
}

// play feeds a stream of bytes with times: "0 90 3c 40" is a message at 0 ms,
// "500" just lets time pass. Messages are apart by semicolons. Between them
// nothing happens but what Next says is due.
func (b *band) play(t testing.TB, stream string) {
	t.Helper()
	for part := range strings.SplitSeq(stream, ";") {
		at, text, _ := strings.Cut(strings.TrimSpace(part), " ")
		ms, err := strconv.ParseFloat(at, 64)
		if err != nil {
			t.Fatalf("%s: %v", part, err)
		}
		now := time.Duration(ms * float64(time.Millisecond))
		for {
			due, ok := b.Next()
			if !ok || due > now {
				break
			}
			b.Advance(due)
		}
		if text == "" {
			b.Advance(now)
			continue
		}
		raw, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		e, err := midi.FromMessage(raw, now, "pad")
		if err != nil {
			t.Fatal(err)
		}
		b.Feed(&e)
	}
}

func TestGestures(t *testing.T) {
	for name, tc := range gestureVectors {
		t.Run(name, func(t *testing.T) {
			b := newBand()
			b.use(t, tc.mappings)
			b.play(t, tc.stream)
			if want := strings.Fields(tc.want); !slices.Equal(b.got, want) {
				t.Errorf("%s\n%s\ngot  %q\nwant %q", tc.mappings, tc.stream, b.got, want)
			}
		})
	}
}
