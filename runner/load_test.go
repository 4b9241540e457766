//go:build linux

package runner_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/wire"
)

// canary is what an attack outside any booth would leave: a file that does
// not exist yet and a port that nobody should call.
type canary struct {
	file  string
	port  int
	calls atomic.Int64
}

func newCanary(t *testing.T) *canary {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &canary{file: filepath.Join(t.TempDir(), "canary"), port: l.Addr().(*net.TCPAddr).Port}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
			c.calls.Add(1)
		}
	}()
	return c
}

// flags tell a plugin where the canary is.
func (c *canary) flags() []string {
	return []string{fmt.Sprintf("-DCANARY=%q", c.file), fmt.Sprintf("-DPORT=%d", c.port)}
}

// touched reports whether an attack got through.
func (c *canary) touched() bool {
	_, err := os.Lstat(c.file)
	return err == nil || c.calls.Load() > 0
}

func (c *canary) reset(t *testing.T) {
	t.Helper()
	if err := os.Remove(c.file); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	c.calls.Store(0)
}

// TestAttackWhileLoading runs attacks from every place where a plugin's code
// runs before the seal. Each must be refused by name, leave no trace outside
// and not keep the booth from working; the same library, loaded without a
// booth, must leave its trace.
func TestAttackWhileLoading(t *testing.T) {
	h := newHost(t)
	for _, from := range []string{"IFUNC", "CONSTRUCTOR", "ENTRY", "START"} {
		for attack, refused := range map[string]string{
			"none":    "",
			"open":    "", // let through by the filter; there is no such file in a booth
			"fork":    "load clone",
			"exec":    "load execve",
			"connect": "load socket",
			"thread":  "load clone",
		} {
			if from == "IFUNC" && attack == "thread" {
				continue // needs libc, which a resolver cannot call yet
			}
			t.Run(from+"/"+attack, func(t *testing.T) {
				c := newCanary(t)
				dir := t.TempDir()
				compile(t, dir, "load", append(c.flags(), "-DFROM="+from, "-DATTACK=attack_"+attack)...)
				name := strings.ToLower(from) + "-" + attack
				b, stop, err := h.run(newPlan(t, name, open(t, dir, "load"), nil))
				if err != nil {
					t.Fatal(err)
				}
				send(t, newLane(t, h), b, do("go", 1))
				if r := b.reply(); r.status != 0 {
					t.Errorf("reply %+v", r)
				}
				if refused != "" {
					eventually(t, refused+" is named", func() bool { return b.denied(refused) == 1 })
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
				if c.touched() {
					t.Error("BREACH: the attack left its trace outside the booth")
				}
				if attack == "none" {
					if calls := append(b.refused("load"), b.refused("run")...); len(calls) > 0 {
						t.Errorf("refused without an attack: %q", calls)
					}
					return
				}
				// The program is replaced or ends well; its status says nothing.
				out, _ := exec.Command(filepath.Join(bin, "unconfined"), filepath.Join(dir, "p.so")).CombinedOutput()
				eventually(t, fmt.Sprintf("control: the attack works without a booth (%s)", out), c.touched)
			})
		}
	}
}

// TestLoadFails: what ends a load, and how it is named.
func TestLoadFails(t *testing.T) {
	h := newHost(t)
	neighbour := h.must(named(build(t, "crash"), "neighbour"), nil)
	tests := []struct {
		attack string
		want   []runner.Cause // any of them
	}{
		{"crash", []runner.Cause{{Kind: runner.CauseSignal, Signal: syscall.SIGSEGV}}},
		{"exit", []runner.Cause{{Kind: runner.CauseExit}}}, // with 0, as if all were well
		{"hang", []runner.Cause{{Kind: runner.CauseTimeout}}},
		{"early", []runner.Cause{{Kind: runner.CauseProtocol}}},
		// The seal can come while the loader still holds its descriptors.
		{"loaded", []runner.Cause{{Kind: runner.CauseProtocol}, {Kind: runner.CauseSeal}}},
		{"close", []runner.Cause{{Kind: runner.CauseExit, Code: 69}}},
		{"hangup", []runner.Cause{{Kind: runner.CauseProtocol}}},
		{"keep", []runner.Cause{{Kind: runner.CauseSeal}}},
	}
	for _, from := range []string{"IFUNC", "CONSTRUCTOR", "ENTRY", "START"} {
		for _, test := range tests {
			t.Run(from+"/"+test.attack, func(t *testing.T) {
				p := build(t, "load", "-DFROM="+from, "-DATTACK=attack_"+test.attack)
				name := strings.ToLower(from) + "-" + test.attack
				b, _, err := h.run(newPlan(t, name, p, func(p *profiles.Profile) {
					if test.attack == "hang" {
						p.Limits.LoadTimeout = 300 * time.Millisecond
					}
				}))
				var start *runner.StartError
				if !errors.As(err, &start) {
					t.Fatalf("error %v, want a StartError", err)
				}
				got := start.Cause
				got.Text = ""
				ok := false
				for _, want := range test.want {
					ok = ok || got == want
				}
				if !ok || start.Booth != name {
					t.Errorf("%v (cause %+v), want one of %+v", err, got, test.want)
				}
				layer := ""
				if e := (*runner.LayerError)(nil); errors.As(err, &e) {
					layer = e.Layer
				}
				if wantLayer := got.Kind == runner.CauseSeal; wantLayer != (layer == "descriptors") {
					t.Errorf("%v names layer %q", err, layer)
				}
				if s := b.State(); s != runner.StateStopped {
					t.Errorf("state %q", s)
				}
				lane := newLane(t, h)
				if err := lane.Send(b.Booth, do("go", 1)); err != runner.ErrNotReady {
					t.Errorf("send to it: %v", err)
				}
				send(t, lane, neighbour, do("hello", 2))
				if r := neighbour.reply(); r.status != 0 {
					t.Errorf("neighbour: %+v", r)
				}
			})
		}
	}
}

// TestWorkerRefusesPlugin: each code that the worker can give is found by
// errors.Is.
func TestWorkerRefusesPlugin(t *testing.T) {
	h := newHost(t)
	if b := h.must(build(t, "table"), nil); b.About().Name != "table" {
		t.Errorf("control: about %+v", b.About())
	}
	for _, test := range []struct {
		name  string
		flag  string
		entry string
		want  wire.Code
	}{
		{"null", "-DNO_TABLE", "", wire.CodeABI},
		{"small", "-DSMALL", "", wire.CodeTable},
		{"other-abi", "-DOTHER_ABI", "", wire.CodeTable},
		{"nameless", "-DNAMELESS", "", wire.CodeTable},
		{"triggerless", "-DTRIGGERLESS", "", wire.CodeTable},
		{"start-error", "-DSTART_ERROR=42", "", wire.CodeStart},
		{"start-negative", "-DSTART_ERROR=-1", "", wire.CodeStart},
		{"undefined-symbol", "-DUNDEFINED", "", wire.CodeDlopen},
		{"no-entry", "-DPLAIN", "nosuch", wire.CodeEntry},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := build(t, "table", test.flag)
			if test.entry != "" {
				p.Entry = test.entry
			}
			_, _, err := h.run(newPlan(t, test.name, p, nil))
			var start *runner.StartError
			if !errors.Is(err, test.want) || !errors.As(err, &start) || start.Cause.Kind != runner.CauseLoad {
				t.Fatalf("error %v, want %v", err, test.want)
			}
			if test.want == wire.CodeStart && !strings.Contains(err.Error(), strings.TrimPrefix(test.flag, "-DSTART_ERROR=")) {
				t.Errorf("error %v does not give the plugin's number", err)
			}
		})
	}
}

// TestLandlock: the filter lets openat continue while a plugin loads;
// Landlock is what keeps the files of the booth closed. Without it the same
// plugin opens them.
func TestLandlock(t *testing.T) {
	worker := map[string]bool{"/isobooth-worker": true, "/proc/self/maps": true, "/": true, "/proc": true, "/dev": true, "/proc/self/fd": true}
	if os.Geteuid() != 0 {
		// An ordinary user has one id inside, that of the owner of a process
		// that cannot be dumped; root's booths have another.
		worker["/proc/1/environ"], worker["/proc/1/task/1/mem"] = true, true
	}
	devices := map[string]bool{"/dev/null": true, "/dev/zero": true, "/dev/random": true, "/dev/urandom": true}
	for _, landlock := range []bool{true, false} {
		t.Run(fmt.Sprintf("landlock=%v", landlock), func(t *testing.T) {
			h, tree := openHost(t, landlock)
			t.Cleanup(func() {
				if err := errors.Join(h.Close(), tree.Close()); err != nil {
					t.Error(err)
				}
				h.nothingLeft()
			})
			b := h.must(build(t, "files"), nil)
			send(t, newLane(t, h), b, do("go", 1))
			for line := range strings.Lines(b.reply().result) {
				var path string
				var errno syscall.Errno
				if _, err := fmt.Sscanf(line, "%s %d", &path, &errno); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				want := []syscall.Errno{syscall.EACCES, syscall.ENOENT}
				switch {
				case devices[path]:
					want = []syscall.Errno{0}
				case worker[path] && landlock:
					want = []syscall.Errno{syscall.EACCES}
				case worker[path]:
					want = []syscall.Errno{0}
				}
				ok := false
				for _, w := range want {
					ok = ok || errno == w
				}
				if !ok {
					t.Errorf("open %s: %v (%d), want one of %d", path, errno, int(errno), want)
				}
			}
			if n := b.denied("load openat"); n != 0 {
				t.Errorf("the filter refused openat %d times; this test is about Landlock", n)
			}
		})
	}
}

// TestLibrarySwapped: what was checked is what runs, whatever becomes of the
// file.
func TestLibrarySwapped(t *testing.T) {
	h := newHost(t)
	for kind, flags := range kinds {
		for _, how := range []string{"replaced", "overwritten"} {
			t.Run(kind+"/"+how, func(t *testing.T) {
				dir, other := t.TempDir(), t.TempDir()
				compile(t, dir, "answer", append(flags, "-DANSWER=1")...)
				compile(t, other, "answer", append(flags, "-DANSWER=2")...)
				old := open(t, dir, "old")
				path := filepath.Join(dir, "p.so")
				if how == "replaced" {
					if err := os.Rename(filepath.Join(other, "p.so"), path); err != nil {
						t.Fatal(err)
					}
				} else {
					data, err := os.ReadFile(filepath.Join(other, "p.so"))
					if err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(path, data, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				lane := newLane(t, h)
				for _, test := range []struct {
					name string
					want int32
				}{{"old", 1}, {"new", 2}} { // the new one is the control
					p := old
					if test.name == "new" {
						p = open(t, dir, "new")
					}
					b, stop, err := h.run(newPlan(t, kind+how+test.name, p, nil))
					if err != nil {
						t.Fatal(err)
					}
					send(t, lane, b, do("go", 1))
					if r := b.reply(); r.status != test.want {
						t.Errorf("%s: answers %d, want %d", test.name, r.status, test.want)
					}
					if err := stop(); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
}
