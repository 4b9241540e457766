package profiles

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// argumentGrid are argument values around every bit that profiles look at,
// with and without garbage in the upper half.
func argumentGrid() []uint64 {
	low := []uint64{0, 1, 2, 3, 4, 5, 6, 7, 0x20, 0x22, 0x100, 0x3d0f00, 0x50f00, 0x3d0f00 | unix.CLONE_NEWUSER,
		1030, unix.PR_SET_NAME, unix.PR_SET_VMA, unix.PR_SET_SECCOMP, math.MaxUint32}
	grid := low
	for _, v := range low {
		grid = append(grid, v|0xdeadbeef_00000000, v|1<<32)
	}
	return grid
}

func TestEveryKnownCall(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			f := compileNamed(t, name)
			sim, arch := simulate(t, f), nativeArch(t)
			for i := range f.Calls {
				c := &f.Calls[i]
				for arg := range 6 {
					for _, v := range argumentGrid() {
						args := [6]uint64{0, 0, 0, 0, 0, 0}
						args[arg] = v
						got := ret(sim.run(t, call{nr: uint32(c.Nr), arch: arch, args: args}))
						if want := c.expected(args); got != want {
							t.Fatalf("%s%x: filter says %s, table says %s", c.Name, args, got, want)
						}
					}
				}
			}
		})
	}
}

func TestUnknownNumbers(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			f := compileNamed(t, name)
			sim, arch := simulate(t, f), nativeArch(t)
			unknown := 0
			check := func(nr uint32) {
				if _, known := f.Call(int(nr)); known {
					return
				}
				unknown++
				if got := ret(sim.run(t, call{nr: nr, arch: arch})); got != "errno:ENOSYS" {
					t.Errorf("number %d: %s, want errno:ENOSYS", nr, got)
				}
			}
			for nr := range uint32(2048) {
				check(nr)
			}
			for _, nr := range []uint32{1 << 16, 0x3fffffff, math.MaxUint32} {
				check(nr)
			}
			if unknown < 1024 {
				t.Errorf("only %d unknown numbers tried", unknown)
			}
		})
	}
}

func TestForeignArchitectureAndX32(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			f := compileNamed(t, name)
			sim, arch := simulate(t, f), nativeArch(t)
			if got := ret(sim.run(t, call{nr: unix.SYS_READ, arch: arch})); got != "allow" {
				t.Fatalf("read: %s, want allow", got)
			}
			for _, foreign := range []uint32{unix.AUDIT_ARCH_I386, unix.AUDIT_ARCH_ARM, unix.AUDIT_ARCH_RISCV64, 0, math.MaxUint32} {
				for nr := range uint32(1024) {
					if got := ret(sim.run(t, call{nr: nr, arch: foreign})); got != "kill" {
						t.Fatalf("arch %#x number %d: %s, want kill", foreign, nr, got)
					}
				}
			}
			if runtime.GOARCH != "amd64" {
				return
			}
			for nr := range uint32(1024) {
				for _, x32 := range []uint32{0x40000000, 0x80000000, 0xc0000000} {
					if got := ret(sim.run(t, call{nr: x32 | nr, arch: arch})); got != "kill" {
						t.Fatalf("number %#x: %s, want kill", x32|nr, got)
					}
				}
			}
		})
	}
}

// TestConditions names single decisions; the tables above only say that
// filter and table agree.
func TestConditions(t *testing.T) {
	const garbage = 0xffffffff_00000000
	const pthread = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SYSVSEM | unix.CLONE_SIGHAND |
		unix.CLONE_THREAD | unix.CLONE_SETTLS | unix.CLONE_PARENT_SETTID | unix.CLONE_CHILD_CLEARTID
	const goThread = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_SYSVSEM | unix.CLONE_THREAD
	const rw = unix.PROT_READ | unix.PROT_WRITE
	const rx = unix.PROT_READ | unix.PROT_EXEC
	const file, anonymous = unix.MAP_PRIVATE, unix.MAP_PRIVATE | unix.MAP_ANONYMOUS
	tests := []struct {
		profile string
		call    string
		args    [6]uint64
		kernel  Verdict
		load    bool // the jailer lets it continue while loading
	}{
		{"strict", "mmap", [6]uint64{2: rw, 3: anonymous}, VerdictAllow, false},
		{"strict", "mmap", [6]uint64{2: unix.PROT_NONE, 3: anonymous}, VerdictAllow, false},
		{"strict", "mmap", [6]uint64{2: rw, 3: anonymous | unix.MAP_HUGETLB}, VerdictNotify, false},
		{"threads", "mmap", [6]uint64{2: rw, 3: anonymous | unix.MAP_HUGETLB}, VerdictNotify, false},
		{"strict", "mmap", [6]uint64{2: rx, 3: file}, VerdictNotify, true},
		{"strict", "mmap", [6]uint64{2: unix.PROT_EXEC, 3: file}, VerdictNotify, true},
		{"strict", "mmap", [6]uint64{2: rx, 3: anonymous}, VerdictNotify, false},
		{"strict", "mmap", [6]uint64{2: rw | unix.PROT_EXEC, 3: file}, VerdictNotify, false},
		{"strict", "mmap", [6]uint64{2: rw | unix.PROT_EXEC | garbage, 3: file}, VerdictNotify, false},
		{"strict", "mmap", [6]uint64{2: rx, 3: anonymous | garbage}, VerdictNotify, false},
		{"strict", "mprotect", [6]uint64{2: unix.PROT_READ}, VerdictAllow, false},
		{"strict", "mprotect", [6]uint64{2: rw}, VerdictAllow, false},
		{"strict", "mprotect", [6]uint64{2: rx}, VerdictNotify, false},
		{"strict", "mprotect", [6]uint64{2: rw | unix.PROT_EXEC}, VerdictNotify, false},
		{"strict", "pkey_mprotect", [6]uint64{2: unix.PROT_READ}, VerdictNotify, false},
		{"strict", "openat", [6]uint64{}, VerdictNotify, true},
		{"strict", "close", [6]uint64{}, VerdictNotify, true},
		{"strict", "execve", [6]uint64{}, VerdictNotify, false},
		{"strict", "clone", [6]uint64{pthread}, VerdictNotify, false},
		{"strict", "seccomp", [6]uint64{}, VerdictNotify, false},
		{"strict", "landlock_restrict_self", [6]uint64{}, VerdictNotify, false},
		{"strict", "prctl", [6]uint64{unix.PR_SET_NAME}, VerdictNotify, false},
		{"strict", "clone3", [6]uint64{}, VerdictErrno, false},
		{"strict", "ptrace", [6]uint64{}, VerdictKill, false},
		{"strict", "io_uring_setup", [6]uint64{}, VerdictNotify, false},

		{"threads", "clone", [6]uint64{pthread}, VerdictAllow, false},
		{"threads", "clone", [6]uint64{goThread}, VerdictAllow, false},
		{"threads", "clone", [6]uint64{pthread | garbage}, VerdictAllow, false}, // the kernel reads 32 bits
		{"threads", "clone", [6]uint64{uint64(unix.SIGCHLD)}, VerdictNotify, false},
		{"threads", "clone", [6]uint64{unix.CLONE_VM | unix.CLONE_VFORK | uint64(unix.SIGCHLD)}, VerdictNotify, false},
		{"threads", "clone", [6]uint64{pthread &^ unix.CLONE_THREAD}, VerdictNotify, false},
		{"threads", "clone", [6]uint64{pthread | unix.CLONE_NEWUSER}, VerdictNotify, false},
		{"threads", "clone", [6]uint64{pthread | unix.CLONE_NEWNS}, VerdictNotify, false},
		{"threads", "clone", [6]uint64{pthread | unix.CLONE_PIDFD}, VerdictNotify, false},
		{"threads", "clone3", [6]uint64{}, VerdictErrno, false},
		{"threads", "tgkill", [6]uint64{1, 5, uint64(unix.SIGURG)}, VerdictAllow, false},
		{"threads", "tgkill", [6]uint64{2, 5, uint64(unix.SIGURG)}, VerdictNotify, false},
		{"threads", "tgkill", [6]uint64{math.MaxUint32, 5, uint64(unix.SIGKILL)}, VerdictNotify, false},
		{"threads", "tkill", [6]uint64{1, uint64(unix.SIGKILL)}, VerdictNotify, false},
		{"threads", "prctl", [6]uint64{unix.PR_SET_NAME}, VerdictAllow, false},
		{"threads", "prctl", [6]uint64{unix.PR_SET_SECCOMP}, VerdictNotify, false},
		{"threads", "prctl", [6]uint64{unix.PR_SET_NAME | garbage}, VerdictAllow, false}, // int option
		{"threads", "prlimit64", [6]uint64{0, unix.RLIMIT_STACK, 0}, VerdictAllow, false},
		{"threads", "prlimit64", [6]uint64{0, unix.RLIMIT_STACK, 1 << 40}, VerdictNotify, false},
		{"threads", "prlimit64", [6]uint64{7, unix.RLIMIT_STACK, 0}, VerdictNotify, false},
		{"threads", "fcntl", [6]uint64{0, unix.F_DUPFD_CLOEXEC}, VerdictAllow, false},
		{"threads", "fcntl", [6]uint64{0, unix.F_SETOWN}, VerdictNotify, false},
		{"threads", "socket", [6]uint64{unix.AF_UNIX}, VerdictNotify, false},
		{"threads", "mprotect", [6]uint64{2: rx}, VerdictNotify, false},

		{"files", "openat", [6]uint64{2: unix.O_RDWR | unix.O_CREAT | unix.O_TRUNC}, VerdictAllow, false},
		{"files", "unlinkat", [6]uint64{}, VerdictAllow, false},
		{"files", "symlinkat", [6]uint64{}, VerdictNotify, false},
		{"files", "linkat", [6]uint64{}, VerdictNotify, false},
		{"files", "fchmodat", [6]uint64{}, VerdictNotify, false},
		{"files", "mknodat", [6]uint64{}, VerdictNotify, false},
		{"files", "openat2", [6]uint64{}, VerdictNotify, false},
		{"files", "clone", [6]uint64{pthread}, VerdictNotify, false},
		{"files", "socket", [6]uint64{unix.AF_INET, unix.SOCK_STREAM}, VerdictNotify, false},
		{"files", "mmap", [6]uint64{2: rw | unix.PROT_EXEC, 3: file}, VerdictNotify, false},

		{"network-client", "socket", [6]uint64{unix.AF_INET, unix.SOCK_STREAM}, VerdictAllow, false},
		{"network-client", "socket", [6]uint64{unix.AF_INET6, unix.SOCK_DGRAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK, unix.IPPROTO_UDP}, VerdictAllow, false},
		{"network-client", "socket", [6]uint64{unix.AF_INET | garbage, unix.SOCK_STREAM | garbage, garbage}, VerdictAllow, false}, // ints
		{"network-client", "socket", [6]uint64{unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP}, VerdictNotify, false},
		{"network-client", "socket", [6]uint64{unix.AF_INET, unix.SOCK_STREAM, 262}, VerdictNotify, false}, // IPPROTO_MPTCP
		{"network-client", "socket", [6]uint64{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_UDP}, VerdictNotify, false},
		{"network-client", "socket", [6]uint64{unix.AF_INET, unix.SOCK_RAW}, VerdictNotify, false},
		{"network-client", "socket", [6]uint64{unix.AF_UNIX, unix.SOCK_STREAM}, VerdictNotify, false},
		{"network-client", "socket", [6]uint64{unix.AF_NETLINK, unix.SOCK_DGRAM}, VerdictNotify, false},
		{"network-client", "socket", [6]uint64{unix.AF_VSOCK, unix.SOCK_STREAM}, VerdictNotify, false},
		{"network-client", "connect", [6]uint64{}, VerdictNotify, false},
		{"network-client", "bind", [6]uint64{}, VerdictNotify, false},
		{"network-client", "listen", [6]uint64{}, VerdictNotify, false},
		{"network-client", "accept4", [6]uint64{}, VerdictNotify, false},
		{"network-client", "sendmsg", [6]uint64{}, VerdictNotify, false},
		{"network-client", "sendmmsg", [6]uint64{}, VerdictNotify, false},
		{"network-client", "sendto", [6]uint64{5, 4096, 10}, VerdictAllow, false},
		{"network-client", "sendto", [6]uint64{5, 4096, 10, 0, 4096, 16}, VerdictNotify, false},
		{"network-client", "sendto", [6]uint64{5, 4096, 10, 0, 1 << 32, 16}, VerdictNotify, false}, // a pointer, all of it
		{"network-client", "recvmsg", [6]uint64{}, VerdictAllow, true},
		{"network-client", "recvmsg", [6]uint64{2: unix.MSG_CMSG_CLOEXEC}, VerdictNotify, true}, // the worker's
		{"network-client", "setsockopt", [6]uint64{5, unix.IPPROTO_TCP, unix.TCP_NODELAY}, VerdictAllow, false},
		{"network-client", "setsockopt", [6]uint64{5, unix.SOL_SOCKET, unix.SO_BINDTODEVICE}, VerdictNotify, false},
		{"network-client", "setsockopt", [6]uint64{5, unix.SOL_SOCKET, unix.SO_LINGER}, VerdictNotify, false},
		{"network-client", "setsockopt", [6]uint64{5, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER}, VerdictNotify, false},
		{"network-client", "setsockopt", [6]uint64{5, unix.IPPROTO_TCP, unix.TCP_REPAIR}, VerdictNotify, false},
		{"network-client", "ioctl", [6]uint64{5, 0x541b}, VerdictAllow, false},
		{"network-client", "ioctl", [6]uint64{5, unix.SIOCGIFADDR}, VerdictNotify, false},
		{"network-client", "fcntl", [6]uint64{5, unix.F_SETFL, unix.O_NONBLOCK}, VerdictAllow, false},
		{"network-client", "fcntl", [6]uint64{5, unix.F_SETFL, unix.O_ASYNC}, VerdictNotify, false},
		{"network-client", "fcntl", [6]uint64{5, unix.F_SETOWN, 1}, VerdictNotify, false},
		{"network-client", "openat", [6]uint64{}, VerdictAllow, true},
		{"network-client", "openat", [6]uint64{2: unix.O_WRONLY}, VerdictNotify, true},
		{"network-client", "openat", [6]uint64{2: unix.O_TRUNC}, VerdictNotify, true},
		{"network-client", "clone", [6]uint64{pthread}, VerdictAllow, false},

		{"audio", "ioctl", [6]uint64{5, 0xc2604111}, VerdictAllow, false},  // SNDRV_PCM_IOCTL_HW_PARAMS of amd64
		{"audio", "ioctl", [6]uint64{5, 0x4140}, VerdictAllow, false},      // SNDRV_PCM_IOCTL_PREPARE
		{"audio", "ioctl", [6]uint64{5, 0x80045500}, VerdictAllow, false},  // SNDRV_CTL_IOCTL_PVERSION
		{"audio", "ioctl", [6]uint64{5, 0xc4c85513}, VerdictNotify, false}, // SNDRV_CTL_IOCTL_ELEM_WRITE
		{"audio", "ioctl", [6]uint64{5, unix.TCGETS}, VerdictNotify, false},
		{"audio", "ioctl", [6]uint64{5, unix.TIOCSTI}, VerdictNotify, false},
		{"audio", "ioctl", [6]uint64{5, 0x5421}, VerdictNotify, false},
		{"audio", "openat", [6]uint64{2: unix.O_RDWR | unix.O_NONBLOCK | unix.O_CLOEXEC}, VerdictAllow, true},
		{"audio", "openat", [6]uint64{2: unix.O_RDWR | unix.O_CREAT}, VerdictNotify, true},
		{"audio", "unlink", [6]uint64{}, VerdictNotify, false},
		{"audio", "mmap", [6]uint64{2: rw, 3: unix.MAP_SHARED}, VerdictAllow, false},
		{"audio", "mmap", [6]uint64{2: rx, 3: unix.MAP_SHARED}, VerdictNotify, true},
		{"audio", "mlock", [6]uint64{}, VerdictErrno, false},
		{"audio", "sched_setscheduler", [6]uint64{0, unix.SCHED_FIFO}, VerdictAllow, false},
		{"audio", "socket", [6]uint64{unix.AF_INET, unix.SOCK_STREAM}, VerdictNotify, false},

		{"legacy", "execve", [6]uint64{}, VerdictNotify, false},
		{"legacy", "fork", [6]uint64{}, VerdictNotify, false},
		{"legacy", "clone", [6]uint64{uint64(unix.SIGCHLD)}, VerdictNotify, false},
		{"legacy", "clone", [6]uint64{pthread | unix.CLONE_NEWUSER}, VerdictNotify, false},
		{"legacy", "unshare", [6]uint64{}, VerdictNotify, false},
		{"legacy", "setns", [6]uint64{}, VerdictNotify, false},
		{"legacy", "mount", [6]uint64{}, VerdictNotify, false},
		{"legacy", "seccomp", [6]uint64{}, VerdictNotify, false},
		{"legacy", "io_uring_setup", [6]uint64{}, VerdictNotify, false},
		{"legacy", "bpf", [6]uint64{}, VerdictKill, false},
		{"legacy", "keyctl", [6]uint64{}, VerdictKill, false},
		{"legacy", "ptrace", [6]uint64{}, VerdictKill, false},
		{"legacy", "connect", [6]uint64{}, VerdictNotify, false},
		{"legacy", "sendmsg", [6]uint64{}, VerdictNotify, false},
		{"legacy", "socketpair", [6]uint64{unix.AF_UNIX, unix.SOCK_STREAM}, VerdictAllow, false},
		{"legacy", "socketpair", [6]uint64{unix.AF_INET, unix.SOCK_STREAM}, VerdictNotify, false},
		{"legacy", "mprotect", [6]uint64{2: rx}, VerdictNotify, false},
		{"legacy", "mmap", [6]uint64{2: rw | unix.PROT_EXEC, 3: anonymous}, VerdictNotify, false},
		{"legacy", "personality", [6]uint64{}, VerdictNotify, false},
		{"legacy", "sched_setaffinity", [6]uint64{}, VerdictNotify, false},
		{"legacy", "memfd_create", [6]uint64{}, VerdictNotify, false},
		{"legacy", "kill", [6]uint64{1, 15}, VerdictAllow, false},
		{"legacy", "flock", [6]uint64{5, unix.LOCK_EX}, VerdictNotify, false},
		{"legacy", "fcntl", [6]uint64{5, unix.F_SETLK}, VerdictNotify, false},
		{"legacy", "sendfile", [6]uint64{5, 6}, VerdictNotify, false},
		{"legacy", "copy_file_range", [6]uint64{5, 0, 6}, VerdictAllow, false},
		{"files", "flock", [6]uint64{5, unix.LOCK_EX}, VerdictNotify, false},
	}
	for _, name := range Names() {
		f := compileNamed(t, name)
		sim, arch := simulate(t, f), nativeArch(t)
		for _, test := range tests {
			if test.profile != name {
				continue
			}
			c := find(t, f, test.call)
			args := test.args
			if got, want := ret(sim.run(t, call{nr: uint32(c.Nr), arch: arch, args: args})), c.expected(args); got != want {
				t.Errorf("%s: %s%x: filter says %s, table says %s", name, test.call, args, got, want)
			}
			if got := c.KernelVerdict(args); got != test.kernel {
				t.Errorf("%s: %s%x: %s, want %s", name, test.call, args, got, test.kernel)
			}
			if got := c.Continue(args); got != test.load {
				t.Errorf("%s: %s%x: continue while loading %v, want %v", name, test.call, args, got, test.load)
			}
		}
	}
}

func find(t *testing.T, f *Filter, name string) *Call {
	t.Helper()
	for i := range f.Calls {
		if f.Calls[i].Name == name {
			return &f.Calls[i]
		}
	}
	t.Fatalf("no call %q on this machine", name)
	return nil
}

// TestRandomRules compiles rules no one wrote and compares filter and table:
// libseccomp merges the alternatives of a call into one tree.
func TestRandomRules(t *testing.T) {
	arch := nativeArch(t)
	r := rand.New(rand.NewPCG(1, 2))
	masks := []uint64{0x1, 0x6, 0xff, 0xf0f0, math.MaxUint32, math.MaxUint64, 0x1_0000_0001}
	values := []uint64{0, 1, 2, 3, 4, 5, 0x50, math.MaxUint32, 1 << 32, 1<<32 | 1, math.MaxUint64}
	for range 150 {
		p := &Profile{Name: "random"}
		for range 1 + r.IntN(5) {
			var when []Compare
			for range r.IntN(4) {
				mask := masks[r.IntN(len(masks))]
				if more, err := and(append([]Compare(nil), when...), Compare{r.IntN(3), mask, values[r.IntN(len(values))] & mask}); err == nil {
					when = more
				}
			}
			phase := PhaseRun
			if r.IntN(3) == 0 {
				phase = PhaseLoad
			}
			p.Rules = append(p.Rules, Rule{Calls: []string{"mmap"}, Phase: phase, Action: Allow, When: when, Why: "test"})
		}
		f := compile(t, p)
		sim, c := simulate(t, f), find(t, f, "mmap")
		for range 300 {
			args := [6]uint64{values[r.IntN(len(values))], values[r.IntN(len(values))], values[r.IntN(len(values))]}
			got := ret(sim.run(t, call{nr: uint32(c.Nr), arch: arch, args: args}))
			want, load := "notify", false
			for _, rule := range p.Rules {
				if !anyHolds([][]Compare{rule.When}, args) {
					continue
				}
				if rule.Phase == PhaseRun {
					want = "allow"
				} else {
					load = true
				}
			}
			if got != want {
				t.Fatalf("rules %+v\nargs %x: filter says %s, rules say %s", p.Rules, args, got, want)
			}
			if want == "notify" && c.Continue(args) != load {
				t.Fatalf("rules %+v\nargs %x: continue %v, rules say %v", p.Rules, args, !load, load)
			}
		}
	}
}

// TestCost keeps the filter short on the calls every trigger makes. The
// kernel itself does not even run it for those that are always allowed.
func TestCost(t *testing.T) {
	for _, test := range []struct {
		profile, call string
		most          int
	}{
		{"strict", "read", 16}, {"strict", "write", 16}, {"strict", "futex", 16}, {"strict", "mmap", 26},
		{"threads", "read", 18}, {"threads", "write", 18}, {"threads", "futex", 18}, {"threads", "mmap", 28},
		{"network-client", "read", 20}, {"network-client", "write", 20}, {"legacy", "read", 22}, {"legacy", "write", 22},
	} {
		f := compileNamed(t, test.profile)
		sim := simulate(t, f)
		n := sim.steps(t, call{nr: uint32(find(t, f, test.call).Nr), arch: nativeArch(t)})
		t.Logf("%s: %s takes %d of %d instructions", test.profile, test.call, n, len(sim.program))
		if n > test.most {
			t.Errorf("%s: %s takes %d instructions, want at most %d", test.profile, test.call, n, test.most)
		}
	}
}

func TestContinueDoesNotAllocate(t *testing.T) {
	f := compileNamed(t, "strict")
	c := find(t, f, "mmap")
	if n := testing.AllocsPerRun(100, func() { c.Continue([6]uint64{2: unix.PROT_EXEC}) }); n != 0 {
		t.Errorf("Continue allocates %v times", n)
	}
}

// TestConstantsMatchSystem has a C program print what the headers say.
func TestConstantsMatchSystem(t *testing.T) {
	var source strings.Builder
	source.WriteString(`#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sound/asound.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
int main(void) {
`)
	names := slices.Sorted(maps.Keys(constants))
	for _, name := range names {
		// Cut to 32 bits: CLONE_IO is a negative int.
		fmt.Fprintf(&source, "printf(\"%%u\\n\", (unsigned)(%s));\n", name)
	}
	source.WriteString("}\n")
	path := filepath.Join(t.TempDir(), "constants.c")
	if err := os.WriteFile(path, []byte(source.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(build(t, path)).Output()
	if err != nil {
		t.Fatal(err)
	}
	values := strings.Fields(string(out))
	if len(values) != len(names) || len(names) == 0 {
		t.Fatalf("%d values of %d constants", len(values), len(names))
	}
	for i, name := range names {
		if got := strconv.FormatUint(constants[name], 10); got != values[i] {
			t.Errorf("%s is %s, the system says %s", name, got, values[i])
		}
	}
	for name, n := range errnos {
		if got := unix.ErrnoName(unix.Errno(n)); got != name && got != "ENOTSUP" {
			t.Errorf("errno %s is %d, which the system calls %s", name, n, got)
		}
	}
}
