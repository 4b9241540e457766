//go:build 386 || amd64 || arm || arm64 || loong64 || riscv64 || s390x

package sequencer

import (
	"errors"
	"os"
	"sync"

	"github.com/isobooth/isobooth/midi"
	"golang.org/x/sys/unix"
)

// Waiter lets a goroutine sleep until there is something for it to do.
type Waiter struct {
	watch *Watch
	fds   [2]unix.PollFd

	mu   sync.Mutex
	wake int // eventfd, -1 once closed
}

// NewWaiter makes a Waiter for watch, which may be nil. Closing watch remains
// with the caller.
func NewWaiter(watch *Watch) (*Waiter, error) {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	w := &Waiter{watch: watch, wake: wake}
	w.fds[0] = unix.PollFd{Fd: int32(wake), Events: unix.POLLIN}
	w.fds[1] = unix.PollFd{Fd: -1, Events: unix.POLLIN} // poll passes over it
	if watch != nil {
		w.fds[1].Fd = int32(watch.h)
	}
	return w, nil
}

// Wait returns after Wake, or when the port that is watched has sent
// something, or with midi.ErrGone when it has gone. One goroutine at a time
// may call it, and stays on its thread.
func (w *Waiter) Wait() error {
	for {
		_, err := unix.Poll(w.fds[:], -1)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return os.NewSyscallError("poll", err)
		}
		woken := w.fds[0].Revents != 0
		if woken {
			var count [8]byte
			unix.Read(int(w.fds[0].Fd), count[:]) // makes it 0
		}
		sent := false
		if w.fds[1].Revents != 0 {
			var gone bool
			if sent, gone = w.watch.Look(); gone {
				return midi.ErrGone
			}
		}
		if woken || sent {
			return nil
		}
	}
}

// Wake ends the Wait that goes on, or the next. Any goroutine may call it.
func (w *Waiter) Wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wake >= 0 {
		// A counter that is full is readable as well.
		unix.Write(w.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

// Close frees what w takes; nobody may be in Wait.
func (w *Waiter) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	unix.Close(w.wake)
	w.wake = -1
}
