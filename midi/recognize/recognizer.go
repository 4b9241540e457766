package recognize

import (
	"slices"
	"time"

	"github.com/isobooth/isobooth/midi"
)

// Recognizer hears the events of one gesture. NewRecognizer makes one; only
// one goroutine may use it.
type Recognizer struct {
	want  Kind // "" is any
	main  control
	heard []heard // of main only
	last  time.Duration
	down  map[uint8]bool

	ignored int
	asked   int // how many were heard before Again
}

// heard is one event and when it was heard.
type heard struct {
	at time.Duration
	e  midi.Event
}

// control is what one gesture comes from: the keys of a channel, one
// controller, one wheel.
type control struct {
	device  string
	channel int
	kind    Kind  // Note stands for all that keys do
	number  uint8 // controller, or key of PolyAftertouch
}

// NewRecognizer makes a Recognizer for gestures of one kind, or with "" for
// any.
func NewRecognizer(want Kind) *Recognizer {
	return &Recognizer{want: want, down: map[uint8]bool{}}
}

// Reset forgets what was heard.
func (r *Recognizer) Reset() { *r = *NewRecognizer(r.want) }

// Again has a control whose Gesture might be several things tell more: what
// is heard next is added, and must go both ways.
func (r *Recognizer) Again() { r.asked = len(r.heard) }

// Empty reports whether no part of a gesture was heard yet, after Again no
// further part.
func (r *Recognizer) Empty() bool { return len(r.heard) == r.asked }

// Over reports whether a gesture was heard and is over at the time now.
func (r *Recognizer) Over(now time.Duration) bool {
	switch {
	case r.Empty():
		return false
	case len(r.heard) >= maxEvents:
		return true
	case len(r.down) > 0:
		return now-r.last >= StuckAfter
	}
	return now-r.last >= Quiet
}

// Hear takes an event, which it copies, and the time it came. Times do not go
// back.
func (r *Recognizer) Hear(e *midi.Event, at time.Duration) {
	c, ok := controlOf(e)
	if !ok || !r.wants(c.kind) || len(r.heard) >= maxEvents {
		return
	}
	switch {
	case len(r.heard) == 0:
		// The release of a key that was down before says nothing, and neither
		// does pressure that is over.
		if e.Kind() == midi.NoteOff && r.want != Release || rest(e) {
			return
		}
		r.main = c
	case c == r.main:
	case r.asked == 0 && yields(r.main, c):
		r.ignored += len(r.heard)
		r.main, r.heard = c, r.heard[:0]
	default:
		r.ignored++
		return
	}
	r.heard = append(r.heard, heard{at, *e})
	r.last = at
	switch e.Kind() {
	case midi.NoteOn:
		r.down[e.Key()] = true
	case midi.NoteOff:
		delete(r.down, e.Key())
	}
}

// rest reports whether e says that a control is at rest.
func rest(e *midi.Event) bool {
	switch e.Kind() {
	case midi.Aftertouch, midi.PolyAftertouch:
		return e.Value() == 0
	}
	return false
}

// wants reports whether events of controls of this kind can be part of what
// is asked for.
func (r *Recognizer) wants(k Kind) bool {
	switch r.want {
	case "":
		return true
	case Release, Hold, Taps, Chord:
		return k == Note
	case Encoder:
		return k == CC
	}
	return k == r.want
}

// yields reports whether what main sent only came with what c sends: keys
// send their pressure, too, a program change comes after the choice of its
// bank (controllers 0 and 32, MIDI 1.0), and a song position before the song
// continues.
func yields(main, c control) bool {
	switch c.kind {
	case Note:
		return main.kind == Aftertouch || main.kind == PolyAftertouch
	case Program:
		return main.kind == CC && (main.number == 0 || main.number == 32)
	case Transport:
		return main.kind == SongPosition
	}
	return false
}

// controlOf returns where e comes from; false for clocks and what else no
// player does.
func controlOf(e *midi.Event) (control, bool) {
	c := control{device: e.Device, channel: int(e.Channel())}
	switch e.Kind() {
	case midi.NoteOn, midi.NoteOff:
		c.kind = Note
	case midi.ControlChange:
		c.kind, c.number = CC, e.Controller()
	case midi.PolyAftertouch:
		c.kind, c.number = PolyAftertouch, e.Key()
	case midi.Aftertouch:
		c.kind = Aftertouch
	case midi.PitchBend:
		c.kind = PitchBend
	case midi.ProgramChange:
		c.kind = Program
	case midi.SysEx:
		c.kind, c.channel = SysEx, -1
	case midi.System:
		c.channel = -1
		raw := e.AppendRaw(nil)
		switch raw[0] {
		case 0xf2:
			c.kind = SongPosition
		case 0xfa, 0xfb, 0xfc:
			c.kind = Transport
		default:
			return c, false
		}
	default:
		return c, false
	}
	return c, true
}

// Gesture says what was heard until now. An error wraps ErrUnclear.
func (r *Recognizer) Gesture(now time.Duration) (*Gesture, error) {
	g := &Gesture{Kind: r.main.kind, Device: r.main.device, Channel: r.main.channel, Number: r.main.number, Ignored: r.ignored}
	if len(r.heard) == 0 {
		return nil, ErrUnclear
	}
	first := r.heard[0].e
	switch r.main.kind {
	case Note:
		return g, r.keys(g, now)
	case CC:
		for _, h := range r.heard {
			g.Values = append(g.Values, uint16(h.e.Value()))
		}
		r.controller(g)
	case PolyAftertouch:
		g.Keys, g.Number = []uint8{r.main.number}, 0
		fallthrough
	case Aftertouch:
		for _, h := range r.heard {
			g.Values = append(g.Values, uint16(h.e.Value()))
		}
	case PitchBend:
		for _, h := range r.heard {
			g.Values = append(g.Values, uint16(h.e.Bend()))
		}
	case Program:
		// Of several the last: the player went on to it.
		g.Number = r.heard[len(r.heard)-1].e.Value()
		g.Ignored += len(r.heard) - 1
	case SysEx:
		g.SysEx = first.AppendRaw(nil)
		g.Ignored += len(r.heard) - 1
	case Transport:
		g.Transport = map[byte]string{0xfa: "start", 0xfb: "continue", 0xfc: "stop"}[first.AppendRaw(nil)[0]]
		g.Ignored += len(r.heard) - 1
	case SongPosition:
		raw := first.AppendRaw(nil)
		g.Values = []uint16{uint16(raw[2])<<7 | uint16(raw[1])}
		g.Ignored += len(r.heard) - 1
	}
	return g, nil
}

// controller tells a knob from an encoder.
func (r *Recognizer) controller(g *Gesture) {
	values := make([]uint8, len(g.Values))
	for i, v := range g.Values {
		values[i] = uint8(v)
	}
	before := len(values)
	if r.asked > 0 {
		before = r.asked
	}
	readings := []string{Absolute}
	switch {
	case r.want == Encoder:
		readings = slices.DeleteFunc(readingsOf(values, r.asked > 0), func(s string) bool { return s == Switch })
	case r.want == "":
		readings = readingsOf(values, r.asked > 0)
	}
	if len(readings) == 0 {
		readings = []string{Absolute}
	}
	if len(readings) > 1 {
		g.MightBe = readings
	}
	g.Encoding = readings[0]
	if g.Encoding == Switch || g.Encoding == Absolute && r.want != Encoder {
		return
	}
	g.Kind = Encoder
	// What was turned after Again was asked for, and only to tell.
	g.Direction = directionOf(g.Encoding, values[:before])
}
