package midi

import (
	"fmt"
	"time"

	gomidi "gitlab.com/gomidi/midi/v2"
)

// MaxSysEx is the longest system exclusive message that becomes an Event, in
// bytes, F0 and F7 included. Longer ones are firmware and sample dumps; no
// trigger needs them and every booth would have to buffer them.
const MaxSysEx = 64 << 10

// BendCentre is the Bend of a wheel at rest.
const BendCentre = 8192

// Event is one complete MIDI message. It is a value: copying it is cheap and
// safe, and the bytes of a system exclusive message, shared between copies,
// are never written again.
type Event struct {
	Time   time.Duration // since the source started, monotonic
	Device string        // port name as the source reports it

	// Hop is how often the message has gone out to a port and come back: 0
	// for what a player did, 1 for the echo of a plugin's answer to that, and
	// so on. Sources leave it 0; Echoes tells.
	Hop uint8

	sysex []byte // F0 to F7; nil for a short message
	raw   [3]byte
	n     uint8 // bytes used in raw; 0 for sysex
}

// FromMessage makes an Event of msg, which must be exactly one complete
// message without running status; anything else is an error that wraps
// ErrMessage. msg is copied.
func FromMessage(msg gomidi.Message, at time.Duration, device string) (Event, error) {
	e := Event{Time: at, Device: device}
	if err := e.set(msg); err != nil {
		return Event{}, err
	}
	return e, nil
}

// set replaces the message in e by a copy of msg, after checking it.
func (e *Event) set(msg []byte) error {
	if err := Check(msg); err != nil {
		return err
	}
	e.sysex, e.n = nil, 0
	if msg[0] == 0xf0 {
		e.sysex = append([]byte(nil), msg...)
	} else {
		e.n = uint8(copy(e.raw[:], msg))
	}
	return nil
}

// Check reports whether msg is exactly one complete message without running
// status, system exclusive of at most MaxSysEx bytes included. The error
// wraps ErrMessage. A good message costs no allocation.
func Check(msg []byte) error {
	if len(msg) == 0 {
		return fmt.Errorf("%w: no bytes", ErrMessage)
	}
	if msg[0] == 0xf0 {
		return checkSysEx(msg)
	}
	n := ShortLen(msg[0])
	switch {
	case n == 0:
		return fmt.Errorf("%w: first byte %#02x", ErrMessage, msg[0])
	case len(msg) != n:
		return fmt.Errorf("%w: status %#02x takes %d bytes, got %d", ErrMessage, msg[0], n, len(msg))
	}
	for _, b := range msg[1:] {
		if b >= 0x80 {
			return fmt.Errorf("%w: data byte %#02x", ErrMessage, b)
		}
	}
	return nil
}

func checkSysEx(msg []byte) error {
	last := len(msg) - 1
	if last == 0 || msg[last] != 0xf7 {
		return fmt.Errorf("%w: system exclusive without its end", ErrMessage)
	}
	if len(msg) > MaxSysEx {
		return fmt.Errorf("%w: system exclusive of %d bytes, limit %d", ErrMessage, len(msg), MaxSysEx)
	}
	for _, b := range msg[1:last] {
		if b >= 0x80 {
			return fmt.Errorf("%w: byte %#02x inside system exclusive", ErrMessage, b)
		}
	}
	return nil
}

// ShortLen returns how many bytes a message with this status byte has, 1 to
// 3, the status included. It is 0 for a data byte, for the ends of a system
// exclusive message (F0, F7) and for the undefined F4, F5, F9 and FD.
func ShortLen(status byte) int {
	switch {
	case status < 0x80:
		return 0
	case status < 0xc0, status >= 0xe0 && status < 0xf0:
		return 3
	case status < 0xe0:
		return 2
	}
	switch status {
	case 0xf1, 0xf3:
		return 2
	case 0xf2:
		return 3
	case 0xf6, 0xf8, 0xfa, 0xfb, 0xfc, 0xfe, 0xff:
		return 1
	}
	return 0
}

// Kind returns the type of the message.
func (e Event) Kind() Kind {
	if e.sysex != nil {
		return SysEx
	}
	if e.n == 0 {
		return 0
	}
	switch e.raw[0] >> 4 {
	case 0x8:
		return NoteOff
	case 0x9:
		if e.raw[2] == 0 {
			return NoteOff
		}
		return NoteOn
	case 0xa:
		return PolyAftertouch
	case 0xb:
		return ControlChange
	case 0xc:
		return ProgramChange
	case 0xd:
		return Aftertouch
	case 0xe:
		return PitchBend
	}
	return System
}

// Channel returns the channel, 0 to 15; for SysEx and System, 0.
func (e Event) Channel() uint8 {
	if e.raw[0] >= 0xf0 {
		return 0
	}
	return e.raw[0] & 0x0f
}

// Key returns the key of a NoteOn, NoteOff or PolyAftertouch, 0 to 127 with
// middle C at 60; for other kinds, 0.
func (e Event) Key() uint8 {
	switch e.Kind() {
	case NoteOn, NoteOff, PolyAftertouch:
		return e.raw[1]
	}
	return 0
}

// Velocity returns the velocity of a NoteOn, 1 to 127, or the release
// velocity of a NoteOff, 0 to 127; for other kinds, 0.
func (e Event) Velocity() uint8 {
	switch e.Kind() {
	case NoteOn, NoteOff:
		return e.raw[2]
	}
	return 0
}

// Controller returns the number of a ControlChange, 0 to 127; for other
// kinds, 0.
func (e Event) Controller() uint8 {
	if e.Kind() == ControlChange {
		return e.raw[1]
	}
	return 0
}

// Value returns what the message sets: the value of a ControlChange, the
// program of a ProgramChange, the pressure of an Aftertouch or
// PolyAftertouch, each 0 to 127; for other kinds, 0.
func (e Event) Value() uint8 {
	switch e.Kind() {
	case ControlChange, PolyAftertouch:
		return e.raw[2]
	case ProgramChange, Aftertouch:
		return e.raw[1]
	}
	return 0
}

// Bend returns the position of the pitch wheel, 0 to 16383 with BendCentre
// at rest; for kinds other than PitchBend, BendCentre.
func (e Event) Bend() int {
	if e.Kind() != PitchBend {
		return BendCentre
	}
	return int(e.raw[2])<<7 | int(e.raw[1])
}

// SongPosition returns where a song position pointer leads, 0 to 16383, in
// sixteenths since the start; 0 for other messages.
func (e Event) SongPosition() int {
	if e.sysex != nil || e.raw[0] != songPosition {
		return 0
	}
	return int(e.raw[2])<<7 | int(e.raw[1])
}

// Len returns how many bytes AppendRaw appends; 0 for the zero Event.
func (e Event) Len() int {
	return int(e.n) + len(e.sysex)
}

// AppendRaw appends the message to dst as it was received, with its status
// byte even where the wire left it out, and returns the longer slice.
func (e Event) AppendRaw(dst []byte) []byte {
	if e.sysex != nil {
		return append(dst, e.sysex...)
	}
	return append(dst, e.raw[:e.n]...)
}
