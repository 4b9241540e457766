package midi_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
)

// fuzzMappings are sets of mappings that the fuzzer changes between. In each a
// note is paired with its release, by the first letters of their names.
var fuzzMappings = []string{
	`a note='0-127'
	ar note='0-127',release=true`,
	`m note=0->edit!
	n note=1->live
	o note=2->default
	a note='0-127',mode='default'
	ar note='0-127',mode='default',release=true
	b note='0-127',mode='edit'
	br note='0-127',mode='edit',release=true`,
	`a note='0-127'
	ar note='0-127',release=true
	H note='3-5',hold='100ms'
	I note=3,hold='300ms'
	D note='4-6',taps=2,within='100ms'
	T note=5,taps=3,within='200ms'
	C chord=[3,4,6],within='50ms'
	E chord=[3,4],within='80ms',velocity='hard'
	m note=7,hold='50ms'->edit!`,
	`V cc=7,every='50ms'
	W poly_aftertouch='0-127',every='20ms',previous='0-63'
	X cc=7,crosses=64
	Y cc=20,encoder='absolute',steps=2
	Z cc=20,encoder='signed_bit',direction='up'
	P cc=64,mode='default'
	S sysex='F0 7E ?? *'
	Q clock=24
	R song_position='0-100',every='5ms'
	n note='0-127'->live`,
}

// FuzzGestures: whatever comes in at whatever times, under mappings and modes
// that change, nothing panics, what is due does not pile up, and each note that
// was a trigger gets its release.
func FuzzGestures(f *testing.F) {
	f.Add([]byte{2, 0, 0x90, 3, 100, 10, 0x90, 4, 100, 10, 0x90, 6, 100, 200, 0x80, 3, 0, 0, 0x80, 4, 0, 0, 0x80, 6, 0})
	f.Add([]byte{2, 0, 0x90, 5, 1, 10, 0x80, 5, 1, 10, 0x90, 5, 1, 10, 0x80, 5, 0, 10, 0x90, 5, 1, 250, 0xff, 1, 0, 0, 0x80, 5, 0})
	f.Add([]byte{1, 0, 0x90, 9, 1, 1, 0x90, 0, 1, 1, 0x90, 9, 1, 1, 0x80, 0, 1, 1, 0x80, 9, 1})
	f.Add([]byte{3, 0, 0xb0, 7, 1, 1, 0xb0, 7, 80, 1, 0xb0, 20, 5, 1, 0xa0, 1, 1, 1, 0xf8, 0, 0, 1, 0xfa, 0, 0, 1, 0xf2, 1, 1, 1, 0xff, 0, 0})
	f.Add([]byte{1, 0, 0x90, 9, 1, 1, 0xff, 2, 0, 1, 0x80, 9, 1, 5, 0x90, 3, 1, 5, 0xff, 0, 0, 5, 0x90, 3, 1})
	routers := make([]*midi.Router, len(fuzzMappings))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		type key struct {
			name         byte
			channel, key uint8
		}
		sounding := map[key]int{}
		modes := midi.NewModes("default")
		g := midi.NewGestures(modes, func(m *midi.Mapping, e *midi.Event, _ *midi.Gesture) {
			if m.Name[0] < 'a' {
				return
			}
			k := key{m.Name[0], e.Channel(), e.Key()}
			if strings.HasSuffix(m.Name, "r") {
				sounding[k] = 0
			} else {
				sounding[k]++
			}
		})
		use := func(i int) {
			if routers[i] == nil {
				s := newBand()
				s.use(t, fuzzMappings[i])
				routers[i] = s.router
			}
			g.Use(routers[i])
		}
		use(int(b[0]) % len(fuzzMappings))
		at := time.Duration(0)
		down := map[[2]uint8]bool{}
		for b = b[1:]; len(b) >= 4; b = b[4:] {
			at += time.Duration(b[0]) * time.Millisecond
			if due, ok := g.Next(); ok && b[0]&1 != 0 {
				g.Advance(min(due, at))
			}
			if b[1] == 0xff { // other mappings, or only time
				if int(b[2]) < len(fuzzMappings) {
					use(int(b[2]))
				} else {
					g.Advance(at)
				}
				continue
			}
			raw := b[1:4]
			n := midi.ShortLen(raw[0])
			if n == 0 {
				raw, n = []byte{0xf0, b[2] & 0x7f, b[3] & 0x7f, 0xf7}, 4
			}
			e, err := midi.FromMessage(raw[:n], at, "pad")
			if err != nil {
				continue
			}
			switch e.Kind() {
			case midi.NoteOn:
				down[[2]uint8{e.Channel(), e.Key()}] = true
			case midi.NoteOff:
				delete(down, [2]uint8{e.Channel(), e.Key()})
			}
			g.Feed(&e)
		}
		for k := range down {
			e := event(t, "pad", 0x80|k[0], k[1], 0)
			e.Time = at
			g.Feed(&e)
		}
		g.End()
		if due, ok := g.Next(); ok {
			t.Errorf("something is due at %v after the end", due)
		}
		for k, n := range sounding {
			if n != 0 {
				t.Errorf("%s of key %d, channel %d: %d times without a release", string(k.name), k.key, k.channel, n)
			}
		}
		if mode := modes.Current(); mode == "edit" {
			t.Errorf("mode %q is held by no key", mode)
		}
	})
}

// FuzzSysExPattern: a pattern never panics, refuses in one line, and matches
// the message that it spells.
func FuzzSysExPattern(f *testing.F) {
	f.Add("F0 7E ?? 06 02 *", []byte{0x7e, 0, 6, 2, 9})
	f.Add("f0 7e 01 f7", []byte{0x7e, 1})
	f.Add("F0 *", []byte{})
	f.Fuzz(func(t *testing.T, text string, body []byte) {
		trigger, err := midi.TriggerSpec{SysEx: text}.Compile()
		if err != nil {
			if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' }) {
				t.Fatalf("control characters in %q", err)
			}
			return
		}
		words := strings.Fields(strings.ToUpper(text))[1:]
		if len(words) > 0 && words[len(words)-1] == "F7" {
			words = words[:len(words)-1]
		}
		want := true
		for i, word := range words {
			if word == "*" {
				break
			}
			want = want && i < len(body) && (word == "??" || fmt.Sprintf("%02X", body[i]) == word)
		}
		if len(words) == 0 || words[len(words)-1] != "*" {
			want = want && len(body) == len(words)
		}
		msg := append(append([]byte{0xf0}, body...), 0xf7)
		e, err := midi.FromMessage(msg, 0, "")
		if err != nil {
			return
		}
		if got := trigger.Match(&e); got != want {
			t.Errorf("%q matches % x: %v", text, msg, got)
		}
	})
}
