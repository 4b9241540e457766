package attack

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// TCP4 is a listener on 127.0.0.1, p.tcp4, to which nobody must connect.
func TCP4(p *probe) (trap, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p.parameters.TCP4 = uint16(l.Addr().(*net.TCPAddr).Port)
	return newListener("127.0.0.1", l.(*net.TCPListener))
}

// TCP6 is a listener on ::1, p.tcp6.
func TCP6(p *probe) (trap, error) {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return nil, err
	}
	p.parameters.TCP6 = uint16(l.Addr().(*net.TCPAddr).Port)
	return newListener("::1", l.(*net.TCPListener))
}

// UDP is a socket on 127.0.0.1, p.udp, to which nobody must send.
func UDP(p *probe) (trap, error) {
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p.parameters.UDP = uint16(c.LocalAddr().(*net.UDPAddr).Port)
	raw, err := c.(*net.UDPConn).SyscallConn()
	return &socket{"a datagram to 127.0.0.1", c, raw, takeDatagram}, err
}

// UnixPath is a socket in the file system that anyone may connect to,
// p.unix_path.
func UnixPath(p *probe) (trap, error) {
	path := filepath.Join(p.folder, "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.Chmod(path, 0o777), put(p.parameters.UnixPath[:], path)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return newListener("a socket's path", l.(*net.UnixListener))
}

// Abstract is a socket in the abstract namespace, p.abstract.
func Abstract(p *probe) (trap, error) {
	name := "isobooth-attack-" + p.nonce
	l, err := net.Listen("unix", "@"+name)
	if err != nil {
		return nil, err
	}
	if err := put(p.parameters.Abstract[:], name); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return newListener("an abstract socket", l.(*net.UnixListener))
}

// socket is a trap that is asked, once the attack is over, what has come. No
// goroutine takes it earlier, so nothing can be on its way: on this machine
// connect and sendto return when it is in the queue.
type socket struct {
	what string
	c    io.Closer
	raw  syscall.RawConn
	take func(fd int) bool // one; false when there is none
}

func newListener(what string, l interface {
	io.Closer
	syscall.Conn
}) (trap, error) {
	raw, err := l.SyscallConn()
	return &socket{"a connection to " + what, l, raw, takeConnection}, err
}

func takeConnection(fd int) bool {
	c, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
	if err != nil {
		return false
	}
	unix.Close(c)
	return true
}

func takeDatagram(fd int) bool {
	_, _, err := unix.Recvfrom(fd, make([]byte, 64), unix.MSG_DONTWAIT)
	return err == nil
}

func (s *socket) sprung() (string, error) {
	n := 0
	err := s.raw.Control(func(fd uintptr) {
		for s.take(int(fd)) {
			n++
		}
	})
	if n == 0 {
		return "", err
	}
	return fmt.Sprintf("%d times %s", n, s.what), err
}

func (s *socket) reset() error { _, err := s.sprung(); return err }
func (s *socket) close() error { return s.c.Close() }

// Sentinel is a process, p.sentinel, with the same host user as the worker.
// It must live and get no signal.
func Sentinel(p *probe) (trap, error) {
	cmd := exec.Command(p.slot.suite.o.Programs.Control, "sentinel")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	// A group of its own: Ctrl-C at the terminal is no attack.
	cmd.Env, cmd.SysProcAttr = []string{}, &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p.parameters.Sentinel = int32(cmd.Process.Pid)
	s := &sentinel{cmd: cmd, in: in, out: bufio.NewReader(out)}
	p.prepared = append(p.prepared, s.become)
	return s, nil
}

type sentinel struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// become gives the sentinel the worker's user, before any foreign code runs.
func (s *sentinel) become(before snapshot) error {
	if _, err := fmt.Fprintf(s.in, "%s\n", before["status user"]); err != nil {
		return err
	}
	line, err := s.out.ReadString('\n')
	if err == nil && line != "ready\n" {
		err = fmt.Errorf("sentinel says %q", line)
	}
	return err
}

// fence is the signal that comes last of those that wait: sentinels block all
// others in their handler, and the kernel takes the lowest first.
const fence = unix.SIGSYS

func (s *sentinel) sprung() (string, error) {
	if err := s.cmd.Process.Signal(fence); err != nil {
		return "the sentinel has ended", nil
	}
	got := ""
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			return "the sentinel was killed", nil
		}
		if n, err := strconv.Atoi(line[:len(line)-1]); err == nil && syscall.Signal(n) == fence {
			break
		}
		got += " " + line[:len(line)-1]
	}
	if got != "" {
		got = "the sentinel got signal" + got
	}
	return got, nil
}

func (s *sentinel) reset() error { return nil }

func (s *sentinel) close() error {
	_ = s.cmd.Process.Kill() // it may have ended
	_ = s.cmd.Wait()
	return nil
}

// Segment is a System V shared memory segment that anyone may read, p.shm, and
// whose content must not leave the booth.
func Segment(p *probe) (trap, error) {
	key := rand.Int32N(1<<30) + 1
	id, err := unix.SysvShmGet(int(key), 4096, unix.IPC_CREAT|unix.IPC_EXCL|0o666)
	if err != nil {
		return nil, os.NewSyscallError("shmget", err)
	}
	remove := func() error {
		_, err := unix.SysvShmCtl(id, unix.IPC_RMID, nil)
		return os.NewSyscallError("shmctl", err)
	}
	b, err := unix.SysvShmAttach(id, 0, 0)
	if err != nil {
		return nil, errors.Join(os.NewSyscallError("shmat", err), remove())
	}
	copy(b, p.secret)
	p.parameters.Shm = key
	if err := unix.SysvShmDetach(b); err != nil {
		return nil, errors.Join(os.NewSyscallError("shmdt", err), remove())
	}
	return leak{p, p.secret, remove}, nil
}

// Host is what an attack could change of this machine and of the process
// that runs the self-test: names, core pattern, limits, priorities, clock.
func Host(p *probe) (trap, error) {
	before, err := hostValues()
	p.parameters.Host = int32(os.Getpid())
	return &host{before, clockOffset()}, err
}

type host struct {
	before map[string]string
	offset time.Duration
}

func (*host) inside() {}

// hostValues are files whose content nobody but an attack changes meanwhile.
func hostValues() (map[string]string, error) {
	v := map[string]string{}
	for _, path := range []string{
		"/proc/sys/kernel/hostname", "/proc/sys/kernel/domainname", "/proc/sys/kernel/core_pattern",
		"/proc/sys/kernel/randomize_va_space", "/proc/sys/kernel/printk", "/proc/sys/user/max_user_namespaces",
		"/proc/self/oom_score_adj", "/proc/self/limits",
	} {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		v[path] = string(data)
	}
	return v, nil
}

// clockOffset is how far the wall clock is from the one that nobody can set.
func clockOffset() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) // fails for bad pointers only
	return time.Duration(time.Now().UnixNano() - ts.Nano())
}

// clockSlack is more than a time service corrects while a probe runs.
const clockSlack = 5 * time.Second

func (h *host) sprung() (string, error) {
	now, err := hostValues()
	if err != nil {
		return "", err
	}
	for path, was := range h.before {
		if now[path] != was {
			return fmt.Sprintf("%s was %q and is %q", path, was, now[path]), nil
		}
	}
	if d := clockOffset() - h.offset; d.Abs() > clockSlack {
		return fmt.Sprintf("the clock was set by %v", d), nil
	}
	return "", nil
}

func (h *host) reset() error { return nil }
func (h *host) close() error { return nil }
