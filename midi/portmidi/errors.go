package portmidi

import "errors"

var (
	// ErrNoPorts: the machine has no MIDI port of the wanted direction, or
	// no MIDI at all: on Linux, no ALSA sequencer that this user may open.
	ErrNoPorts = errors.New("no MIDI ports")

	// ErrNoSuchPort: there are ports, listed in the error, but none whose
	// name the pattern matches.
	ErrNoSuchPort = errors.New("no such MIDI port")

	// ErrClosed: the port was closed, before or during the call.
	ErrClosed = errors.New("MIDI port is closed")

	// ErrRunning: In.Run was called while it runs already.
	ErrRunning = errors.New("MIDI port is being read already")
)
