package attack

import (
	"math/rand/v2"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Queue is a System V message queue of this machine, with key p.shm, that
// must not come into being.
func Queue(p *probe) (trap, error) {
	p.parameters.Shm = rand.Int32N(1<<30) + 1
	return &object{"a message queue", "msgget", unix.SYS_MSGGET, unix.SYS_MSGCTL, uintptr(p.parameters.Shm)}, nil
}

// Semaphores is likewise a set of System V semaphores.
func Semaphores(p *probe) (trap, error) {
	p.parameters.Shm = rand.Int32N(1<<30) + 1
	return &object{"a set of semaphores", "semget", unix.SYS_SEMGET, unix.SYS_SEMCTL, uintptr(p.parameters.Shm)}, nil
}

// object is found by its key, msgget(2) and semget(2).
type object struct {
	what, call    string
	get, ctl, key uintptr
}

func (o *object) id() (id uintptr, ok bool, err error) {
	// Without IPC_CREAT; of semaphores, any number of them.
	id, _, e := unix.Syscall(o.get, o.key, 0, 0)
	switch e {
	case 0:
		return id, true, nil
	case unix.ENOENT:
		return 0, false, nil
	}
	return 0, false, os.NewSyscallError(o.call, e)
}

func (o *object) sprung() (string, error) {
	if _, ok, err := o.id(); !ok {
		return "", err
	}
	return o.what + " was made", nil
}

func (o *object) reset() error { return o.close() }

func (o *object) close() error {
	id, ok, err := o.id()
	if !ok {
		return err
	}
	// Both calls have the command in another place; 0 is IPC_RMID, and what
	// is not the command is not looked at.
	if _, _, e := unix.Syscall6(o.ctl, id, unix.IPC_RMID, unix.IPC_RMID, 0, 0, 0); e != 0 {
		return os.NewSyscallError("remove "+o.what, e)
	}
	return nil
}

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
