//go:build linux

package runner_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/isobooth/isobooth/cgroups"
	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/control"
	"golang.org/x/sys/unix"
)

// refusedStart starts a booth that must not start, by the named layer.
func refusedStart(t *testing.T, h *host, plan *runner.Plan, layer, text string) {
	t.Helper()
	_, stop, err := h.run(plan)
	var missing *runner.LayerError
	if !errors.As(err, &missing) || missing.Layer != layer || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: %v, want layer %q and %q", plan.Name, err, layer, text)
	}
	if err == nil {
		_ = stop()
	}
}

// keep runs a booth that must start until the test ends.
func (h *host) keep(t *testing.T, plan *runner.Plan) *booth {
	t.Helper()
	b, stop, err := h.run(plan)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return b
}

func device(path string, access profiles.Access) profiles.DeviceGrant {
	return profiles.DeviceGrant{Path: path, Access: access, Why: "test"}
}

// TestGrantedDevices reads and writes devices that a booth is granted, and
// others that are there on the host.
func TestGrantedDevices(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	plugin := build(t, "grants")
	writes := h.keep(t, newPlan(t, "writes", plugin, granted(device("/dev/full", profiles.AccessWrite))))
	reads := h.keep(t, newPlan(t, "reads", plugin, granted(device("/dev/ful?", profiles.AccessRead))))
	none := h.keep(t, newPlan(t, "none", plugin, granted()))
	for _, test := range []struct {
		b    *booth
		call string
		want syscall.Errno
	}{
		{writes, "read /dev/full", worked},
		{writes, "write /dev/full", syscall.ENOSPC}, // the device's own answer
		{writes, "map-code /dev/full", syscall.EPERM},
		{writes, "read /dev/tty", syscall.ENOENT},
		{writes, "create /dev/new", syscall.EROFS},
		{reads, "read /dev/full", worked},
		{reads, "write /dev/full", syscall.EACCES},
		{none, "read /dev/full", syscall.ENOENT},
		{none, "read /dev/zero", worked},
	} {
		if got, _ := tell(t, lane, test.b, test.call); got != test.want {
			t.Errorf("%s: %s: %v, want %v", test.b.name, test.call, got, test.want)
		}
	}
}

// TestDevicesWithoutLandlock: what only Landlock enforces is not granted where
// it is missing.
func TestDevicesWithoutLandlock(t *testing.T) {
	h, tree := openHost(t, false)
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if tree != nil {
			if err := tree.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	plugin := build(t, "grants")
	refusedStart(t, h, newPlan(t, "reads", plugin, granted(device("/dev/full", profiles.AccessRead))), "landlock", "reading only")
	b := h.keep(t, newPlan(t, "writes", plugin, granted(device("/dev/full", profiles.AccessWrite))))
	if got, _ := tell(t, newLane(t, h), b, "write /dev/full"); got != syscall.ENOSPC {
		t.Errorf("write: %v", got)
	}
}

// TestDeviceByGroup: a booth of root's has a user of its own, which opens a
// device by the device's group, and by that alone.
func TestDeviceByGroup(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("missing: root, to make a device; a user's booths have the user's groups")
	}
	const group = 123456
	node := func(name string, mode uint32) string {
		path := fmt.Sprintf("/dev/isobooth-test-%d-%s", os.Getpid(), name)
		if err := unix.Mknod(path, unix.S_IFCHR|mode, int(unix.Mkdev(1, 7))); err != nil {
			missing(t, "a /dev where devices can be made: "+err.Error())
		}
		t.Cleanup(func() { os.Remove(path) })
		if err := errors.Join(os.Chmod(path, os.FileMode(mode)), os.Chown(path, 0, group)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	shared, private := node("shared", 0o660), node("private", 0o600)
	h := newHost(t)
	plugin := build(t, "grants")
	b := h.keep(t, newPlan(t, "shared", plugin, granted(device(shared, profiles.AccessWrite))))
	if got, _ := tell(t, newLane(t, h), b, "write "+shared); got != syscall.ENOSPC {
		t.Errorf("device of a group: %v", got)
	}
	refusedStart(t, h, newPlan(t, "private", plugin, granted(device(private, profiles.AccessWrite))), "devices", "0600")
}

// TestGrantedEnvironment: the plugin has the variables it is granted, with the
// host's values, and no others.
func TestGrantedEnvironment(t *testing.T) {
	t.Setenv("ISOBOOTH_TEST_GRANTED", "a value = with ; things")
	t.Setenv("ISOBOOTH_TEST_OTHER", "secret")
	t.Setenv("LANG", "de_DE.UTF-8")
	h := newHost(t)
	plugin := build(t, "grants")
	var grants []any
	for _, name := range []string{"LANG", "ISOBOOTH_TEST_GRANTED", "ISOBOOTH_TEST_ABSENT"} {
		grants = append(grants, profiles.EnvironmentGrant{Name: name, Why: "test"})
	}
	b := h.keep(t, newPlan(t, "env", plugin, granted(grants...)))
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", b.About().PID))
	if want := "HOME=/\x00ISOBOOTH_TEST_GRANTED=a value = with ; things\x00LANG=de_DE.UTF-8\x00"; err != nil || string(environ) != want {
		t.Errorf("the worker's environment is %q, %v; want %q", environ, err, want)
	}
	lane := newLane(t, h)
	if got, value := tell(t, lane, b, "env ISOBOOTH_TEST_GRANTED"); got != 0 || value != "a value = with ; things" {
		t.Errorf("%v %q", got, value)
	}
	for _, name := range []string{"ISOBOOTH_TEST_OTHER", "ISOBOOTH_TEST_ABSENT", "PATH"} {
		if got, value := tell(t, lane, b, "env "+name); got != syscall.ENOENT {
			t.Errorf("%s: %v %q", name, got, value)
		}
	}
}

// TestTmp: a booth's /tmp holds its size, no program, and is the booth's
// memory.
func TestTmp(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	plugin := build(t, "grants")
	tmp := func(size uint64) func(*profiles.Profile) {
		return func(p *profiles.Profile) {
			granted()(p)
			p.Limits.TmpSize, p.Limits.Memory = size, 32<<20
		}
	}
	small := h.keep(t, newPlan(t, "small", plugin, tmp(1<<20)))
	if got, kib := tell(t, lane, small, "fill /tmp/x"); got != syscall.ENOSPC || kib != "1024" {
		t.Errorf("fill: %v after %s KiB", got, kib)
	}
	for _, test := range []struct {
		call string
		want syscall.Errno
	}{
		{"unlink /tmp/x", worked},
		{"create /tmp/y", worked},
		{"read /tmp/y", worked},
		{"exec /tmp/y", syscall.EACCES},
		{"map-code /tmp/y", syscall.EPERM},
		{"mkdir /tmp/d", worked},
		{"rename /tmp/y /tmp/z", worked},
		{"mkfifo /tmp/fifo", syscall.EACCES},
		// Nobody else is there to execute it; for folders of the host it is refused.
		{"create-setid /tmp/lent", worked},
		{"lend /tmp/lent-later", worked},
		{"create /x", syscall.EROFS},
	} {
		if got, _ := tell(t, lane, small, test.call); got != test.want {
			t.Errorf("%s: %v, want %v", test.call, got, test.want)
		}
	}
	none := h.keep(t, newPlan(t, "none", plugin, granted()))
	if got, _ := tell(t, lane, none, "create /tmp/x"); got != syscall.ENOENT {
		t.Errorf("a booth without /tmp: %v", got)
	}
	if h.tree == "" {
		missing(t, "cgroups, which count the booth's memory")
	}
	large := h.keep(t, newPlan(t, "large", plugin, tmp(128<<20)))
	send(t, lane, large, do("fill /tmp/x", 1))
	if c := large.cause(); c.Kind != runner.CauseOOM {
		t.Errorf("more than the booth's memory in /tmp: %+v", c)
	}
}

// TestOwnerOfGrants: for root, too, what a plugin makes belongs to whom the
// granted folder belongs to, and other users' files in it stay closed.
func TestOwnerOfGrants(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("missing: root, to give files to others")
	}
	const owner, other = 1234, 4321
	s := newShelf(t)
	for name, uid := range map[string]int{"in": owner, "in/hello": owner, "in/neighbour": other} {
		if err := os.Chown(filepath.Join(s.dir, name), uid, uid); err != nil {
			t.Fatal(err)
		}
	}
	h := newHost(t)
	b := h.keep(t, newPlan(t, "owner", build(t, "grants"), granted(file(s.in, "/g", profiles.AccessWrite))))
	lane := newLane(t, h)
	for _, test := range []struct {
		call string
		want syscall.Errno
	}{
		{"read /g/hello", worked},
		{"create /g/new", worked},
		{"read /g/neighbour", syscall.EACCES},
		{"write /g/neighbour", syscall.EACCES},
		{"list /g/sub", syscall.EACCES}, // root's
	} {
		if got, _ := tell(t, lane, b, test.call); got != test.want {
			t.Errorf("%s: %v, want %v", test.call, got, test.want)
		}
	}
	var st unix.Stat_t
	if err := unix.Stat(s.in+"/new", &st); err != nil || st.Uid != owner || st.Gid != owner {
		t.Errorf("what the plugin made: %v, user %d, group %d", err, st.Uid, st.Gid)
	}
}

// TestGrantsThatCannotBe: a grant that cannot be given as it was planned stops
// the start, and says so.
func TestGrantsThatCannotBe(t *testing.T) {
	h := newHost(t)
	plugin := build(t, "grants")
	plan := func(name string, b control.Bind) *runner.Plan {
		p := newPlan(t, name, plugin, granted())
		p.Grants.Files = []control.Bind{b}
		return p
	}
	s := newShelf(t)
	swapped := newPlan(t, "swapped", plugin, granted(file(s.in, "/g", profiles.AccessRead)))
	if err := errors.Join(os.Rename(s.in, s.in+"-was"), os.Symlink(s.in+"-was", s.in)); err != nil {
		t.Fatal(err)
	}
	refusedStart(t, h, swapped, "files", "symbolic links")
	refusedStart(t, h, plan("gone", control.Bind{Path: s.dir + "/gone", Inside: "/g"}), "files", "no such file")
	refusedStart(t, h, plan("worker", control.Bind{Path: s.dir, Inside: "/isobooth-worker"}), "files", "/isobooth-worker")
	refusedStart(t, h, plan("libraries", control.Bind{Path: s.dir, Inside: "/lib"}), "files", "/lib")
	refusedStart(t, h, plan("mounts", control.Bind{Path: "/dev", Inside: "/g"}), "files", "another mount")
	refusedStart(t, h, plan("device", control.Bind{Path: "/dev/full", Inside: "/g"}), "files", "neither a file nor a folder")
	if os.Geteuid() == 0 {
		// sysfs maps no owners.
		refusedStart(t, h, plan("no id map", control.Bind{Path: "/sys/kernel/mm", Inside: "/g"}), "files", "cannot map its owner")
	}
}

// TestHeldOpen: a plugin may keep open what it is granted, and nothing else.
func TestHeldOpen(t *testing.T) {
	h := newHost(t)
	s := newShelf(t)
	if err := unix.Mkfifo(filepath.Join(s.in, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, test := range []struct {
		hold, flags string
		want        string // in the error; empty: it starts
	}{
		{"/g/hello", "O_RDWR", ""},
		{"/g", "O_RDONLY", ""},
		{"/dev/full", "O_WRONLY", ""},
		{"/g/fifo", "O_RDWR", "neither file, folder nor device"},
		{"/", "O_PATH", "is not granted"},
		{"/isobooth-worker", "O_PATH", "is not granted"},
		{"/proc/self", "O_PATH", "is not granted"},
		{"/dev/null", "O_RDWR", "is not granted"},
	} {
		plugin := build(t, "grants", fmt.Sprintf("-DHOLD=%q", test.hold), "-DHOLD_FLAGS="+test.flags)
		plan := newPlan(t, fmt.Sprintf("holds-%d", i), plugin, granted(file(s.in, "/g", profiles.AccessWrite), device("/dev/full", profiles.AccessWrite)))
		b, stop, err := h.run(plan)
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.hold, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, want %q", test.hold, err, test.want)
		}
		if err != nil {
			continue
		}
		found := false
		for _, l := range b.About().Layers {
			found = found || l.Name == "descriptors" && strings.Contains(l.Detail, "and 1 that")
		}
		if !found {
			t.Errorf("%s: layers %+v", test.hold, b.About().Layers)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
	// Without grants as ever: not one more.
	plugin := build(t, "grants", `-DHOLD="/dev/null"`, "-DHOLD_FLAGS=O_RDWR")
	if _, stop, err := h.run(newPlan(t, "strict", plugin, granted())); err == nil || !strings.Contains(err.Error(), "open are") {
		t.Errorf("a booth without grants: %v", err)
		if err == nil {
			_ = stop()
		}
	}
	// Nor is anything mapped as code while it loads.
	plugin = build(t, "grants", `-DMAPS="/g/hello"`)
	b := h.keep(t, newPlan(t, "maps", plugin, granted(file(s.in, "/g", profiles.AccessWrite))))
	if got, _ := tell(t, newLane(t, h), b, "mapped"); got != syscall.EPERM {
		t.Errorf("mapped as code while loading: %v", got)
	}
}

// TestReplacedOnTheHost: editors replace a file rather than write it. A worker
// that was in reserve meanwhile has the old one, and starts.
func TestReplacedOnTheHost(t *testing.T) {
	h := newHost(t)
	s := newShelf(t)
	b := h.keep(t, newPlan(t, "replaced", build(t, "grants"), granted(
		file(s.in+"/hello", "/hello", profiles.AccessRead), file(s.in+"/sub", "/sub", profiles.AccessRead))))
	eventually(t, "a worker is in reserve", b.Standby)
	if err := errors.Join(
		os.WriteFile(s.in+"/new", []byte("new\n"), 0o600), os.Rename(s.in+"/new", s.in+"/hello"),
		os.Rename(s.in+"/sub", s.in+"/sub-was"), os.Mkdir(s.in+"/sub", 0o700),
	); err != nil {
		t.Fatal(err)
	}
	lane := newLane(t, h)
	for i, want := range []string{"hello\n", "new\n"} { // that of the one in reserve; of the one made since
		send(t, lane, b, do("crash", 1))
		if c := b.cause(); c.Kind != runner.CauseSignal {
			t.Fatalf("crash %d: %+v", i, c)
		}
		b.again()
		if got, text := tell(t, lane, b, "read /hello"); got != 0 || text != want {
			t.Errorf("after crash %d: %v %q, want %q", i, got, text, want)
		}
		eventually(t, "a worker is in reserve", b.Standby)
	}
}

// beginGranted has a helper run a booth that writes in a folder of the host.
func beginGranted(t *testing.T, h *host, job task, booths *sync.WaitGroup) {
	t.Helper()
	plan := newPlan(t, "granted", open(t, job.Plugins["grants"], "grants"), granted(
		file(job.Plugins["shelf"], "/g", profiles.AccessWrite), device("/dev/full", profiles.AccessWrite)))
	plan.Grants.Tmp = 1 << 20
	b := h.of(plan.Name)
	booths.Go(func() { _ = runUntil(context.Background(), h, b, plan, func() {}) })
	b.again()
}

// TestKilledWithGrants: when the daemon, its jailer or both are killed, no
// mount, mount point or worker of a booth with grants stays, and what it was
// granted does.
func TestKilledWithGrants(t *testing.T) {
	plugins := helperPlugins(t)
	plugins["grants"] = filepath.Join(readable(t), "grants")
	if err := os.Mkdir(plugins["grants"], 0o755); err != nil {
		t.Fatal(err)
	}
	compile(t, plugins["grants"], "grants")
	for _, victim := range []string{"daemon", "jailer", "both"} {
		t.Run(victim, func(t *testing.T) {
			s := newShelf(t)
			plugins["shelf"] = s.in
			d, cmd := startHelper(t, "granted", plugins, nil)
			roots, err := filepath.Glob(d.Dir + "/jail/root-*/g")
			if err != nil || len(roots) == 0 {
				t.Fatalf("control: no mount point in %s: %v", d.Dir, err)
			}
			if victim != "jailer" {
				sendSignal(t, cmd.Process.Pid, syscall.SIGKILL)
			}
			if victim != "daemon" {
				sendSignal(t, d.Jailer, syscall.SIGKILL)
			}
			_ = cmd.Wait()
			eventually(t, "workers end", func() bool { return len(workers(t)) == 0 })
			if victim == "both" { // as the next daemon does
				if err := os.RemoveAll(d.Dir); err != nil {
					t.Error(err)
				}
				_, _ = cgroups.Sweep(d.Tree, func(string) bool { return false })
			}
			eventually(t, "nothing is left", func() bool { return len(leftovers(t, d.Dir, d.Tree)) == 0 })
			for name, want := range map[string]string{"in/hello": "hello\n", "in/sub/deep": "deep\n", "secret": "secret\n"} {
				if text := s.text(name); text != want {
					t.Errorf("%s is %q, want %q", name, text, want)
				}
			}
		})
	}
}
