package midi_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
)

// event makes an Event of raw, which must be a message.
func event(t testing.TB, device string, raw ...byte) midi.Event {
	t.Helper()
	e, err := midi.FromMessage(raw, 0, device)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEventAccessors(t *testing.T) {
	type fields struct {
		kind                                    midi.Kind
		channel, key, velocity, controller, val uint8
		bend                                    int
	}
	const c = midi.BendCentre
	for name, tc := range map[string]struct {
		raw  []byte
		want fields
	}{
		"note on":              {[]byte{0x99, 60, 100}, fields{midi.NoteOn, 9, 60, 100, 0, 0, c}},
		"note on, velocity 0":  {[]byte{0x99, 60, 0}, fields{midi.NoteOff, 9, 60, 0, 0, 0, c}},
		"note off":             {[]byte{0x8f, 127, 64}, fields{midi.NoteOff, 15, 127, 64, 0, 0, c}},
		"poly aftertouch":      {[]byte{0xa1, 5, 6}, fields{midi.PolyAftertouch, 1, 5, 0, 0, 6, c}},
		"control change":       {[]byte{0xb0, 7, 127}, fields{midi.ControlChange, 0, 0, 0, 7, 127, c}},
		"program change":       {[]byte{0xc2, 5}, fields{midi.ProgramChange, 2, 0, 0, 0, 5, c}},
		"aftertouch":           {[]byte{0xd3, 99}, fields{midi.Aftertouch, 3, 0, 0, 0, 99, c}},
		"bend, lowest":         {[]byte{0xe0, 0, 0}, fields{midi.PitchBend, 0, 0, 0, 0, 0, 0}},
		"bend, centre":         {[]byte{0xe0, 0, 64}, fields{midi.PitchBend, 0, 0, 0, 0, 0, c}},
		"bend, low byte first": {[]byte{0xe0, 1, 0}, fields{midi.PitchBend, 0, 0, 0, 0, 0, 1}},
		"bend, highest":        {[]byte{0xe0, 127, 127}, fields{midi.PitchBend, 0, 0, 0, 0, 0, 16383}},
		"clock":                {[]byte{0xf8}, fields{midi.System, 0, 0, 0, 0, 0, c}},
		"song position":        {[]byte{0xf2, 1, 2}, fields{midi.System, 0, 0, 0, 0, 0, c}},
		"reset":                {[]byte{0xff}, fields{midi.System, 0, 0, 0, 0, 0, c}},
		"sysex":                {[]byte{0xf0, 1, 2, 3, 0xf7}, fields{midi.SysEx, 0, 0, 0, 0, 0, c}},
		"empty sysex":          {[]byte{0xf0, 0xf7}, fields{midi.SysEx, 0, 0, 0, 0, 0, c}},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := midi.FromMessage(tc.raw, 3*time.Second, "port")
			if err != nil {
				t.Fatal(err)
			}
			got := fields{e.Kind(), e.Channel(), e.Key(), e.Velocity(), e.Controller(), e.Value(), e.Bend()}
			if got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
			if e.Time != 3*time.Second || e.Device != "port" {
				t.Errorf("Time %v, Device %q", e.Time, e.Device)
			}
			if raw := e.AppendRaw([]byte("x")); !bytes.Equal(raw[1:], tc.raw) || raw[0] != 'x' || e.Len() != len(tc.raw) {
				t.Errorf("AppendRaw = % x, Len %d", raw, e.Len())
			}
		})
	}
}

func TestZeroEventIsNoMessage(t *testing.T) {
	var e midi.Event
	if e.Kind() != 0 || e.Len() != 0 || len(e.AppendRaw(nil)) != 0 || e.Kind().String() != "unknown" {
		t.Errorf("zero Event has kind %v, %d bytes", e.Kind(), e.Len())
	}
}

func TestFromMessageRefuses(t *testing.T) {
	long := append(bytes.Repeat([]byte{1}, midi.MaxSysEx), 0xf7)
	long[0] = 0xf0 // one byte too many
	for name, raw := range map[string][]byte{
		"nothing":                nil,
		"data byte first":        {60, 100},
		"note without velocity":  {0x90, 60},
		"note with a byte more":  {0x90, 60, 100, 0},
		"padded program change":  {0xc0, 5, 0},
		"status inside":          {0x90, 0x80, 0},
		"status at the end":      {0x90, 0, 0xf8},
		"undefined F4":           {0xf4},
		"undefined FD":           {0xfd},
		"end without a start":    {0xf7},
		"F0 alone":               {0xf0},
		"sysex without end":      {0xf0, 1, 2},
		"status inside sysex":    {0xf0, 1, 0x90, 0xf7},
		"sysex, then more":       {0xf0, 1, 0xf7, 0xf7},
		"sysex over its limit":   long,
		"clock with a data byte": {0xf8, 0},
	} {
		if e, err := midi.FromMessage(raw, 0, ""); !errors.Is(err, midi.ErrMessage) || e.Len() != 0 {
			t.Errorf("%s: got %d bytes, %v, want ErrMessage", name, e.Len(), err)
		}
	}
	longest := append(bytes.Repeat([]byte{1}, midi.MaxSysEx-1), 0xf7)
	longest[0] = 0xf0
	if _, err := midi.FromMessage(longest, 0, ""); err != nil {
		t.Errorf("sysex at its limit: %v", err)
	}
}

func TestFromMessageCopies(t *testing.T) {
	raw := []byte{0xf0, 1, 0xf7}
	e := event(t, "", raw...)
	raw[1] = 2
	if got := e.AppendRaw(nil); got[1] != 1 {
		t.Errorf("event changed with the caller's buffer: % x", got)
	}
}

func TestKindWords(t *testing.T) {
	seen := map[string]bool{"unknown": true}
	for k := midi.NoteOff; k <= midi.System; k++ {
		if seen[k.String()] {
			t.Errorf("kind %d: %q is taken", k, k)
		}
		seen[k.String()] = true
	}
	if midi.NoteOn.String() != "note_on" {
		t.Errorf("NoteOn is %q", midi.NoteOn)
	}
}

func TestShortMessagesDoNotAllocate(t *testing.T) {
	raw := []byte{0x90, 60, 100}
	buf := make([]byte, 0, 8)
	var sink int
	if n := testing.AllocsPerRun(100, func() {
		e, err := midi.FromMessage(raw, 0, "port")
		if err != nil {
			panic(err)
		}
		sink += int(e.Kind()) + int(e.Channel()) + int(e.Key()) + int(e.Velocity()) +
			int(e.Controller()) + int(e.Value()) + e.Bend() + e.Len() + len(e.Kind().String())
		buf = e.AppendRaw(buf[:0])
	}); n != 0 {
		t.Errorf("%v allocations for each event", n)
	}
}
