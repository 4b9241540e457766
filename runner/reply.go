package runner

import (
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/runner/wire"
)

// Reply is a plugin's answer to one trigger. It and its parts belong to the
// booth and are overwritten by the next reply.
type Reply struct {
	Booth   string
	Mapping *midi.Mapping
	Event   midi.Event
	Gesture midi.Gesture // of the trigger
	// Latency is from the call of Send to the whole reply being read.
	Latency time.Duration
	// Queued is whether the trigger waited behind an earlier one.
	Queued bool
	Answer wire.Answer
}

// Sink takes replies. Reply is called on the event path, by the goroutine
// that called Send or by the booth's own: it must not block or keep r.
type Sink interface {
	Reply(r *Reply)
}
