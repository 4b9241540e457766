package runner

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/isobooth/isobooth/runner/wire"
	"golang.org/x/sys/unix"
)

// pipes are the host's ends of a booth's trigger and reply pipe. They are
// plain descriptors: Go's poller, with its wake-up of another thread, is what
// the event path must avoid. Not safe for concurrent use; close after the
// last use.
type pipes struct {
	w, r int
	in   []byte // wire.Max bytes
}

// newPipes makes both pipes; theirs are the worker's ends, for the jailer.
// Writing to ours does not block, reading does, and the worker cannot change
// either: a pipe's two ends are two open file descriptions, pipe(7).
func newPipes() (p *pipes, theirs [2]*os.File, err error) {
	var t, r [2]int
	if err := unix.Pipe2(t[:], unix.O_CLOEXEC); err != nil {
		return nil, theirs, os.NewSyscallError("pipe2", err)
	}
	if err := unix.Pipe2(r[:], unix.O_CLOEXEC); err != nil {
		unix.Close(t[0])
		unix.Close(t[1])
		return nil, theirs, os.NewSyscallError("pipe2", err)
	}
	p = &pipes{w: t[1], r: r[0], in: make([]byte, wire.Max)}
	theirs = [2]*os.File{os.NewFile(uintptr(t[0]), "trigger pipe"), os.NewFile(uintptr(r[1]), "reply pipe")}
	if err := unix.SetNonblock(p.w, true); err != nil {
		p.close()
		theirs[0].Close()
		theirs[1].Close()
		return nil, theirs, os.NewSyscallError("fcntl", err)
	}
	return p, theirs, nil
}

func (p *pipes) close() {
	unix.Close(p.w)
	unix.Close(p.r)
}

// send writes a whole frame.
func (p *pipes) send(frame []byte, deadline time.Time) error {
	for len(frame) > 0 {
		n, err := unix.Write(p.w, frame)
		switch err {
		case nil:
			frame = frame[n:]
		case unix.EINTR:
		case unix.EAGAIN:
			// Only a frame larger than the pipe comes here: there is never
			// more than one on its way.
			if err := wait(p.w, unix.POLLOUT, time.Until(deadline)); err != nil {
				return err
			}
		default:
			return os.NewSyscallError("write", err)
		}
	}
	return nil
}

// receive reads one frame, valid until the next call, and returns how many
// bytes are there. It returns io.EOF when the worker is gone, ErrTimeout at
// the deadline, or an error that wraps wire.ErrFrame. A frame can be read in
// several calls: have is what the call before returned, 0 for a new one.
func (p *pipes) receive(have int, deadline time.Time) (head wire.Head, frame []byte, got int, err error) {
	for {
		if head, frame, err = p.whole(have); frame != nil || err != nil {
			return head, frame, have, err
		}
		if err := wait(p.r, unix.POLLIN, time.Until(deadline)); err != nil {
			return head, nil, have, err
		}
		if have, err = p.read(have); err != nil && err != unix.EINTR {
			return head, nil, have, err
		}
	}
}

// receiveNow is receive for a Lane: it waits in read itself, one system call
// less, and returns ErrTimeout when the lane's watchdog interrupts it.
func (p *pipes) receiveNow() (head wire.Head, frame []byte, got int, err error) {
	have := 0
	for {
		if have, err = p.read(have); err == unix.EINTR {
			err = ErrTimeout
		}
		if err != nil {
			return head, nil, have, err
		}
		if head, frame, err = p.whole(have); frame != nil || err != nil {
			return head, frame, have, err
		}
	}
}

// whole returns the frame when all of it is among the first have bytes; nil
// when there is more to come.
func (p *pipes) whole(have int) (head wire.Head, frame []byte, err error) {
	if have < wire.Header {
		return head, nil, nil
	}
	head, err = wire.ParseHead(p.in[:have])
	switch {
	case err != nil:
	case have > head.Size:
		err = fmt.Errorf("%w: %d bytes after the frame", wire.ErrFrame, have-head.Size)
	case have == head.Size:
		frame = p.in[:have]
	}
	return head, frame, err
}

func (p *pipes) read(have int) (int, error) {
	n, err := unix.Read(p.r, p.in[have:])
	switch {
	case err == unix.EINTR:
		return have, err
	case err != nil:
		return have, os.NewSyscallError("read", err)
	case n == 0:
		return have, io.EOF
	}
	return have + n, nil
}

// wait blocks the thread until fd is ready, for at most d. A descriptor whose
// other end is closed is ready.
func wait(fd int, events int16, d time.Duration) error {
	p := [1]unix.PollFd{{Fd: int32(fd), Events: events}}
	ts := unix.NsecToTimespec(int64(max(d, 0)))
	n, err := unix.Ppoll(p[:], &ts, nil)
	switch {
	case err == unix.EINTR:
		return nil // the caller tries and comes back
	case err != nil:
		return os.NewSyscallError("ppoll", err)
	case n == 0:
		return ErrTimeout
	}
	return nil
}
