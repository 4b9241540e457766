package attack

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// NoObject is a System V key, p.shm, under which nobody may make anything.
func NoObject(p *probe) (trap, error) {
	o := object(rand.Int32N(1<<30) + 1)
	p.parameters.Shm = int32(o)
	if found, err := o.sprung(); found != "" || err != nil {
		return nil, errors.Join(err, errors.New("a System V object has the key already; "+found))
	}
	return o, nil
}

type object int32

// kinds are the three kinds of objects, by the call that finds one, and the
// one that removes it: number, and where its IPC_RMID stands.
var kinds = []struct {
	name        string
	get, remove uintptr
	size        bool // get has a size or a number between key and flags
	command     int  // position of the command among remove's arguments
}{
	{"segment of shared memory", unix.SYS_SHMGET, unix.SYS_SHMCTL, true, 1},
	{"message queue", unix.SYS_MSGGET, unix.SYS_MSGCTL, false, 1},
	{"semaphore", unix.SYS_SEMGET, unix.SYS_SEMCTL, true, 2},
}

// find calls f for each object that has the key.
func (o object) find(f func(kind int, id uintptr) error) error {
	for i, k := range kinds {
		id, _, errno := unix.Syscall(k.get, uintptr(o), 0, 0) // no flags, and no size: one that is there
		switch errno {
		case 0:
			if err := f(i, id); err != nil {
				return err
			}
		case unix.ENOENT:
		default:
			return os.NewSyscallError(k.name, errno)
		}
	}
	return nil
}

func (o object) sprung() (found string, err error) {
	err = o.find(func(kind int, _ uintptr) error {
		found += "a " + kinds[kind].name + " was made"
		return nil
	})
	return found, err
}

func (o object) reset() error { return o.close() }

func (o object) close() error {
	return o.find(func(kind int, id uintptr) error {
		args := [3]uintptr{id}
		args[kinds[kind].command] = unix.IPC_RMID
		if _, _, errno := unix.Syscall(kinds[kind].remove, args[0], args[1], args[2]); errno != 0 {
			return os.NewSyscallError(kinds[kind].name, errno)
		}
		return nil
	})
}

// Queue is a POSIX message queue that anyone may read, p.text, with one
// message, which must not leave the booth.
func Queue(p *probe) (trap, error) {
	q := &queue{leak: leak{p: p, text: p.secret}, name: "isobooth-" + p.nonce}
	if err := put(p.parameters.Text[:], q.name); err != nil {
		return nil, err
	}
	name, err := unix.BytePtrFromString(q.name)
	if err != nil {
		return nil, err
	}
	// struct mq_attr: flags, messages, bytes of one, messages there now.
	attributes := [8]int{1: 1, 2: 64}
	fd, _, errno := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(name)), unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC|unix.O_NONBLOCK,
		0o644, uintptr(unsafe.Pointer(&attributes)), 0, 0)
	if errno != 0 {
		return nil, os.NewSyscallError("mq_open", errno)
	}
	q.fd = int(fd)
	// Whatever the umask.
	return q, errors.Join(os.NewSyscallError("fchmod", unix.Fchmod(q.fd, 0o644)), q.fill())
}

type queue struct {
	leak
	name string
	fd   int
}

// fill sends the message; one that is there still is as good.
func (q *queue) fill() error {
	_, _, errno := unix.Syscall6(unix.SYS_MQ_TIMEDSEND, uintptr(q.fd), uintptr(unsafe.Pointer(unsafe.StringData(q.text))), uintptr(len(q.text)), 0, 0, 0)
	if errno != 0 && errno != unix.EAGAIN {
		return os.NewSyscallError("mq_timedsend", errno)
	}
	return nil
}

func (q *queue) reset() error { return q.fill() }

func (q *queue) close() error {
	name, err := unix.BytePtrFromString(q.name)
	if err != nil {
		return err
	}
	if _, _, errno := unix.Syscall(unix.SYS_MQ_UNLINK, uintptr(unsafe.Pointer(name)), 0, 0); errno != 0 {
		err = os.NewSyscallError("mq_unlink", errno)
	}
	return errors.Join(err, unix.Close(q.fd))
}

// NamedMemory is POSIX shared memory that anyone may read, p.secret, and whose
// content must not leave the booth.
func NamedMemory(p *probe) (trap, error) {
	path := filepath.Join("/dev/shm", "isobooth-"+p.nonce) // shm_overview(7)
	if err := os.WriteFile(path, []byte(p.secret), 0o644); err != nil {
		return nil, err
	}
	return leak{p, p.secret, func() error { return os.Remove(path) }}, put(p.parameters.Secret[:], path)
}
