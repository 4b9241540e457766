package rtmidi

import (
	"sync"
	"sync/atomic"

	"github.com/isobooth/isobooth/midi"
)

// ringSize is room for four system exclusive messages of midi.MaxSysEx, or
// for 87,381 notes.
const ringSize = 4 * midi.MaxSysEx

// ring holds bytes of messages between RtMidi's thread and Run.
type ring struct {
	mu    sync.Mutex
	buf   []byte
	begin int
	n     int  // bytes held
	lost  bool // a message that would follow them had no room

	overflows atomic.Uint64
}

func newRing(size int) *ring { return &ring{buf: make([]byte, size)} }

// put adds a message, or counts that it is lost. Once one is, all are until
// take has told of it, so that what comes behind a loss is known.
func (r *ring) put(msg []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lost || len(msg) > len(r.buf)-r.n {
		r.lost = true
		r.overflows.Add(1)
		return
	}
	end := (r.begin + r.n) % len(r.buf)
	n := copy(r.buf[end:], msg)
	copy(r.buf, msg[n:])
	r.n += len(msg)
}

// take moves bytes to b, as many as there are and fit, and reports whether a
// message was lost after them.
func (r *ring) take(b []byte) (n int, lost bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n = min(len(b), r.n)
	first := copy(b[:n], r.buf[r.begin:])
	copy(b[first:n], r.buf)
	r.begin = (r.begin + n) % len(r.buf)
	if r.n -= n; r.n > 0 {
		return n, false
	}
	lost, r.lost = r.lost, false
	return n, lost
}
