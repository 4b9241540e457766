//go:build linux

package runner_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/control"
	"github.com/isobooth/isobooth/verify"
	"golang.org/x/sys/unix"
)

// connected is the Host's.
func (h *host) connected(name string, c control.Connection) {
	b := h.of(name)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.made = append(b.made, c)
}

func (b *booth) connections() []control.Connection {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.made)
}

// oracle listens on the host and counts who comes.
type oracle struct {
	net.Listener
	port  uint16
	conns chan net.Conn

	mu    sync.Mutex
	count int
}

func listen(t *testing.T, address string) *oracle {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return newOracle(t, l)
}

// samePort listens at one port for TCP at each of the addresses, and for UDP
// at the first.
func samePort(t *testing.T, ips ...string) (tcp []*oracle, udp *net.UDPConn) {
	t.Helper()
	var err error
	for range 50 { // another program may have the port elsewhere
		var packets net.PacketConn
		if packets, err = net.ListenPacket("udp", ips[0]+":0"); err != nil {
			t.Fatal(err)
		}
		var open []net.Listener
		for _, ip := range ips {
			var l net.Listener
			if l, err = net.Listen("tcp", fmt.Sprintf("%s:%d", ip, packets.LocalAddr().(*net.UDPAddr).Port)); err != nil {
				break
			}
			open = append(open, l)
		}
		if err == nil {
			for _, l := range open {
				tcp = append(tcp, newOracle(t, l))
			}
			t.Cleanup(func() { packets.Close() })
			return tcp, packets.(*net.UDPConn)
		}
		packets.Close()
		for _, l := range open {
			l.Close()
		}
	}
	t.Fatal(err)
	return nil, nil
}

func newOracle(t *testing.T, l net.Listener) *oracle {
	o := &oracle{Listener: l, port: uint16(l.Addr().(*net.TCPAddr).Port), conns: make(chan net.Conn, 4096)}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			o.mu.Lock()
			o.count++
			o.mu.Unlock()
			o.conns <- c
		}
	}()
	t.Cleanup(func() {
		l.Close()
		for {
			select {
			case c := <-o.conns:
				c.Close()
			default:
				return
			}
		}
	})
	return o
}

// reached is how many have come, and settles what is still in the backlog by
// coming itself, last.
func (o *oracle) reached(t *testing.T) int {
	t.Helper()
	o.mu.Lock()
	before := o.count
	o.mu.Unlock()
	c, err := net.Dial("tcp", o.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	var n int
	eventually(t, "the host's own connection is accepted", func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		n = o.count
		return n > before
	})
	// Ours may have been counted after one that came before it, never before.
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count--
	return o.count
}

// datagrams sends one of the host's own and returns what came before it.
func datagrams(t *testing.T, c *net.UDPConn) (all []string) {
	t.Helper()
	own, err := net.Dial("udp", c.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	if _, err := own.Write([]byte("the host's own")); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1500)
	for {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if string(buf[:n]) == "the host's own" {
			return all
		}
		all = append(all, string(buf[:n]))
	}
}

// destination reads "tcp://127.0.0.1:80".
func destination(t *testing.T, text string) profiles.Destination {
	t.Helper()
	protocol, rest, _ := strings.Cut(text, "://")
	i := strings.LastIndexByte(rest, ':')
	port, err := strconv.ParseUint(rest[i+1:], 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return profiles.Destination{Protocol: profiles.Protocol(protocol), Host: strings.Trim(rest[:i], "[]"), Port: uint16(port)}
}

func allow(phase profiles.Phase, when []profiles.Compare, calls ...string) profiles.Rule {
	return profiles.Rule{Calls: calls, Phase: phase, When: when, Action: profiles.Allow, Why: "test"}
}

func is(arg int, value uint64) profiles.Compare {
	return profiles.Compare{Arg: arg, Mask: 0xffffffff, Value: value}
}

// clientRules are what a client of the network needs beside threads.
func clientRules() []profiles.Rule {
	return []profiles.Rule{
		allow(profiles.PhaseRun, []profiles.Compare{is(0, unix.AF_INET)}, "socket"),
		allow(profiles.PhaseRun, []profiles.Compare{is(0, unix.AF_INET6)}, "socket"),
		allow(profiles.PhaseRun, []profiles.Compare{{Arg: 4, Mask: ^uint64(0)}}, "sendto"),
		allow(profiles.PhaseRun, []profiles.Compare{is(1, unix.SOL_SOCKET)}, "getsockopt"),
		allow(profiles.PhaseRun, []profiles.Compare{is(1, unix.IPPROTO_TCP)}, "getsockopt"),
		allow(profiles.PhaseRun, []profiles.Compare{is(1, unix.SOL_SOCKET), is(2, unix.SO_RCVBUF)}, "setsockopt"),
		allow(profiles.PhaseRun, []profiles.Compare{is(1, unix.IPPROTO_TCP), is(2, unix.TCP_NODELAY)}, "setsockopt"),
		allow(profiles.PhaseRun, []profiles.Compare{is(1, unix.F_SETFL)}, "fcntl"),
		allow(profiles.PhaseRun, []profiles.Compare{is(1, unix.F_SETFD)}, "fcntl"),
		allow(profiles.PhaseRun, nil, "close", "recvfrom", "getsockname", "getpeername", "shutdown", "dup3"),
		// getaddrinfo reads /etc/hosts.
		allow(profiles.PhaseRun, nil, "openat", "newfstatat", "fstat", "lseek"),
	}
}

// client makes a profile of threads, those rules and grants.
func client(t *testing.T, to ...string) func(*profiles.Profile) {
	t.Helper()
	threads, err := profiles.Named("threads")
	if err != nil {
		t.Fatal(err)
	}
	grant := profiles.NetworkGrant{Why: "test"}
	for _, text := range to {
		grant.To = append(grant.To, destination(t, text))
	}
	return func(p *profiles.Profile) {
		p.Rules = append(threads.Rules, clientRules()...)
		p.Limits.Pids, p.Limits.OpenFiles, p.Limits.TriggerTimeout = 64, 128, patience
		p.Limits.AddressSpace = profiles.Unlimited // 32 stacks
		if len(to) > 0 {
			p.Network = append(p.Network, grant)
		}
	}
}

// dialer is a booth of the network plugin and the lane to it.
type dialer struct {
	*booth
	lane *runner.Lane
}

func dial(t *testing.T, h *host, to ...string) *dialer {
	t.Helper()
	return &dialer{h.must(build(t, "network", "-pthread"), client(t, to...)), newLane(t, h)}
}

// say has the plugin do something and returns what came of it.
func (d *dialer) say(format string, args ...any) (int, string) {
	d.t.Helper()
	action := fmt.Sprintf(format, args...)
	send(d.t, d.lane, d.booth, do(action, 60))
	number, text, _ := strings.Cut(d.reply().result, " ")
	n, err := strconv.Atoi(number)
	if err != nil || n == -999 {
		d.t.Fatalf("%q: %q", action, number)
	}
	return n, text
}

// expect is say for what returns no text.
func (d *dialer) expect(want int, format string, args ...any) {
	d.t.Helper()
	if got, _ := d.say(format, args...); got != want {
		d.t.Errorf("%s: %d (%v), want %d", fmt.Sprintf(format, args...), got, syscall.Errno(max(-got, 0)), want)
	}
}

// socket has the plugin open one.
func (d *dialer) socket(domain, kind int) int {
	d.t.Helper()
	fd, _ := d.say("socket %d %d 0", domain, kind)
	if fd <= 4 {
		d.t.Fatalf("socket: %d", fd)
	}
	return fd
}

const no = -int(unix.EPERM)

// TestNetworkGrant connects to a granted destination and to its neighbours,
// each of which the host itself reaches.
func TestNetworkGrant(t *testing.T) { networkGrant(t, build(t, "network", "-pthread")) }

// TestNetworkGrantWithoutRoot is TestNetworkGrant as an ordinary user.
func TestNetworkGrantWithoutRoot(t *testing.T) {
	withoutRoot(t, "network", "connected as user 65534", "-pthread")
}

// networkGrant is TestNetworkGrant, with its plugin.
func networkGrant(t *testing.T, plugin *verify.Plugin) {
	tcp, udp := samePort(t, "127.0.0.1", "127.0.0.2")
	granted, otherAddress := tcp[0], tcp[1]
	otherPort := listen(t, "127.0.0.1:0")
	h := newHost(t)
	d := &dialer{h.must(plugin, client(t, fmt.Sprintf("tcp://127.0.0.1:%d", granted.port))), newLane(t, h)}

	fd := d.socket(unix.AF_INET, unix.SOCK_STREAM)
	d.expect(0, "connect %d 127.0.0.1 %d", fd, granted.port)
	conn := next(t, granted.conns, "the granted connection")
	d.expect(5, "write %d hello", fd)
	buf := make([]byte, 16)
	if n, err := conn.Read(buf); err != nil || string(buf[:n]) != "hello" {
		t.Fatalf("read %q, %v", buf[:n], err)
	}
	if _, err := conn.Write([]byte("good day")); err != nil {
		t.Fatal(err)
	}
	t.Logf("connected as user %d", os.Geteuid())
	if n, text := d.say("read %d", fd); n != 8 || text != "good day" {
		t.Errorf("read %d %q", n, text)
	}
	d.expect(-int(unix.EISCONN), "connect %d 127.0.0.1 %d", fd, granted.port)
	if calls := d.refused("run"); len(calls) > 0 {
		t.Errorf("refused: %q", calls)
	}
	want := control.Connection{To: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), granted.port)}
	eventually(t, "the connection is reported", func() bool { return len(d.connections()) > 0 })
	if got := d.connections(); len(got) != 1 || got[0] != want {
		t.Errorf("told of %+v, want %+v", got, want)
	}

	for _, n := range []struct {
		address string
		port    uint16
		domain  int
	}{
		{"127.0.0.1", otherPort.port, unix.AF_INET},
		{"127.0.0.2", granted.port, unix.AF_INET},
		{"0.0.0.0", granted.port, unix.AF_INET},
		{"0.0.0.1", granted.port, unix.AF_INET},
		{"127.0.0.1", 0, unix.AF_INET},
		{"255.255.255.255", granted.port, unix.AF_INET},
		{"224.0.0.1", granted.port, unix.AF_INET},
		{"169.254.169.254", granted.port, unix.AF_INET},
		{"::ffff:127.0.0.2", granted.port, unix.AF_INET6},
		{"::ffff:0.0.0.0", granted.port, unix.AF_INET6},
		{"::1", granted.port, unix.AF_INET6},
		{"::", granted.port, unix.AF_INET6},
		{"::127.0.0.1", granted.port, unix.AF_INET6},
		{"fe80::1%2", granted.port, unix.AF_INET6},
		{"ff02::1%2", granted.port, unix.AF_INET6},
	} {
		s := d.socket(n.domain, unix.SOCK_STREAM)
		d.expect(no, "connect %d %s %d", s, n.address, n.port)
		d.expect(0, "close %d", s)
	}
	// A datagram socket to the same address and port: what getaddrinfo does.
	s := d.socket(unix.AF_INET, unix.SOCK_DGRAM)
	d.expect(-int(unix.ENETUNREACH), "connect %d 127.0.0.1 %d", s, granted.port)
	if n, _ := d.say("write %d stray", s); n >= 0 {
		t.Errorf("wrote %d to a socket that is not connected", n)
	}

	// reached comes itself: the control.
	for _, o := range []*oracle{otherPort, otherAddress} {
		if n := o.reached(t); n != 0 {
			t.Errorf("%s was reached %d times", o.Addr(), n)
		}
	}
	if n := granted.reached(t); n != 1 {
		t.Errorf("the granted address was reached %d times, want once", n)
	}
	if got := datagrams(t, udp); len(got) > 0 {
		t.Errorf("datagrams arrived: %q", got)
	}
	if n, err := net.Dial("tcp", fmt.Sprintf("0.0.0.0:%d", granted.port)); err != nil {
		t.Errorf("the host does not reach 0.0.0.0: %v", err) // or the row above shows nothing
	} else {
		n.Close()
	}
	eventually(t, "a refused connect is reported", func() bool { return d.denied("run connect") > 0 })
	d.mu.Lock()
	first := d.records[0]
	d.mu.Unlock()
	if where := (control.Argument{Name: "addr", Value: fmt.Sprintf("127.0.0.1:%d", otherPort.port)}); !slices.Contains(first.Decoded, where) ||
		!slices.Contains(first.Decoded, control.Argument{Name: "protocol", Value: "tcp"}) {
		t.Errorf("reported as %+v, want %+v and tcp", first.Decoded, where)
	}
	// An IPv4 address in an IPv6 one is the granted one.
	six := d.socket(unix.AF_INET6, unix.SOCK_STREAM)
	d.expect(0, "connect %d ::ffff:127.0.0.1 %d", six, granted.port)
}

// TestNoNetworkGrant is the control of TestNetworkGrant: the same calls are
// allowed, and nothing is granted.
func TestNoNetworkGrant(t *testing.T) {
	o := listen(t, "127.0.0.1:0")
	d := dial(t, newHost(t))
	fd := d.socket(unix.AF_INET, unix.SOCK_STREAM)
	d.expect(no, "connect %d 127.0.0.1 %d", fd, o.port)
	if n := o.reached(t); n != 0 {
		t.Errorf("reached %d times", n)
	}
}

func TestNetworkGrantIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		missing(t, "IPv6 on loopback: "+err.Error())
	}
	l.Close()
	granted, other := listen(t, "[::1]:0"), listen(t, "[::1]:0")
	d := dial(t, newHost(t), fmt.Sprintf("tcp://[::1]:%d", granted.port))
	fd := d.socket(unix.AF_INET6, unix.SOCK_STREAM)
	d.expect(no, "connect %d ::1 %d", fd, other.port)
	d.expect(no, "connect %d ::1%%1 %d", fd, granted.port)
	d.expect(0, "connect %d ::1 %d", fd, granted.port)
	next(t, granted.conns, "connection").Close()
	if n := other.reached(t); n != 0 {
		t.Errorf("the other port was reached %d times", n)
	}
}

// TestNetworkGrantUDP sends to the granted receiver and tries to reach another
// with the same socket.
func TestNetworkGrantUDP(t *testing.T) {
	both, granted := samePort(t, "127.0.0.1")
	tcp, port := both[0], both[0].port
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	other := packets.(*net.UDPConn)
	otherPort := other.LocalAddr().(*net.UDPAddr).Port
	h := newHost(t)
	d := dial(t, h, fmt.Sprintf("udp://127.0.0.1:%d", port))
	fd := d.socket(unix.AF_INET, unix.SOCK_DGRAM)
	d.expect(0, "connect %d unspec 0", fd) // it has no peer to lose
	d.expect(0, "connect %d 127.0.0.1 %d", fd, port)
	d.expect(5, "write %d hello", fd)
	d.expect(no, "connect %d unspec 0", fd)
	d.expect(no, "connect %d 127.0.0.1 %d", fd, otherPort)
	d.expect(no, "sendto %d 127.0.0.1 %d", fd, otherPort)
	d.expect(no, "sendmsg %d 127.0.0.1 %d", fd, otherPort)
	d.expect(0, "connect %d 127.0.0.1 %d", fd, port) // again, as connect(2) allows
	d.expect(5, "write %d again", fd)
	s := d.socket(unix.AF_INET, unix.SOCK_STREAM)
	d.expect(no, "connect %d 127.0.0.1 %d", s, port)
	d.expect(no, "sendto %d 127.0.0.1 %d %d", s, port, unix.MSG_FASTOPEN)
	if got := datagrams(t, granted); !slices.Equal(got, []string{"hello", "again"}) {
		t.Errorf("the granted receiver got %q", got)
	}
	if got := datagrams(t, other); len(got) > 0 {
		t.Errorf("the other receiver got %q", got)
	}
	if n := tcp.reached(t); n != 0 {
		t.Errorf("reached by TCP %d times", n)
	}

	// The control: the same socket under a filter that NewPlan refuses goes
	// anywhere, so it is the filter that keeps it.
	wide := newPlan(t, "wide", build(t, "network", "-pthread"), func(p *profiles.Profile) {
		client(t)(p)
		p.Rules = append(p.Rules, allow(profiles.PhaseRun, nil, "sendto", "sendmsg"))
	})
	wide.Grants.Network = []control.Destination{{UDP: true, Net: netip.MustParsePrefix("127.0.0.1/32"), Port: port}}
	b, stop, err := h.run(wide)
	if err != nil {
		t.Fatal(err)
	}
	w := &dialer{b, d.lane}
	fd = w.socket(unix.AF_INET, unix.SOCK_DGRAM)
	w.expect(0, "connect %d 127.0.0.1 %d", fd, port)
	w.expect(5, "sendto %d 127.0.0.1 %d", fd, otherPort)
	w.expect(5, "sendmsg %d 127.0.0.1 %d", fd, otherPort)
	if got := datagrams(t, other); len(got) != 2 {
		t.Errorf("the other receiver got %q, want two datagrams", got)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestNetworkTwoBooths: a grant is its booth's alone.
func TestNetworkTwoBooths(t *testing.T) {
	o := [2]*oracle{listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")}
	h := newHost(t)
	lane := newLane(t, h)
	p := build(t, "network", "-pthread")
	for i := range o {
		plan := newPlan(t, fmt.Sprintf("booth%d", i), p, client(t, fmt.Sprintf("tcp://127.0.0.1:%d", o[i].port)))
		b, stop, err := h.run(plan)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
		d := &dialer{b, lane}
		fd := d.socket(unix.AF_INET, unix.SOCK_STREAM)
		d.expect(no, "connect %d 127.0.0.1 %d", fd, o[1-i].port)
		d.expect(0, "connect %d 127.0.0.1 %d", fd, o[i].port)
	}
	for i := range o {
		if n := o[i].reached(t); n != 1 {
			t.Errorf("destination %d was reached %d times, want once", i, n)
		}
	}
}

// TestNetworkSocketStays: what was granted is one connection, and the socket
// that makes it says nothing of the host's network.
func TestNetworkSocketStays(t *testing.T) {
	granted := listen(t, "127.0.0.1:0")
	h := newHost(t)
	d := dial(t, h, fmt.Sprintf("tcp://127.0.0.1:%d", granted.port))
	lane := d.lane
	const (
		ipOptions, bindToDevice = 4, 25
		ifconf                  = 0x8912
	)
	tries := func(d *dialer) (results []int) {
		fd := d.socket(unix.AF_INET, unix.SOCK_STREAM)
		d.expect(0, "connect %d 127.0.0.1 %d", fd, granted.port)
		for _, call := range []string{
			"ioctl %d " + strconv.Itoa(ifconf),
			"set 0 " + strconv.Itoa(ipOptions) + " %d 0",
			"set 1 " + strconv.Itoa(bindToDevice) + " %d 0",
			"bind %d 127.0.0.1 0",
			"listen %d",
			"accept %d",
			"sendto %d unspec 0 536870912", // MSG_FASTOPEN without an address disconnects
		} {
			n, _ := d.say(call, fd)
			results = append(results, n)
		}
		d.expect(no, "connect %d unspec 0", fd)
		return results
	}
	for i, n := range tries(d) {
		if n != no {
			t.Errorf("try %d: %d, want EPERM", i, n)
		}
	}
	// The control: where the filter has it, the kernel answers of the host's
	// network.
	wide := newPlan(t, "wide", build(t, "network", "-pthread"), func(p *profiles.Profile) {
		client(t)(p)
		p.Rules = append(p.Rules, allow(profiles.PhaseRun, nil, "ioctl", "setsockopt", "bind", "listen", "accept4", "sendto"))
	})
	wide.Grants.Network = []control.Destination{{Net: netip.MustParsePrefix("127.0.0.1/32"), Port: granted.port}}
	b, stop, err := h.run(wide)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range tries(&dialer{b, lane}) {
		if n == no {
			t.Errorf("try %d is refused without the filter, too", i)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestNetworkSocketIsLikeIts: the new socket has the flags and options of the
// one it replaces.
func TestNetworkSocketIsLikeIts(t *testing.T) {
	granted := listen(t, "127.0.0.1:0")
	d := dial(t, newHost(t), fmt.Sprintf("tcp://127.0.0.1:%d", granted.port))
	for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_STREAM | unix.SOCK_NONBLOCK | unix.SOCK_CLOEXEC} {
		fd := d.socket(unix.AF_INET, kind)
		set := kind != unix.SOCK_STREAM
		if set {
			d.expect(0, "set %d %d %d 1", unix.IPPROTO_TCP, unix.TCP_NODELAY, fd)
			d.expect(0, "set %d %d %d 8192", unix.SOL_SOCKET, unix.SO_RCVBUF, fd)
		}
		d.expect(0, "connect %d 127.0.0.1 %d", fd, granted.port)
		flags, _ := d.say("fcntl %d %d 0", fd, unix.F_GETFL)
		if flags&unix.O_NONBLOCK != 0 != set {
			t.Errorf("flags %#x", flags)
		}
		closes, _ := d.say("fcntl %d %d 0", fd, unix.F_GETFD)
		nodelay, _ := d.say("option %d %d %d", unix.IPPROTO_TCP, unix.TCP_NODELAY, fd)
		if closes&unix.FD_CLOEXEC != 0 != set || nodelay != 0 != set {
			t.Errorf("close-on-exec %d, TCP_NODELAY %d", closes, nodelay)
		}
		if size, _ := d.say("option %d %d %d", unix.SOL_SOCKET, unix.SO_RCVBUF, fd); size == 16384 != set {
			t.Errorf("SO_RCVBUF %d", size)
		}
	}
	// A set that had the old socket tells nothing of the new one.
	d.expect(1, "watch %d 127.0.0.1 %d", d.socket(unix.AF_INET, unix.SOCK_STREAM), granted.port)
}

// TestNetworkErrors: what no grant is asked for fails as in connect(2).
func TestNetworkErrors(t *testing.T) {
	granted, closed := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	closed.Close()
	d := dial(t, newHost(t), fmt.Sprintf("tcp://127.0.0.1:%d", granted.port), fmt.Sprintf("tcp://127.0.0.1:%d", closed.port))
	fd := d.socket(unix.AF_INET, unix.SOCK_STREAM)
	d.expect(-int(unix.ECONNREFUSED), "connect %d 127.0.0.1 %d", fd, closed.port)
	d.expect(-int(unix.EBADF), "connect 77 127.0.0.1 %d", granted.port)
	d.expect(-int(unix.EBADF), "connect -1 127.0.0.1 %d", granted.port)
	d.expect(-int(unix.EAFNOSUPPORT), "connect %d ::ffff:127.0.0.1 %d", fd, granted.port)
	d.expect(-int(unix.EFAULT), "pointer %d 4096", fd)
	d.expect(0, "ends 127.0.0.1 %d 127.0.0.1 1", granted.port)
	for _, n := range []int{-1, 0, 1, 15, 129} {
		d.expect(-int(unix.EINVAL), "length %d %d", fd, n)
	}
	for n := range 5 {
		d.expect(no, "connect %d 127.0.0.1 %d", n, granted.port) // the worker's own
	}
	set, _ := d.say("fcntl 2 %d 40", unix.F_DUPFD_CLOEXEC)
	d.expect(-int(unix.ENOTSOCK), "connect %d 127.0.0.1 %d", set, granted.port)
	d.expect(0, "length %d 128", fd) // more than there is of it, as the kernel takes it
	if n := granted.reached(t); n != 1 {
		t.Errorf("reached %d times, want once", n)
	}
}
