package jail

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"
	"unsafe"

	"github.com/isobooth/isobooth/runner/control"
	"golang.org/x/sys/unix"
)

func TestPermitted(t *testing.T) {
	grant := func(network string, port uint16, udp bool) control.Destination {
		return control.Destination{UDP: udp, Net: netip.MustParsePrefix(network), Port: port}
	}
	one := []control.Destination{grant("127.0.0.1/32", 80, false)}
	lan := []control.Destination{grant("192.168.0.0/16", 80, false)}
	all := []control.Destination{grant("0.0.0.0/0", 80, false), grant("::/0", 80, false)}
	wire := []control.Destination{grant("169.254.169.254/32", 80, false), grant("127.0.0.0/8", 80, false)}
	for _, c := range []struct {
		name   string
		grants []control.Destination
		to     string
		udp    bool
		want   bool
	}{
		{"the granted one", one, "127.0.0.1:80", false, true},
		{"another port", one, "127.0.0.1:81", false, false},
		{"another address", one, "127.0.0.2:80", false, false},
		{"another protocol", one, "127.0.0.1:80", true, false},
		{"nothing granted", nil, "127.0.0.1:80", false, false},
		{"first of a network", lan, "192.168.0.0:80", false, true},
		{"last of a network", lan, "192.168.255.255:80", false, true},
		{"below a network", lan, "192.167.255.255:80", false, false},
		{"above a network", lan, "192.169.0.0:80", false, false},
		{"everywhere", all, "198.51.100.1:80", false, true},
		{"everywhere, IPv6", all, "[2001:db8::1]:80", false, true},
		{"everywhere is not this machine", all, "127.0.0.1:80", false, false},
		{"everywhere is not this machine, IPv6", all, "[::1]:80", false, false},
		{"everywhere is not the wire", all, "169.254.169.254:80", false, false},
		{"the wire, by name", wire, "169.254.169.254:80", false, true},
		{"the wire's neighbour", wire, "169.254.169.253:80", false, false},
		{"this machine, by its network", wire, "127.1.2.3:80", false, true},
		{"no address", all, "0.0.0.0:80", false, false},
		{"no address, IPv6", all, "[::]:80", false, false},
		{"this network", all, "0.1.2.3:80", false, false},
		{"broadcast", all, "255.255.255.255:80", false, false},
		{"multicast", all, "224.0.0.251:80", false, false},
		{"multicast, IPv6", all, "[ff02::1]:80", false, false},
		{"a link, IPv6", all, "[fe80::1]:80", false, false},
		{"an interface", all, "[2001:db8::1%2]:80", false, false},
		{"IPv4 in IPv6, not unmapped", all, "[::ffff:198.51.100.1]:80", false, false},
	} {
		if got := permitted(c.grants, c.udp, netip.MustParseAddrPort(c.to)); got != c.want {
			t.Errorf("%s: %s: %v, want %v", c.name, c.to, got, c.want)
		}
	}
	zero := []control.Destination{grant("127.0.0.1/32", 0, false)}
	if permitted(zero, false, netip.MustParseAddrPort("127.0.0.1:0")) {
		t.Error("port 0 is permitted")
	}
	if permitted(all, false, netip.AddrPort{}) {
		t.Error("no address is permitted")
	}
}

func sockaddr4(port uint16, ip ...byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, unix.AF_INET)
	b = append(binary.BigEndian.AppendUint16(b, port), ip...)
	return append(b, make([]byte, 8)...)
}

func sockaddr6(port uint16, ip string, flow, scope uint32) []byte {
	b := binary.NativeEndian.AppendUint16(nil, unix.AF_INET6)
	b = binary.BigEndian.AppendUint16(b, port)
	b = binary.BigEndian.AppendUint32(b, flow)
	b = append(b, netip.MustParseAddr(ip).AsSlice()...)
	return binary.NativeEndian.AppendUint32(b, scope)
}

func TestParseSockaddr(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
		to   string // "" for none
		err  unix.Errno
	}{
		{"IPv4", sockaddr4(80, 127, 0, 0, 1), "127.0.0.1:80", 0},
		{"IPv4, short", sockaddr4(80, 127, 0, 0, 1)[:15], "", unix.EINVAL},
		{"IPv6", sockaddr6(80, "2001:db8::1", 0, 0), "[2001:db8::1]:80", 0},
		{"IPv6 without scope", sockaddr6(80, "2001:db8::1", 0, 7)[:24], "[2001:db8::1]:80", 0},
		{"IPv6, short", sockaddr6(80, "2001:db8::1", 0, 0)[:23], "", unix.EINVAL},
		{"a flow says nothing", sockaddr6(80, "2001:db8::1", 7, 0), "[2001:db8::1]:80", 0},
		{"a scope is a zone", sockaddr6(80, "2001:db8::1", 0, 7), "[2001:db8::1%7]:80", 0},
		{"IPv4 in IPv6", sockaddr6(80, "::ffff:127.0.0.1", 0, 0), "127.0.0.1:80", 0},
		{"IPv4 in IPv6 and a scope", sockaddr6(80, "::ffff:127.0.0.1", 0, 7), "127.0.0.1:80", 0},
		{"no family", []byte{2}, "", unix.EINVAL},
		{"another family", append(binary.NativeEndian.AppendUint16(nil, unix.AF_UNIX), "/run/x"...), "", 0},
		{"AF_UNSPEC", make([]byte, 16), "", 0},
	} {
		_, to, err := parseSockaddr(c.b)
		got := ""
		if to.IsValid() {
			got = to.String()
		}
		if got != c.to || err != c.err {
			t.Errorf("%s: %q, %v, want %q, %v", c.name, got, err, c.to, c.err)
		}
	}
}

// FuzzParseSockaddr: whatever is read as an address is what the kernel reads,
// and it is permitted only if the plain bytes say what is granted.
func FuzzParseSockaddr(f *testing.F) {
	for _, b := range [][]byte{
		{}, {2}, sockaddr4(80, 127, 0, 0, 1), sockaddr4(80, 0, 0, 0, 0), sockaddr4(0, 127, 0, 0, 1),
		sockaddr6(80, "::1", 0, 0), sockaddr6(80, "::ffff:127.0.0.1", 0, 0), sockaddr6(80, "::ffff:0.0.0.0", 0, 0),
		sockaddr6(80, "::127.0.0.1", 0, 0), sockaddr6(80, "fe80::1", 0, 2), sockaddr6(80, "::ffff:127.0.0.1", 9, 2)[:24],
		append(sockaddr6(80, "::1", 0, 0), 1, 2, 3),
	} {
		f.Add(b)
	}
	grants := []control.Destination{{Net: netip.MustParsePrefix("127.0.0.1/32"), Port: 80}}
	f.Fuzz(func(t *testing.T, b []byte) {
		family, to, errno := parseSockaddr(b)
		if to.IsValid() && (errno != 0 || family != unix.AF_INET && family != unix.AF_INET6 || to.Addr().Is4In6()) {
			t.Fatalf("%x: %v of family %d with %v", b, to, family, errno)
		}
		if !permitted(grants, false, to) {
			return
		}
		four := family == unix.AF_INET && len(b) >= 16 && [4]byte(b[4:8]) == [4]byte{127, 0, 0, 1}
		six := family == unix.AF_INET6 && len(b) >= 24 && netip.AddrFrom16([16]byte(b[8:24])) == netip.MustParseAddr("::ffff:127.0.0.1")
		if !four && !six || binary.BigEndian.Uint16(b[2:]) != 80 {
			t.Fatalf("%x is permitted as %v", b, to)
		}
	})
}

// TestCopySockaddr copies out of this process.
func TestCopySockaddr(t *testing.T) {
	b := sockaddr4(80, 127, 0, 0, 1)
	at := uint64(uintptr(unsafe.Pointer(&b[0])))
	if _, to, errno := copySockaddr(os.Getpid(), at, int32(len(b))); errno != 0 || to.String() != "127.0.0.1:80" {
		t.Errorf("%v, %v", to, errno)
	}
	for _, c := range []struct {
		at     uint64
		length int32
		want   unix.Errno
	}{{at, -1, unix.EINVAL}, {at, 0, unix.EINVAL}, {at, 129, unix.EINVAL}, {8, 16, unix.EFAULT}, {1 << 63, 16, unix.EFAULT}} {
		if _, _, errno := copySockaddr(os.Getpid(), c.at, c.length); errno != c.want {
			t.Errorf("%d bytes at %#x: %v, want %v", c.length, c.at, errno, c.want)
		}
	}
}

func TestBucket(t *testing.T) {
	b := newBucket(3, 10)
	now := time.Unix(1000, 0)
	take := func(n int) (got int) {
		for range n {
			if b.take(now) {
				got++
			}
		}
		return got
	}
	if got := take(5); got != 3 {
		t.Errorf("%d at first, want 3", got)
	}
	now = now.Add(200 * time.Millisecond)
	if got := take(5); got != 2 {
		t.Errorf("%d after 0.2 s, want 2", got)
	}
	now = now.Add(time.Hour)
	if got := take(5); got != 3 {
		t.Errorf("%d after an hour, want 3", got)
	}
}

func TestNameFiles(t *testing.T) {
	one, two := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	got := nameFiles(&control.Grants{Hosts: []control.HostName{{Name: "b.example", Addr: two}, {Name: "b.example", Addr: one}, {Name: "a.example", Addr: one}}})
	want := "127.0.0.1 localhost\n192.0.2.1 a.example\n192.0.2.1 b.example\n2001:db8::1 b.example\n"
	if string(got["/etc/hosts"]) != want {
		t.Errorf("hosts %q, want %q", got["/etc/hosts"], want)
	}
	got = nameFiles(&control.Grants{Hosts: []control.HostName{{Name: "localhost", Addr: netip.MustParseAddr("::1")}}})
	if string(got["/etc/hosts"]) != "::1 localhost\n" {
		t.Errorf("hosts %q", got["/etc/hosts"])
	}
	if got := nameFiles(&control.Grants{}); len(got) > 0 {
		t.Errorf("files without a name: %q", got)
	}
}

// TestConnectionMemory fills a connection whose peer reads nothing: the memory
// of one that the jailer makes does not grow, that of any other does.
func TestConnectionMemory(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	to := l.Addr().(*net.TCPAddr).AddrPort()
	sizes := func(fd int) (n int) {
		for _, name := range keptSizes {
			size, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, name)
			if err != nil {
				t.Fatal(err)
			}
			n += size
		}
		return n
	}
	fill := func(fd int) int {
		buf := make([]byte, 1<<20)
		for {
			if _, err := unix.Write(fd, buf); err != nil {
				return sizes(fd)
			}
		}
	}
	plain, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(plain)
	s, errno := takeSocket(os.Getpid(), int32(plain))
	if errno != 0 {
		t.Fatal(errno)
	}
	defer s.close()
	c, errno := s.replacement(to)
	if errno != 0 {
		t.Fatal(errno)
	}
	defer c.close()
	if errno := c.connect(nil); errno != 0 {
		t.Fatal(errno)
	}
	if err := c.control(func(fd int) {
		if err := unix.SetNonblock(fd, true); err != nil {
			t.Fatal(err)
		}
		if before, after := sizes(fd), fill(fd); before != after || after > 4*bufferSize {
			t.Errorf("ours grew from %d to %d bytes", before, after)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Connect(plain, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}); err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(plain, true); err != nil {
		t.Fatal(err)
	}
	if after := fill(plain); after <= 4*bufferSize {
		t.Errorf("the control has no more than ours: %d bytes", after)
	}
}
