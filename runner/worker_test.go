//go:build linux

package runner_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/isobooth/isobooth/runner/wire"
	"golang.org/x/sys/unix"
)

// worker is isobooth-worker run by the test as the jailer would, but with a
// filter that allows everything, so that it can carry the sanitizers.
type worker struct {
	t        *testing.T
	cmd      *exec.Cmd
	control  *os.File
	triggers *os.File
	replies  *os.File
	log      bytes.Buffer
}

const workerMagic = 0x69736231 // CONTROL_MAGIC in runner/worker/control.h

// sanitized builds the worker with the address and undefined sanitizers.
func sanitized(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "worker")
	sources, err := filepath.Glob("worker/*.c")
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-std=c11", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-Iworker/include", "-o", program}, sources...)
	if out, err := exec.Command("cc", args...).CombinedOutput(); err != nil {
		t.Fatalf("cc: %v\n%s", err, out)
	}
	return program
}

func startWorker(t *testing.T, program string) *worker {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	w := &worker{t: t, cmd: exec.Command(program), control: os.NewFile(uintptr(fds[0]), "control")}
	theirs := os.NewFile(uintptr(fds[1]), "worker's control")
	tr, tw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	rr, rw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	w.triggers, w.replies = tw, rr
	w.cmd.ExtraFiles = []*os.File{tr, rw, theirs}
	w.cmd.Stderr = &w.log
	// Leaks are looked for through ptrace, which a worker does not allow.
	w.cmd.Env = []string{"ASAN_OPTIONS=detect_leaks=0:abort_on_error=0:exitcode=99", "UBSAN_OPTIONS=exitcode=99"}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, f := range w.cmd.ExtraFiles {
		f.Close()
	}
	t.Cleanup(func() {
		_ = w.cmd.Process.Kill()
		w.end()
	})
	return w
}

// end closes our side and returns the exit code and the log.
func (w *worker) end() (int, string) {
	for _, f := range []*os.File{w.control, w.triggers, w.replies} {
		f.Close()
	}
	_ = w.cmd.Wait()
	return w.cmd.ProcessState.ExitCode(), w.log.String()
}

func word(v ...uint32) []byte {
	var b []byte
	for _, x := range v {
		b = binary.NativeEndian.AppendUint32(b, x)
	}
	return b
}

func (w *worker) send(b []byte, files ...*os.File) {
	w.t.Helper()
	var oob []byte
	if len(files) > 0 {
		var fds []int
		for _, f := range files {
			fds = append(fds, int(f.Fd()))
		}
		oob = unix.UnixRights(fds...)
	}
	if err := unix.Sendmsg(int(w.control.Fd()), b, oob, nil, unix.MSG_NOSIGNAL); err != nil {
		w.t.Fatal(err)
	}
}

// boot brings the worker to standby under a filter that allows all calls.
func (w *worker) boot() {
	w.t.Helper()
	allowAll := []byte{6, 0, 0, 0, 0, 0, 0xff, 0x7f} // BPF_RET|BPF_K, SECCOMP_RET_ALLOW, little-endian
	w.send(append(word(workerMagic, 0, 0, uint32(len(allowAll)), 0, 0), allowAll...))
	var b [16]byte
	if n, err := w.control.Read(b[:]); err != nil || n != len(b) {
		w.t.Fatalf("confined message: %d bytes, %v; log %q", n, err, w.log.String())
	}
	w.send([]byte{1})
}

func loadMessage(kind, libs uint32, entry string) []byte {
	name := make([]byte, 64)
	copy(name, entry)
	return append(word(workerMagic, kind, libs), name...)
}

// frame reads one frame of the worker.
func (w *worker) frame() (wire.Head, []byte) {
	w.t.Helper()
	if err := w.replies.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		w.t.Fatal(err)
	}
	b := make([]byte, wire.Header)
	if _, err := io.ReadFull(w.replies, b); err != nil {
		code, log := w.end()
		w.t.Fatalf("read a frame: %v; exit code %d, log %q", err, code, log)
	}
	h, err := wire.ParseHead(b)
	if err != nil {
		w.t.Fatal(err)
	}
	b = append(b, make([]byte, h.Size-wire.Header)...)
	if _, err := io.ReadFull(w.replies, b[wire.Header:]); err != nil {
		w.t.Fatal(err)
	}
	return h, b
}

func library(t *testing.T, source string) *os.File {
	t.Helper()
	so := filepath.Join(t.TempDir(), "p.so")
	if out, err := exec.Command("cc", "-shared", "-fPIC", "-Iworker/include", "-o", so, source).CombinedOutput(); err != nil {
		t.Fatalf("cc: %v\n%s", err, out)
	}
	f, err := os.Open(so)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestWorkerUnderSanitizers plays one plugin's whole life.
func TestWorkerUnderSanitizers(t *testing.T) {
	w := startWorker(t, sanitized(t))
	w.boot()
	w.send(loadMessage(1, 1, "isobooth_plugin"), library(t, "../examples/plugins/transpose/transpose.c"))
	if h, _ := w.frame(); h.Type != wire.Loaded {
		t.Fatalf("frame of type %#x, want LOADED", h.Type)
	}
	var nonce [wire.Nonce]byte
	nonce[3] = 9
	hello := wire.AppendHello(nil, 1, nonce)
	if _, err := w.triggers.Write(hello); err != nil {
		t.Fatal(err)
	}
	h, b := w.frame()
	if back, err := wire.ParseReady(b); err != nil || h.Type != wire.Ready || back != nonce {
		t.Fatalf("type %#x, nonce %x, %v", h.Type, back, err)
	}
	for id := uint64(2); id < 200; id++ {
		ev := wire.Event{Kind: 2, Key: uint8(id % 128), Raw: []byte{0x90, uint8(id % 128), 1}, Params: []byte(`{"semitones":1}`)}
		if id%10 == 0 { // a long one, in two writes
			ev.Raw = bytes.Repeat([]byte{1}, 60000)
		}
		f, err := wire.AppendTrigger(nil, id, &ev)
		if err != nil {
			t.Fatal(err)
		}
		half := len(f) / 2
		for _, part := range [][]byte{f[:half], f[half:]} {
			if _, err := w.triggers.Write(part); err != nil {
				t.Fatal(err)
			}
		}
		h, b := w.frame()
		if h.Type != wire.Reply || h.ID != id {
			t.Fatalf("type %#x, id %d, want the reply to %d", h.Type, h.ID, id)
		}
		if _, err := wire.ParseAnswer(b); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.triggers.Write(wire.AppendStop(nil, 1000)); err != nil {
		t.Fatal(err)
	}
	if h, _ := w.frame(); h.Type != wire.Stopped {
		t.Fatalf("frame of type %#x, want STOPPED", h.Type)
	}
	if code, log := w.end(); code != 0 || log != "" {
		t.Errorf("exit code %d, log %q", code, log)
	}
}

// TestWorkerRefusesNonsense: whatever the host writes, the worker ends in
// order and the sanitizers see nothing. The seed is printed on failure.
func TestWorkerRefusesNonsense(t *testing.T) {
	program := sanitized(t)
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	lib := library(t, "../examples/plugins/transpose/transpose.c")
	good, err := wire.AppendTrigger(nil, 2, &wire.Event{Kind: 2, Raw: []byte{0x90, 60, 1}, Params: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	for range 40 {
		bad := bytes.Clone(good)
		for range 1 + r.IntN(4) {
			bad[r.IntN(len(bad))] = byte(r.Uint32())
		}
		if r.IntN(4) == 0 {
			bad = bad[:r.IntN(len(bad))]
		}
		w := startWorker(t, program)
		w.boot()
		w.send(loadMessage(1, 1, "isobooth_plugin"), lib)
		w.frame()
		if _, err := w.triggers.Write(bad); err != nil {
			t.Fatal(err)
		}
		w.triggers.Close()
		if _, err := io.Copy(io.Discard, w.replies); err != nil {
			t.Fatal(err)
		}
		code, log := w.end()
		if code != 0 && code != 1 || strings.Contains(log, "ERROR") || strings.Contains(log, "runtime error") {
			t.Fatalf("seed %d, frame %x: exit code %d, log %q", seed, bad, code, log)
		}
	}
}

// bootPaths is a boot message with Landlock, n paths and an empty filter, which
// is one step further refused.
func bootPaths(n uint32, paths ...[]byte) []byte {
	all := bytes.Join(paths, nil)
	return append(word(workerMagic, 1, 0, 0, n, uint32(len(all))), all...)
}

func bootPath(access, length uint32, text string) []byte {
	return append(word(access, length), text...)
}

// TestWorkerBootErrors: every broken start has its exit code and its word.
func TestWorkerBootErrors(t *testing.T) {
	program := sanitized(t)
	for name, c := range map[string]struct {
		code int
		run  func(w *worker)
	}{
		"wrong magic":      {69, func(w *worker) { w.send(word(1, 0, 0, 0, 0, 0)) }},
		"lengths disagree": {69, func(w *worker) { w.send(word(workerMagic, 0, 0, 8, 0, 0)) }},
		"too many limits":  {69, func(w *worker) { w.send(word(workerMagic, 0, 33, 0, 0, 0)) }},
		"raised limit": {65, func(w *worker) { // RLIMIT_NICE, 41
			b := word(workerMagic, 0, 1, 0, 0, 0)
			b = append(b, word(99, 0)...)
			w.send(binary.NativeEndian.AppendUint64(b, 1))
		}},
		"filter that is none": {68, func(w *worker) {
			w.send(append(word(workerMagic, 0, 0, 8, 0, 0), bytes.Repeat([]byte{0xff}, 8)...))
		}},
		"empty filter":            {68, func(w *worker) { w.send(word(workerMagic, 0, 0, 0, 0, 0)) }},
		"paths, then that filter": {68, func(w *worker) { w.send(bootPaths(2, bootPath(1, 6, "/proc\x00"), bootPath(3, 5, "/dev\x00"))) }},
		"path not there":          {66, func(w *worker) { w.send(bootPaths(1, bootPath(1, 9, "/is-none\x00"))) }},
		"path of a link":          {66, func(w *worker) { w.send(bootPaths(1, bootPath(1, 11, "/proc/self\x00"))) }},
		"fewer paths":             {69, func(w *worker) { w.send(bootPaths(2, bootPath(1, 6, "/proc\x00"))) }},
		"more paths":              {69, func(w *worker) { w.send(bootPaths(1, bootPath(1, 6, "/proc\x00"), bootPath(1, 5, "/dev\x00"))) }},
		"too many paths":          {69, func(w *worker) { w.send(bootPaths(81, bytes.Repeat(bootPath(1, 2, "/\x00"), 81))) }},
		"path without its end":    {69, func(w *worker) { w.send(bootPaths(1, bootPath(1, 5, "/proc"))) }},
		"path with two ends":      {69, func(w *worker) { w.send(bootPaths(1, bootPath(1, 6, "/pr\x00c\x00"))) }},
		"path beyond the message": {69, func(w *worker) { w.send(bootPaths(1, bootPath(1, 99, "/proc\x00"))) }},
		"path of no length":       {69, func(w *worker) { w.send(bootPaths(1, bootPath(1, 0, ""))) }},
		"relative path":           {69, func(w *worker) { w.send(bootPaths(1, bootPath(1, 5, "proc\x00"))) }},
		"half a path":             {69, func(w *worker) { w.send(bootPaths(1, word(1))) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := startWorker(t, program)
			c.run(w)
			_ = w.cmd.Wait()
			if code := w.cmd.ProcessState.ExitCode(); code != c.code || !strings.Contains(w.log.String(), "isobooth-worker: ") {
				t.Errorf("exit code %d, want %d; log %q", code, c.code, w.log.String())
			}
		})
	}
}
