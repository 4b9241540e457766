package midi_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/miditest"
	gomidi "gitlab.com/gomidi/midi/v2"
	"gitlab.com/gomidi/midi/v2/smf"
)

// file builds a MIDI file of tracks without their chunk headers.
func file(format, division uint16, tracks ...[]byte) []byte {
	b := []byte("MThd\x00\x00\x00\x06")
	b = binary.BigEndian.AppendUint16(b, format)
	b = binary.BigEndian.AppendUint16(b, uint16(len(tracks)))
	b = binary.BigEndian.AppendUint16(b, division)
	for _, track := range tracks {
		b = append(b, chunk("MTrk", track)...)
	}
	return b
}

func chunk(id string, body []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte(id), uint32(len(body))), body...)
}

// play runs s on a clock of its own and returns "time bytes" of each event.
func play(t *testing.T, s *midi.SMF) (events []string, took time.Duration) {
	t.Helper()
	clock := new(miditest.Clock)
	clock.Advance(time.Minute)
	s.Clock = clock
	err := s.Run(t.Context(), func(e *midi.Event) {
		if due := time.Minute + e.Time; clock.Now() != due {
			t.Errorf("event due at %v delivered at %v", due, clock.Now())
		}
		events = append(events, fmt.Sprintf("%v % x", e.Time, e.AppendRaw(nil)))
	})
	if err != nil {
		t.Fatal(err)
	}
	return events, clock.Now() - time.Minute
}

var endOfTrack = []byte{0, 0xff, 0x2f, 0}

func track(parts ...[]byte) []byte {
	return append(slices.Concat(parts...), endOfTrack...)
}

func TestSMF(t *testing.T) {
	note := []byte{0, 0x90, 60, 1}
	for name, tc := range map[string]struct {
		file []byte
		want []string
		took time.Duration
	}{
		"120 a minute by default": {
			file(0, 96, track(note, []byte{96, 0x80, 60, 0})),
			[]string{"0s 90 3c 01", "500ms 80 3c 00"}, 500 * time.Millisecond,
		},
		"rest at the end": {
			file(0, 96, append(note, 96, 0xff, 0x2f, 0)),
			[]string{"0s 90 3c 01"}, 500 * time.Millisecond,
		},
		"running status": {
			file(0, 96, track(note, []byte{48, 60, 0, 48, 62, 1})),
			[]string{"0s 90 3c 01", "250ms 90 3c 00", "500ms 90 3e 01"}, 500 * time.Millisecond,
		},
		"tempo map": { // 1 s a quarter, after two of them 0.25 s
			file(0, 96, track([]byte{0, 0xff, 0x51, 3, 0x0f, 0x42, 0x40}, []byte{96, 0xc0, 1},
				[]byte{96, 0xff, 0x51, 3, 0x03, 0xd0, 0x90}, []byte{0, 0xc0, 2}, []byte{96, 0xc0, 3})),
			[]string{"1s c0 01", "2s c0 02", "2.25s c0 03"}, 2250 * time.Millisecond,
		},
		"tempo of another track": {
			file(1, 96, track([]byte{0x60, 0xff, 0x51, 3, 0x0f, 0x42, 0x40}), track([]byte{96, 0xc0, 1, 96, 0xc0, 2})),
			[]string{"500ms c0 01", "1.5s c0 02"}, 1500 * time.Millisecond,
		},
		"tracks merged, in order at one tick": {
			file(1, 96, track([]byte{0, 0xc0, 1, 96, 0xc0, 3}), track([]byte{0, 0xc1, 2, 48, 0xc1, 9, 48, 0xc1, 4})),
			[]string{"0s c0 01", "0s c1 02", "250ms c1 09", "500ms c0 03", "500ms c1 04"}, 500 * time.Millisecond,
		},
		"25 frames, 40 a frame: milliseconds; tempo ignored": {
			file(0, 0xe728, track([]byte{0, 0xff, 0x51, 3, 0x0f, 0x42, 0x40}, []byte{0x87, 0x68, 0xc0, 1})),
			[]string{"1s c0 01"}, time.Second,
		},
		"29.97 frames": { // 30000 frames of 1 tick are 1001 s
			file(0, 0xe301, track([]byte{0x81, 0xea, 0x30, 0xc0, 1})),
			[]string{"16m41s c0 01"}, 1001 * time.Second,
		},
		"unknown meta and chunk skipped": {
			slices.Concat(file(1, 96)[:10], []byte{0, 1, 0, 96}, chunk("XFIH", []byte("abc")),
				chunk("MTrk", track([]byte{0, 0xff, 0x01, 2, 'h', 'i'}, []byte{0, 0xc0, 1})), []byte("junk")),
			[]string{"0s c0 01"}, 0,
		},
		"longer header": {
			slices.Concat(chunk("MThd", []byte{0, 0, 0, 1, 0, 96, 9, 9}), chunk("MTrk", track([]byte{0, 0xc0, 1}))),
			[]string{"0s c0 01"}, 0,
		},
		"sysex": {
			file(0, 96, track([]byte{0, 0xf0, 3, 1, 2, 0xf7})),
			[]string{"0s f0 01 02 f7"}, 0,
		},
		"sysex in packets": {
			file(0, 96, track([]byte{0, 0xf0, 2, 1, 2, 96, 0xf7, 1, 3, 96, 0xf7, 2, 4, 0xf7})),
			[]string{"1s f0 01 02 03 04 f7"}, time.Second,
		},
		"escape": {
			file(0, 96, track([]byte{96, 0xf7, 4, 0xf2, 1, 2, 0xfa})),
			[]string{"500ms f2 01 02", "500ms fa"}, 500 * time.Millisecond,
		},
		"no end of track": {
			file(0, 96, note), []string{"0s 90 3c 01"}, 0,
		},
		"nothing behind the end of track": {
			file(0, 96, track(endOfTrack, note)), nil, 0,
		},
		"empty track": {
			file(0, 96, nil), nil, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := midi.NewSMF(bytes.NewReader(tc.file), "x.mid")
			if err != nil {
				t.Fatal(err)
			}
			got, took := play(t, s)
			if !slices.Equal(got, tc.want) || took != tc.took {
				t.Errorf("got %q in %v, want %q in %v", got, took, tc.want, tc.took)
			}
			if s.Len() != len(tc.want) || s.Duration() != tc.took {
				t.Errorf("Len %d, Duration %v", s.Len(), s.Duration())
			}
			// A second Run is the same.
			if again, _ := play(t, s); !slices.Equal(again, got) {
				t.Errorf("played again: %q", again)
			}
		})
	}
}

func TestSMFRefuses(t *testing.T) {
	good := file(0, 96, track([]byte{0, 0x90, 60, 1}))
	for name, tc := range map[string]struct {
		file []byte
		want error
	}{
		"empty":                       {nil, midi.ErrFormat},
		"text":                        {[]byte("#!/bin/sh\nexit 0\n"), midi.ErrFormat},
		"cut in the header":           {good[:10], midi.ErrFormat},
		"cut in the track":            {good[:len(good)-5], midi.ErrFormat},
		"short header":                {chunk("MThd", []byte{0, 0, 0, 1}), midi.ErrFormat},
		"format 2":                    {file(2, 96, track()), midi.ErrFormat2},
		"format 3":                    {file(3, 96, track()), midi.ErrFormat},
		"no tracks":                   {file(1, 96), midi.ErrFormat},
		"format 0 of two tracks":      {file(0, 96, track(), track()), midi.ErrFormat},
		"fewer tracks than announced": {file(1, 96, track(), track())[:26], midi.ErrFormat},
		"division 0":                  {file(0, 0, track()), midi.ErrFormat},
		"no ticks in a frame":         {file(0, 0xe700, track()), midi.ErrFormat},
		"31 frames":                   {file(0, 0xe101, track()), midi.ErrFormat},
		"128 frames":                  {file(0, 0x8001, track()), midi.ErrFormat},
		"chunk of 4 GiB":              {append([]byte("MThd\xff\xff\xff\xff"), good[8:]...), midi.ErrFormat},
		"data without status":         {file(0, 96, []byte{0, 60, 1}), midi.ErrFormat},
		"running past a meta event":   {file(0, 96, []byte{0, 0xc0, 1, 0, 0xff, 1, 0, 0, 2}), midi.ErrFormat},
		"status inside":               {file(0, 96, []byte{0, 0x90, 60, 0x80}), midi.ErrFormat},
		"cut in a message":            {file(0, 96, []byte{0, 0x90, 60}), midi.ErrFormat},
		"delta without event":         {file(0, 96, []byte{0}), midi.ErrFormat},
		"delta of five bytes":         {file(0, 96, []byte{0x81, 0x80, 0x80, 0x80, 0, 0xc0, 1}), midi.ErrFormat},
		"real-time without escape":    {file(0, 96, []byte{0, 0xf8}), midi.ErrFormat},
		"meta over the end":           {file(0, 96, []byte{0, 0xff, 1, 5, 'x'}), midi.ErrFormat},
		"sysex of 256 MiB":            {file(0, 96, []byte{0, 0xf0, 0xff, 0xff, 0xff, 0x7f, 1}), midi.ErrFormat},
		"sysex with a status inside":  {file(0, 96, []byte{0, 0xf0, 3, 0x90, 1, 0xf7}), midi.ErrFormat},
		"sysex without its end":       {file(0, 96, track([]byte{0, 0xf0, 1, 1})), midi.ErrFormat},
		"sysex inside sysex":          {file(0, 96, track([]byte{0, 0xf0, 1, 1, 0, 0xf0, 2, 1, 0xf7})), midi.ErrFormat},
		"escape of half a message":    {file(0, 96, track([]byte{0, 0xf7, 2, 0x90, 1})), midi.ErrFormat},
		"tempo of two bytes":          {file(0, 96, track([]byte{0, 0xff, 0x51, 2, 1, 1})), midi.ErrFormat},
		"tempo 0":                     {file(0, 96, track([]byte{0, 0xff, 0x51, 3, 0, 0, 0})), midi.ErrFormat},
		"days of rest": {
			file(0, 1, track([]byte{0, 0xff, 0x51, 3, 0xff, 0xff, 0xff}, []byte{0xff, 0xff, 0xff, 0x7f, 0xc0, 1})),
			midi.ErrTooLarge,
		},
		"days of rest at the end": {
			file(0, 1, []byte{0, 0xc0, 1, 0x8a, 0xc6, 0x01, 0xff, 0x2f, 0}), // 172801 quarters
			midi.ErrTooLarge,
		},
		"sysex over its limit": {
			file(0, 96, track(append([]byte{0, 0xf0, 0x84, 0x80, 0x01}, make([]byte, 65537)...))),
			midi.ErrTooLarge,
		},
		"escape over its limit": {
			file(0, 96, track(append([]byte{0, 0xf7, 0x84, 0x80, 0x01}, bytes.Repeat([]byte{0xf8}, 65537)...))),
			midi.ErrTooLarge,
		},
		"too many events": {
			file(0, 96, append([]byte{0, 0xc0, 1}, make([]byte, 2*midi.MaxSMFEvents)...)),
			midi.ErrTooLarge,
		},
		"too many bytes": {
			file(0, 96, track(), make([]byte, midi.MaxSMF)),
			midi.ErrTooLarge,
		},
	} {
		s, err := midi.NewSMF(bytes.NewReader(tc.file), "bad\x1b.mid")
		if !errors.Is(err, tc.want) || s != nil {
			t.Errorf("%s: got %v, %v, want %v", name, s, err, tc.want)
		} else if !strings.HasPrefix(err.Error(), `midi file "bad\x1b.mid": `) {
			t.Errorf("%s: error %q does not name the file", name, err)
		}
	}
}

// The limits themselves are allowed.
func TestSMFAtItsLimits(t *testing.T) {
	day := file(0, 1, []byte{0, 0xc0, 1, 0x8a, 0xc6, 0x00, 0xff, 0x2f, 0}) // 172800 quarters
	s, err := midi.NewSMF(bytes.NewReader(day), "")
	if err != nil || s.Duration() != midi.MaxSMFDuration {
		t.Errorf("a day: %v", err)
	}
	many := file(0, 96, append([]byte{0, 0xc0, 1}, make([]byte, 2*(midi.MaxSMFEvents-1))...))
	s, err = midi.NewSMF(bytes.NewReader(many), "")
	if err != nil || s.Len() != midi.MaxSMFEvents {
		t.Errorf("%d events: %v", midi.MaxSMFEvents, err)
	}
	long := append([]byte{0, 0xf0, 0x83, 0xff, 0x7f}, make([]byte, 65535)...)
	long[len(long)-1] = 0xf7
	s, err = midi.NewSMF(bytes.NewReader(file(0, 96, track(long))), "")
	if err != nil || s.Len() != 1 {
		t.Errorf("sysex of 65536 bytes: %v", err)
	}
	// 2¹⁵−1 ticks a quarter and the slowest tempo: no overflow, no drift.
	slow := file(0, 0x7fff, track([]byte{0, 0xff, 0x51, 3, 0xff, 0xff, 0xff}, []byte{0x81, 0xff, 0x7f, 0xc0, 1, 1, 0xc0, 2}))
	s, err = midi.NewSMF(bytes.NewReader(slow), "")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"16.777215s c0 01", "16.777727015s c0 02"}
	if got, _ := play(t, s); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A receiver that takes long delays no event that is due later.
func TestSMFDoesNotDrift(t *testing.T) {
	var b []byte
	for range 100 {
		b = append(b, 96, 0xc0, 1) // every 500 ms
	}
	s, err := midi.NewSMF(bytes.NewReader(file(0, 96, track(b))), "")
	if err != nil {
		t.Fatal(err)
	}
	clock := new(miditest.Clock)
	s.Clock = clock
	n := 0
	if err := s.Run(t.Context(), func(*midi.Event) {
		n++
		if due := time.Duration(n) * 500 * time.Millisecond; clock.Now() != due {
			t.Fatalf("event %d at %v, due at %v", n, clock.Now(), due)
		}
		clock.Advance(400 * time.Millisecond)
	}); err != nil || n != 100 {
		t.Errorf("Run = %v after %d events", err, n)
	}
}

func TestSMFCancel(t *testing.T) {
	cause := errors.New("enough")
	s, err := midi.NewSMF(bytes.NewReader(file(0, 96, track([]byte{0, 0xc0, 1, 0x8a, 0xc6, 0x00, 0xc0, 2}))), "")
	if err != nil {
		t.Fatal(err)
	}
	// On the real clock: the second event is due in minutes, and the
	// cancel comes while Run sleeps or just before.
	ctx, cancel := context.WithCancelCause(t.Context())
	n := 0
	err = s.Run(ctx, func(*midi.Event) { n++; go cancel(cause) })
	if err != cause || n != 1 {
		t.Errorf("Run = %v after %d events", err, n)
	}
	if err = s.Run(ctx, func(*midi.Event) { t.Error("delivered after cancel") }); err != cause {
		t.Errorf("Run = %v", err)
	}
}

// On the real clock, which no test may ask for its time, everything arrives.
func TestSMFRealClock(t *testing.T) {
	s, err := midi.NewSMF(bytes.NewReader(file(0, 0xe728, track([]byte{0, 0xc0, 1, 2, 0xc0, 2, 2, 0xc0, 3}))), "")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := s.Run(t.Context(), func(*midi.Event) { n++ }); err != nil || n != 3 {
		t.Errorf("Run = %v after %d events", err, n)
	}
}

func TestOpenSMF(t *testing.T) {
	path := filepath.Join(t.TempDir(), "song.mid")
	if err := os.WriteFile(path, file(0, 96, track([]byte{0, 0xc0, 1})), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := midi.OpenSMF(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), func(e *midi.Event) {
		if e.Device != "song.mid" {
			t.Errorf("Device %q", e.Device)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := midi.OpenSMF(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := midi.OpenSMF(t.TempDir()); err == nil {
		t.Error("a folder was taken")
	}
}

// What gomidi writes, we read: the two know nothing of each other.
func TestSMFFromGomidi(t *testing.T) {
	var tempo, piano smf.Track
	tempo.Add(0, smf.MetaTempo(60))
	tempo.Add(960, smf.MetaTempo(120))
	tempo.Close(0)
	piano.Add(0, smf.MetaTrackSequenceName("piano"))
	piano.Add(480, gomidi.ProgramChange(0, 4))
	piano.Add(0, gomidi.NoteOn(0, 60, 100))
	piano.Add(960, gomidi.NoteOff(0, 60))
	piano.Add(960, gomidi.Pitchbend(0, 8191))
	piano.Add(0, gomidi.SysEx([]byte{1, 2, 3}))
	piano.Add(0, gomidi.NoteOn(0, 62, 100))
	piano.Add(480, gomidi.NoteOn(0, 62, 0)) // written with running status
	piano.Close(480)
	for _, quiet := range []bool{false, true} {
		f := smf.NewSMF1()
		f.NoRunningStatus = quiet
		f.Add(tempo)
		f.Add(piano)
		var buf bytes.Buffer
		if _, err := f.WriteTo(&buf); err != nil {
			t.Fatal(err)
		}
		s, err := midi.NewSMF(&buf, "")
		if err != nil {
			t.Fatal(err)
		}
		got, took := play(t, s)
		want := []string{
			"500ms c0 04", "500ms 90 3c 64", "1.25s 80 3c 00", "1.75s e0 7f 7f",
			"1.75s f0 01 02 03 f7", "1.75s 90 3e 64", "2s 90 3e 00",
		}
		if !slices.Equal(got, want) || took != 2250*time.Millisecond {
			t.Errorf("got %q in %v, want %q", got, took, want)
		}
	}
}

func FuzzSMF(f *testing.F) {
	f.Add(file(0, 96, track([]byte{0, 0x90, 60, 1, 48, 60, 0})))
	f.Add(file(1, 0xe728, track([]byte{0, 0xff, 0x51, 3, 7, 0xa1, 0x20}), track([]byte{0, 0xf0, 3, 1, 2, 0xf7})))
	f.Add(file(0, 96, track([]byte{0, 0xf0, 2, 1, 2, 96, 0xf7, 2, 4, 0xf7, 0, 0xf7, 4, 0xf2, 1, 2, 0xfa})))
	f.Add(file(2, 0xe300))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := midi.NewSMF(bytes.NewReader(data), "fuzz")
		if err != nil {
			if !errors.Is(err, midi.ErrFormat) && !errors.Is(err, midi.ErrFormat2) && !errors.Is(err, midi.ErrTooLarge) {
				t.Fatalf("unnamed error %v", err)
			}
			return
		}
		s.Clock = new(miditest.Clock)
		var last time.Duration
		n := 0
		if err := s.Run(t.Context(), func(e *midi.Event) {
			n++
			if e.Time < last || e.Time > s.Duration() {
				t.Fatalf("event at %v after %v, of %v", e.Time, last, s.Duration())
			}
			last = e.Time
			if _, err := midi.FromMessage(e.AppendRaw(nil), 0, ""); err != nil {
				t.Fatal(err)
			}
		}); err != nil || n != s.Len() {
			t.Fatalf("Run = %v after %d of %d events", err, n, s.Len())
		}
		if s.Duration() < 0 || s.Duration() > midi.MaxSMFDuration {
			t.Fatalf("duration %v", s.Duration())
		}
	})
}
