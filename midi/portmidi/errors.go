package portmidi

import (
	"errors"

	"github.com/isobooth/isobooth/midi"
)

var (
	// ErrNoPorts, ErrNoSuchPort and ErrClosed are those of every driver.
	ErrNoPorts    = midi.ErrNoPorts
	ErrNoSuchPort = midi.ErrNoSuchPort
	ErrClosed     = midi.ErrClosed

	// ErrRunning: In.Run was called while it runs already.
	ErrRunning = errors.New("MIDI port is being read already")
)
