package jail

import "golang.org/x/sys/unix"

const multiarch = "aarch64-linux-gnu"

const auditArch = unix.AUDIT_ARCH_AARCH64

// modeCalls are those that take the mode of a file, by the argument it is.
var modeCalls = map[int][]uint32{
	1: {unix.SYS_FCHMOD},
	2: {unix.SYS_MKNODAT, unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2},
	3: {unix.SYS_OPENAT},
}
