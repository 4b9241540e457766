// Command isobooth-jail builds booths for one isobooth daemon. The daemon
// starts it with a control socket as descriptor 3; it is not run by hand.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"unsafe"

	"github.com/cyphar/filepath-securejoin/pathrs-lite/procfs"
	"github.com/isobooth/isobooth/runner/control"
	"github.com/isobooth/isobooth/runner/jail"
	"github.com/moby/sys/capability"
	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/exeseal"
	_ "github.com/opencontainers/runc/libcontainer/nsenter" // its C constructor is the first half of every container's start
	"golang.org/x/sys/unix"
)

const controlFD = 3

// workerFD is a worker's control socket, and that of the init that becomes
// the worker; CONTROL_FD in runner/worker/main.c.
const workerFD = 5

func init() {
	// libcontainer's mount goroutine changes its thread's mount namespace and
	// lets the thread die. The main thread cannot die: keep the goroutine off it.
	runtime.LockOSThread()
	if len(os.Args) < 2 || os.Args[1] != "init" {
		return
	}
	if os.Getenv("_LIBCONTAINER_INITTYPE") == "standard" {
		// libcontainer reads both only after the pivot, where /proc shows
		// processes and nothing else; both are cached, so read them now. What
		// fails here fails again, with its own message, in Init.
		_, _ = capability.LastCap()
		if h, err := procfs.OpenProcRoot(); err == nil {
			h.Close()
		}
		go endWithJailer()
	}
	libcontainer.Init()
}

// endWithJailer ends a half-made container when the jailer is killed, which
// holds the other end of this socket and alone. libcontainer's own sockets do
// that up to the fifo that it waits in last: an open of one ends for nobody's
// death. PR_SET_PDEATHSIG would be lost where it changes its user, prctl(2).
// The worker, when it is executed, does without us.
func endWithJailer() {
	p := []unix.PollFd{{Fd: workerFD}}
	for {
		// POLLHUP needs no asking for; poll(2).
		n, err := unix.Poll(p, -1)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n != 1 || p[0].Revents != unix.POLLHUP {
			return // no socket: libcontainer says what is wrong
		}
		os.Exit(1)
	}
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "isobooth-jail:", err)
		os.Exit(1)
	}
}

func run() error {
	if typ, err := unix.GetsockoptInt(controlFD, unix.SOL_SOCKET, unix.SO_TYPE); err != nil || typ != unix.SOCK_SEQPACKET {
		return fmt.Errorf("no control socket: isobooth starts this program, run that instead")
	}
	if err := sealSelf(); err != nil {
		return err
	}
	// The second run took the number of a descriptor for its name.
	name := append([]byte("isobooth-jail"), 0)
	if err := unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name[0])), 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	unix.CloseOnExec(controlFD)
	if err := unix.SetNonblock(controlFD, true); err != nil {
		return err
	}
	// We run on one processor less than there are, maybe on one. With one
	// place for goroutines to match, each system call that sleeps would hold up
	// all others until the runtime noticed.
	runtime.GOMAXPROCS(max(4, runtime.NumCPU()))
	return jail.Serve(control.NewConn(os.NewFile(controlFD, "control")))
}

// sealed marks the second run of sealSelf, so that a kernel that refuses
// sealed memfds (vm.memfd_noexec=2) does not make it loop.
const sealed = "ISOBOOTH_JAIL_SEALED"

// sealSelf runs this program again from a sealed copy in memory. libcontainer
// otherwise makes such a copy at every start, so that a container can never
// write to the program that made it (CVE-2019-5736).
func sealSelf() error {
	if exeseal.IsSelfExeCloned() || os.Getenv(sealed) != "" {
		return os.Unsetenv(sealed)
	}
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer self.Close()
	st, err := self.Stat()
	if err != nil {
		return err
	}
	clone, err := exeseal.CloneBinary(self, st.Size(), "isobooth-jail", "/tmp")
	if err != nil {
		return fmt.Errorf("copy myself into sealed memory: %w", err)
	}
	if err := os.Setenv(sealed, "1"); err != nil {
		return err
	}
	return os.NewSyscallError("execve", unix.Exec("/proc/self/fd/"+strconv.Itoa(int(clone.Fd())), os.Args, os.Environ()))
}
