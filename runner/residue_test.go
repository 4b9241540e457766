//go:build linux

package runner_test

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/runner"
)

// about is a trigger about a text, which no byte of it shows.
func about(action, text string) runner.Trigger {
	b := []byte(text)
	for i := range b {
		b[i] ^= 0x5a
	}
	return runner.Trigger{Event: note(60, 100), Mapping: &midi.Mapping{Name: "test", Action: action, Params: []byte(`{"text":"` + hex.EncodeToString(b) + `"}`)}}
}

func secret() string { return rand.Text() }

// ask returns the result of a trigger.
func ask(t *testing.T, lane *runner.Lane, b *booth, trigger runner.Trigger) string {
	t.Helper()
	send(t, lane, b, trigger)
	r := b.reply()
	if r.status != 0 {
		t.Fatalf("%s: %+v", trigger.Mapping.Action, r)
	}
	return r.result
}

// times is how often a worker has a text in its memory.
func times(t *testing.T, lane *runner.Lane, b *booth, text string) int {
	t.Helper()
	n, err := strconv.Atoi(ask(t, lane, b, about("find", text)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestNothingInherited: a plugin finds nothing of the daemon's environment and
// no path of the host in what its worker was given, nor anywhere else in its
// memory.
func TestNothingInherited(t *testing.T) {
	password := secret()
	t.Setenv("ISOBOOTH_TEST_PASSWORD", password)
	h := newHost(t)
	lane := newLane(t, h)
	dir := t.TempDir()
	compile(t, dir, "residue")
	b := h.must(open(t, dir, "residue"), deadline(patience))
	given := ask(t, lane, b, do("given", 1))
	want := "/isobooth-worker\nHOME=/\nLANG=C.UTF-8\n/isobooth-worker\n"
	if given != want {
		t.Errorf("it was given %q, want %q", given, want)
	}
	for what, text := range map[string]string{"environment": password, "plugin's folder": dir, "host's folder": h.dir, "programs' folder": bin} {
		if n := times(t, lane, b, text); n != 0 {
			t.Errorf("%s: %d times in its memory", what, n)
		}
	}
	if n := times(t, lane, b, "LANG=C.UTF-8"); n == 0 {
		t.Error("control: it does not find its own environment")
	}
	out, err := exec.Command(filepath.Join(bin, "unconfined"), filepath.Join(dir, "p.so"), "given").Output()
	if err != nil || !strings.Contains(string(out), password) || !strings.Contains(string(out), dir) {
		t.Errorf("control: without a booth it is given %q, %v", out, err)
	}
}

// TestNothingLeftBehind: the worker that takes over has nothing of the one
// before it, nor has the worker of another booth.
func TestNothingLeftBehind(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	p := build(t, "residue")
	b, other := h.must(p, deadline(patience)), h.must(named(p, "other"), deadline(patience))
	nonce := secret()
	send(t, lane, b, about("keep", nonce))
	if r := b.reply(); r.status != 0 {
		t.Fatalf("keep: %+v", r)
	}
	if n := times(t, lane, b, nonce); n < 2 {
		t.Errorf("control: the worker that keeps it finds it %d times", n)
	}
	if n := times(t, lane, other, nonce); n != 0 {
		t.Errorf("another booth has it %d times", n)
	}
	pid := b.About().PID
	eventually(t, "a worker is in reserve", b.Standby)
	send(t, lane, b, about("crash", nonce))
	b.cause()
	b.again()
	if now := b.About().PID; now == pid {
		t.Errorf("worker %d serves again", pid)
	}
	if n := times(t, lane, b, nonce); n != 0 {
		t.Errorf("the next worker has it %d times", n)
	}
}

// TestLayoutDiffers: no two workers have code at the same address, whether
// they are of two booths or one from the reserve, of the same booth.
func TestLayoutDiffers(t *testing.T) {
	if data, err := os.ReadFile("/proc/sys/kernel/randomize_va_space"); err != nil || strings.TrimSpace(string(data)) != "2" {
		missing(t, "a kernel that randomises addresses")
	}
	h := newHost(t)
	lane := newLane(t, h)
	p := build(t, "residue")
	seen := map[string]string{}
	look := func(worker string, b *booth) {
		t.Helper()
		where := ask(t, lane, b, do("where", 1))
		if again := ask(t, lane, b, do("where", 1)); again != where {
			t.Errorf("control: %s is at %s and at %s", worker, where, again)
		}
		for i, at := range strings.Fields(where) {
			key := [...]string{"plugin", "libc", "program"}[i] + " at " + at
			if seen[key] != "" {
				t.Errorf("%s has its %s, as has %s", worker, key, seen[key])
			}
			seen[key] = worker
		}
	}
	for _, name := range []string{"one", "two", "three"} {
		b := h.must(named(p, name), nil)
		look(name, b)
		eventually(t, "a worker is in reserve", b.Standby)
		send(t, lane, b, about("crash", secret()))
		b.cause()
		b.again()
		look(name+"'s next", b)
	}
}

// TestCrashReport: what is told of a crash is what the plugin logged, and
// nothing of its memory.
func TestCrashReport(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	b := h.must(build(t, "residue"), nil)
	for _, test := range []struct {
		action string
		told   bool
	}{{"crash", false}, {"tell and crash", true}} {
		nonce := secret()
		send(t, lane, b, about(test.action, nonce))
		c := b.cause()
		if c.Signal != syscall.SIGSEGV {
			t.Errorf("%s: cause %+v", test.action, c)
		}
		if got := strings.Contains(c.Text, nonce); got != test.told {
			t.Errorf("%s: %q", test.action, c.Text)
		}
		b.again()
	}
}
