package midi

import (
	"math"
	"sync"
	"time"
)

// Sizes of the table in Echoes: 2,048 messages, 32 KiB.
const (
	echoSets = 256
	echoWays = 8
)

// NoHop is the hop of a message that no trigger caused. Its echo never counts
// as new.
const NoHop = math.MaxUint8

// Echoes remembers what one sender has just sent, so that it can be recognised
// when it comes back in. MIDI has no room for a tag; what is the same and comes
// soon after is taken for an echo, also when a player happens to play just
// that. Events therefore count their hops (Event.Hop), and only one that has
// come back several times need be a loop.
//
// Of a system exclusive message a hash is remembered. All
// releases of a key are the same message, because devices on the way turn
// note-on with velocity 0 into note-off and back.
//
// The memory is fixed. A sender of more than the table holds within the window,
// or of messages chosen to share a place, pushes out its own oldest message,
// and nobody else's: use one Echoes for each sender. Any goroutine may use it; its lock is held for a few
// comparisons, and nothing allocates.
type Echoes struct {
	window time.Duration

	mu   sync.Mutex
	sets [echoSets][echoWays]sentMessage
}

// sentMessage was sent at that time, in answer to a trigger of that hop. The
// same message with another hop has a place of its own, so that an older,
// higher hop counts until its own time is over and no longer.
type sentMessage struct {
	at  time.Duration
	msg uint32 // 0 is an empty place; see echoOf
	hop uint8
}

// NewEchoes makes an empty Echoes. What comes back within window after it was
// sent is an echo; with 0, nothing is.
func NewEchoes(window time.Duration) *Echoes {
	return &Echoes{window: window}
}

// echoOf is the message as a number that is not 0, equal for all messages
// that count as the same; 0 for what is none.
func echoOf(msg [3]byte) uint32 {
	status, number, value := msg[0], msg[1], msg[2]
	if status < 0x80 {
		return 0
	}
	if status>>4 == 0x9 && value == 0 {
		status &^= 0x10
	}
	if status>>4 == 0x8 {
		value = 0
	}
	return uint32(status)<<16 | uint32(number)<<8 | uint32(value)
}

// echoOfLong is echoOf for a system exclusive message: FNV-1a with
// the top bit set, which no short message has. Two that share a
// number cost one of them hops, no more.
func echoOfLong(msg []byte) uint32 {
	h := uint32(2166136261)
	for _, b := range msg {
		h = (h ^ uint32(b)) * 16777619
	}
	return h | 1<<31
}

func (e *Echoes) set(msg uint32) *[echoWays]sentMessage {
	// Fibonacci hashing: the upper bits of the product are well mixed.
	return &e.sets[msg*0x9e3779b1>>24]
}

// Sent remembers that msg, one complete message, is about to be sent in answer
// to an event of that hop. Call it before the port has the message, whose echo
// may be back before the port returns.
func (e *Echoes) Sent(msg []byte, hop uint8, at time.Duration) {
	if len(msg) == 0 || e.window <= 0 {
		return
	}
	var short [3]byte
	copy(short[:], msg)
	key := echoOf(short)
	if short[0] == 0xf0 {
		key = echoOfLong(msg)
	}
	if key == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	set := e.set(key)
	place := &set[0]
	for i := range set {
		if set[i].msg == key && set[i].hop == hop {
			place = &set[i]
			break
		}
		if set[i].msg == 0 || set[i].at < place.at && place.msg != 0 {
			place = &set[i]
		}
	}
	*place = sentMessage{at: at, msg: key, hop: hop}
}

// Hop returns the hop of ev, which has just come in: one more than the highest
// hop with which the same message was sent within the window, or 0 when it is
// no echo. It ends at NoHop.
func (e *Echoes) Hop(ev *Event, at time.Duration) uint8 {
	key := echoOf(ev.raw)
	if ev.sysex != nil {
		key = echoOfLong(ev.sysex)
	}
	if key == 0 {
		return 0
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	hop := uint8(0)
	for _, s := range e.set(key) {
		if s.msg == key && at-s.at < e.window {
			hop = max(hop, min(s.hop, NoHop-1)+1)
		}
	}
	return hop
}
