package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/gdamore/tcell/v3/vt"
	"golang.org/x/sys/unix"
)

// terminal is `isobooth top` on a terminal of its own.
type terminal struct {
	t      *testing.T
	cmd    *exec.Cmd
	user   *os.File // our side
	tty    *os.File // its side: kept open, so that it can be looked at afterwards
	before unix.Termios

	mu    sync.Mutex
	sent  bytes.Buffer // to the terminal, all of it
	shown vt.MockTerm  // what that looks like
}

// openPTY skips, or with ISOBOOTH_MUST_RUN=1 fails, where there are no
// pseudo-terminals.
func openPTY(t *testing.T) (user, tty *os.File) {
	t.Helper()
	user, tty, err := pty.Open()
	switch {
	case err == nil:
	case os.Getenv("ISOBOOTH_MUST_RUN") == "1":
		t.Fatalf("this machine lacks pseudo-terminals: %v", err)
	default:
		t.Skipf("this machine lacks pseudo-terminals: %v", err)
	}
	return user, tty
}

func newTerminal(t *testing.T, h *home, args ...string) *terminal {
	t.Helper()
	user, tty := openPTY(t)
	x := &terminal{t: t, user: user, tty: tty, cmd: h.command(append([]string{"isobooth", "top", "--interval", "100ms"}, args...)...)}
	x.before = x.state()
	x.shown = vt.NewMockTerm(vt.MockOptSize{X: 100, Y: 20})
	if err := x.shown.Start(); err != nil {
		t.Fatal(err)
	}
	x.resize(100, 20)
	x.cmd.Env = append(x.cmd.Env, "TERM=xterm", "LC_ALL=C.UTF-8")
	x.cmd.Stdin, x.cmd.Stdout, x.cmd.Stderr = tty, tty, tty
	x.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		x.cmd.Process.Kill()
		user.Close()
		tty.Close()
	})
	go func() {
		chunk := make([]byte, 4096)
		for {
			n, err := user.Read(chunk)
			x.mu.Lock()
			x.sent.Write(chunk[:n])
			_, _ = x.shown.Write(chunk[:n])
			x.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return x
}

func (x *terminal) state() unix.Termios {
	x.t.Helper()
	s, err := unix.IoctlGetTermios(int(x.tty.Fd()), unix.TCGETS)
	if err != nil {
		x.t.Fatal(err)
	}
	return *s
}

func (x *terminal) resize(width, height uint16) {
	x.t.Helper()
	x.mu.Lock()
	x.shown.SetSize(vt.Coord{X: vt.Col(width), Y: vt.Row(height)})
	x.mu.Unlock()
	if err := pty.Setsize(x.user, &pty.Winsize{Cols: width, Rows: height}); err != nil {
		x.t.Fatal(err)
	}
}

// text is what the user sees.
func (x *terminal) text() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	size, err := x.shown.WindowSize()
	if err != nil {
		x.t.Fatal(err)
	}
	var b strings.Builder
	for y := range size.Height {
		for col := range size.Width {
			if c := x.shown.GetCell(vt.Coord{X: vt.Col(col), Y: vt.Row(y)}); c.C != "" {
				b.WriteString(c.C)
			} else {
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// shows waits until the user sees a text.
func (x *terminal) shows(text string) {
	x.t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(x.text(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			x.t.Fatalf("%q is not shown:\n%s", text, x.text())
		}
	}
}

// gets waits until the terminal was sent these bytes.
func (x *terminal) gets(bytes string) {
	x.t.Helper()
	sent := func() string {
		x.mu.Lock()
		defer x.mu.Unlock()
		return x.sent.String()
	}
	for deadline := time.Now().Add(patience); !strings.Contains(sent(), bytes); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			x.t.Fatalf("%q is not sent: %q", bytes, sent())
		}
	}
}

func (x *terminal) press(keys string) {
	x.t.Helper()
	if _, err := x.user.WriteString(keys); err != nil {
		x.t.Fatal(err)
	}
}

// ended waits for the end and checks that the terminal is as it was.
func (x *terminal) ended() {
	x.t.Helper()
	err := x.cmd.Wait()
	if err != nil {
		x.t.Errorf("%v\n%s", err, x.text())
	}
	// It leaves the other screen, where what it drew stays, and shows the
	// cursor; xterm's ctlseqs, DECSET 1049 and 25.
	x.gets("\x1b[?1049l")
	x.gets("\x1b[?25h")
	if after := x.state(); after != x.before {
		x.t.Errorf("the terminal was %+v, is %+v", x.before, after)
	}
}

// raw checks that top has changed the terminal: that is what it must undo.
func (x *terminal) raw() {
	x.t.Helper()
	if now := x.state(); now.Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) != 0 || now == x.before {
		x.t.Errorf("control: the terminal is %+v", now)
	}
}

// TestTopRestoresTheTerminal: however it ends.
func TestTopRestoresTheTerminal(t *testing.T) {
	h := &home{dir: t.TempDir(), env: os.Environ()}
	for name, end := range map[string]func(x *terminal){
		"q":       func(x *terminal) { x.press("q") },
		"Ctrl-C":  func(x *terminal) { x.press("\x03") },
		"SIGINT":  func(x *terminal) { x.cmd.Process.Signal(syscall.SIGINT) },
		"SIGTERM": func(x *terminal) { x.cmd.Process.Signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			x := newTerminal(t, h)
			x.gets("\x1b[?1049h")
			x.shows("isobooth top")
			x.raw()
			end(x)
			x.ended()
		})
	}
}

// TestTopFollows: the daemon, its end, the next one, the size, and the keys.
func TestTopFollows(t *testing.T) {
	requireBooths(t)
	h := newHome(t)
	d := h.start(t)
	x := newTerminal(t, h, "--sort", "cpu")
	x.shows("(cpu)")
	x.shows("transpose")
	x.press("s")
	x.shows("(memory)")
	x.press("\r")
	x.shows("details of")
	x.press("\x1b")
	x.shows("enter details")
	x.resize(30, 10)
	x.shows("\nq quit, up/down, enter details\n") // the last of ten lines
	x.resize(1, 1)
	x.resize(100, 20)
	x.shows("transpose")
	d.ends()
	next := h.start(t)
	x.shows("transpose") // not the one before: that has gone
	x.press("q")
	x.ended()
	next.ends()
}

// TestTopWithoutATerminal says what to do instead.
func TestTopWithoutATerminal(t *testing.T) {
	h := &home{dir: t.TempDir(), env: os.Environ()}
	code, out, messages := h.asks(t, "top")
	if code != exitFailed || out != "" || !strings.Contains(messages, "isobooth stats --json") {
		t.Errorf("exit code %d\n%s%s", code, out, messages)
	}
	for _, args := range [][]string{{"--interval", "1ms"}, {"--sort", "colour"}, {"--interval", "soon"}} {
		if code, out, messages := h.asks(t, append([]string{"top"}, args...)...); code != exitUsage || out != "" || !strings.Contains(messages, args[0]) {
			t.Errorf("%q: exit code %d\n%s%s", args, code, out, messages)
		}
	}
	// Neither does a terminal for half of it, or one that shows lines only.
	user, tty := openPTY(t)
	defer func() { user.Close(); tty.Close() }()
	for term, out := range map[string]*os.File{"xterm": nil, "dumb": tty, "": tty} {
		cmd := h.command("isobooth", "top")
		var messages bytes.Buffer
		cmd.Env = append(cmd.Env, "TERM="+term)
		cmd.Stdin, cmd.Stderr = tty, &messages
		if out != nil {
			cmd.Stdout = out
		}
		if err := cmd.Run(); err == nil || !strings.Contains(messages.String(), "needs a terminal") {
			t.Errorf("TERM=%q: %v: %s", term, err, messages.String())
		}
	}
}
