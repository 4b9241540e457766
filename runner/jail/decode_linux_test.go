package jail

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/sys/unix"
)

// segment is memory from at on; there is nothing before and behind it.
type segment struct {
	at   uint64
	data []byte
}

func (s segment) read(address uint64, buf []byte) int {
	if address < s.at || address-s.at >= uint64(len(s.data)) {
		return 0
	}
	return copy(buf, s.data[address-s.at:])
}

// told is how a call's arguments are printed.
func told(call string, regs [6]uint64, m memory) string {
	args := declared()[call]
	seen := look(args, &regs, m)
	var all []string
	for _, a := range decode(call, args, &regs, &seen, func(int32) string { return "" }) {
		all = append(all, a.Name+" "+a.Value)
	}
	return strings.Join(all, ", ")
}

func TestDecode(t *testing.T) {
	const at = 0x1000
	atFDCWD := uint64(1<<64 - 100)
	inet := binary.NativeEndian.AppendUint16(nil, unix.AF_INET)
	inet = append(inet, 0x1f, 0x90, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)
	netlink := append(binary.NativeEndian.AppendUint16(nil, unix.AF_NETLINK), 1, 2)
	how := binary.NativeEndian.AppendUint64(nil, unix.O_RDWR|unix.O_CREAT)
	how = binary.NativeEndian.AppendUint64(how, 0o644)
	how = binary.NativeEndian.AppendUint64(how, 8)
	for _, test := range []struct {
		call   string
		regs   [6]uint64
		memory string
		want   string
	}{
		{"openat", [6]uint64{atFDCWD, at, unix.O_RDONLY, 0o777}, "/a\x00b", `dirfd AT_FDCWD, path "/a", flags O_RDONLY`},
		// The upper half of an int's register is anything.
		{"openat", [6]uint64{0xdead_ffff_ff9c, at, 0xdead_0000_0001}, "/a\x00", `dirfd AT_FDCWD, path "/a", flags O_WRONLY`},
		{"openat", [6]uint64{0xffff_fff0, at, unix.O_TMPFILE | unix.O_RDWR, 0o600}, "", `dirfd -16, path 0x1000, flags O_RDWR|O_TMPFILE, mode 0600`},
		{"openat", [6]uint64{3, at, 1 << 30}, "x\x00", `dirfd 3, path "x", flags O_RDONLY|0x40000000`},
		{"openat2", [6]uint64{atFDCWD, at, at, 24}, string(how), `dirfd AT_FDCWD, path "B", how {flags O_RDWR|O_CREAT, resolve 0x8}, size 24`},
		{"connect", [6]uint64{5, at, 16}, string(inet), `fd 5, addr 10.0.0.1:8080, addrlen 16`},
		{"connect", [6]uint64{5, at, 15}, string(inet), `fd 5, addr AF_INET:1f900a00000100000000000000, addrlen 15`},
		{"connect", [6]uint64{5, at, 12}, string(netlink), `fd 5, addr AF_NETLINK:0102, addrlen 12`},
		{"connect", [6]uint64{5, at, 1<<32 - 5}, string(inet), `fd 5, addr 0x1000, addrlen -5`},
		{"sendto", [6]uint64{5, 7, 9, 0, 0, 0}, "", `fd 5, len 9, flags 0x0, addr null, addrlen 0`},
		{"socket", [6]uint64{unix.AF_INET, unix.SOCK_STREAM | unix.SOCK_CLOEXEC, 6}, "", `domain AF_INET, type SOCK_STREAM|SOCK_CLOEXEC, protocol 6`},
		{"socket", [6]uint64{77, 0, 0}, "", `domain 0x4d, type 0x0, protocol 0`},
		{"clone", [6]uint64{unix.CLONE_NEWPID | unix.CLONE_NEWTIME, 0}, "", `flags CLONE_NEWPID|128, stack 0x0`},
		{"unshare", [6]uint64{unix.CLONE_NEWTIME}, "", `flags CLONE_NEWTIME`},
		{"mmap", [6]uint64{0, 4096, 1 << 32, unix.MAP_SHARED, 3, 0}, "", `addr 0x0, length 4096, prot 0x100000000, flags MAP_SHARED, fd 3, offset 0`},
		{"kill", [6]uint64{1<<32 - 1, 64}, "", `pid -1, sig 64`},
		{"prlimit64", [6]uint64{0, unix.RLIMIT_NOFILE, 0}, "", `pid 0, resource RLIMIT_NOFILE, new_limit null`},
		{"rename", [6]uint64{at, at + 2}, "a\x00b\x00", `oldpath "a", newpath "b"`},
		{"getppid", [6]uint64{1, 2, 3}, "", ``},
		{"no such call", [6]uint64{}, "", ``},
	} {
		if got := told(test.call, test.regs, segment{at, []byte(test.memory)}); got != test.want {
			t.Errorf("%s%x:\n got %s\nwant %s", test.call, test.regs, got, test.want)
		}
	}
}

// TestDeclarations: every kind is one that something is done for, and no call
// is there twice.
func TestDeclarations(t *testing.T) {
	kinds := strings.Fields("address cloexec fd dirfd hex int length mode offset openhow open path pid pointer signal size sock sockaddr value clone")
	for _, list := range [][]names{constants, flags} {
		for _, n := range list {
			kinds = append(kinds, n.kind)
		}
	}
	seen := map[string]bool{}
	for line := range strings.Lines(declarations) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if len(words) > 7 || seen[words[0]] {
			t.Errorf("declaration %q", line)
		}
		seen[words[0]] = true
		for _, a := range declared()[words[0]] {
			if !slices.Contains(kinds, a.kind) || a.name == "" {
				t.Errorf("declaration %q: argument %+v", line, a)
			}
		}
	}
	if len(seen) != len(declared()) {
		t.Errorf("%d lines, %d calls", len(seen), len(declared()))
	}
}

// TestTaskMemory reads this process, page by page.
func TestTaskMemory(t *testing.T) {
	page := unix.Getpagesize()
	two, err := unix.Mmap(-1, 0, 2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(two) }()
	copy(two[page-3:], "abcdef")
	at := addressOf(two) + uint64(page) - 3
	me := taskMemory(unix.Getpid())
	buf := make([]byte, 16)
	if n := me.read(at, buf); n != 16 || string(buf[:6]) != "abcdef" {
		t.Errorf("control: read %d: %q", n, buf)
	}
	if err := unix.Mprotect(two[page:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	if n := me.read(at, buf); n != 3 {
		t.Errorf("up to a page that is closed: read %d", n)
	}
	for _, address := range []uint64{0, 1, 1<<64 - 1, 1<<64 - 16, 1 << 63, at + 3} {
		if n := me.read(address, buf); n != 0 {
			t.Errorf("%#x: read %d", address, n)
		}
	}
}

// FuzzDecode: whatever registers and memory hold, what is told is bounded and
// harmless to a terminal.
func FuzzDecode(f *testing.F) {
	calls := []string{}
	for call := range declared() {
		calls = append(calls, call)
	}
	slices.Sort(calls)
	index := func(call string) uint16 { return uint16(slices.Index(calls, call)) }
	f.Add(index("openat"), uint64(1<<64-100), uint64(0x1000), uint64(0x241), uint64(0o644), uint64(0), []byte("/etc/passwd\x00"))
	f.Add(index("openat"), uint64(3), uint64(0x1fff), uint64(0), uint64(0), uint64(0), []byte(strings.Repeat("a", 0x1000)))
	f.Add(index("openat"), uint64(3), uint64(0x1000), uint64(0), uint64(0), uint64(0), []byte("\x1b[2J\xff\xe2\x80\xae"))
	f.Add(index("connect"), uint64(3), uint64(0x1000), uint64(16), uint64(0), uint64(0), []byte("\x02\x00\x1f\x90\x7f\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add(index("connect"), uint64(3), uint64(0x1000), uint64(28), uint64(0), uint64(0), append([]byte("\x0a\x00\x01\xbb\x00\x00\x00\x00"), make([]byte, 20)...))
	f.Add(index("connect"), uint64(3), uint64(0x1000), uint64(1<<32-1), uint64(0), uint64(0), []byte("\x01\x00\x00hidden"))
	f.Add(index("sendto"), uint64(3), uint64(0), uint64(1<<40), uint64(0), uint64(0x1000), []byte("\x01\x00/run/bus"))
	f.Add(index("openat2"), uint64(3), uint64(0x1000), uint64(0x1000), uint64(24), uint64(0), make([]byte, 24))
	f.Add(index("clone"), uint64(0x7fffffff), uint64(0), uint64(0), uint64(0), uint64(0), []byte{})
	f.Fuzz(func(t *testing.T, call uint16, a, b, c, d, e uint64, data []byte) {
		name := calls[int(call)%len(calls)]
		text := told(name, [6]uint64{a, b, c, d, e, a ^ b}, segment{0x1000, data})
		// An address may be printed as four characters for each byte.
		if len(text) > 6*(4*maxPath+64) {
			t.Errorf("%s: %d bytes", name, len(text))
		}
		if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%s: %q is not for a terminal", name, text)
		}
		if other := told(name, [6]uint64{a, b, c, d, e, a ^ b}, segment{0x1000, data}); other != text {
			t.Errorf("%s: told %q, then %q", name, text, other)
		}
	})
}

func addressOf(b []byte) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }
