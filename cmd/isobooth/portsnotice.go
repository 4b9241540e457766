package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/isobooth/isobooth/midi/ports"
)

// tellPort says what has become of a MIDI port.
func (a *app) tellPort(n ports.Notice) {
	kind, does := "MIDI port", "listening to"
	if n.Out {
		kind, does = "MIDI output", "sending to"
	}
	name := n.Port.Name
	switch n.What {
	case ports.Opened:
		a.say("%s MIDI port %q", does, name)
	case ports.Gone:
		a.say("%s %q is gone; it is opened again when it comes back", kind, name)
	case ports.Closed:
		a.say("%s %q: closed, nothing in the config matches it any more", kind, name)
	case ports.Failed:
		a.say("warning: %s %q: %v; next try in %v", kind, name, n.Err, n.Retry.Round(time.Millisecond))
	case ports.Blind:
		a.say("warning: MIDI ports cannot be listed: %v; next try in %v", n.Err, n.Retry.Round(time.Millisecond))
	case ports.Losing:
		a.say("warning: %s %q has lost events: a buffer was full %d times, %d bytes made no message, %d system exclusive messages were too long",
			kind, name, n.Lost.Overflows, n.Lost.Skipped, n.Lost.SysExDropped)
	case ports.Waiting:
		var patterns []string
		for _, p := range n.Patterns {
			patterns = append(patterns, fmt.Sprintf("%q", p))
		}
		text := "waiting for a " + kind + " that matches " + strings.Join(patterns, " or ")
		if n.Out {
			text += "; what is sent until then is dropped"
		}
		if n.Err != nil {
			text += ": " + n.Err.Error()
		}
		a.say("%s", text)
		a.hint("isobooth midi ports lists what there is")
	}
}
