package midi_test

import (
	"sync"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
)

func TestEchoes(t *testing.T) {
	const ms = time.Millisecond
	type sent struct {
		msg []byte
		hop uint8
		at  time.Duration
	}
	on := []byte{0x90, 60, 100}
	for name, tc := range map[string]struct {
		sent []sent
		in   []byte
		at   time.Duration
		want uint8
	}{
		"nothing sent":            {nil, on, 0, 0},
		"at once":                 {[]sent{{on, 0, 0}}, on, 0, 1},
		"just in time":            {[]sent{{on, 0, 10 * ms}}, on, 60*ms - 1, 1},
		"too late":                {[]sent{{on, 0, 10 * ms}}, on, 60 * ms, 0},
		"one hop more":            {[]sent{{on, 3, 0}}, on, 1 * ms, 4},
		"ends":                    {[]sent{{on, midi.NoHop - 1, 0}}, on, 1 * ms, midi.NoHop},
		"no hop stays none":       {[]sent{{on, midi.NoHop, 0}}, on, 1 * ms, midi.NoHop},
		"the highest counts":      {[]sent{{on, 3, 0}, {on, 0, 1 * ms}}, on, 2 * ms, 4},
		"in any order":            {[]sent{{on, 0, 0}, {on, 3, 1 * ms}}, on, 2 * ms, 4},
		"until its time is over":  {[]sent{{on, 3, 0}, {on, 0, 49 * ms}}, on, 51 * ms, 1},
		"sent again":              {[]sent{{on, 1, 0}, {on, 1, 49 * ms}}, on, 51 * ms, 2},
		"another velocity":        {[]sent{{on, 0, 0}}, []byte{0x90, 60, 99}, 0, 0},
		"another key":             {[]sent{{on, 0, 0}}, []byte{0x90, 61, 100}, 0, 0},
		"another channel":         {[]sent{{on, 0, 0}}, []byte{0x91, 60, 100}, 0, 0},
		"its release":             {[]sent{{on, 0, 0}}, []byte{0x80, 60, 100}, 0, 0},
		"release as velocity 0":   {[]sent{{[]byte{0x80, 60, 64}, 0, 0}}, []byte{0x90, 60, 0}, 0, 1},
		"velocity 0 as release":   {[]sent{{[]byte{0x90, 60, 0}, 0, 0}}, []byte{0x80, 60, 64}, 0, 1},
		"two bytes":               {[]sent{{[]byte{0xc0, 5}, 0, 0}}, []byte{0xc0, 5}, 0, 1},
		"controller":              {[]sent{{[]byte{0xb0, 7, 5}, 0, 0}}, []byte{0xb0, 7, 5}, 0, 1},
		"controller, other value": {[]sent{{[]byte{0xb0, 7, 5}, 0, 0}}, []byte{0xb0, 7, 6}, 0, 0},
		"bend":                    {[]sent{{[]byte{0xe0, 7, 5}, 0, 0}}, []byte{0xe0, 7, 5}, 0, 1},
		"sysex":                   {[]sent{{[]byte{0xf0, 1, 0xf7}, 0, 0}}, []byte{0xf0, 1, 0xf7}, 0, 1},
		"another sysex":           {[]sent{{[]byte{0xf0, 1, 0xf7}, 0, 0}}, []byte{0xf0, 2, 0xf7}, 0, 0},
		"longer sysex":            {[]sent{{[]byte{0xf0, 1, 2, 3, 4, 0xf7}, 1, 0}}, []byte{0xf0, 1, 2, 3, 4, 0xf7}, 0, 2},
		"clock":                   {[]sent{{[]byte{0xf8}, 0, 0}}, []byte{0xf8}, 0, 1},
		"start is no clock":       {[]sent{{[]byte{0xf8}, 0, 0}}, []byte{0xfa}, 0, 0},
		"song position":           {[]sent{{[]byte{0xf2, 1, 2}, 0, 0}}, []byte{0xf2, 1, 2}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			e := midi.NewEchoes(50 * ms)
			off := midi.NewEchoes(0)
			for _, s := range tc.sent {
				e.Sent(s.msg, s.hop, s.at)
				off.Sent(s.msg, s.hop, s.at)
			}
			ev := event(t, "", tc.in...)
			if got := e.Hop(&ev, tc.at); got != tc.want {
				t.Errorf("hop %d, want %d", got, tc.want)
			}
			if got := off.Hop(&ev, tc.at); got != 0 {
				t.Errorf("hop %d without a window", got)
			}
		})
	}
}

// TestEchoesHoldABurst: a cable's worth of different messages at once is
// remembered, and the oldest go first when there are more.
func TestEchoesHoldABurst(t *testing.T) {
	e := midi.NewEchoes(time.Second)
	msg := func(i int) []byte { return []byte{0x90 | byte(i>>14), byte(i >> 7 & 127), byte(i&126 + 1)} }
	at := time.Duration(0)
	hops := func(from, to int) (known int) {
		for i := from; i < to; i += 2 {
			ev := event(t, "", msg(i)...)
			if e.Hop(&ev, at) == 1 {
				known++
			}
		}
		return known
	}
	send := func(from, to int) {
		for i := from; i < to; i += 2 {
			at++
			e.Sent(msg(i), 0, at)
		}
	}
	send(0, 2*800)
	if n := hops(0, 2*800); n < 780 {
		t.Errorf("%d of 800 messages are remembered", n)
	}
	send(2*800, 2*20000)
	if n := hops(2*19200, 2*20000); n < 780 {
		t.Errorf("%d of the last 800 messages are remembered", n)
	}
	if n := hops(0, 2*20000); n > 2048 {
		t.Errorf("%d messages are remembered: the memory is fixed", n)
	}
}

// TestEchoesFromManyGoroutines is for the race detector.
func TestEchoesFromManyGoroutines(t *testing.T) {
	e := midi.NewEchoes(time.Second)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			ev := event(t, "", 0x90, 60, 1)
			for i := range 1000 {
				if g%2 == 0 {
					e.Sent([]byte{0x90, 60, 1}, uint8(g), time.Duration(i))
				} else if h := e.Hop(&ev, time.Duration(i)); h > 3 {
					t.Errorf("hop %d was never sent", h)
				}
			}
		})
	}
	wg.Wait()
}

func TestEchoesDoNotAllocate(t *testing.T) {
	e := midi.NewEchoes(time.Second)
	ev := event(t, "", 0x90, 60, 1)
	msg := []byte{0x90, 60, 1}
	if n := testing.AllocsPerRun(100, func() { e.Sent(msg, 0, 0); e.Hop(&ev, 0) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkEchoesHop(b *testing.B) {
	e := midi.NewEchoes(time.Second)
	e.Sent([]byte{0x90, 60, 1}, 0, 0)
	ev := event(b, "", 0x90, 60, 1)
	for b.Loop() {
		e.Hop(&ev, 0)
	}
}

// FuzzEchoes: against a list that forgets nothing. No event gets a hop that
// was not sent, and while there is room each gets the highest.
func FuzzEchoes(f *testing.F) {
	f.Add([]byte{0x40, 0x90, 60, 1, 0x41, 0x90, 60, 1, 0xff, 0x80, 60, 1})
	f.Add([]byte{0xc2, 0xc0, 60, 0, 0x43, 0xc0, 60, 0, 0x32, 0xc0, 60, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		const window = 50 * time.Millisecond
		e := midi.NewEchoes(window)
		type sent struct {
			msg string
			hop uint8
			at  time.Duration
		}
		var all []sent
		at := time.Duration(0)
		for ; len(b) >= 4 && len(all) < 8; b = b[4:] { // eight always fit
			at += time.Duration(b[0]&0x3f) * time.Millisecond
			n := midi.ShortLen(b[1])
			if n == 0 || midi.Check(b[1:1+n]) != nil {
				continue
			}
			msg := b[1 : 1+n]
			ev := event(t, "", msg...)
			same := func(m []byte) string {
				k := event(t, "", m...)
				if k.Kind() == midi.NoteOff {
					return string([]byte{0x80 | k.Channel(), k.Key()})
				}
				return string(m)
			}
			want := uint8(0)
			for _, s := range all {
				if s.msg == same(msg) && at-s.at < window {
					want = max(want, s.hop+1)
				}
			}
			if got := e.Hop(&ev, at); got != want {
				t.Fatalf("% x at %v: hop %d, want %d", msg, at, got, want)
			}
			if b[0]&0x40 != 0 {
				hop := b[0] >> 7
				e.Sent(msg, hop+want, at)
				all = append(all, sent{same(msg), hop + want, at})
			}
		}
	})
}
