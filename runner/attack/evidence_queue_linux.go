package attack

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// PosixQueue is a POSIX message queue of this machine, named by the nonce,
// that must not come into being.
func PosixQueue(p *probe) (trap, error) { return posixQueue(p.nonce), nil }

type posixQueue string

// unlink removes the queue; ok is whether there was one.
func (q posixQueue) unlink() (ok bool, err error) {
	name, err := unix.BytePtrFromString(string(q))
	if err != nil {
		return false, err
	}
	_, _, e := unix.Syscall(unix.SYS_MQ_UNLINK, uintptr(unsafe.Pointer(name)), 0, 0)
	if e != 0 && e != unix.ENOENT {
		return false, os.NewSyscallError("mq_unlink", e)
	}
	return e == 0, nil
}

func (q posixQueue) sprung() (string, error) {
	ok, err := q.unlink()
	if !ok {
		return "", err
	}
	return "a POSIX message queue was made", nil
}

func (q posixQueue) reset() error { return q.close() }

func (q posixQueue) close() error { _, err := q.unlink(); return err }
