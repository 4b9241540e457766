package midi

import "time"

// GestureKind says what a trigger has seen beyond its last message. The
// numbers are those of enum isobooth_gesture in plugin.h.
type GestureKind uint8

// The kinds of gestures.
const (
	GestureMessage  GestureKind = iota // one message, and nothing more
	GestureHold                        // a key held for some time
	GestureTaps                        // a key struck several times
	GestureChord                       // several keys at once
	GestureTurn                        // an encoder
	GestureCrossing                    // a value that has passed a threshold
	GestureClock                       // so many clock ticks
)

// String returns the word that plugins get in JSON, such as "hold".
func (k GestureKind) String() string {
	switch k {
	case GestureMessage:
		return "message"
	case GestureHold:
		return "hold"
	case GestureTaps:
		return "taps"
	case GestureChord:
		return "chord"
	case GestureTurn:
		return "turn"
	case GestureCrossing:
		return "crossing"
	case GestureClock:
		return "clock"
	}
	return "unknown"
}

// Gesture is what is known of a trigger besides its message. It is a value;
// the zero Gesture is that of a message by itself.
type Gesture struct {
	Kind GestureKind
	Taps uint8 // of GestureTaps, 2 to 4; else 0
	// Steps are those of GestureTurn, negative for down, and for GestureClock
	// how many of its divisions have gone by since the start; else 0.
	Steps int32
	// Previous is what the same controller, wheel, pressure or program was
	// before, if HasPrevious.
	Previous    uint16
	HasPrevious bool
	// Duration is how long the key of a hold or a release has been down, how
	// long a key has waited for what it would become, and how much time lies
	// between the first and the last key of taps and chords.
	Duration time.Duration
	Keys     KeySet // of GestureChord
	Mode     string // that was in force; "" when nobody counts modes
}

// KeySet is a set of keys, a bit for each. It is a value.
type KeySet [2]uint64

// Has reports whether key, 0 to 127, is in the set.
func (s KeySet) Has(key uint8) bool { return s[key>>6&1]>>(key&63)&1 != 0 }

// with returns the set with key in it.
func (s KeySet) with(key uint8) KeySet {
	s[key>>6&1] |= 1 << (key & 63)
	return s
}

// within reports whether every key of s is in all.
func (s KeySet) within(all KeySet) bool { return s[0]&^all[0]|s[1]&^all[1] == 0 }

// Append appends the keys of the set in ascending order and returns the longer
// slice.
func (s KeySet) Append(dst []byte) []byte {
	for key := range uint8(128) {
		if s.Has(key) {
			dst = append(dst, key)
		}
	}
	return dst
}
