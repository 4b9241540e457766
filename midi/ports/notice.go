package ports

import (
	"time"

	"github.com/isobooth/isobooth/midi"
)

// What a Notice tells.
const (
	Opened  = "opened"
	Gone    = "gone"    // it was unplugged
	Closed  = "closed"  // no pattern matches it any more
	Failed  = "failed"  // it could not be opened, or read; see Err and Retry
	Waiting = "waiting" // no port is there that a pattern matches; see Patterns
	Losing  = "losing"  // more was lost; told when that has doubled
	Blind   = "blind"   // the ports could not be listed; see Err and Retry
)

// Notice is something that a user wants to know.
type Notice struct {
	What     string
	Out      bool      // it is about the output
	Port     midi.Port // unless What is Waiting or Blind
	Err      error     // of Failed and Blind; of Waiting, why there are no ports at all, or nil
	Retry    time.Duration
	Patterns []string
	Lost     midi.Lost // of Losing
}
