package jail

import (
	"math"
	"net/netip"
	"os"
	"syscall"
	"time"
	"unsafe"

	"github.com/isobooth/isobooth/runner/control"
	"golang.org/x/sys/unix"
)

const (
	// connectTime is how long a connect may take before it fails with
	// ETIMEDOUT. A host that is on this network and off answers within a
	// second or, by its neighbours, after three.
	connectTime = 3 * time.Second
	// connectsAtOnce is how many connects of one booth may be under way; the
	// next fails with EAGAIN.
	connectsAtOnce = 8
	// A booth may connect so often, connectsBurst times at first and then
	// connectsRate times a second. Beyond that a connect is refused like one
	// that nothing grants, and counts towards the quota of refused calls.
	connectsBurst = 200
	connectsRate  = 100
)

// lastWorkerFD is the highest descriptor of a sealed worker: its log and its
// two pipes. None of them ever becomes a socket.
const lastWorkerFD = 4

// include/uapi/linux/seccomp.h, struct seccomp_notif_addfd. Linux 5.9.
type addFD struct {
	id       uint64
	flags    uint32
	from, to uint32 // descriptors: ours, the plugin's
	toFlags  uint32
}

const (
	ioctlNotifAddFD = 0x40182103
	addFDSet        = 1 // SECCOMP_ADDFD_FLAG_SETFD: the number is ours to say
	// Linux 5.17 gave this request the direction that it has; those before
	// take it, too.
	ioctlNotifHeld = 0x40082102 // SECCOMP_IOCTL_NOTIF_ID_VALID
)

// broker makes the connections that a booth's grants allow. The booth's own
// network is empty. When the plugin connects one of its sockets to a granted
// destination, the jailer makes a socket of the same kind in the host's
// network, connects it, and puts it in the place of the plugin's:
//
//	plugin                 kernel                jailer
//	connect(fd, addr) ───▶ held, handed over ──▶ copies addr, once
//	                                             looks at fd from outside
//	                                             decides on the copy
//	                                             socket, connect (host's network)
//	              fd is now the host's socket ◀─ ADDFD over the number fd
//	        returns 0 ◀─── let go ◀───────────── answer
//
// The call itself never continues: what its pointers lead to can change until
// the kernel looks. What is injected is connected, always.
type broker struct {
	raw       syscall.RawConn // of the listener
	allow     []control.Destination
	names     map[netip.Addr]string
	connected func(control.Connection)
	gone      <-chan struct{} // closed when the booth has ended
	slots     chan struct{}   // as many as connects are under way
	rate      bucket          // takes' own
}

// newBroker is for a booth with grants. gone ends what is under way.
func newBroker(listener *os.File, g *control.Grants, gone <-chan struct{}, connected func(control.Connection)) (*broker, error) {
	raw, err := listener.SyscallConn()
	if err != nil {
		return nil, err
	}
	b := &broker{
		raw: raw, allow: g.Network, names: map[netip.Addr]string{}, connected: connected, gone: gone,
		slots: make(chan struct{}, connectsAtOnce), rate: newBucket(connectsBurst, connectsRate),
	}
	// It knows the request if it looks for the descriptor.
	if e := b.ioctl(ioctlNotifAddFD, unsafe.Pointer(&addFD{flags: addFDSet, from: math.MaxUint32})); e != unix.EBADF {
		return nil, layerErrorf("seccomp", "network grants need SECCOMP_IOCTL_NOTIF_ADDFD, Linux 5.9: %w", e)
	}
	for _, h := range g.Hosts {
		if _, known := b.names[h.Addr]; !known {
			b.names[h.Addr] = h.Name
		}
	}
	return b, nil
}

// takes answers a held call, now or later, if it is a connect that a grant
// allows or that fails without one being asked. A call that it does not take
// is to be refused. Only one goroutine calls it; it does not wait for the
// network.
func (b *broker) takes(n *notification, p phase) bool {
	byName := len(b.names) > 0 && asksForNames(n)
	if n.nr != unix.SYS_CONNECT && !byName || p != phaseRun || !b.rate.take(time.Now()) {
		return false
	}
	if byName {
		b.answer(n.id, unix.EAFNOSUPPORT)
		return true
	}
	c, errno, refused := b.decide(n)
	switch {
	case refused:
		return false
	case c == nil:
		b.answer(n.id, errno)
		return true
	}
	select {
	case b.slots <- struct{}{}:
		go b.connect(n.id, c)
	default:
		c.close()
		b.answer(n.id, unix.EAGAIN)
	}
	return true
}

// asksForNames reports whether a call is one of the two sockets that glibc's
// getaddrinfo tries to open before it reads /etc/hosts: to nscd and, each time
// anew, to the kernel for this machine's addresses. It goes on without them.
// Counted as refused, a few names a second would quarantine a plugin.
func asksForNames(n *notification) bool {
	if n.nr != unix.SYS_SOCKET {
		return false
	}
	switch [3]uint32{uint32(n.args[0]), uint32(n.args[1]), uint32(n.args[2])} {
	case [3]uint32{unix.AF_UNIX, unix.SOCK_STREAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK, 0},
		[3]uint32{unix.AF_NETLINK, unix.SOCK_RAW | unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE}:
		return true
	}
	return false
}

// decide says what becomes of a connect: one is made, or it is refused, or it
// returns with errno, which may be 0.
func (b *broker) decide(n *notification) (c *connection, errno unix.Errno, refused bool) {
	fd := int32(n.args[0])
	if fd >= 0 && fd <= lastWorkerFD || n.pid == 0 {
		return nil, 0, true
	}
	family, to, errno := copySockaddr(int(n.pid), n.args[1], int32(n.args[2]))
	if errno != 0 {
		return nil, errno, false
	}
	s, errno := takeSocket(int(n.pid), fd)
	if errno != 0 {
		return nil, errno, false
	}
	defer s.close()
	// Only if the call is still held was all this of its task, and not of
	// another that has its number now; seccomp_unotify(2). The answer to one
	// that is gone goes nowhere.
	if !b.held(n.id) {
		return nil, unix.EINTR, false
	}
	switch {
	case !s.tcp() && !s.udp():
		return nil, 0, true
	case family == unix.AF_UNSPEC:
		// getaddrinfo does this to a datagram socket, connected or not. To
		// one that is not it means nothing. One that is keeps its peer: it
		// must not come to be unconnected in the host's network.
		return nil, 0, s.tcp() || s.connected
	case int(family) != s.domain:
		if family != unix.AF_INET && family != unix.AF_INET6 {
			return nil, 0, true
		}
		return nil, unix.EAFNOSUPPORT, false
	case !permitted(b.allow, s.udp(), to):
		// getaddrinfo connects a datagram socket to each address of a name, to
		// see which has a route, and goes on where that fails. No one is
		// refused anything then; such a socket would be a way out, though.
		if s.udp() && permitted(b.allow, false, to) {
			return nil, unix.ENETUNREACH, false
		}
		return nil, 0, true
	case s.tcp() && s.connected:
		return nil, unix.EISCONN, false
	}
	c, errno = s.replacement(to)
	return c, errno, false
}

// connect connects, injects and answers.
func (b *broker) connect(id uint64, c *connection) {
	defer func() { <-b.slots }()
	defer c.close()
	errno := c.connect(b.gone)
	if errno == 0 {
		if errno = b.inject(id, c); errno == 0 {
			b.connected(control.Connection{UDP: c.udp, To: c.to, Name: b.names[c.to.Addr()]})
		}
	}
	b.answer(id, errno)
}

// inject puts a connection over the plugin's own socket. Another thread may
// have closed that one or put something else there: then that is what is
// replaced, and it is the plugin's own as well.
func (b *broker) inject(id uint64, c *connection) unix.Errno {
	errno := unix.EBADF
	err := c.control(func(fd int) {
		a := addFD{id: id, flags: addFDSet, from: uint32(fd), to: uint32(c.number)}
		if c.closeOnExec {
			a.toFlags = unix.O_CLOEXEC
		}
		errno = b.ioctl(ioctlNotifAddFD, unsafe.Pointer(&a))
	})
	if err != nil {
		return unix.EBADF
	}
	return errno
}

// held reports whether a call still waits for its answer.
func (b *broker) held(id uint64) bool {
	return b.ioctl(ioctlNotifHeld, unsafe.Pointer(&id)) == 0
}

// answer lets a call return 0 or fail. ADDFD could do so at once, from Linux
// 5.14 on, but the call would return the descriptor's number; connect(2)
// returns 0. A signal in between has the plugin call again, and it gets
// EISCONN: connect(2) has that after EINTR, too.
func (b *broker) answer(id uint64, errno unix.Errno) {
	r := response{id: id, err: -int32(errno)}
	_ = b.ioctl(ioctlNotifSend, unsafe.Pointer(&r)) // a task that is gone needs none
}

// ioctl keeps the listener from being closed meanwhile. EINTR: Go interrupts
// its own threads, and the request was not begun.
func (b *broker) ioctl(request uintptr, arg unsafe.Pointer) unix.Errno {
	errno := unix.EBADF // when it is closed
	_ = b.raw.Control(func(fd uintptr) {
		for errno = unix.EINTR; errno == unix.EINTR; {
			_, _, errno = unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(arg))
		}
	})
	return errno
}

// bucket bounds how often something happens.
type bucket struct {
	burst, rate float64 // rate by the second
	left        float64
	at          time.Time
}

func newBucket(burst, rate float64) bucket { return bucket{burst: burst, rate: rate, left: burst} }

func (b *bucket) take(now time.Time) bool {
	if !b.at.IsZero() {
		b.left = min(b.burst, b.left+b.rate*now.Sub(b.at).Seconds())
	}
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
