package jail

import (
	"bytes"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/isobooth/isobooth/runner/control"
	"golang.org/x/sys/unix"
)

// pluginSocket is a socket of a plugin as the kernel describes it.
type pluginSocket struct {
	fd                     int // ours of the same socket
	number                 int32
	domain, kind, protocol int
	connected              bool
	nonblock, closeOnExec  bool
}

// takeSocket gets a descriptor of a task and finds out what it is. Close it.
// It fails as connect would where there is no socket; one that is not of this
// task's table, as when a thread has a table of its own, is a bad descriptor.
func takeSocket(task int, number int32) (*pluginSocket, unix.Errno) {
	if number < 0 {
		return nil, unix.EBADF
	}
	dir, err := openProc(task)
	if err != nil {
		return nil, unix.EBADF
	}
	defer dir.close()
	name := strconv.Itoa(int(number))
	link, err := dir.readlink("fd/" + name)
	if err != nil {
		return nil, unix.EBADF
	}
	flags, err := statusField(dir, "fdinfo/"+name, "flags:", 8)
	if err != nil {
		return nil, unix.EBADF
	}
	process, err := statusField(dir, "status", "Tgid:", 10)
	if err != nil {
		return nil, unix.EBADF
	}
	pidfd, err := unix.PidfdOpen(int(process), 0)
	if err != nil {
		return nil, unix.EBADF
	}
	defer unix.Close(pidfd)
	fd, err := unix.PidfdGetfd(pidfd, int(number), 0)
	if err != nil {
		return nil, unix.EBADF
	}
	s := &pluginSocket{fd: fd, number: number, nonblock: flags&unix.O_NONBLOCK != 0, closeOnExec: flags&unix.O_CLOEXEC != 0}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		s.close()
		return nil, unix.ENOTSOCK
	}
	if link != "socket:["+strconv.FormatUint(st.Ino, 10)+"]" {
		s.close()
		return nil, unix.EBADF
	}
	for _, o := range []struct {
		name  int
		value *int
	}{{unix.SO_DOMAIN, &s.domain}, {unix.SO_TYPE, &s.kind}, {unix.SO_PROTOCOL, &s.protocol}} {
		if *o.value, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, o.name); err != nil {
			s.close()
			return nil, unix.ENOTSOCK
		}
	}
	_, err = unix.Getpeername(fd)
	s.connected = err == nil
	return s, 0
}

func (s *pluginSocket) close() { unix.Close(s.fd) }

func (s *pluginSocket) inet() bool { return s.domain == unix.AF_INET || s.domain == unix.AF_INET6 }

func (s *pluginSocket) tcp() bool {
	return s.inet() && s.kind == unix.SOCK_STREAM && s.protocol == unix.IPPROTO_TCP
}

func (s *pluginSocket) udp() bool {
	return s.inet() && s.kind == unix.SOCK_DGRAM && s.protocol == unix.IPPROTO_UDP
}

// protocolArgument is what the socket of a refused connect speaks, which the
// grant that would allow it has to say. None where it is no such socket.
func protocolArgument(n *notification) []control.Argument {
	if n.nr != unix.SYS_CONNECT || n.pid == 0 {
		return nil
	}
	s, errno := takeSocket(int(n.pid), int32(n.args[0]))
	if errno != 0 {
		return nil
	}
	defer s.close()
	switch {
	case s.tcp():
		return []control.Argument{{Name: "protocol", Value: "tcp"}}
	case s.udp():
		return []control.Argument{{Name: "protocol", Value: "udp"}}
	}
	return nil
}

// kept are the options that a plugin may have set before it connects, and
// which its new socket gets. None of them says where anything goes.
var kept = []struct{ level, name int }{
	{unix.SOL_SOCKET, unix.SO_KEEPALIVE},
	{unix.IPPROTO_TCP, unix.TCP_NODELAY},
	{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE},
	{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL},
	{unix.IPPROTO_TCP, unix.TCP_KEEPCNT},
	{unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT},
	{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY},
}

// keptTimes are those with a struct timeval.
var keptTimes = []int{unix.SO_RCVTIMEO, unix.SO_SNDTIMEO}

// keptSizes are those that the kernel doubles, socket(7).
var keptSizes = []int{unix.SO_RCVBUF, unix.SO_SNDBUF}

// bufferSize is what each of these is for TCP where the plugin has set none,
// in bytes. The kernel would raise it to several MiB a connection by itself,
// tcp(7), in memory that counts in the jailer's control group and not in the
// plugin's: that of a socket belongs to who made it.
const bufferSize = 192 << 10

// replacement makes a socket of the same kind in the jailer's network, which
// is the host's. Close it.
func (s *pluginSocket) replacement(to netip.AddrPort) (*connection, unix.Errno) {
	fd, err := unix.Socket(s.domain, s.kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, s.protocol)
	if err != nil {
		return nil, errnoOf(err)
	}
	// An option that this kind of socket lacks cannot be read of either.
	for _, o := range kept {
		s.keep(fd, o.level, o.name, 1)
	}
	for _, name := range keptSizes {
		if !s.keep(fd, unix.SOL_SOCKET, name, 2) && s.tcp() {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, name, bufferSize) // the kernel takes any number
		}
	}
	for _, name := range keptTimes {
		if t, err := unix.GetsockoptTimeval(s.fd, unix.SOL_SOCKET, name); err == nil && (t.Sec != 0 || t.Usec != 0) {
			_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, name, t)
		}
	}
	return &connection{
		fd: fd, to: to, domain: s.domain, udp: s.udp(), number: s.number,
		nonblock: s.nonblock, closeOnExec: s.closeOnExec,
	}, 0
}

// keep copies an option that differs from what a new socket has, and reports
// whether it did.
func (s *pluginSocket) keep(fd, level, name, divide int) bool {
	old, err := unix.GetsockoptInt(s.fd, level, name)
	if err != nil {
		return false
	}
	now, err := unix.GetsockoptInt(fd, level, name)
	if err != nil || now == old {
		return false
	}
	// It was set on a socket of this kind before.
	return unix.SetsockoptInt(fd, level, name, old/divide) == nil
}

// connection is a socket of the host's, to be a plugin's.
type connection struct {
	fd     int
	f      *os.File // owns fd once connect was called
	to     netip.AddrPort
	domain int
	udp    bool

	number                int32 // what it replaces
	nonblock, closeOnExec bool
}

func (c *connection) close() {
	if c.f != nil {
		c.f.Close()
		return
	}
	unix.Close(c.fd)
}

// connect connects within connectTime and leaves the socket as the plugin's
// was, blocking or not. It ends early when gone is closed.
func (c *connection) connect(gone <-chan struct{}) unix.Errno {
	var sa unix.Sockaddr
	if c.domain == unix.AF_INET {
		sa = &unix.SockaddrInet4{Port: int(c.to.Port()), Addr: c.to.Addr().As4()}
	} else {
		sa = &unix.SockaddrInet6{Port: int(c.to.Port()), Addr: c.to.Addr().As16()}
	}
	err := unix.Connect(c.fd, sa)
	// From here on with Go's poller, which would take a socket that has not
	// begun to connect for one that has hung up.
	c.f = os.NewFile(uintptr(c.fd), "connection")
	if err == unix.EINPROGRESS || err == unix.EINTR {
		err = c.wait(gone)
	}
	if err != nil {
		return errnoOf(err)
	}
	if err := c.control(func(fd int) { err = unix.SetNonblock(fd, c.nonblock) }); err != nil {
		return errnoOf(err)
	}
	return errnoOf(err)
}

func (c *connection) wait(gone <-chan struct{}) error {
	if err := c.f.SetWriteDeadline(time.Now().Add(connectTime)); err != nil {
		return unix.EIO
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-gone:
			_ = c.f.SetWriteDeadline(time.Unix(1, 0))
		case <-done:
		}
	}()
	raw, err := c.f.SyscallConn()
	if err != nil {
		return unix.EIO
	}
	var result error
	err = raw.Write(func(fd uintptr) bool {
		e, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		if err == nil && e != 0 {
			err = unix.Errno(e)
		}
		if err == nil {
			// The poller may have woken us for nothing.
			_, err = unix.Getpeername(int(fd))
			if err == unix.ENOTCONN {
				return false
			}
		}
		result = err
		return true
	})
	if err != nil {
		return unix.ETIMEDOUT
	}
	return result
}

// control calls f with the descriptor, which is not closed meanwhile.
func (c *connection) control(f func(fd int)) error {
	raw, err := c.f.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(func(fd uintptr) { f(int(fd)) })
}

// errnoOf is what the plugin is told.
func errnoOf(err error) unix.Errno {
	switch e := err.(type) {
	case nil:
		return 0
	case syscall.Errno:
		return e
	}
	return unix.EIO
}

// statusField returns a number of one of a process's files, proc_pid_status(5).
func statusField(dir *procDir, file, name string, base int) (uint64, error) {
	data, err := dir.read(file)
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(data) {
		if rest, ok := bytes.CutPrefix(line, []byte(name)); ok {
			return strconv.ParseUint(string(bytes.TrimSpace(rest)), base, 64)
		}
	}
	return 0, unix.ENODATA
}
