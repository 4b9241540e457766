package profiles

// continuable reports whether a rule of the load phase may name the call:
// whether letting it continue is harmless inside the booth whatever the
// memory behind its pointers becomes. Another thread can change that memory
// between the jailer's look and the kernel's, so the jailer decides on the
// registers alone, which the kernel keeps while the call is held; what may
// be opened is decided by the booth's root and by Landlock.
//
// A call that makes a process, a socket, a namespace or a filter is never
// here, nor is one that takes such an order as an argument (prctl, fcntl).
func continuable(call string) bool {
	switch call {
	case "open", "openat", "openat2",
		"stat", "lstat", "fstat", "newfstatat", "statx",
		"access", "faccessat", "faccessat2", "readlink", "readlinkat",
		"read", "pread64", "lseek", "getdents64", "close",
		"mmap",
		"recvmsg", // only from sockets the worker was born with
		"getrandom":
		return true
	}
	return false
}
