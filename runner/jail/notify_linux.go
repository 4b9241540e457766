package jail

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/isobooth/isobooth/runner/control"
	"golang.org/x/sys/unix"
)

// phase decides what the calls that a filter hands over are answered.
type phase int32

const (
	phaseBoot phase = iota // the worker's own code, up to its first recvmsg
	phaseLoad              // the loader, the plugin's constructors and start
	phaseRun               // for good
)

func (p phase) String() string {
	if p == phaseRun {
		return "run"
	}
	return "load"
}

// seccomp_unotify(2), struct seccomp_notif and struct seccomp_notif_resp.
type notification struct {
	id    uint64
	pid   uint32
	flags uint32
	nr    int32
	arch  uint32
	ip    uint64
	args  [6]uint64
}

type response struct {
	id    uint64
	val   int64
	err   int32
	flags uint32
}

// include/uapi/linux/seccomp.h; x/sys/unix lacks these.
const (
	ioctlNotifRecv = 0xc0502100
	ioctlNotifSend = 0xc0182101
	// With the direction that Linux 5.8, and the stable kernels then, gave it.
	ioctlNotifIDValid = 0x40082102
	// Linux 6.6: wake the listener, and the caller again, on the processor of
	// the other, which then sleeps.
	ioctlNotifSetFlags = 0x40082104
	notifSyncWakeUp    = 1
)

// listener answers the calls of one booth. All of a booth's tasks share the
// one filter and so this listener.
type listener struct {
	f      *os.File
	raw    syscall.RawConn // of f
	policy *control.Policy
	phase  atomic.Int32
	open   bool // let everything continue: a self-test left the filter out
	// standby is closed when the worker asks for its plugin the first time.
	standby chan struct{}
	once    sync.Once
	refused *refusals
	broker  *broker // nil without network grants
}

func newListener(fd int, p *control.Prepare, open bool, denied func(control.Denial)) (*listener, error) {
	if err := checkSizes(); err != nil {
		unix.Close(fd)
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	// It only makes them faster; older kernels do without.
	_, _, _ = unix.Syscall(unix.SYS_IOCTL, uintptr(fd), ioctlNotifSetFlags, notifSyncWakeUp)
	f := os.NewFile(uintptr(fd), "seccomp listener")
	raw, err := f.SyscallConn()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &listener{
		f: f, raw: raw, policy: &p.Policy, open: open,
		standby: make(chan struct{}), refused: newRefusals(p, denied),
	}, nil
}

// checkSizes fails when this kernel's structures are larger than ours.
func checkSizes() error {
	var sizes [3]uint16 // notif, response, data
	const getNotifSizes = 3
	if _, _, e := unix.Syscall(unix.SYS_SECCOMP, getNotifSizes, 0, uintptr(unsafe.Pointer(&sizes))); e != 0 {
		return os.NewSyscallError("seccomp", e)
	}
	if uintptr(sizes[0]) > unsafe.Sizeof(notification{}) || uintptr(sizes[1]) > unsafe.Sizeof(response{}) {
		return errors.New("the kernel's seccomp notification is larger than this program knows")
	}
	return nil
}

// setPhase takes effect for every call that is answered after it returns.
func (l *listener) setPhase(p phase) { l.phase.Store(int32(p)) }

// serve answers until all tasks of the booth are gone or the listener is
// closed. A booth without a listener fails its refused calls with ENOSYS.
func (l *listener) serve() {
	// Returning false waits for the next edge, so take all there is first.
	_ = l.raw.Read(func(fd uintptr) bool {
		for {
			// The receive itself would block when there is nothing, whatever
			// the file's flags; there is no other reader.
			p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			n, err := unix.Poll(p, 0)
			switch {
			case err == unix.EINTR:
				continue
			case err != nil:
				return true
			case n > 0 && p[0].Revents&unix.POLLIN != 0:
				l.answer()
			case n > 0 && p[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0:
				return true
			default:
				return false
			}
		}
	})
}

func (l *listener) answer() {
	var n notification
	// ENOENT: the task died meanwhile.
	if l.ioctl(ioctlNotifRecv, unsafe.Pointer(&n)) != nil {
		return
	}
	p := phase(l.phase.Load())
	if n.nr == unix.SYS_RECVMSG && p == phaseBoot {
		l.once.Do(func() { close(l.standby) })
	}
	d := l.decide(&n, p)
	if d.verdict == taken {
		return
	}
	if d.report {
		l.report(&n, p, d) // before the plugin can go on and end
	}
	l.respond(n.id, d)
}

// respond lets a held call go. A task that is gone needs no answer. Safe to
// call from any goroutine.
func (l *listener) respond(id uint64, d decision) {
	r := response{id: id}
	if d.verdict == goesOn {
		r.flags = unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE
	} else {
		r.err = -int32(d.errno)
	}
	_ = l.ioctl(ioctlNotifSend, unsafe.Pointer(&r))
}

// valid reports whether the call is still held. Only then was what was read of
// its task, by its number, read of that task and no other; seccomp_unotify(2).
func (l *listener) valid(id uint64) bool {
	return l.ioctl(ioctlNotifIDValid, unsafe.Pointer(&id)) == nil
}

// ioctl keeps the descriptor from being closed, and its number from becoming
// that of another file, meanwhile.
func (l *listener) ioctl(request uintptr, arg unsafe.Pointer) error {
	var e unix.Errno
	err := l.raw.Control(func(fd uintptr) {
		_, _, e = unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(arg))
	})
	if err == nil && e != 0 {
		err = e
	}
	return err
}

func (l *listener) close() { l.f.Close() }
