// Package recognize tells what a player did from the MIDI events of it: one
// gesture, such as a long press or the turn of an encoder.
//
// A Recognizer hears events with their times until the player is quiet, and
// then says what the gesture was. It has no clock of its own and starts
// nothing.
package recognize

import (
	"errors"
	"time"
)

// Kind is what a player did, in one word.
type Kind string

// The kinds of gestures.
const (
	Note           Kind = "note"    // one press of a key
	Release        Kind = "release" // the key coming up
	Hold           Kind = "hold"    // a press of HoldAfter or longer
	Taps           Kind = "taps"    // 2 to 4 presses of one key
	Chord          Kind = "chord"   // several keys at once
	Encoder        Kind = "encoder" // a control that sends how far it was turned
	CC             Kind = "cc"      // any other control change
	PitchBend      Kind = "pitch_bend"
	Aftertouch     Kind = "aftertouch"
	PolyAftertouch Kind = "poly_aftertouch"
	Program        Kind = "program"
	SysEx          Kind = "sysex"
	Transport      Kind = "transport" // start, stop or continue
	SongPosition   Kind = "song_position"
)

// Kinds are all of them, in the order in which help lists them.
var Kinds = []Kind{Note, Release, Hold, Taps, Chord, Encoder, CC, PitchBend, Aftertouch, PolyAftertouch, Program, SysEx, Transport, SongPosition}

// What tells one gesture from another. A player at an unknown controller is
// slow, so these are wider than the windows that triggers have by default.
const (
	HoldAfter   = 500 * time.Millisecond // a press that is held so long is a Hold
	TapGap      = 500 * time.Millisecond // at most, between two presses of Taps
	ChordWindow = 150 * time.Millisecond // at most, from the first to the last key of a Chord
	Quiet       = 700 * time.Millisecond // without an event, after which a gesture is over
	// StuckAfter ends a gesture whose key does not come up: some pads send
	// nothing when they do.
	StuckAfter = 3 * time.Second
	MaxTaps    = 4
	// maxEvents bounds what one gesture keeps. A control that is turned
	// without pause is known by then.
	maxEvents = 4096
)

// ErrUnclear: what was heard is no gesture, or not one of the kind that was
// asked for. The error says what it was instead.
var ErrUnclear = errors.New("not recognised")

// The readings of a control change, from its values alone. The relative ones
// send how far an encoder was turned, each with 1 for one step up and its own
// number for one step down.
const (
	Absolute       = "absolute"        // a knob or fader: where it stands
	Switch         = "switch"          // a button: one value down, 0 up
	TwosComplement = "twos_complement" // 1 up, 127 down
	SignedBit      = "signed_bit"      // 1 up, 65 down
	BinaryOffset   = "binary_offset"   // 65 up, 63 down
)

// Directions of an Encoder.
const (
	Up   = "up"
	Down = "down"
	Any  = "any"
)

// Gesture is what a player did. Which fields mean something depends on Kind.
type Gesture struct {
	Kind    Kind
	Device  string // port name
	Channel int    // 0 to 15; -1 for what has none

	Keys   []uint8       // the key, or those of a Chord, from low to high
	Held   time.Duration // from the press of a key until it came up, or until the end
	Taps   int           // number of presses
	Window time.Duration // of Taps the longest time between two presses, of a Chord from the first to the last

	Number uint8    // controller, or program
	Values []uint16 // velocities, values, pressures or bends as they came; the song position

	Encoding  string // of CC and Encoder, one of the readings
	Direction string // of an Encoder
	// MightBe has the readings between which the values do not tell. It is
	// empty when there is no doubt.
	MightBe []string

	SysEx     []byte // F0 to F7
	Transport string // start, stop or continue

	Ignored int // messages of other controls that came meanwhile
}

// Span returns the lowest and the highest of the values.
func (g *Gesture) Span() (low, high uint16) {
	for i, v := range g.Values {
		if i == 0 {
			low, high = v, v
		}
		low, high = min(low, v), max(high, v)
	}
	return low, high
}
