package ports

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// What the sequencer's System Announce port says, SNDRV_SEQ_EVENT_* of
// <sound/asequencer.h>.
const (
	clientStart = 60
	clientExit  = 61
	portStart   = 63
	portExit    = 64
	portChange  = 65 // its name, say
)

// seqEventSize is that of struct snd_seq_event: type, flags, tag, queue of one
// byte each; a time of 8; source and destination, each client and port of one
// byte; and 12 of data, which in an announcement begin with the client and the
// port that it is about.
const (
	seqEventSize   = 28
	seqEventSource = 12
	seqEventData   = 16
)

// seqLengthMask is what is 0 in the flags of an event of fixed length,
// SNDRV_SEQ_EVENT_LENGTH_MASK.
const seqLengthMask = 3 << 2

// announced makes changes of announcements. A program that only lists ports, as
// drivers do, is a client that starts and exits without a port, and no change:
// else every look at the ports would lead to another.
type announced struct {
	// ours reports whether a client is this process's.
	ours    func(client uint8) bool
	clients map[uint8]announcedClient // those of which anything was seen
}

type announcedClient struct{ ours, ports bool }

// take reports whether an announcement is of a change, and the IDs of what is
// gone by it, in the form of Changes.Tell.
func (a *announced) take(event []byte) (changed bool, gone string) {
	// Anybody may send to a port that the kernel may deliver to, but not in the
	// name of client 0, the kernel's.
	if event[seqEventSource] != 0 {
		return false, ""
	}
	client, port := event[seqEventData], event[seqEventData+1]
	known, seen := a.clients[client]
	switch event[0] {
	case clientStart:
		a.keep(client, announcedClient{ours: a.ours(client)})
		return false, "" // its ports are what counts
	case clientExit:
		delete(a.clients, client)
		if seen && (known.ours || !known.ports) {
			return false, ""
		}
		return true, fmt.Sprintf("%d:", client)
	case portStart, portExit, portChange:
		if !seen {
			known.ours = a.ours(client)
		}
		known.ports = true
		a.keep(client, known)
		if known.ours {
			return false, ""
		}
		if event[0] == portExit {
			gone = fmt.Sprintf("%d:%d", client, port)
		}
		return true, gone
	}
	return false, "" // of connections, which others make as they like
}

func (a *announced) keep(client uint8, what announcedClient) {
	if a.clients == nil {
		a.clients = map[uint8]announcedClient{}
	}
	a.clients[client] = what
}

// readAnnouncements tells changes what f, a subscribed sequencer client, reads,
// until f is closed.
func readAnnouncements(f *os.File, a *announced, changes *Changes) {
	buf := make([]byte, 64*seqEventSize)
	for {
		n, err := f.Read(buf)
		switch {
		case errors.Is(err, unix.ENOSPC):
			// The kernel's queue was full, of 200 events, and is empty now.
			changes.Tell()
			continue
		case err != nil:
			return
		}
		if changed, gone := a.takeAll(buf[:n]); changed {
			changes.Tell(gone...)
		}
	}
}

// takeAll takes what one Read gives.
func (a *announced) takeAll(b []byte) (changed bool, gone []string) {
	for ; len(b) >= seqEventSize; b = b[seqEventSize:] {
		// An event of variable length is none of the kernel's; its data follow,
		// and may look like events.
		if b[1]&seqLengthMask != 0 {
			return true, gone
		}
		c, g := a.take(b[:seqEventSize])
		changed = changed || c
		if g != "" {
			gone = append(gone, g)
		}
	}
	return changed, gone
}

// word is a 32-bit number as the kernel writes it.
func word(b []byte) uint32 { return binary.NativeEndian.Uint32(b) }
