package profiles

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	seccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

// missing skips the test, or fails it where everything must run.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("ISOBOOTH_MUST_RUN") == "1" {
		t.Fatalf("missing: %s", what)
	}
	t.Skipf("missing: %s", what)
}

// build compiles a C file of testdata.
func build(t *testing.T, source string, flags ...string) string {
	t.Helper()
	cc, err := exec.LookPath("cc")
	if err != nil {
		missing(t, "a C compiler")
	}
	out := filepath.Join(t.TempDir(), "out")
	args := append([]string{"-std=gnu11", "-Wall", "-Wextra", "-Werror", "-o", out, source}, flags...)
	if text, err := exec.Command(cc, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", source, err, text)
	}
	return out
}

// host is the jailer's part: it answers notifications by the table.
type host struct {
	filter  *Filter
	sealed  atomic.Bool
	mu      sync.Mutex
	denials []string // calls refused, by name
}

func (h *host) serve(listener int) {
	for {
		req, err := seccomp.NotifReceive(seccomp.ScmpFd(listener))
		if err != nil {
			return // the last task is gone
		}
		resp := &seccomp.ScmpNotifResp{ID: req.ID, Error: int32(unix.EPERM)} // the library turns the sign
		c, ok := h.filter.Call(int(req.Data.Syscall))
		if ok && !h.sealed.Load() && c.Continue([6]uint64(req.Data.Args)) {
			resp.Error, resp.Flags = 0, seccomp.NotifRespFlagContinue
		} else {
			name := "unknown"
			if ok {
				name = c.Name
			}
			h.mu.Lock()
			h.denials = append(h.denials, name)
			h.mu.Unlock()
		}
		if seccomp.NotifRespond(seccomp.ScmpFd(listener), resp) != nil {
			return
		}
	}
}

func (h *host) denied() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.denials...)
}

// TestKernel runs the embedded profiles in a real kernel: dlopen of a memfd
// needs nothing the load phase refuses, and after the seal the same calls
// fail.
func TestKernel(t *testing.T) {
	for _, name := range Names() {
		opens := name != "strict" && name != "threads" // files, in the run phase
		t.Run(name, func(t *testing.T) { testKernel(t, compileNamed(t, name), opens) })
	}
}

func testKernel(t *testing.T, f *Filter, opens bool) {
	if api, err := seccomp.GetAPI(); err != nil || api < 5 {
		missing(t, "seccomp user notification, Linux 5.0")
	}
	loader := build(t, "testdata/loader/loader.c", "-ldl")
	library := build(t, "testdata/loader/library.c", "-shared", "-fPIC")
	stepsR, stepsW := pipe(t)
	answersR, answersW := pipe(t)
	cmd := exec.Command(loader)
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{memfd(t, f.BPF), memfdOf(t, library), stepsR, answersW}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answersW.Close()
	stepsR.Close()

	var number [4]byte
	if _, err := io.ReadFull(answersR, number[:]); err != nil {
		t.Fatalf("loader did not take the filter: %v, %v", err, cmd.Wait())
	}
	listener := takeFD(t, cmd.Process.Pid, int(binary.NativeEndian.Uint32(number[:])))
	h := &host{filter: f}
	served := make(chan struct{})
	go func() { h.serve(listener); close(served) }()

	ask := func(step, want, what string) {
		t.Helper()
		if _, err := io.WriteString(stepsW, step); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(answersR, got); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; want %q; refused so far: %q", what, got, err, want, h.denied())
		}
	}
	ask("l", "y", "dlopen while loading")
	if denied := h.denied(); len(denied) != 0 {
		t.Errorf("loading a plain library was refused %q", denied)
	}
	h.sealed.Store(true)
	results, refused := "ppyss", []string{"openat", "mmap"}
	if opens {
		results, refused = "ypyss", refused[1:]
	}
	ask("s", results, "openat, mapping code, malloc, clone3, number 1000 after the seal")
	if denied := h.denied(); !slices.Equal(denied, refused) {
		t.Errorf("refused %q, want %q", denied, refused)
	}
	if _, err := io.WriteString(stepsW, "k"); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != unix.SIGSYS {
		t.Errorf("ptrace ended the loader with %v, want SIGSYS", err)
	}
	<-served
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func memfd(t *testing.T, data []byte) *os.File {
	t.Helper()
	fd, err := unix.MemfdCreate("test", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatalf("memfd_create: %v", err)
	}
	file := os.NewFile(uintptr(fd), "memfd")
	t.Cleanup(func() { file.Close() })
	if _, err := file.Write(data); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	return file
}

func memfdOf(t *testing.T, path string) *os.File {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return memfd(t, data)
}

// takeFD copies a descriptor out of a child; the filter refuses the child
// the calls it would need to send one.
func takeFD(t *testing.T, pid, number int) int {
	t.Helper()
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatalf("pidfd_open: %v", err)
	}
	defer unix.Close(pidfd)
	fd, err := unix.PidfdGetfd(pidfd, number, 0)
	if err != nil {
		t.Fatalf("pidfd_getfd: %v", err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}
