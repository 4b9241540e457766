package portmidi

import "errors"

// ErrRunning: In.Run was called while it runs already.
var ErrRunning = errors.New("MIDI port is being read already")
