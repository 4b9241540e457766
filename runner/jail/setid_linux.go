package jail

import (
	"encoding/binary"

	"github.com/isobooth/isobooth/runner/control"
	"golang.org/x/sys/unix"
)

// setid are the bits of a mode that lend a file's owner or group to whoever
// executes it.
const setid = unix.S_ISUID | unix.S_ISGID

// noSetid puts in front of a filter that no file gets a set-id bit: what a
// plugin writes into a folder of the host is the host's, where others can
// execute it, as the user that it belongs to. No rule of a profile can undo
// it. openat2(2) has its mode in memory, where no filter sees it, and is not
// there; libc does not use it.
func noSetid(bpf []byte) []byte {
	const (
		load   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		common = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
		ret    = unix.BPF_RET | unix.BPF_K
		errno  = unix.SECCOMP_RET_ERRNO
	)
	// struct seccomp_data: nr, arch, ip, then args of 8 bytes each, of which
	// the lower half comes first on both of our machines.
	const nr, arch, args = 0, 4, 16
	var body []unix.SockFilter
	for arg := 1; arg <= 3; arg++ {
		calls := modeCalls[arg]
		body = append(body, unix.SockFilter{Code: load, K: nr})
		for i, call := range calls { // to the look at the argument, else on
			body = append(body, unix.SockFilter{Code: equal, Jt: uint8(len(calls) - i), Jf: 0, K: call})
		}
		body = append(body,
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JA, K: 3},
			unix.SockFilter{Code: load, K: uint32(args + 8*arg)},
			unix.SockFilter{Code: common, Jt: 0, Jf: 1, K: setid},
			unix.SockFilter{Code: ret, K: errno | uint32(unix.EPERM)},
		)
	}
	body = append(body,
		unix.SockFilter{Code: load, K: nr},
		unix.SockFilter{Code: equal, Jt: 0, Jf: 1, K: unix.SYS_OPENAT2},
		unix.SockFilter{Code: ret, K: errno | uint32(unix.ENOSYS)},
	)
	front := []unix.SockFilter{
		{Code: load, K: arch}, // another one is the profile's to kill
		{Code: equal, Jt: 0, Jf: uint8(len(body)), K: auditArch},
	}
	var b []byte
	for _, i := range append(front, body...) {
		b = binary.NativeEndian.AppendUint16(b, i.Code)
		b = append(b, i.Jt, i.Jf)
		b = binary.NativeEndian.AppendUint32(b, i.K)
	}
	return append(b, bpf...)
}

// writesFiles reports whether a booth may write what outlives it.
func writesFiles(g *control.Grants) bool {
	for _, b := range g.Files {
		if b.Write {
			return true
		}
	}
	return false
}
