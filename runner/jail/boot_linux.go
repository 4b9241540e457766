package jail

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/isobooth/isobooth/runner/control"
	"golang.org/x/sys/unix"
)

// The worker's control socket; runner/worker/control.h draws the order of its
// messages and is the other end.
const (
	bootMagic = 0x69736231
	entryLen  = 64
	// bootTime bounds each step of a worker's start. They take milliseconds;
	// a machine under heavy load may need a second or two.
	bootTime = 10 * time.Second
)

// layerByExit names the layer for each exit code in runner/worker/confine.h.
var layerByExit = map[int]string{
	64: "descriptors",
	65: "rlimits",
	66: "landlock",
	67: "no_new_privs",
	68: "seccomp",
	69: "worker",
}

// sendBoot sends the limits and the filter. newPrivs is for a self-test that
// does without no_new_privs.
func sendBoot(sock *os.File, p *control.Prepare, newPrivs bool) error {
	b := binary.NativeEndian.AppendUint32(nil, bootMagic)
	var flags uint32
	if p.Landlock {
		flags |= 1
	}
	if newPrivs {
		flags |= 2
	}
	b = binary.NativeEndian.AppendUint32(b, flags)
	b = binary.NativeEndian.AppendUint32(b, uint32(len(p.Rlimits)))
	b = binary.NativeEndian.AppendUint32(b, uint32(len(p.Policy.BPF)))
	for _, l := range p.Rlimits {
		b = binary.NativeEndian.AppendUint32(b, l.Resource)
		b = binary.NativeEndian.AppendUint32(b, 0)
		b = binary.NativeEndian.AppendUint64(b, l.Max)
	}
	_, err := sock.Write(append(b, p.Policy.BPF...))
	return err
}

// receiveConfined waits until the worker has confined itself. The answer is
// trustworthy: nothing but our own code has run in the worker yet.
func receiveConfined(sock *os.File) (landlockABI uint32, listener int, err error) {
	const size = 16
	var b [size + 1]byte // one more, so that a longer message is seen as such
	n, err := sock.Read(b[:])
	if err != nil {
		return 0, 0, err
	}
	if n != size || binary.NativeEndian.Uint32(b[:]) != bootMagic {
		return 0, 0, errors.New("internal error: worker sent another message than it should")
	}
	return binary.NativeEndian.Uint32(b[4:]), int(int32(binary.NativeEndian.Uint32(b[8:]))), nil
}

// sendLoad hands the plugin over; the worker closes its end when it has it.
func sendLoad(sock *os.File, l *control.Load, files []*os.File) error {
	if len(l.Entry) >= entryLen || len(files) == 0 {
		return fmt.Errorf("internal error: load %q with %d files", l.Entry, len(files))
	}
	b := binary.NativeEndian.AppendUint32(nil, bootMagic)
	b = binary.NativeEndian.AppendUint32(b, uint32(l.Kind))
	b = binary.NativeEndian.AppendUint32(b, uint32(len(files)))
	b = append(b, l.Entry...)
	b = append(b, make([]byte, entryLen-len(l.Entry))...)
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	raw, err := sock.SyscallConn()
	if err != nil {
		return err
	}
	var serr error
	err = raw.Write(func(fd uintptr) bool {
		serr = unix.Sendmsg(int(fd), b, unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL)
		return serr != unix.EAGAIN
	})
	return errors.Join(err, os.NewSyscallError("sendmsg", serr))
}
