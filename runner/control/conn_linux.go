package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Conn is one end of the socket pair. One goroutine may receive while any
// number send.
type Conn struct {
	f      *os.File
	closed atomic.Bool
	send   sync.Mutex
	buf    []byte
	oob    []byte
}

// Pair makes both ends; the second is for the jailer's process.
func Pair() (*Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	return NewConn(os.NewFile(uintptr(fds[0]), "control")), os.NewFile(uintptr(fds[1]), "control-jailer"), nil
}

// NewConn wraps an end and owns it. The descriptor must be non-blocking.
func NewConn(f *os.File) *Conn {
	return &Conn{f: f, buf: make([]byte, MaxMessage), oob: make([]byte, unix.CmsgSpace(4*MaxFiles))}
}

// Close ends the connection; a blocked Receive returns.
func (c *Conn) Close() error {
	c.closed.Store(true)
	return c.f.Close()
}

// Send writes v as JSON with files, which stay the caller's.
func (c *Conn) Send(v any, files ...*os.File) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode control message: %w", err)
	}
	if len(data) > MaxMessage || len(files) > MaxFiles {
		return fmt.Errorf("control message: %d bytes and %d files are too many", len(data), len(files))
	}
	var oob []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			// A raw number, not f.Fd(): that would make the file blocking.
			if err := withFD(f, func(fd int) { fds[i] = fd }); err != nil {
				return err
			}
		}
		oob = unix.UnixRights(fds...)
	}
	c.send.Lock()
	defer c.send.Unlock()
	raw, err := c.f.SyscallConn()
	if err != nil {
		return err
	}
	var serr error
	err = raw.Write(func(fd uintptr) bool {
		serr = unix.Sendmsg(int(fd), data, oob, nil, unix.MSG_NOSIGNAL)
		return serr != unix.EAGAIN
	})
	if err == nil && serr != nil {
		err = os.NewSyscallError("sendmsg", serr)
	}
	return err
}

// Receive decodes the next message into v and returns its files, which are
// the caller's to close. It returns io.EOF when either end is closed.
func (c *Conn) Receive(v any) ([]*os.File, error) {
	raw, err := c.f.SyscallConn()
	if err != nil {
		return nil, err
	}
	var n, oobn, flags int
	var rerr error
	err = raw.Read(func(fd uintptr) bool {
		for {
			n, oobn, flags, _, rerr = unix.Recvmsg(int(fd), c.buf, c.oob, unix.MSG_CMSG_CLOEXEC)
			if rerr != unix.EINTR {
				return rerr != unix.EAGAIN
			}
		}
	})
	if err == nil && rerr != nil {
		err = os.NewSyscallError("recvmsg", rerr)
	}
	if errors.Is(err, unix.ECONNRESET) || err == nil && n == 0 || err != nil && c.closed.Load() {
		return nil, io.EOF
	}
	if err != nil {
		return nil, err
	}
	files, err := takeFiles(c.oob[:oobn])
	if err == nil && flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		err = errors.New("control message cut off")
	}
	if err == nil {
		err = json.Unmarshal(c.buf[:n], v)
	}
	if err != nil {
		CloseFiles(files)
		return nil, fmt.Errorf("receive control message: %w", err)
	}
	return files, nil
}

// CloseFiles closes every file, ignoring errors: they were only handed on.
func CloseFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

func takeFiles(oob []byte) ([]*os.File, error) {
	var files []*os.File
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, os.NewSyscallError("parse control message", err)
	}
	for _, m := range msgs {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue // not descriptors
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "received"))
		}
	}
	return files, nil
}

func withFD(f *os.File, fn func(fd int)) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(func(fd uintptr) { fn(int(fd)) })
}
