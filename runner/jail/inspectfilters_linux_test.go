package jail

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/isobooth/isobooth/runner/control"
	"golang.org/x/sys/unix"
)

// stackFilters puts filters that allow everything on this process.
func stackFilters(n int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	allow := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}
	prog := unix.SockFprog{Len: 1, Filter: &allow}
	for range n {
		if _, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog))); e != 0 {
			return os.NewSyscallError("seccomp", e)
		}
	}
	return nil
}

// filtersBelow starts this test again, in a process with so many filters more,
// and returns what the inspector says of it.
func filtersBelow(t *testing.T, more int) error {
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestFilters$")
	cmd.Env = append(os.Environ(), fmt.Sprintf("ISOBOOTH_TEST_FILTERS=%d", more))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "filtered\n" {
		t.Fatalf("%q, %v", line, err)
	}
	worker, err := newInspector(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	_, said := worker.seccomp(&control.Policy{}, phaseLoad)
	worker.close()
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return said
}

// TestFilters: a worker must have one filter, besides those that whoever looks
// has as well. It looks from a process without any, then from one with two.
func TestFilters(t *testing.T) {
	switch role := os.Getenv("ISOBOOTH_TEST_FILTERS"); role {
	case "":
	case "outer":
		if err := stackFilters(2); err != nil {
			t.Fatal(err)
		}
	default:
		var n int
		if _, err := fmt.Sscan(role, &n); err != nil {
			t.Fatal(err)
		}
		if err := stackFilters(n); err != nil {
			t.Fatal(err)
		}
		fmt.Println("filtered")
		_, _ = io.Copy(io.Discard, os.Stdin) // until it was looked at
		return
	}
	own, err := ourFilters()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		more int
		ok   bool
	}{{0, false}, {1, true}, {2, false}} {
		err := filtersBelow(t, test.more)
		if ok := err == nil; ok != test.ok {
			t.Errorf("a worker with %d filters more than our %d: %v", test.more, own, err)
		}
		if err != nil && !strings.Contains(err.Error(), "Seccomp") {
			t.Error(err)
		}
	}
	if os.Getenv("ISOBOOTH_TEST_FILTERS") == "outer" {
		return
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestFilters$")
	cmd.Env = append(os.Environ(), "ISOBOOTH_TEST_FILTERS=outer")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("with filters of our own: %v\n%s", err, out)
	}
}
