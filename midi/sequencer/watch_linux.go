//go:build 386 || amd64 || arm || arm64 || loong64 || riscv64 || s390x

package sequencer

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/isobooth/isobooth/midi"
	"golang.org/x/sys/unix"
)

// announce is where the sequencer says which clients and ports come and go.
var announce = Addr{0, 1}

// Layout and kinds of the events that the kernel sends.
const (
	eventSize       = 28
	eventSource     = 12 // address
	eventData       = 16 // an address, or the length of what follows the event
	eventVariable   = 1 << 2
	eventClientExit = 61
	eventPortExit   = 64
)

// Watch tells that a port has gone, or that it has sent something. A port
// that was replaced at once by another at its address has gone, too: nobody
// is connected to that. One goroutine uses a Watch at a time.
type Watch struct {
	h       handle
	own     Addr
	addr    Addr
	buf     []byte
	listens bool
	gone    bool
}

// NewWatch watches the port at addr from now on. If there is none, the error
// wraps midi.ErrNoSuchPort.
func NewWatch(addr Addr) (*Watch, error) {
	h, err := open()
	if err != nil {
		return nil, err
	}
	w := &Watch{h: h, addr: addr, buf: make([]byte, 16*eventSize)}
	if err := w.begin(); err != nil {
		h.close()
		return nil, fmt.Errorf("watch MIDI port %v: %w", addr, err)
	}
	return w, nil
}

func (w *Watch) begin() error {
	own, err := w.h.client()
	if err != nil {
		return err
	}
	info := clientInfo{client: int32(own)}
	if err := ioctl(w.h, callGetClient, &info); err != nil {
		return err
	}
	info.name = [64]byte{}
	copy(info.name[:], "isobooth watch")
	if err := ioctl(w.h, callSetClient, &info); err != nil {
		return err
	}
	// Others can neither see the port nor connect to it.
	port := portInfo{addr: Addr{Client: uint8(own)}, caps: CapWrite | capNoExport}
	if err := ioctl(w.h, callCreatePort, &port); err != nil {
		return err
	}
	w.own = port.addr
	if err := ioctl(w.h, callSubscribe, &subscription{sender: announce, dest: w.own}); err != nil {
		return err
	}
	// What goes after this is announced.
	if ioctl(w.h, callGetPort, &portInfo{addr: w.addr}) != nil {
		return midi.ErrNoSuchPort
	}
	return nil
}

// Listen makes Look and Waiter.Wait tell of what the port sends. The kernel
// gives a message to those who are connected to a port in the order in which
// they came: who wants to be told when a library can read a message calls
// Listen after the library has opened the port, and again after it has opened
// it again. What came between is not told. The first call is not for while
// another goroutine uses w; the others are.
func (w *Watch) Listen() error {
	s := subscription{sender: w.addr, dest: w.own}
	if !w.listens {
		// Room for all that the kernel keeps: it returns no message in part.
		w.buf = make([]byte, poolMax*eventSize)
		if err := w.h.widen(); err != nil {
			return err
		}
		w.listens = true
	} else if err := ioctl(w.h, callLeave, &s); err != nil {
		return err
	}
	return ioctl(w.h, callSubscribe, &s)
}

// Connected reports whether the port that Listen was called for is still
// there. Any goroutine may call it.
func (w *Watch) Connected() bool {
	return w.listens && ioctl(w.h, callConnected, &subscription{sender: w.addr, dest: w.own}) == nil
}

// Look reports whether the port has sent something since the last call, and
// whether it has gone. It does not wait.
func (w *Watch) Look() (sent, gone bool) {
	for !w.gone {
		n, err := unix.Read(int(w.h), w.buf)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN), err == nil && n < eventSize:
			return sent, false
		case err != nil:
			// ENOSPC: there was so much that some of it was lost, perhaps
			// the end of the port. Its connections ended with it.
			sent = true
			w.gone = !w.Connected()
		default:
			sent = w.take(w.buf[:n]) || sent
		}
	}
	return sent, true
}

// take looks at what was read.
func (w *Watch) take(events []byte) (sent bool) {
	for len(events) >= eventSize {
		e := events[:eventSize]
		events = events[eventSize:]
		if e[1]&eventVariable != 0 {
			length := int(binary.NativeEndian.Uint32(e[eventData:]))
			length = (length + eventSize - 1) / eventSize * eventSize
			events = events[min(length, len(events)):]
		}
		if (Addr{e[eventSource], e[eventSource+1]}) != announce {
			sent = true
			continue
		}
		about := Addr{e[eventData], e[eventData+1]}
		switch e[0] {
		case eventClientExit:
			w.gone = w.gone || about.Client == w.addr.Client
		case eventPortExit:
			w.gone = w.gone || about == w.addr
		}
	}
	return sent
}

// Close ends the watch.
func (w *Watch) Close() { w.h.close() }

// Addr returns the address of the port.
func (w *Watch) Addr() Addr { return w.addr }
