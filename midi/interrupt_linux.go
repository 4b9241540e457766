package midi

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// interruptible returns a reader of r whose Read ends when ctx does. stop
// frees what that takes, not r.
func interruptible(ctx context.Context, r io.Reader) (rd io.Reader, stop func(), err error) {
	if f, ok := r.(*os.File); ok {
		return newPolled(ctx, f)
	}
	rd, stop = newRelay(ctx, r)
	return rd, stop, nil
}

// polled waits for a file with poll(2) before it reads. Setting a deadline
// would be shorter but does not work on standard input, which Go leaves in
// blocking mode; making it non-blocking would do so for every other process
// that shares it, the shell among them. Waiting in poll instead of Go's
// poller also keeps the goroutine on its thread.
type polled struct {
	ctx  context.Context
	file *os.File
	conn syscall.RawConn
	wake int // eventfd, readable once ctx is done

	fds  [2]unix.PollFd
	poll func(fd uintptr) // made once: a closure per Read would allocate
	err  error            // of poll
}

func newPolled(ctx context.Context, f *os.File) (io.Reader, func(), error) {
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
		// The counter is 0 and takes 1: this write cannot fail.
		unix.Write(wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	})
	stop := func() {
		if !cancel() {
			<-woken // else it could write to whatever gets this number next
		}
		unix.Close(wake)
	}
	p := &polled{ctx: ctx, file: f, conn: conn, wake: wake}
	p.poll = p.wait
	return p, stop, nil
}

func (p *polled) Read(b []byte) (int, error) {
	if p.conn.Control(p.poll) != nil {
		return p.file.Read(b) // it was closed; Read says so with os.ErrClosed
	}
	if p.err != nil {
		return 0, os.NewSyscallError("poll", p.err)
	}
	if p.fds[1].Revents != 0 {
		return 0, context.Cause(p.ctx)
	}
	return p.file.Read(b)
}

// wait returns when the file can be read without blocking, has ended or
// failed, all of which Read reports, or when ctx is done.
func (p *polled) wait(fd uintptr) {
	p.fds = [2]unix.PollFd{
		{Fd: int32(fd), Events: unix.POLLIN},
		{Fd: int32(p.wake), Events: unix.POLLIN},
	}
	for {
		_, p.err = unix.Poll(p.fds[:], -1)
		if !errors.Is(p.err, unix.EINTR) {
			return
		}
	}
}
