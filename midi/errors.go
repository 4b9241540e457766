package midi

import "errors"

var (
	// ErrMessage: the bytes are not exactly one complete, defined MIDI
	// message. FromMessage returns it.
	ErrMessage = errors.New("not one complete MIDI message")

	// ErrFormat: the file breaks the Standard MIDI File specification, or
	// was cut short.
	ErrFormat = errors.New("malformed MIDI file")

	// ErrFormat2: the file has format 2, independent patterns without a
	// common timeline, so there is no order to play them in.
	ErrFormat2 = errors.New("MIDI file format 2 is not supported, only 0 and 1")

	// ErrTooLarge: the file is over MaxSMF bytes, MaxSMFEvents events or
	// MaxSMFDuration, or one of its messages is over MaxSysEx.
	ErrTooLarge = errors.New("MIDI file over its limit")

	// ErrGlob: a port pattern has an open bracket, an empty or backward
	// class, a trailing backslash or invalid UTF-8.
	ErrGlob = errors.New("malformed pattern")

	// ErrNoPorts: the machine has no MIDI port of the wanted direction, or no
	// MIDI at all: on Linux, no ALSA sequencer that this user may open.
	ErrNoPorts = errors.New("no MIDI ports")

	// ErrNoSuchPort: there are ports, listed in the error, but none that was
	// asked for.
	ErrNoSuchPort = errors.New("no such MIDI port")

	// ErrClosed: the port was closed, before or during the call.
	ErrClosed = errors.New("MIDI port is closed")

	// ErrGone: the port was unplugged.
	ErrGone = errors.New("MIDI port is gone")
)
