package portmidi

import "github.com/isobooth/isobooth/midi"

// word is what PortMidi delivers: four bytes, either one short message,
// padded, or the next part of a system exclusive message. A real-time
// message has a word of its own even in the middle of one.
type word [4]byte

// bytes returns the part of w that came over the wire. inSysEx says whether
// a system exclusive message was open before w, and is updated.
func (w *word) bytes(inSysEx *bool) []byte {
	first := w[0]
	switch {
	case first >= 0xf8:
		return w[:1]
	case first == 0xf0, *inSysEx && (first < 0x80 || first == 0xf7):
		for i, b := range w {
			if b == 0xf7 {
				*inSysEx = false
				return w[:i+1]
			}
		}
		*inSysEx = true
		return w[:]
	}
	// A status byte here means that the message before was cut off; the
	// parser counts it.
	*inSysEx = false
	// Words that begin with no status at all are for the parser to count.
	return w[:max(1, midi.ShortLen(first))]
}
