package jail

import (
	"encoding/binary"
	"net/netip"
	"strconv"

	"github.com/isobooth/isobooth/runner/control"
	"golang.org/x/sys/unix"
)

// include/uapi/linux: the whole addresses, and the part of an IPv6 one that
// the kernel takes without its scope (SIN6_LEN_RFC2133).
const (
	sizeSockaddrInet4   = 16
	sizeSockaddrInet6   = 28
	leastSockaddrInet6  = 24
	sizeSockaddrStorage = 128
)

// copySockaddr copies an address of the given length out of a task's memory,
// once, and reads it.
func copySockaddr(task int, pointer uint64, length int32) (family uint16, to netip.AddrPort, errno unix.Errno) {
	if length < 0 || length > sizeSockaddrStorage {
		return 0, to, unix.EINVAL
	}
	var buf [sizeSockaddrInet6]byte
	b := buf[:min(int(length), len(buf))]
	if len(b) == 0 {
		return 0, to, unix.EINVAL
	}
	local := []unix.Iovec{{Base: &b[0]}}
	local[0].SetLen(len(b))
	n, err := unix.ProcessVMReadv(task, local, []unix.RemoteIovec{{Base: uintptr(pointer), Len: len(b)}}, 0)
	if err != nil || n != len(b) {
		return 0, to, unix.EFAULT
	}
	return parseSockaddr(b)
}

// parseSockaddr reads a struct sockaddr. to is of one form only: an IPv4
// address in an IPv6 one is the former, and a scope is a zone. It is not valid
// where the family has no such address.
func parseSockaddr(b []byte) (family uint16, to netip.AddrPort, errno unix.Errno) {
	if len(b) < 2 {
		return 0, to, unix.EINVAL
	}
	family = binary.NativeEndian.Uint16(b)
	var addr netip.Addr
	switch {
	case family == unix.AF_INET && len(b) >= sizeSockaddrInet4:
		addr = netip.AddrFrom4([4]byte(b[4:8]))
	case family == unix.AF_INET6 && len(b) >= leastSockaddrInet6:
		addr = netip.AddrFrom16([16]byte(b[8:24]))
		if len(b) >= sizeSockaddrInet6 {
			if scope := binary.NativeEndian.Uint32(b[24:]); scope != 0 {
				addr = addr.WithZone(strconv.FormatUint(uint64(scope), 10))
			}
		}
		// Without its zone, if it had one: an IPv4 address has none.
		if addr.Is4In6() {
			addr = addr.Unmap()
		}
	case family == unix.AF_INET || family == unix.AF_INET6:
		return family, to, unix.EINVAL
	default:
		return family, to, 0
	}
	return family, netip.AddrPortFrom(addr, binary.BigEndian.Uint16(b[2:])), 0
}

// apart are networks that a grant covers only if it lies within one of them:
// 0.0.0.0/0 means neither this machine nor what is on the same wire, where
// clouds have their metadata service.
var apart = []netip.Prefix{
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("::1/128"),
	netip.MustParsePrefix("169.254.0.0/16"),
}

// permitted reports whether a grant allows a destination. Some are never
// granted: no address or port at all (0.0.0.0 is this machine to connect(2)),
// more than one receiver, and an interface that the plugin chose.
func permitted(grants []control.Destination, udp bool, to netip.AddrPort) bool {
	addr := to.Addr()
	if !addr.IsValid() || to.Port() == 0 || addr.Zone() != "" || !control.Reachable(addr) {
		return false
	}
	for _, g := range grants {
		if g.UDP == udp && g.Port == to.Port() && covers(g.Net, addr) {
			return true
		}
	}
	return false
}

func covers(network netip.Prefix, addr netip.Addr) bool {
	for _, a := range apart {
		if a.Contains(addr) && network.Bits() < a.Bits() {
			return false
		}
	}
	return network.Contains(addr)
}
