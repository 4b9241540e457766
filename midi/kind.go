package midi

// Kind is the type of a MIDI message, as a player understands it: a note-on
// with velocity 0 is a NoteOff. The zero Kind is that of the zero Event, no
// message at all.
type Kind uint8

// The kinds, in the order of their status bytes.
const (
	NoteOff        Kind = iota + 1
	NoteOn              // velocity 1 to 127
	PolyAftertouch      // pressure on one key
	ControlChange       //
	ProgramChange       //
	Aftertouch          // pressure on a whole channel
	PitchBend           //
	SysEx               // system exclusive, F0 to F7
	System              // system common and real-time, one to three bytes
)

// String returns the word used in the config file and in JSON, such as
// "note_on"; for a Kind outside the list, "unknown".
func (k Kind) String() string {
	switch k {
	case NoteOff:
		return "note_off"
	case NoteOn:
		return "note_on"
	case PolyAftertouch:
		return "poly_aftertouch"
	case ControlChange:
		return "cc"
	case ProgramChange:
		return "program"
	case Aftertouch:
		return "aftertouch"
	case PitchBend:
		return "pitch_bend"
	case SysEx:
		return "sysex"
	case System:
		return "system"
	}
	return "unknown"
}
