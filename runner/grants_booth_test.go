//go:build linux

package runner_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/verify"
)

// fileCalls are what the test's plugin may call: with them out of the way, what
// stops it is what its booth was granted.
var fileCalls = []string{"openat", "close", "newfstatat", "fstat", "getdents64", "mkdirat", "unlinkat", "renameat2", "linkat", "symlinkat",
	"mknodat", "ftruncate", "fchmod", "execve", "mmap", "socket", "bind"}

// granted lets a profile make the calls, and adds grants.
func granted(grants ...any) func(*profiles.Profile) {
	return func(p *profiles.Profile) {
		var rules []profiles.Rule
		for _, r := range p.Rules {
			if r.Phase != profiles.PhaseRun || r.Calls[0] != "mmap" { // it has conditions
				rules = append(rules, r)
			}
		}
		p.Rules = append(rules, profiles.Rule{Calls: fileCalls, Phase: profiles.PhaseRun, Action: profiles.Allow, Why: "test"})
		p.Limits.FileSize = 256 << 20
		for _, g := range grants {
			switch g := g.(type) {
			case profiles.FileGrant:
				p.Files = append(p.Files, g)
			case profiles.DeviceGrant:
				p.Devices = append(p.Devices, g)
			case profiles.EnvironmentGrant:
				p.Environment = append(p.Environment, g)
			default:
				panic(fmt.Sprintf("%T", g))
			}
		}
	}
}

func file(path, inside string, access profiles.Access) profiles.FileGrant {
	return profiles.FileGrant{Path: path, Inside: inside, Access: access, Why: "test"}
}

// shelf is a folder of the host with what is granted, and what is beside it.
type shelf struct {
	t   *testing.T
	dir string // not granted
	in  string // granted, whole or in part
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	s := &shelf{t: t, dir: t.TempDir()}
	s.in = filepath.Join(s.dir, "in")
	for _, d := range []string{s.in, filepath.Join(s.in, "sub")} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"in/hello": "hello\n", "in/neighbour": "neighbour\n", "in/sub/deep": "deep\n", "secret": "secret\n"} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(s.dir, "secret"), filepath.Join(s.in, "way-out")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../secret", filepath.Join(s.in, "way-up")); err != nil {
		t.Fatal(err)
	}
	return s
}

// text is what is in a file of the host, or why it cannot be read.
func (s *shelf) text(name string) string {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// tell has the plugin make one call.
func tell(t *testing.T, lane *runner.Lane, b *booth, call string) (syscall.Errno, string) {
	t.Helper()
	send(t, lane, b, do(call, 1))
	r := b.reply()
	return syscall.Errno(r.status), r.result
}

const worked = syscall.Errno(0)

// TestGrants opens, makes, moves and executes files from a booth that is
// granted some of them, with and without Landlock, as this user.
func TestGrants(t *testing.T) { grantsInBooths(t, build(t, "grants")) }

// TestGrantsWithoutRoot is TestGrants as an ordinary user.
func TestGrantsWithoutRoot(t *testing.T) {
	withoutRoot(t, "grants", "landlock=false")
}

// grantsInBooths is TestGrants, with its plugin.
func grantsInBooths(t *testing.T, plugin *verify.Plugin) {
	for _, landlock := range []bool{true, false} {
		t.Run(fmt.Sprintf("landlock=%v", landlock), func(t *testing.T) {
			h, tree := openHost(t, landlock)
			defer func() {
				if err := h.Close(); err != nil {
					t.Error(err)
				}
				if tree != nil {
					if err := tree.Close(); err != nil {
						t.Error(err)
					}
				}
				h.nothingLeft()
			}()
			grantsOnHost(t, h, plugin, landlock)
		})
	}
}

func grantsOnHost(t *testing.T, h *host, plugin *verify.Plugin, landlock bool) {
	lane := newLane(t, h)
	n := 0
	run := func(grants ...any) (*booth, func()) {
		t.Helper()
		n++
		b, stop, err := h.run(newPlan(t, fmt.Sprintf("grants-%d", n), plugin, granted(grants...)))
		if err != nil {
			t.Fatal(err)
		}
		return b, func() {
			if err := stop(); err != nil {
				t.Error(err)
			}
		}
	}
	// No Landlock: what a mount alone cannot tell apart, and what then becomes
	// of it.
	either := func(with, without syscall.Errno) syscall.Errno {
		if landlock {
			return with
		}
		return without
	}
	type try struct {
		call string
		want syscall.Errno
	}
	check := func(b *booth, tries []try) {
		t.Helper()
		for _, try := range tries {
			if got, result := tell(t, lane, b, try.call); got != try.want {
				t.Errorf("%s: %s: %v %q, want %v", b.name, try.call, got, result, try.want)
			}
		}
	}

	s := newShelf(t)
	b, stop := run()
	check(b, []try{{"read /g", syscall.ENOENT}, {"read " + s.in + "/hello", syscall.ENOENT}, {"list /", either(syscall.EACCES, worked)}})
	stop()

	b, stop = run(file(s.in+"/hello", "/g/hello", profiles.AccessRead))
	check(b, []try{
		{"read /g/hello", worked},
		{"write /g/hello", syscall.EROFS},
		{"truncate /g/hello", syscall.EROFS},
		{"opath /g/hello", syscall.EROFS},
		{"lend /g/hello", syscall.EROFS},
		{"unlink /g/hello", syscall.EROFS},
		{"read /g/neighbour", syscall.ENOENT},
		{"read /g/../g/neighbour", syscall.ENOENT},
		{"read /g/../../../secret", syscall.ENOENT},
		{"create /g/new", syscall.EROFS},
		{"map /g/hello", worked},
		{"map-code /g/hello", syscall.EPERM},
		{"exec /g/hello", syscall.EACCES},
	})
	if _, text := tell(t, lane, b, "read /g/hello"); text != "hello\n" {
		t.Errorf("read %q", text)
	}
	stop()
	if text := s.text("in/hello"); text != "hello\n" {
		t.Errorf("a read grant: the file is %q", text)
	}

	b, stop = run(file(s.in+"/hello", "/g/hello", profiles.AccessWrite))
	check(b, []try{
		{"write /g/hello", worked},
		{"opath /g/hello", worked},
		{"read /g/neighbour", syscall.ENOENT},
		{"create /g/new", syscall.EROFS},
		{"rename /g/hello /g/other", syscall.EROFS},
		{"link /g/hello /g/other", syscall.EROFS},
		{"exec /g/hello", syscall.EACCES},
		{"map-code /g/hello", syscall.EPERM},
	})
	stop()
	if text := s.text("in/hello"); text != "booth\n" {
		t.Errorf("a write grant: the file is %q", text)
	}

	s = newShelf(t)
	b, stop = run(file(s.in, "/g", profiles.AccessRead))
	check(b, []try{
		{"read /g/hello", worked},
		{"read /g/neighbour", worked},
		{"read /g/sub/deep", worked},
		{"list /g", worked},
		{"write /g/hello", syscall.EROFS},
		{"create /g/new", syscall.EROFS},
		{"mkdir /g/new", syscall.EROFS},
		{"unlink /g/hello", syscall.EROFS},
		{"rename /g/hello /g/other", syscall.EROFS},
		{"read /g/way-out", syscall.ENOENT},
		{"read /g/way-up", syscall.ENOENT},
		{"read /g/../secret", syscall.ENOENT},
	})
	stop()

	// The host's own copy of a program, to be executed and mapped.
	code, err := os.ReadFile(filepath.Join(bin, "isobooth-worker"))
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(s.in, "program")
	if err := os.WriteFile(program, code, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command(program).Run(); errors.Is(err, fs.ErrPermission) {
		missing(t, "control: a temporary folder where programs can be executed")
	}
	b, stop = run(file(s.in, "/g", profiles.AccessWrite))
	check(b, []try{
		{"write /g/hello", worked},
		{"create /g/new", worked},
		{"truncate /g/neighbour", worked},
		{"mkdir /g/folder", worked},
		{"create /g/folder/new", worked},
		{"rename /g/new /g/newer", worked},
		{"unlink /g/sub/deep", worked},
		{"rmdir /g/sub", worked},
		{"rename /g/newer /g/folder/moved", either(syscall.EXDEV, worked)},
		{"link /g/hello /g/twin", worked},
		{"symlink /dev/null /g/planted", either(syscall.EACCES, worked)},
		{"symlink " + s.dir + "/secret /g/out", either(syscall.EACCES, worked)},
		{"read /g/out", syscall.ENOENT},
		{"read /g/way-out", syscall.ENOENT},
		{"write /g/way-up", syscall.ENOENT},
		{"create /g/way-out", syscall.EEXIST},
		{"create /g/../new", syscall.EROFS},
		// The booth's own root, by another name.
		{"read /proc/self/root/g/hello", worked},
		{"read /proc/self/root" + s.dir + "/secret", syscall.ENOENT},
		{"read /proc/self/root/../secret", syscall.ENOENT},
		{"read /proc/self/cwd/../secret", syscall.ENOENT},
		{"opath /g/hello", worked},
		{"opath /g/..", syscall.EISDIR},
		{"rename /g/hello /isobooth-worker", syscall.EXDEV},
		{"mknod /g/device", either(syscall.EACCES, syscall.EPERM)},
		{"mkfifo /g/fifo", either(syscall.EACCES, worked)},
		{"socket /g/socket", either(syscall.EACCES, worked)},
		{"create-setid /g/lent", syscall.EPERM},
		{"lend /g/lent-later", syscall.EPERM},
		{"exec /g/program", syscall.EACCES},
		{"map /g/program", worked},
		{"map-code /g/program", syscall.EPERM},
	})
	stop()
	for name, want := range map[string]string{"in/hello": "booth\n", "in/neighbour": "", "in/folder/new": "booth\n", "secret": "secret\n"} {
		if text := s.text(name); text != want {
			t.Errorf("%s is %q, want %q", name, text, want)
		}
	}
	owner := func(name string) (int, os.FileMode) {
		st, err := os.Lstat(filepath.Join(s.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return int(st.Sys().(*syscall.Stat_t).Uid), st.Mode()
	}
	for _, name := range []string{"in/folder", "in/folder/new", "in/lent-later"} {
		if uid, mode := owner(name); uid != os.Geteuid() || mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
			t.Errorf("%s: user %d, mode %v", name, uid, mode)
		}
	}

	// Each sees its own.
	one, two := newShelf(t), newShelf(t)
	first, stopFirst := run(file(one.in, "/one", profiles.AccessWrite))
	second, stopSecond := run(file(two.in, "/two", profiles.AccessRead))
	check(first, []try{{"read /one/hello", worked}, {"stat /two", syscall.ENOENT}, {"create /one/of-first", worked}})
	check(second, []try{{"read /two/hello", worked}, {"stat /one", syscall.ENOENT}, {"read /two/of-first", syscall.ENOENT}, {"create /two/x", syscall.EROFS}})
	stopFirst()
	stopSecond()
	if strings.Contains(strings.Join(h.refusedAll(), " "), "openat") {
		t.Error("the filter stopped what grants were to stop")
	}
}

// refusedAll lists what was refused in the run phase of any booth.
func (h *host) refusedAll() (calls []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.booths {
		calls = append(calls, b.refused("run")...)
	}
	return calls
}
