package rawmidi

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// reader reads a device on the calling thread until a context is done.
type reader struct {
	ctx  context.Context
	conn syscall.RawConn
	fds  [2]unix.PollFd // the device, and an eventfd that is readable once ctx is done

	buf  []byte
	n    int
	err  error
	read func(fd uintptr) // made once: a closure per Read would allocate
}

func newReader(ctx context.Context, f *os.File) (*reader, func(), error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil, nil, err
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, nil, os.NewSyscallError("eventfd", err)
	}
	woken := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(woken)
		unix.Write(wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	})
	r := &reader{ctx: ctx, conn: conn}
	r.fds[1] = unix.PollFd{Fd: int32(wake), Events: unix.POLLIN}
	r.read = r.wait
	return r, func() {
		if !cancel() {
			<-woken // else it could write to whatever gets this number next
		}
		unix.Close(wake)
	}, nil
}

// Read waits until there are bytes, or ctx is done: then it returns its
// cause.
func (r *reader) Read(b []byte) (int, error) {
	r.buf = b
	if err := r.conn.Control(r.read); err != nil {
		return 0, err
	}
	return r.n, r.err
}

func (r *reader) wait(fd uintptr) {
	r.fds[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	for {
		r.n, r.err = 0, nil
		_, err := unix.Poll(r.fds[:], -1)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			r.err = os.NewSyscallError("poll", err)
			return
		case r.fds[1].Revents != 0:
			r.err = context.Cause(r.ctx)
			return
		}
		// Poll says only that there is something to learn by a read.
		n, err := unix.Read(int(fd), r.buf)
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			r.err = os.NewSyscallError("read", err)
		case n == 0:
			r.err = io.EOF
		default:
			r.n = n
		}
		return
	}
}
