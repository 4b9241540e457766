package jail

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"
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

// include/uapi/linux/seccomp.h; x/sys/unix lacks these two.
const (
	ioctlNotifRecv = 0xc0502100
	ioctlNotifSend = 0xc0182101
	// Linux 6.6: wake the listener, and the caller again, on the processor of
	// the other, which then sleeps.
	ioctlNotifSetFlags = 0x40082104
	notifSyncWakeUp    = 1
)

// listener answers the calls of one booth. All of a booth's tasks share the
// one filter and so this listener.
type listener struct {
	f      *os.File
	policy *control.Policy
	phase  atomic.Int32
	open   bool // let everything continue: a self-test left the filter out
	denied func(control.Denial)
	// standby is closed when the worker asks for its plugin the first time.
	standby chan struct{}
	once    sync.Once
	broker  *broker              // nil without network grants
	quota   int                  // refused calls within quotaWindow that end the booth
	counts  map[denialKey]uint64 // only serve touches this and what follows
	window  time.Time            // when the count below began
	recent  int                  // refused calls in it
}

const quotaWindow = time.Minute

type denialKey struct {
	nr int32
	p  phase
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
	return &listener{
		f: os.NewFile(uintptr(fd), "seccomp listener"), policy: &p.Policy, quota: p.Denials, open: open, denied: denied,
		standby: make(chan struct{}), counts: map[denialKey]uint64{},
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
	raw, err := l.f.SyscallConn()
	if err != nil {
		return
	}
	// Returning false waits for the next edge, so take all there is first.
	_ = raw.Read(func(fd uintptr) bool {
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
				l.answer(int(fd))
			case n > 0 && p[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0:
				return true
			default:
				return false
			}
		}
	})
}

func (l *listener) answer(fd int) {
	var n notification
	// ENOENT: the task died meanwhile.
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), ioctlNotifRecv, uintptr(unsafe.Pointer(&n))); e != 0 {
		return
	}
	p := phase(l.phase.Load())
	if n.nr == unix.SYS_RECVMSG && p == phaseBoot {
		l.once.Do(func() { close(l.standby) })
	}
	if l.broker != nil && l.broker.takes(&n, p) {
		return
	}
	r := response{id: n.id}
	if l.open || p != phaseRun && l.continues(&n) {
		// seccomp_unotify(2) warns that another thread can change what a
		// pointer leads to. The profile names only calls here that are
		// harmless inside the booth whatever their arguments become.
		r.flags = unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE
	} else {
		r.err = -int32(unix.EPERM)
		l.count(&n, p)
	}
	_, _, _ = unix.Syscall(unix.SYS_IOCTL, uintptr(fd), ioctlNotifSend, uintptr(unsafe.Pointer(&r)))
}

func (l *listener) continues(n *notification) bool {
	for _, all := range l.policy.Load[int(n.nr)] {
		ok := true
		for _, c := range all {
			ok = ok && n.args[c.Arg]&c.Mask == c.Value
		}
		if ok {
			return true
		}
	}
	return false
}

func (l *listener) count(n *notification, p phase) {
	k := denialKey{n.nr, p}
	l.counts[k]++
	if now := time.Now(); now.Sub(l.window) >= quotaWindow {
		l.window, l.recent = now, 0
	}
	l.recent++
	over := l.recent == l.quota
	if c := l.counts[k]; c&(c-1) == 0 || over {
		l.denied(control.Denial{Call: l.policy.Names[int(n.nr)], Nr: int(n.nr), Phase: p.String(), Args: n.args, Count: c, Quota: over})
	}
}

func (l *listener) close() { l.f.Close() }
