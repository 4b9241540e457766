package midi_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
)

// parse feeds each part in a call of its own and returns every event as hex.
func parse(p *midi.Parser, parts ...[]byte) (events []string) {
	for _, b := range parts {
		p.Feed(b, 0, func(e *midi.Event) { events = append(events, fmt.Sprintf("% x", e.AppendRaw(nil))) })
	}
	return events
}

func TestParser(t *testing.T) {
	for name, tc := range map[string]struct {
		in      []byte
		want    []string
		skipped uint64 // once reset
	}{
		"plain":                         {[]byte{0x90, 60, 1, 0x80, 60, 0}, []string{"90 3c 01", "80 3c 00"}, 0},
		"running status":                {[]byte{0x90, 60, 1, 60, 0, 62, 1}, []string{"90 3c 01", "90 3c 00", "90 3e 01"}, 0},
		"running status, two bytes":     {[]byte{0xc0, 1, 2, 3}, []string{"c0 01", "c0 02", "c0 03"}, 0},
		"clock between":                 {[]byte{0x90, 60, 1, 0xf8, 62, 1}, []string{"90 3c 01", "f8", "90 3e 01"}, 0},
		"clock inside":                  {[]byte{0x90, 0xf8, 60, 0xfa, 1}, []string{"f8", "fa", "90 3c 01"}, 0},
		"clock inside sysex":            {[]byte{0xf0, 1, 0xf8, 2, 0xf7}, []string{"f8", "f0 01 02 f7"}, 0},
		"undefined real-time inside":    {[]byte{0x90, 0xfd, 60, 0xf9, 1}, []string{"90 3c 01"}, 2},
		"status inside":                 {[]byte{0x90, 60, 0x80, 60, 0}, []string{"80 3c 00"}, 2},
		"status inside running":         {[]byte{0x90, 60, 1, 62, 0xc0, 5}, []string{"90 3c 01", "c0 05"}, 1},
		"data first":                    {[]byte{1, 2, 3, 0xc0, 5}, []string{"c0 05"}, 3},
		"system common ends running":    {[]byte{0xc0, 5, 0xf6, 6}, []string{"c0 05", "f6"}, 1},
		"system common is not running":  {[]byte{0xf3, 5, 6}, []string{"f3 05"}, 1},
		"song position":                 {[]byte{0xf2, 1, 2, 3}, []string{"f2 01 02"}, 1},
		"time code":                     {[]byte{0xf1, 0x7f}, []string{"f1 7f"}, 0},
		"undefined F4 with data":        {[]byte{0xc0, 5, 0xf4, 1, 2}, []string{"c0 05"}, 3},
		"sysex ends running":            {[]byte{0xc0, 5, 0xf0, 0xf7, 6}, []string{"c0 05", "f0 f7"}, 1},
		"sysex cut off by a note":       {[]byte{0xf0, 1, 2, 0x90, 60, 1}, []string{"90 3c 01"}, 3},
		"sysex cut off by a sysex":      {[]byte{0xf0, 1, 0xf0, 2, 0xf7}, []string{"f0 02 f7"}, 2},
		"sysex cut off by the end":      {[]byte{0xf0, 1, 2}, nil, 3},
		"two sysex":                     {[]byte{0xf0, 1, 0xf7, 0xf0, 2, 0xf7}, []string{"f0 01 f7", "f0 02 f7"}, 0},
		"F7 alone ends running":         {[]byte{0xc0, 5, 0xf7, 6}, []string{"c0 05"}, 2},
		"short message after sysex":     {[]byte{0xf0, 1, 0xf7, 0xe0, 1, 2}, []string{"f0 01 f7", "e0 01 02"}, 0},
		"message cut off by the end":    {[]byte{0x90, 60}, nil, 2},
		"status only, cut off":          {[]byte{0x90}, nil, 1},
		"running status, then an end":   {[]byte{0xc0, 5}, []string{"c0 05"}, 0},
		"reset, sensing, start, stop":   {[]byte{0xff, 0xfe, 0xfa, 0xfb, 0xfc}, []string{"ff", "fe", "fa", "fb", "fc"}, 0},
		"every channel kind, back-back": {[]byte{0xa0, 1, 2, 0xb0, 3, 4, 0xd0, 5, 0xe0, 6, 7}, []string{"a0 01 02", "b0 03 04", "d0 05", "e0 06 07"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := midi.NewParser("")
			if got := parse(p, tc.in); !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			p.Reset()
			if got := p.Stats(); got != (midi.ParserStats{Skipped: tc.skipped}) {
				t.Errorf("stats %+v, want %d skipped", got, tc.skipped)
			}
		})
	}
}

func TestParserSysExLimit(t *testing.T) {
	sysex := func(n int) []byte { // of n bytes
		return append(append([]byte{0xf0}, make([]byte, n-2)...), 0xf7)
	}
	p := midi.NewParser("")
	if got := parse(p, sysex(midi.MaxSysEx)); len(got) != 1 {
		t.Fatalf("%d events at the limit", len(got))
	}
	if got := p.Stats(); got != (midi.ParserStats{}) {
		t.Fatalf("stats %+v at the limit", got)
	}
	got := parse(p, sysex(midi.MaxSysEx+1), sysex(10*midi.MaxSysEx), []byte{0xc0, 5})
	if !slices.Equal(got, []string{"c0 05"}) {
		t.Fatalf("%d events over the limit", len(got))
	}
	if got := p.Stats(); got != (midi.ParserStats{Skipped: 11*midi.MaxSysEx + 1, SysExDropped: 2}) {
		t.Fatalf("stats %+v over the limit", got)
	}
}

func TestParserKeepsDeliveredSysEx(t *testing.T) {
	p := midi.NewParser("")
	var kept []midi.Event
	for b := range byte(10) {
		p.Feed([]byte{0xf0, b, 0xf7}, 0, func(e *midi.Event) { kept = append(kept, *e) })
	}
	for i, e := range kept {
		if want := []byte{0xf0, byte(i), 0xf7}; !bytes.Equal(e.AppendRaw(nil), want) {
			t.Errorf("event %d is now % x", i, e.AppendRaw(nil))
		}
	}
}

func TestParserResetForgetsRunningStatus(t *testing.T) {
	p := midi.NewParser("")
	if got := parse(p, []byte{0x90, 60, 1, 60}); len(got) != 1 {
		t.Fatalf("got %q", got)
	}
	p.Reset()
	if got := parse(p, []byte{0, 62, 1}); len(got) != 0 {
		t.Fatalf("after Reset got %q", got)
	}
}

func TestParserStampsEvents(t *testing.T) {
	p := midi.NewParser("port")
	p.Feed([]byte{0x90, 60}, time.Second, func(*midi.Event) { t.Error("delivered half a message") })
	n := 0
	p.Feed([]byte{1}, 2*time.Second, func(e *midi.Event) {
		n++
		if e.Time != 2*time.Second || e.Device != "port" {
			t.Errorf("Time %v, Device %q", e.Time, e.Device)
		}
	})
	if n != 1 {
		t.Errorf("%d events", n)
	}
}

func TestParserDoesNotAllocate(t *testing.T) {
	p := midi.NewParser("port")
	in := []byte{0x90, 60, 1, 62, 0xf8, 1, 0xc0, 5, 0xf4, 3, 0xe0, 1, 2}
	events := 0
	count := func(*midi.Event) { events++ }
	if n := testing.AllocsPerRun(100, func() { p.Feed(in, 0, count) }); n != 0 || events != 101*5 {
		t.Errorf("%v allocations for %d events", n, events)
	}
}

func FuzzParser(f *testing.F) {
	f.Add([]byte{0x90, 60, 1, 60, 0, 0xf8, 0x80, 60, 0})
	f.Add([]byte{0xf0, 1, 0xf8, 2, 0xf7, 0xf0, 3, 0x90, 1, 2})
	f.Add([]byte{0xf4, 1, 0xf2, 1, 0xfe, 2, 0xf7, 0xd0, 1, 2, 3})
	f.Fuzz(func(t *testing.T, in []byte) {
		whole := midi.NewParser("")
		var raw []byte
		var events []string
		whole.Feed(in, 0, func(e *midi.Event) {
			one := e.AppendRaw(nil)
			again, err := midi.FromMessage(one, 0, "")
			if err != nil || again.Kind() != e.Kind() {
				t.Fatalf("delivered % x: %v", one, err)
			}
			events = append(events, fmt.Sprintf("% x", one))
			raw = append(raw, one...)
		})
		whole.Reset()

		// Where the calls are cut must not matter.
		bytewise := midi.NewParser("")
		var parts [][]byte
		for i := range in {
			parts = append(parts, in[i:i+1])
		}
		if got := parse(bytewise, parts...); !slices.Equal(got, events) {
			t.Fatalf("at once %q, byte by byte %q", events, got)
		}
		bytewise.Reset()
		if whole.Stats() != bytewise.Stats() {
			t.Fatalf("at once %+v, byte by byte %+v", whole.Stats(), bytewise.Stats())
		}

		// What was delivered is clean: it parses to itself, nothing left.
		clean := midi.NewParser("")
		if got := parse(clean, raw); !slices.Equal(got, events) {
			t.Fatalf("delivered %q, reads back as %q", events, got)
		}
		clean.Reset()
		if clean.Stats() != (midi.ParserStats{}) {
			t.Fatalf("delivered bytes were skipped: %+v", clean.Stats())
		}

		// No byte is unaccounted for. Running status is why raw may be
		// longer than what came in.
		if uint64(len(raw))+whole.Stats().Skipped < uint64(len(in)) || whole.Stats().Skipped > uint64(len(in)) {
			t.Fatalf("%d in, %d out, %d skipped", len(in), len(raw), whole.Stats().Skipped)
		}
	})
}
