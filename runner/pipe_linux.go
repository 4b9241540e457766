package runner

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/isobooth/isobooth/runner/wire"
	"golang.org/x/sys/unix"
)

// pipes are the host's ends of a booth's trigger and reply pipe. They are
// plain descriptors: Go's poller, with its wake-up of another thread, is what
// the event path must avoid. Not safe for concurrent use; close after the
// last use.
type pipes struct {
	w  int    // does not block
	r  int    // blocks: a lane sleeps in it, and its watchdog interrupts that
	rn int    // the same pipe, does not block: for reads with a deadline
	in []byte // wire.Max bytes
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
	p = &pipes{w: t[1], r: r[0], rn: -1, in: make([]byte, wire.Max)}
	theirs = [2]*os.File{os.NewFile(uintptr(t[0]), "trigger pipe"), os.NewFile(uintptr(r[1]), "reply pipe")}
	if err := p.prepare(); err != nil {
		p.close()
		theirs[0].Close()
		theirs[1].Close()
		return nil, theirs, err
	}
	return p, theirs, nil
}

func (p *pipes) prepare() (err error) {
	if err := unix.SetNonblock(p.w, true); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	// sendNow relies on an empty pipe taking any frame. A user with very many
	// pipes gets smaller ones, pipe(7).
	size, err := unix.FcntlInt(uintptr(p.w), unix.F_GETPIPE_SZ, 0)
	if err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	if size < wire.Max {
		return fmt.Errorf("a pipe holds %d bytes, %d are needed: this user has too many pipes open (fs.pipe-user-pages-soft)", size, wire.Max)
	}
	// A second open file description, for a flag of its own.
	p.rn, err = unix.Open("/proc/self/fd/"+strconv.Itoa(p.r), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: "reply pipe", Err: err}
	}
	return errors.Join(closeInode(p.w), closeInode(p.r))
}

// closeInode keeps a plugin, who is the same user outside when we are not
// root, from opening its pipe again the other way through /proc/self/fd;
// Landlock does not govern pipes. Descriptors that are open go on working.
func closeInode(fd int) error { return os.NewSyscallError("fchmod", unix.Fchmod(fd, 0)) }

func (p *pipes) close() {
	unix.Close(p.w)
	unix.Close(p.r)
	if p.rn >= 0 {
		unix.Close(p.rn)
	}
}

// sendNow writes a whole frame without waiting. There is room: a frame is
// only written after the reply to the one before, so the pipe is empty,
// unless the plugin answers what it has not read, or has made the pipe smaller
// by its own end, fcntl(2), F_SETPIPE_SZ.
func (p *pipes) sendNow(frame []byte) error {
	for {
		n, err := unix.Write(p.w, frame)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN || err == nil && n < len(frame):
			return fmt.Errorf("%w: no room for a trigger: it answered one that it had not read, or shrank the pipe", wire.ErrFrame)
		case err != nil:
			return os.NewSyscallError("write", err)
		default:
			return nil
		}
	}
}

// send writes a whole frame, until the deadline. Not for a lane.
func (p *pipes) send(frame []byte, deadline time.Time) error {
	for len(frame) > 0 {
		n, err := unix.Write(p.w, frame)
		switch err {
		case nil:
			frame = frame[n:]
		case unix.EINTR:
		case unix.EAGAIN:
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
		if err := wait(p.rn, unix.POLLIN, time.Until(deadline)); err != nil {
			return head, nil, have, err
		}
		// What ppoll saw may be gone again: it is the plugin's pipe, too.
		if have, err = p.read(p.rn, have); err != nil && err != unix.EINTR && err != unix.EAGAIN {
			return head, nil, have, err
		}
	}
}

// receiveNow is receive for a Lane: it waits in read itself, one system call
// less, and returns ErrTimeout when the lane's watchdog interrupts it, or when
// only a part of a frame is there: a worker writes a frame at once, and one
// that comes byte by byte, without the lane ever sleeping, would hold it up.
func (p *pipes) receiveNow() (head wire.Head, frame []byte, have int, err error) {
	if have, err = p.read(p.r, 0); err == unix.EINTR {
		err = ErrTimeout
	}
	if err == nil {
		head, frame, err = p.whole(have)
	}
	if err == nil && frame == nil {
		err = ErrTimeout
	}
	return head, frame, have, err
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

func (p *pipes) read(fd, have int) (int, error) {
	n, err := unix.Read(fd, p.in[have:])
	switch {
	case err == unix.EINTR || err == unix.EAGAIN:
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
