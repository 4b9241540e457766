package midi_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/isobooth/isobooth/midi"
)

func releases(h *midi.Held) (all []string) {
	for msg := range h.Releases {
		all = append(all, fmt.Sprintf("% x", msg))
	}
	return all
}

func TestHeldReleases(t *testing.T) {
	for name, tc := range map[string]struct {
		sent []byte // messages of three bytes
		want []string
	}{
		"nothing":               {nil, nil},
		"one note":              {[]byte{0x90, 60, 1}, []string{"80 3c 40"}},
		"released":              {[]byte{0x90, 60, 1, 0x80, 60, 9}, nil},
		"released by velocity":  {[]byte{0x90, 60, 1, 0x90, 60, 0}, nil},
		"struck twice":          {[]byte{0x90, 60, 1, 0x90, 60, 2}, []string{"80 3c 40"}},
		"another channel's off": {[]byte{0x91, 60, 1, 0x80, 60, 0}, []string{"81 3c 40"}},
		"lowest, highest":       {[]byte{0x90, 0, 1, 0x9f, 127, 1}, []string{"80 00 40", "8f 7f 40"}},
		"64 bits apart":         {[]byte{0x90, 1, 1, 0x90, 65, 1, 0x80, 1, 0}, []string{"80 41 40"}},
		"sustain":               {[]byte{0xb3, 64, 64}, []string{"b3 40 00"}},
		"half a pedal":          {[]byte{0xb3, 64, 63}, nil},
		"sustain up":            {[]byte{0xb3, 64, 127, 0xb3, 64, 0}, nil},
		"three pedals":          {[]byte{0xb0, 64, 127, 0xb0, 66, 127, 0xb0, 69, 127}, []string{"b0 40 00", "b0 42 00", "b0 45 00"}},
		"portamento is none":    {[]byte{0xb0, 65, 127}, nil},
		"all notes off":         {[]byte{0x90, 60, 1, 0x91, 61, 1, 0xb0, 123, 0}, []string{"81 3d 40"}},
		"all sound off":         {[]byte{0x90, 60, 1, 0xb0, 120, 0}, nil},
		"mono":                  {[]byte{0x90, 60, 1, 0xb0, 126, 1}, nil},
		"local control":         {[]byte{0x90, 60, 1, 0xb0, 122, 0}, []string{"80 3c 40"}},
		"reset all controllers": {[]byte{0x90, 60, 1, 0xb0, 64, 127, 0xb0, 121, 0}, []string{"80 3c 40"}},
		"aftertouch, bend":      {[]byte{0xa0, 60, 1, 0xe0, 60, 1, 0xf2, 60, 1}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var h midi.Held
			for m := range slices.Chunk(tc.sent, 3) {
				h.Update(m)
			}
			if got := releases(&h); !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestHeldLifts(t *testing.T) {
	var h midi.Held
	h.Update([]byte{0x92, 60, 1})
	h.Update([]byte{0xb2, 64, 127})
	for name, tc := range map[string]struct {
		msg  []byte
		want bool
	}{
		"its note-off":            {[]byte{0x82, 60, 0}, true},
		"as velocity 0":           {[]byte{0x92, 60, 0}, true},
		"another key's":           {[]byte{0x82, 61, 0}, false},
		"another channel's":       {[]byte{0x83, 60, 0}, false},
		"its note-on":             {[]byte{0x92, 60, 1}, false},
		"pedal up":                {[]byte{0xb2, 64, 0}, true},
		"pedal down":              {[]byte{0xb2, 64, 127}, false},
		"another pedal up":        {[]byte{0xb2, 66, 0}, false},
		"all notes off":           {[]byte{0xb2, 123, 0}, true},
		"all notes off elsewhere": {[]byte{0xb3, 123, 0}, false},
		"reset all controllers":   {[]byte{0xb2, 121, 0}, true},
		"program":                 {[]byte{0xc2, 60}, false},
		"clock":                   {[]byte{0xf8}, false},
		"sysex":                   {[]byte{0xf0, 60, 0xf7}, false},
		"no bytes":                {nil, false},
	} {
		if got := h.Lifts(tc.msg); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
	if n := len(releases(&h)); n != 2 {
		t.Errorf("asking has changed what is held: %d left", n)
	}
	for range h.Releases {
		break // may end early
	}
}

func TestHeldDoesNotAllocate(t *testing.T) {
	var h midi.Held
	on, off := []byte{0x90, 60, 1}, []byte{0x80, 60, 0}
	if n := testing.AllocsPerRun(100, func() { h.Update(on); h.Lifts(off); h.Update(off) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzHeld: whatever was sent, a receiver that then gets the releases plays
// nothing; each of them ends something; and no message can lift a thing twice,
// which is what bounds what passes a Limiter without credit.
func FuzzHeld(f *testing.F) {
	f.Add([]byte{0x90, 60, 1, 0xb0, 64, 127, 0x80, 60, 0})
	f.Add([]byte{0x9f, 127, 1, 0x9f, 0, 1, 0xbf, 123, 0, 0xbf, 121, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var h midi.Held
		r := receiver{}
		for m := range slices.Chunk(b, 3) {
			if midi.Check(m) != nil {
				continue
			}
			before := len(r)
			lifts := h.Lifts(m)
			r.take(m)
			if lifts != (len(r) < before) {
				t.Fatalf("% x: lifts %v, %d held before, %d after", m, lifts, before, len(r))
			}
			h.Update(m)
			if h.Lifts(m) {
				t.Fatalf("% x lifts again", m)
			}
		}
		for m := range h.Releases {
			before := len(r)
			r.take(m[:])
			if len(r) != before-1 {
				t.Fatalf("% x ends nothing", m)
			}
		}
		if len(r) != 0 {
			t.Fatalf("held for ever: %v", r)
		}
	})
}

// receiver is what sounds, or is down, in a simple synthesizer: "ch note n",
// "ch pedal n".
type receiver map[[3]byte]bool

func (r receiver) take(m []byte) {
	if len(m) != 3 {
		return
	}
	ch, n := m[0]&0xf, m[1]
	switch m[0] & 0xf0 {
	case 0x90:
		if m[2] > 0 {
			r[[3]byte{ch, 'n', n}] = true
			return
		}
		delete(r, [3]byte{ch, 'n', n})
	case 0x80:
		delete(r, [3]byte{ch, 'n', n})
	case 0xb0:
		what := byte(0)
		switch n {
		case 64, 66, 69:
			if m[2] >= 64 {
				r[[3]byte{ch, 'p', n}] = true
			} else {
				delete(r, [3]byte{ch, 'p', n})
			}
		case 121:
			what = 'p'
		case 120, 123, 124, 125, 126, 127:
			what = 'n'
		}
		for k := range r {
			if k[0] == ch && k[1] == what {
				delete(r, k)
			}
		}
	}
}
