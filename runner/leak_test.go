//go:build linux

package runner_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/isobooth/isobooth/cgroups"
	"golang.org/x/sys/unix"
)

// leaker does what the soak test must notice. Close undoes all of it.
type leaker struct {
	t     *testing.T
	w     *watched
	dir   string // of a control group
	ask   io.Writer
	reply *bufio.Reader

	undo   []func()
	memory [][]byte
}

// leak is a way to leave one thing behind, and the gauges that must tell.
type leak struct {
	name  string
	want  []string
	leave func(l *leaker) error
}

var leaks = []leak{
	{"descriptor", []string{"descriptors, daemon"}, func(l *leaker) error {
		f, err := os.Open("/dev/null")
		l.undo = append(l.undo, func() { f.Close() })
		return err
	}},
	{"goroutine", []string{"goroutines, daemon"}, func(l *leaker) error {
		stop := make(chan struct{})
		go func() { <-stop }()
		l.undo = append(l.undo, func() { close(stop) })
		return nil
	}},
	{"thread", []string{"threads, daemon"}, func(l *leaker) (err error) {
		for range 4 { // those that the runtime has in stock are used up first
			err = errors.Join(err, l.thread(func() error { return nil }))
		}
		return err
	}},
	{"heap", []string{"Go heap, daemon, KiB", "Go memory, daemon, KiB"}, func(l *leaker) error {
		l.memory = append(l.memory, touched(1<<20))
		return nil
	}},
	{"process", []string{"processes"}, func(l *leaker) error {
		cmd := exec.Command("sleep", "1000")
		l.undo = append(l.undo, func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		return cmd.Start()
	}},
	{"zombie", []string{"zombies"}, func(l *leaker) error {
		cmd := exec.Command("true")
		l.undo = append(l.undo, func() { _ = cmd.Wait() })
		return cmd.Start()
	}},
	{"mount", []string{"mounts", "namespaces"}, func(l *leaker) error {
		return l.thread(func() error {
			// In a namespace of its own, which ends with the thread.
			if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
				return os.NewSyscallError("unshare", err)
			}
			if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
				return os.NewSyscallError("mount", err)
			}
			return os.NewSyscallError("mount", unix.Mount("none", l.w.dir, "tmpfs", 0, "size=4k"))
		})
	}},
	{"control group", []string{"control groups"}, func(l *leaker) error {
		dir, err := os.MkdirTemp(l.dir, "leak-")
		l.undo = append(l.undo, func() { _ = unix.Rmdir(dir) })
		return err
	}},
	{"dying group", []string{"dying groups"}, (*leaker).dyingGroup},
	{"file", []string{"files in the runtime folder"}, func(l *leaker) error {
		f, err := os.CreateTemp(l.w.dir, "leak-")
		if err == nil {
			f.Close()
		}
		return err
	}},
	{"key", []string{"keys"}, func(l *leaker) error {
		return l.thread(func() error { // whose keyring ends with it
			_, err := unix.AddKey("user", "isobooth-test", []byte("x"), unix.KEY_SPEC_THREAD_KEYRING)
			return os.NewSyscallError("add_key", err)
		})
	}},
	{"shared memory", []string{"IPC objects"}, func(l *leaker) error {
		id, err := unix.SysvShmGet(unix.IPC_PRIVATE, 4096, unix.IPC_CREAT|0o600)
		l.undo = append(l.undo, func() { _, _ = unix.SysvShmCtl(id, unix.IPC_RMID, nil) })
		return os.NewSyscallError("shmget", err)
	}},
	{"jailer", []string{"descriptors, jailer", "threads, jailer", "PSS, jailer, KiB"}, func(l *leaker) error {
		if _, err := io.WriteString(l.ask, "\n"); err != nil {
			return err
		}
		_, err := l.reply.ReadString('\n')
		return err
	}},
}

// touched is memory that is there.
func touched(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// thread leaves a thread behind in which f has run.
func (l *leaker) thread(f func() error) error {
	stop, done := make(chan struct{}), make(chan error, 1)
	l.undo = append(l.undo, func() { close(stop) })
	go func() {
		runtime.LockOSThread() // never unlocked: it ends with us
		done <- f()
		<-stop
	}()
	return <-done
}

// dyingGroup removes a group that a page of memory is still charged to.
func (l *leaker) dyingGroup() error {
	fd, err := unix.MemfdCreate("leak", unix.MFD_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("memfd_create", err)
	}
	page := os.NewFile(uintptr(fd), "leak")
	l.undo = append(l.undo, func() { page.Close() })
	dir, err := os.MkdirTemp(l.dir, "leak-")
	if err != nil {
		return err
	}
	cmd := exec.Command("sh", "-c", `echo $$ >"$1/cgroup.procs" && echo x >&3`, "sh", dir)
	cmd.ExtraFiles = []*os.File{page}
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	for range 100 { // its last process may still be on its way out
		rerr := unix.Rmdir(dir)
		if rerr != unix.EBUSY {
			return errors.Join(err, os.NewSyscallError("rmdir", rerr))
		}
		time.Sleep(10 * time.Millisecond)
	}
	return errors.Join(err, fmt.Errorf("rmdir %s: %w", dir, unix.EBUSY))
}

func (l *leaker) close() {
	for _, f := range slices.Backward(l.undo) {
		f()
	}
	l.undo, l.memory = nil, nil
}

// leakWhenAsked is a helper that stands for a jailer: with every line that it
// reads it leaves a descriptor, a thread and memory behind.
func leakWhenAsked(t *testing.T) {
	l := leaker{t: t}
	out := os.NewFile(3, "replies")
	if _, err := io.WriteString(out, "ready\n"); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		// Not an os.File, which would be closed as garbage.
		if _, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			t.Fatal(err)
		}
		_ = l.thread(func() error { return nil })
		l.memory = append(l.memory, touched(1<<20))
		if _, err := io.WriteString(out, "done\n"); err != nil {
			t.Fatal(err)
		}
	}
	runtime.KeepAlive(l.memory)
}

// TestLeaksAreSeen is the control of the soak test: it leaves one thing of
// each kind behind, each many times, and the gauge must tell; without a leak
// none may.
func TestLeaksAreSeen(t *testing.T) {
	l := newLeaker(t)
	all := append([]leak{{name: "nothing", leave: func(*leaker) error { return nil }}}, leaks...)
	for _, test := range all {
		t.Run(test.name, func(t *testing.T) {
			defer l.close()
			const each, points = 12, 4
			g := growth{w: l.w}
			if err := g.look(); err != nil {
				t.Fatal(err)
			}
			for range points {
				for range each {
					if err := test.leave(l); err != nil {
						t.Fatal(err)
					}
				}
				if err := g.look(); err != nil {
					t.Fatal(err)
				}
			}
			got := g.leaks(each * points)
			for _, name := range test.want {
				if !slices.Contains(got, name) {
					t.Errorf("%q was not seen", name)
				}
			}
			if len(test.want) == 0 && len(got) > 0 {
				t.Errorf("seen, but not there: %q", got)
			}
			if t.Failed() {
				_ = g.table(t.Output(), each*points)
			}
		})
	}
}

func newLeaker(t *testing.T) *leaker {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "root, to mount")
	}
	name := fmt.Sprintf("isobooth-test-%d-%d", os.Getpid(), time.Now().UnixNano())
	tree, err := cgroups.Open(name)
	if err != nil {
		missing(t, err.Error())
	}
	t.Cleanup(func() {
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	})
	dir := readable(t)
	l := &leaker{t: t, w: &watched{dir: filepath.Join(dir, "run"), tree: name, settle: 100 * time.Millisecond}}
	if err := os.Mkdir(l.w.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range tree.Paths() {
		if _, err := os.Stat(filepath.Join(path, "memory.stat")); err == nil {
			l.dir = path
		}
	}
	if l.dir == "" {
		t.Fatalf("no memory controller in %q", tree.Paths())
	}
	cmd := helper(t, dir, "leak", nil)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.ExtraFiles = []*os.File{w}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() { in.Close(); _ = cmd.Wait(); r.Close() })
	l.ask, l.reply, l.w.jailer = in, bufio.NewReader(r), cmd.Process.Pid
	if _, err := l.reply.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return l
}
