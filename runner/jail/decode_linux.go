package jail

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"path"
	"strconv"
	"strings"

	"github.com/isobooth/isobooth/runner/control"
	"golang.org/x/sys/unix"
)

// Bounds of what is read of a plugin's memory for one argument, in bytes.
const (
	maxPath     = 256
	maxSockaddr = 128 // struct sockaddr_storage, more than which no call takes
)

// kernelLargeFile is O_LARGEFILE as the kernel means it; libc's is 0 where
// every file may be large.
const kernelLargeFile = 0o100000

// looked is what the arguments that are pointers led to, as text that is safe
// to print; "" where nothing could be read, and for other arguments.
type looked [6]string

// inMemory reports whether an argument of this kind is to be looked up.
func (a *argument) inMemory() bool {
	return a.kind == "path" || a.kind == "sockaddr" || a.kind == "openhow"
}

// tells reports whether two calls that differ in this argument are two
// denials. Where something lies and how long it is changes from call to call
// and says nothing.
func (a *argument) tells() bool {
	switch a.kind {
	case "address", "size", "length", "offset", "value", "pointer", "mode":
		return false
	}
	return !a.inMemory()
}

// bits is what the kernel looks at of a register: of most arguments an int,
// and it drops the rest.
func (a *argument) bits(v uint64) uint64 {
	switch a.kind {
	case "address", "hex", "map", "mount", "offset", "pointer", "prot", "size", "value":
		return v
	}
	return v & 0xffffffff
}

// look reads the arguments that are pointers, each once.
func look(args []argument, regs *[6]uint64, m memory) (l looked) {
	for i := range args {
		a := &args[i]
		v := regs[a.index]
		switch {
		case v == 0 && a.inMemory():
			l[a.index] = "null"
		case a.kind == "path":
			l[a.index] = lookPath(v, m)
		case a.kind == "sockaddr" && a.index < 5:
			l[a.index] = lookSockaddr(v, int32(regs[a.index+1]), m)
		case a.kind == "openhow":
			l[a.index] = lookOpenHow(v, m)
		}
	}
	return l
}

// lookPath quotes text up to its NUL, or as much of it as may be read.
func lookPath(address uint64, m memory) string {
	var buf [maxPath]byte
	n := m.read(address, buf[:])
	if n == 0 {
		return ""
	}
	text, _, ended := bytes.Cut(buf[:n], []byte{0})
	quoted := strconv.Quote(string(text))
	if !ended {
		quoted += "..."
	}
	return quoted
}

// lookSockaddr prints an address of length bytes as the kernel would read it.
func lookSockaddr(address uint64, length int32, m memory) string {
	if length < 2 {
		return ""
	}
	buf := make([]byte, min(length, maxSockaddr))
	buf = buf[:m.read(address, buf)]
	if len(buf) < 2 {
		return ""
	}
	family, rest := binary.NativeEndian.Uint16(buf), buf[2:]
	switch {
	case family == unix.AF_INET && len(buf) >= unix.SizeofSockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(rest[2:6])), binary.BigEndian.Uint16(rest)).String()
	case family == unix.AF_INET6 && len(buf) >= unix.SizeofSockaddrInet6-4: // RFC 2133, without a scope
		addr := netip.AddrFrom16([16]byte(rest[6:22]))
		if len(buf) >= unix.SizeofSockaddrInet6 && binary.NativeEndian.Uint32(rest[22:]) != 0 {
			addr = addr.WithZone(fmt.Sprint(binary.NativeEndian.Uint32(rest[22:])))
		}
		return netip.AddrPortFrom(addr, binary.BigEndian.Uint16(rest)).String()
	case family == unix.AF_UNIX && len(rest) > 0 && rest[0] == 0:
		return "unix:" + strconv.Quote("@"+string(rest[1:])) // as /proc/net/unix has abstract ones
	case family == unix.AF_UNIX:
		text, _, _ := bytes.Cut(rest, []byte{0})
		return "unix:" + strconv.Quote(string(text))
	}
	return fmt.Sprintf("%s:%x", nameOf(find(constants, "family"), uint64(family)), rest)
}

// lookOpenHow prints flags and resolve of struct open_how, openat2(2).
func lookOpenHow(address uint64, m memory) string {
	var how [unix.SizeofOpenHow]byte
	if m.read(address, how[:]) < len(how) {
		return ""
	}
	return fmt.Sprintf("{flags %s, resolve %#x}", openNames(binary.NativeEndian.Uint64(how[:])), binary.NativeEndian.Uint64(how[16:]))
}

// decode says what a call's arguments are. fd says what a descriptor of the
// task leads to, "" for nothing.
func decode(call string, args []argument, regs *[6]uint64, l *looked, fd func(int32) string) []control.Argument {
	var all []control.Argument
	for i := range args {
		a := &args[i]
		if a.kind == "mode" && !creates(call, args, regs) {
			continue // the register holds anything
		}
		value := l[a.index]
		if value == "" {
			value = a.format(call, regs[a.index], fd)
		}
		all = append(all, control.Argument{Name: a.name, Value: value})
	}
	return all
}

// creates reports whether the kernel looks at the mode that a call is given.
func creates(call string, args []argument, regs *[6]uint64) bool {
	for i := range args {
		if args[i].kind == "open" {
			return regs[args[i].index]&(unix.O_CREAT|unix.O_TMPFILE&^unix.O_DIRECTORY) != 0
		}
	}
	return true
}

// format prints what is in a register.
func (a *argument) format(call string, v uint64, fd func(int32) string) string {
	word := a.bits(v)
	switch a.kind {
	case "fd", "dirfd":
		return descriptor(a.kind, int32(v), fd)
	case "int", "pid", "length":
		return fmt.Sprint(int32(v))
	case "size":
		return fmt.Sprint(v)
	case "offset":
		return fmt.Sprint(int64(v))
	case "mode":
		return fmt.Sprintf("%#o", word)
	case "open":
		return openNames(word)
	case "sock":
		return socketType(word)
	case "clone":
		return cloneNames(call, word)
	case "signal":
		return signalName(word)
	case "pointer":
		if v == 0 {
			return "null"
		}
	case "path", "sockaddr", "openhow":
		return fmt.Sprintf("%#x", v) // it could not be read
	}
	if names := find(constants, a.kind); names != nil {
		return nameOf(names, word)
	}
	if names := find(flags, a.kind); names != nil {
		return bitNames(names, word)
	}
	return fmt.Sprintf("%#x", word)
}

func descriptor(kind string, n int32, fd func(int32) string) string {
	if kind == "dirfd" && n == unix.AT_FDCWD {
		return "AT_FDCWD"
	}
	if n < 0 {
		return fmt.Sprint(n)
	}
	if what := fd(n); what != "" {
		return fmt.Sprintf("%d (%s)", n, what)
	}
	return fmt.Sprint(n)
}

// taskDescriptor says what a descriptor of a task leads to: "pipe", "socket",
// or a file by its name alone, since its path is the host's business.
func taskDescriptor(pid uint32, n int32) string {
	var link [maxPath]byte
	size, err := unix.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, n), link[:])
	if err != nil {
		return "not open"
	}
	text := string(link[:size])
	for _, kind := range []string{"pipe", "socket"} {
		if strings.HasPrefix(text, kind+":[") {
			return kind
		}
	}
	return strconv.Quote(path.Base(text))
}
