package rtmidi

import "errors"

// ErrRunning: In.Run was called while it runs already.
var ErrRunning = errors.New("MIDI port is being read already")

// errRtMidi stands for any error of the binding, whose own text is garbage.
var errRtMidi = errors.New("RtMidi reports an error")
