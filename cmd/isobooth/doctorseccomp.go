package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Numbers of include/uapi/linux/seccomp.h that x/sys/unix lacks.
const (
	seccompNewListener  = 1 << 3
	seccompWaitKillable = 1 << 5
	notifAddFD          = 0x40182103
	notifAddFDSend      = 1 << 1
	notifSetFlags       = 0x40082104
	notifSyncWakeUp     = 1
)

// trySeccomp installs a filter with a listener, which allows everything, on a
// thread that ends with it. What else a listener can do is asked of it in ways
// that do nothing: a kernel that knows a flag fails for another reason.
func trySeccomp() map[string]attempt {
	result := make(chan map[string]attempt)
	go func() {
		runtime.LockOSThread() // for good: the filter stays as long as the thread
		result <- listenerParts()
	}()
	return <-result
}

func listenerParts() map[string]attempt {
	tried := map[string]attempt{}
	// A null filter is looked at after the flags; seccomp(2).
	_, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, seccompNewListener|seccompWaitKillable, 0)
	tried["wait_killable_recv"] = knows(e, unix.EFAULT, "seccomp")
	fail := func(err error) map[string]attempt {
		tried[""] = attempt{err: err, hint: "the kernel needs CONFIG_SECCOMP_FILTER and Linux 5.0; a container must not have a listener of its own"}
		for _, part := range seccompParts {
			if _, ok := tried[part.name]; !ok {
				tried[part.name] = attempt{err: errors.New("there is no listener")}
			}
		}
		return tried
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fail(os.NewSyscallError("prctl", err))
	}
	allow := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}
	prog := unix.SockFprog{Len: 1, Filter: &allow}
	fd, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, seccompNewListener, uintptr(unsafe.Pointer(&prog)))
	if e != 0 {
		return fail(os.NewSyscallError("seccomp", e))
	}
	defer unix.Close(int(fd))
	tried[""] = attempt{how: "a filter with a listener was installed"}
	_, _, e = unix.Syscall(unix.SYS_IOCTL, fd, notifSetFlags, notifSyncWakeUp)
	tried["sync_wake_up"] = knows(e, 0, "ioctl")
	for name, flags := range map[string]uint32{"addfd": 0, "addfd_send": notifAddFDSend} {
		// struct seccomp_notif_addfd, for a call that is not held.
		add := struct {
			id                     uint64
			flags, src, fd, fdFlag uint32
		}{flags: flags, src: uint32(fd)}
		_, _, e := unix.Syscall(unix.SYS_IOCTL, fd, notifAddFD, uintptr(unsafe.Pointer(&add)))
		tried[name] = knows(e, unix.ENOENT, "ioctl")
	}
	return tried
}

// knows tells by the errno whether the kernel knows what it was asked.
func knows(have, want unix.Errno, call string) attempt {
	if have != want {
		return attempt{err: fmt.Errorf("this kernel does not know it: %w", os.NewSyscallError(call, have))}
	}
	return attempt{how: "this kernel knows it"}
}

// Rights of landlock(7) by the version they came with.
const (
	landlockRefer    = 1 << 13
	landlockTruncate = 1 << 14
	landlockIoctlDev = 1 << 15
)

// tryLandlock makes a ruleset with each right of a later version.
func tryLandlock() map[string]attempt {
	tried := map[string]attempt{}
	abi, err := landlockABI()
	if err == nil {
		err = ruleset(landlockAttr{fs: 1<<13 - 1})
	}
	tried[""] = attempt{err: err, how: fmt.Sprintf("ABI %d, a ruleset was made", abi)}
	if err != nil {
		tried[""] = attempt{err: err, hint: "boot with lsm=landlock,... (Linux 5.13 or newer), or allow_missing = [\"landlock\"]"}
	}
	for name, attr := range map[string]landlockAttr{
		"refer": {fs: landlockRefer}, "truncate": {fs: landlockTruncate}, "ioctl_dev": {fs: landlockIoctlDev},
		"net": {net: 3}, "scope": {scoped: 3},
	} {
		tried[name] = attempt{err: ruleset(attr), how: "a ruleset with it was made"}
	}
	return tried
}

// landlockAttr is struct landlock_ruleset_attr of Linux 6.12.
type landlockAttr struct{ fs, net, scoped uint64 }

func ruleset(a landlockAttr) error {
	size := unsafe.Sizeof(a.fs) // what follows is newer, and refused by size
	if a.net != 0 {
		size += unsafe.Sizeof(a.net)
	}
	if a.scoped != 0 {
		size = unsafe.Sizeof(a)
	}
	fd, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&a)), size, 0)
	if e != 0 {
		return os.NewSyscallError("landlock_create_ruleset", e)
	}
	return unix.Close(int(fd))
}
