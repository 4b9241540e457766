package midi

// anyChannel is the channel of a trigger that takes all sixteen.
const anyChannel = 0xff

// Trigger is a compiled condition on an Event; TriggerSpec.Compile makes
// one. It is a value and safe for concurrent use. The zero Trigger matches
// no message.
type Trigger struct {
	kind    Kind
	channel uint8 // 0 to 15, or anyChannel
	number  span  // key, controller or program; unused by the other kinds
	value   span  // velocity, cc value, pressure or bend; unused by program
	device  Glob
	named   bool // device is looked at
}

// Match reports whether e fulfils the trigger. It does not allocate.
func (t *Trigger) Match(e *Event) bool {
	if e.Kind() != t.kind {
		return false
	}
	if t.channel != anyChannel && t.channel != e.Channel() {
		return false
	}
	number, value := e.operands()
	return t.number.has(number) && t.value.has(value) &&
		(!t.named || t.device.Match(e.Device))
}

// operands returns the two things a trigger can ask about, 0 where the kind
// has only one.
func (e *Event) operands() (number, value uint16) {
	switch e.Kind() {
	case NoteOn, NoteOff, PolyAftertouch, ControlChange:
		return uint16(e.raw[1]), uint16(e.raw[2])
	case ProgramChange:
		return uint16(e.raw[1]), 0
	case Aftertouch:
		return 0, uint16(e.raw[1])
	case PitchBend:
		return 0, uint16(e.Bend())
	}
	return 0, 0
}

// Kind returns the kind of message the trigger waits for.
func (t *Trigger) Kind() Kind { return t.kind }
