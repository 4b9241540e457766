// Package wire is the language of the trigger pipe and the reply pipe: the
// frames between the daemon, in Go, and the worker, in C. The order of the
// messages is drawn in runner/worker/wire.h; both sides are tested with the
// golden frames in testdata.
//
// Whatever is read from a reply pipe was written by a process with foreign
// code in it. Decoding checks every length, type and number before use and
// allocates nothing.
package wire

// Sizes in bytes; runner/worker/wire.h has the same.
const (
	Version = 1
	Header  = 16
	Max     = 65536 // of a whole frame
	Nonce   = 16

	triggerFixed = 56
	replyFixed   = 8
	itemFixed    = 4

	MaxLog    = 1024
	MaxResult = 4096
)

// Type is the type of a frame.
type Type uint16

const (
	Hello   Type = 1
	Trigger Type = 2
	Stop    Type = 3
	Loaded  Type = 0x81
	Ready   Type = 0x82
	Reply   Type = 0x83
	Stopped Type = 0x84
	Error   Type = 0x8f
)
