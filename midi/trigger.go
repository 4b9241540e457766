package midi

import "time"

// allChannels are the channels of a trigger that takes all sixteen.
const allChannels = 0xffff

// Trigger is a compiled condition on Events; TriggerSpec.Compile makes one. It
// is a value and safe for concurrent use. The zero Trigger matches no message.
//
// One that looks at more than a message, such as taps, is served by Gestures,
// which has the memory for it.
type Trigger struct {
	kind     Kind
	gesture  GestureKind
	channels uint16 // a bit for each
	number   span   // key, controller, program, or status byte of System
	value    span   // velocity, cc value, pressure, bend or song position
	device   Glob
	named    bool       // device is looked at
	keys     KeySet     // of a chord
	pattern  *pattern   // of SysEx
	when     *condition // nil is always

	taps   uint8
	hold   time.Duration // how long a key must be held
	within time.Duration // from one tap to the next, or for a whole chord
	every  time.Duration // at most once in that time; 0 is no limit

	encoding  encoding
	direction direction // of an encoder or a crossing
	steps     int32     // of an encoder, or ticks of a clock division
	threshold uint16    // of a crossing

	place int // in a Router: the first of its sums or rate limits
}

// numbers returns how many things on one channel the trigger limits the rate
// of, each by itself.
func (t *Trigger) numbers() int {
	if t.kind == PolyAftertouch {
		return int(t.number.hi-t.number.lo) + 1
	}
	return 1
}

// slot returns the place of what o is about among those of the trigger.
func (t *Trigger) slot(o *operands) int {
	n := int(o.channel) * t.numbers()
	if t.kind == PolyAftertouch {
		n += int(o.number - t.number.lo)
	}
	return t.place + n
}

// Match reports whether e is a message that the trigger waits for, in the
// right place: kind, channel, number, value and device. For a trigger that
// looks at more than that, it is the message that can be part of it. Match
// does not allocate.
func (t *Trigger) Match(e *Event) bool {
	if e.Kind() != t.kind {
		return false
	}
	o := e.operands()
	return t.match(&o, e)
}

// match is Match for an e of the right kind, whose operands are o.
func (t *Trigger) match(o *operands, e *Event) bool {
	if !t.number.has(o.number) || t.channels>>o.channel&1 == 0 || !t.value.has(o.value) {
		return false
	}
	if t.gesture == GestureChord && !t.keys.Has(uint8(o.number)) {
		return false
	}
	return (t.pattern == nil || t.pattern.match(e.sysex)) &&
		(!t.named || t.device.Match(e.Device))
}

// operands are what a trigger can ask about a message, 0 where its kind has
// less.
type operands struct {
	kind          Kind
	channel       uint8
	number, value uint16
}

func (e *Event) operands() operands {
	o := operands{kind: e.Kind()}
	a, b := uint16(e.raw[1]), uint16(e.raw[2])
	switch o.kind {
	case NoteOn, NoteOff, PolyAftertouch, ControlChange:
		o.number, o.value = a, b
	case ProgramChange:
		// The program is its number, and what can be compared with the last.
		o.number, o.value = a, a
	case Aftertouch:
		o.value = a
	case PitchBend:
		o.value = b<<7 | a
	case System:
		o.number = uint16(e.raw[0])
		if e.raw[0] == songPosition {
			o.value = b<<7 | a
		}
		return o
	case SysEx:
		return o
	}
	o.channel = e.raw[0] & 0x0f
	return o
}

// Kind returns the kind of message the trigger waits for.
func (t *Trigger) Kind() Kind { return t.kind }

// Status bytes of system messages that triggers know, MIDI 1.0.
const (
	songPosition = 0xf2 // in sixteenths: six ticks of the clock
	clockTick    = 0xf8 // 24 in a quarter
	transStart   = 0xfa
	transGoOn    = 0xfb
	transStop    = 0xfc
)
