package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/isobooth/isobooth/cgroups"
)

// patience bounds every wait for something that must happen.
const patience = 30 * time.Second

// home is where the daemons of a test have their config, keys and plugin.
type home struct {
	dir string
	env []string
}

func newHome(t *testing.T) *home {
	t.Helper()
	root, programs := buildPrograms(t)
	h := &home{dir: t.TempDir()}
	h.env = append(os.Environ(), "HOME="+h.dir, "XDG_CONFIG_HOME="+filepath.Join(h.dir, "config"), "ISOBOOTH_LIBEXEC="+programs)
	plugin := filepath.Join(h.dir, "transpose")
	if err := os.Mkdir(plugin, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		filepath.Join(plugin, "plugin.toml"): "[plugin]\nname = \"transpose\"\nversion = \"1\"\nbinary = \"p.so\"\n",
		h.config(): "[[plugins]]\nname = \"transpose\"\npath = \"transpose\"\n" +
			"[[mappings]]\nname = \"up\"\nplugin = \"transpose\"\nparams = { semitones = 7 }\ntrigger = { note = \"0-127\" }\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	source, library := filepath.Join(root, "examples/plugins/transpose/transpose.c"), filepath.Join(plugin, "p.so")
	for _, args := range [][]string{
		{"cc", "-shared", "-fPIC", "-I", filepath.Join(root, "runner/worker/include"), "-o", library, source},
		{"isobooth", "key", "generate", filepath.Join(h.dir, "mine"), "--trust"},
		{"isobooth", "sign", library, "--key", filepath.Join(h.dir, "mine.key")},
	} {
		if out, err := h.command(args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	return h
}

func (h *home) config() string { return filepath.Join(h.dir, "isobooth.toml") }

func (h *home) command(args ...string) *exec.Cmd {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = h.dir, h.env
	return cmd
}

// daemon is `isobooth run` in a process of its own.
type daemon struct {
	t       *testing.T
	cmd     *exec.Cmd
	name    string // of its folder and its groups
	jailer  int
	in      io.WriteCloser
	replies *bufio.Scanner

	mu   sync.Mutex
	said []string // on stderr
}

// start runs a daemon until it is ready.
func (h *home) start(t *testing.T) *daemon {
	t.Helper()
	d := &daemon{t: t, cmd: h.command("isobooth", "-c", h.config(), "run", "--input", "-", "--json")}
	in, err1 := d.cmd.StdinPipe()
	out, err2 := d.cmd.StdoutPipe()
	messages, w, err3 := os.Pipe()
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	d.in, d.replies, d.cmd.Stderr = in, bufio.NewScanner(out), w
	err := d.cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.cmd.Process.Kill() })
	ready := make(chan bool, 1)
	go func() {
		defer messages.Close()
		for lines := bufio.NewScanner(messages); lines.Scan(); {
			d.mu.Lock()
			d.said = append(d.said, lines.Text())
			d.mu.Unlock()
			if strings.Contains(lines.Text(), "isobooth: ready: 1 booths") {
				ready <- true
			}
		}
		ready <- false
	}()
	select {
	case ok := <-ready:
		if !ok {
			t.Fatalf("the daemon did not start:\n%s", d.messages())
		}
	case <-time.After(patience):
		t.Fatalf("the daemon is not ready:\n%s", d.messages())
	}
	start, err := startTime(d.cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	d.name = fmt.Sprintf("%s%d-%s", daemonPrefix, d.cmd.Process.Pid, start)
	children, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", d.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range children {
		text, err := os.ReadFile(path)
		if pid, perr := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && perr == nil {
			d.jailer = pid
		}
	}
	if d.jailer == 0 {
		t.Fatal("the daemon has no jailer")
	}
	return d
}

func (d *daemon) messages() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.said, "\n")
}

// tells returns the daemons' names in its message that begins like that.
func (d *daemon) tells(message string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var names []string
	for _, line := range d.said {
		if list, ok := strings.CutPrefix(line, "isobooth: "+message+": ["); ok {
			for _, name := range strings.Fields(strings.TrimSuffix(list, "]")) {
				names = append(names, strings.Trim(name, `"`))
			}
		}
	}
	return names
}

// plays checks that the daemon's plugin answers.
func (d *daemon) plays() {
	d.t.Helper()
	if _, err := d.in.Write([]byte{0x90, 60, 100}); err != nil {
		d.t.Fatal(err)
	}
	if !d.replies.Scan() || !strings.Contains(d.replies.Text(), `"60 -> 67"`) {
		d.t.Errorf("reply %q, %v", d.replies.Text(), d.replies.Err())
	}
}

// ends lets the daemon end with its input.
func (d *daemon) ends() {
	d.t.Helper()
	d.in.Close()
	if err := d.cmd.Wait(); err != nil {
		d.t.Errorf("%v:\n%s", err, d.messages())
	}
}

// folder is the daemon's in the runtime folder.
func (d *daemon) folder() string {
	d.t.Helper()
	dir, err := runtimeDir()
	if err != nil {
		d.t.Fatal(err)
	}
	return filepath.Join(dir, d.name)
}

// gone checks that nothing is left of a daemon.
func (d *daemon) gone() {
	d.t.Helper()
	if _, err := os.Lstat(d.folder()); !errors.Is(err, fs.ErrNotExist) {
		d.t.Errorf("left behind: %s (%v)", d.folder(), err)
	}
	if left, err := cgroups.Sweep(d.name, func(string) bool { return false }); err != nil || len(left) > 0 {
		d.t.Errorf("left behind: cgroups %q, %v", left, err)
	}
	if err := syscall.Kill(d.jailer, 0); err == nil && !hasEnded(d.t, d.jailer) {
		d.t.Errorf("left behind: jailer %d", d.jailer)
	}
}

// hasEnded does not ask the code under test.
func hasEnded(t *testing.T, pid int) bool {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ESRCH) {
		t.Fatal(err)
	}
	return err != nil || strings.Contains(string(status), "\nState:\tZ")
}

// killBoth leaves nobody who could clean up. Nobody waits for the daemon yet.
func (d *daemon) killBoth() {
	d.t.Helper()
	// Stopped first, so that it notices nothing in between.
	for _, kill := range []struct {
		pid    int
		signal syscall.Signal
	}{{d.jailer, syscall.SIGSTOP}, {d.cmd.Process.Pid, syscall.SIGKILL}, {d.jailer, syscall.SIGKILL}} {
		if err := syscall.Kill(kill.pid, kill.signal); err != nil {
			d.t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(patience); !hasEnded(d.t, d.cmd.Process.Pid) || !hasEnded(d.t, d.jailer); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			d.t.Fatal("a killed process lives on")
		}
	}
}

const (
	foldersRemoved = "removed folders of dead daemons"
	groupsRemoved  = "removed cgroups of dead daemons"
)

// TestRunAfterKill kills daemons with SIGKILL. What they leave is found, named
// and removed by the next one, also while the dead wait for their parent, and
// what belongs to one that lives is not touched.
func TestRunAfterKill(t *testing.T) {
	requireBooths(t)
	h := newHome(t)
	lives, dies := h.start(t), h.start(t)
	dies.plays()
	dies.killBoth()
	if _, err := os.Lstat(dies.folder()); err != nil {
		t.Errorf("control: nothing was left: %v", err)
	}
	next := h.start(t)
	for _, message := range []string{foldersRemoved, groupsRemoved} {
		if names := next.tells(message); !slices.Contains(names, dies.name) || slices.Contains(names, lives.name) {
			t.Errorf("%s: %q; dead is %s, alive is %s", message, names, dies.name, lives.name)
		}
	}
	dies.gone()
	_ = dies.cmd.Wait()
	lives.plays()
	next.plays()

	// With its jailer alive nothing is left for the next one.
	if err := next.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = next.cmd.Wait()
	for deadline := time.Now().Add(patience); !hasEnded(t, next.jailer); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the jailer of a dead daemon lives on")
		}
	}
	next.gone()
	last := h.start(t)
	for _, message := range []string{foldersRemoved, groupsRemoved} {
		if names := last.tells(message); slices.Contains(names, next.name) || slices.Contains(names, lives.name) {
			t.Errorf("%s: %q; not there any more: %s, alive: %s", message, names, next.name, lives.name)
		}
	}
	lives.plays()
	last.ends()
	lives.ends()
	last.gone()
	lives.gone()
}
