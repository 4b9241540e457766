//go:build linux

package runner_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/control"
	"github.com/isobooth/isobooth/verify"
)

// withThreads gives a plugin threads to race with.
func withThreads(t *testing.T) func(*profiles.Profile) {
	threads, err := profiles.Named("threads")
	if err != nil {
		t.Fatal(err)
	}
	threads.Limits.Denials, threads.Limits.Violations = 1<<30, 1<<20
	return func(p *profiles.Profile) { *p = *threads }
}

// call prints a denial as a person reads it.
func call(d *control.Denial) string {
	var args []string
	for _, a := range d.Decoded {
		args = append(args, a.Name+" "+a.Value)
	}
	return d.Call + "(" + strings.Join(args, ", ") + ")"
}

// calls has the last count of every denial of the run phase.
func (b *booth) calls() map[string]uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[string]uint64{}
	for i := range b.records {
		if d := &b.records[i]; d.Phase == "run" {
			all[call(d)] = d.Count
		}
	}
	return all
}

func (b *booth) hasCall(text string) func() bool {
	return func() bool { return b.calls()[text] > 0 }
}

// attempt makes one trigger, and its refused calls fail with EPERM.
func attempt(t *testing.T, h *host, b *booth, action string) {
	t.Helper()
	send(t, newLane(t, h), b, do(action, 1))
	if r := b.reply(); r.result != "-1" {
		t.Fatalf("%s returned %q, want -1", action, r.result)
	}
}

// TestDenialsAreDecoded: what a plugin wanted is told in the kernel's words.
func TestDenialsAreDecoded(t *testing.T) { decodesDenials(t, build(t, "denials")) }

// TestDenialsWithoutRoot: an ordinary user's jailer reads its booths' memory,
// too.
func TestDenialsWithoutRoot(t *testing.T) {
	withoutRoot(t, "denials", decodedLog)
}

// decodedLog is what the helper of a test says when it has looked.
const decodedLog = "all denials are decoded"

func decodesDenials(t *testing.T, plugin *verify.Plugin) {
	h := newHost(t)
	b := h.must(plugin, nil)
	attempt(t, h, b, "constants")
	attempt(t, h, b, "addresses")
	for _, want := range []string{
		`openat(dirfd 3 (pipe), path "/new", flags O_WRONLY|O_CREAT|O_CLOEXEC, mode 0640)`,
		`socket(domain AF_INET6, type SOCK_DGRAM|SOCK_NONBLOCK, protocol 17)`,
		`mmap(addr 0x0, length 4096, prot PROT_READ|PROT_EXEC, flags MAP_PRIVATE|MAP_ANONYMOUS, fd -1, offset 0)`,
		`prctl(option PR_SET_DUMPABLE, arg2 0x1)`,
		`kill(pid 1, sig SIGKILL)`,
		`ioctl(fd 99 (not open), request TIOCSTI, arg 0x0)`,
		`fcntl(fd 3 (pipe), cmd F_SETFL, arg 0x800)`,
		`clone(flags CLONE_NEWUSER|SIGCHLD, stack 0x0)`,
		`execve(path "/bin/sh")`,
		`connect(fd 3 (pipe), addr 192.0.2.7:80, addrlen 16)`,
		`connect(fd 3 (pipe), addr [::1]:443, addrlen 28)`,
		`connect(fd 3 (pipe), addr unix:"/run/bus", addrlen 110)`,
		`connect(fd 3 (pipe), addr unix:"@hidden", addrlen 9)`,
		`connect(fd 3 (pipe), addr 192.0.2.7:80, addrlen 1073741824)`, // of which 128 are looked at
		`connect(fd 3 (pipe), addr 0x40, addrlen 16)`,
	} {
		eventually(t, want, b.hasCall(want))
	}
	eventually(t, "a negative length", func() bool {
		return slices.ContainsFunc(slices.Collect(maps.Keys(b.calls())), func(c string) bool { return strings.HasSuffix(c, ", addrlen -1)") })
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.records {
		if d := &b.records[i]; d.Errno != 1 || d.At == 0 || d.Learned {
			t.Errorf("denial %+v", d)
		}
	}
	t.Log(decodedLog)
}

// TestDenialsAreToldApart: ten paths in one buffer are ten denials.
func TestDenialsAreToldApart(t *testing.T) {
	h := newHost(t)
	b := h.must(build(t, "denials"), nil)
	attempt(t, h, b, "repeated 20")
	attempt(t, h, b, "different 10")
	attempt(t, h, b, "different 2")
	for i := range 10 {
		text := fmt.Sprintf(`openat(dirfd AT_FDCWD, path "/path/%d", flags O_RDONLY)`, i)
		eventually(t, text, func() bool { return b.calls()[text] == uint64(1+(11-i)/10) })
	}
	eventually(t, "the last of the powers of two", func() bool {
		return b.calls()[`openat(dirfd AT_FDCWD, path "/etc/passwd", flags O_RDONLY)`] == 16
	})
	if n := len(b.calls()); n != 11 {
		t.Errorf("%d denials: %v", n, b.calls())
	}
}

// TestDenialsOfBadMemory: pointers to nothing, to the end of memory, to no
// end, and text made for terminals. The call is refused all the same, and the
// booth goes on.
func TestDenialsOfBadMemory(t *testing.T) {
	h := newHost(t)
	b := h.must(build(t, "denials"), nil)
	for _, test := range []struct{ action, path string }{
		{"unmapped", "0x40"},
		{"kernel", "0xfffffffffffff000"}, // the 2nd that leads to nothing
		{"wrap", ""},                     // the 3rd, which is not told
		{"wrap", "0xffffffffffffffff"},
		{"null", "null"},
		{"edge", `"abc"...`},
		{"across", `"abcdef"`}, // the control: one page more, and all of it is there
		{"endless", `"` + strings.Repeat("a", 256) + `"...`},
		{"text", `"\x1b[2J\r\n\a\"\\\xff\xfe\u202e"`},
	} {
		attempt(t, h, b, test.action)
		if test.path == "" {
			continue
		}
		want := "openat(dirfd AT_FDCWD, path " + test.path + ", flags O_RDONLY)"
		eventually(t, test.action+": "+want, b.hasCall(want))
	}
	if s := b.Stats(); s.Restarts != 0 {
		t.Errorf("stats %+v", s)
	}
}

// TestDenialOfTurningMemory: another thread changes the path all the time.
// Either is what it says, or a mixture, and neither is opened.
func TestDenialOfTurningMemory(t *testing.T) {
	h := newHost(t)
	b := h.must(build(t, "denials", "-pthread"), withThreads(t))
	attempt(t, h, b, "race 500")
	eventually(t, "it is named", func() bool { return len(b.calls()) > 0 })
	for text := range b.calls() {
		path, ok := strings.CutPrefix(text, `openat(dirfd AT_FDCWD, path "/`)
		if path, _, _ = strings.Cut(path, `"`); !ok || len(path) != 3 || strings.Trim(path, "onetw") != "" {
			t.Errorf("named %s", text)
		}
	}
}

// TestDenialOfTheDead: a plugin that ends with calls under way is no trouble
// to its jailer, which goes on naming those of the next.
func TestDenialOfTheDead(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	b := h.must(build(t, "denials", "-pthread"), func(p *profiles.Profile) {
		withThreads(t)(p)
		p.Limits.RestartFree = 100
	})
	for range 20 {
		send(t, lane, b, do("die", 1))
		if c := b.cause(); c.Kind != runner.CauseExit || c.Code != 7 {
			t.Fatalf("cause %+v", c)
		}
		b.again()
	}
	attempt(t, h, b, "repeated 1")
	want := `openat(dirfd AT_FDCWD, path "/etc/passwd", flags O_RDONLY)`
	eventually(t, want, b.hasCall(want))
}

// TestFloodOfDenials: the jailer keeps a bounded table of denials and takes
// bounded memory, counts every call, and stays fit to serve others.
func TestFloodOfDenials(t *testing.T) {
	const flood, triggers = 100_000, 50
	h := newHost(t)
	b := h.must(build(t, "denials"), func(p *profiles.Profile) { p.Limits.TriggerTimeout = time.Minute })
	attempt(t, h, b, "different 300")
	before := resident(t, h.JailerPID())
	for range triggers {
		attempt(t, h, b, fmt.Sprintf("different %d", flood/triggers))
	}
	grown := resident(t, h.JailerPID()) - before
	t.Logf("the jailer grew by %d KiB", grown>>10)
	if grown > 32<<20 {
		t.Errorf("the jailer grew by %d MiB", grown>>20)
	}
	rest := uint64(flood + 300 - 256)
	// Reported at powers of two only.
	want := uint64(1)
	for want*2 <= rest {
		want *= 2
	}
	eventually(t, "what the table has no room for is one denial", func() bool { return b.calls()["openat()"] == want })
	all := b.calls()
	if len(all) != 257 {
		t.Errorf("%d denials, want 257: %q", len(all), slices.Sorted(maps.Keys(all)))
	}
	attempt(t, h, b, "parent 1")
	eventually(t, "another call is named all the same", b.hasCall("getppid()"))
}

// resident is how much memory a process has, in bytes.
func resident(t *testing.T, pid int) int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "statm"))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(data))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
