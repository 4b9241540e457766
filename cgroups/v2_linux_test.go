package cgroups

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fakeGroup makes a directory that looks like a v2 group: limits and
// counters are plain files there, so whatever is written is read back.
func fakeGroup(t *testing.T, files map[string]string) (b *unified, path string) {
	t.Helper()
	mount := t.TempDir()
	write(t, filepath.Join(mount, "cgroup.controllers"), "cpuset cpu io memory pids\n")
	write(t, filepath.Join(mount, "cgroup.procs"), "")
	write(t, filepath.Join(mount, "cgroup.subtree_control"), "")
	b, err := newUnified(mount, "/")
	if err != nil {
		t.Fatal(err)
	}
	b.swaps = filepath.Join(t.TempDir(), "swaps")
	write(t, b.swaps, "Filename Type Size Used Priority\n")
	path = "/booth"
	if err := b.create(path); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"memory.max", "memory.oom.group", "cpu.max", "cpu.weight", "pids.max"} {
		write(t, b.dir(path, name), "")
	}
	for name, text := range files {
		write(t, b.dir(path, name), text)
	}
	return b, path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestUnifiedLimits(t *testing.T) {
	b, path := fakeGroup(t, map[string]string{"memory.swap.max": "max\n"})
	if err := b.limit(path, nil, Limits{Memory: 64<<20 + 1, CPU: 0.5, Pids: 8}); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"memory.max": "67108864", "memory.swap.max": "0", "memory.oom.group": "1",
		"cpu.max": "5000 10000", "cpu.weight": "100", "pids.max": "8",
	} {
		data, err := os.ReadFile(b.dir(path, file))
		if err != nil || strings.TrimSpace(string(data)) != want {
			t.Errorf("%s is %q, %v; want %q", file, data, err, want)
		}
	}
}

func TestUnifiedLimitNotInForce(t *testing.T) {
	for _, file := range []string{"memory.max", "memory.swap.max", "memory.oom.group", "cpu.max", "cpu.weight", "pids.max"} {
		b, path := fakeGroup(t, map[string]string{"memory.swap.max": "max\n"})
		name := b.dir(path, file)
		os.Remove(name)
		if err := os.Symlink("/dev/null", name); err != nil { // takes all, keeps nothing
			t.Fatal(err)
		}
		if err := b.limit(path, nil, roomy); !errors.Is(err, ErrLimit) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v, want ErrLimit that names the file", file, err)
		}
	}
}

func TestUnifiedWithoutSwapControl(t *testing.T) {
	b, path := fakeGroup(t, nil)
	if err := b.limit(path, nil, roomy); err != nil {
		t.Errorf("no swap anywhere: %v", err)
	}
	write(t, b.swaps, "Filename Type Size Used Priority\n/swap file 1048572 0 -2\n")
	if err := b.limit(path, nil, roomy); !errors.Is(err, ErrLimit) || !strings.Contains(err.Error(), "memory.swap.max") {
		t.Errorf("error %v, want ErrLimit that names memory.swap.max", err)
	}
}

func TestUnifiedStats(t *testing.T) {
	b, path := fakeGroup(t, map[string]string{
		"memory.current": "1000\n", "memory.peak": "2000\n", "memory.max": "3000\n",
		"memory.swap.current": "0\n", "memory.swap.max": "0\n", "memory.swap.peak": "0\n",
		"memory.stat":   "anon 900\nfile 100\n",
		"memory.events": "low 0\nhigh 0\nmax 7\noom 2\noom_kill 3\noom_group_kill 1\n",
		"cpu.stat":      "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_periods 9\nnr_throttled 4\nthrottled_usec 2500\n",
		"pids.current":  "5\n", "pids.max": "8\n", "pids.events": "max 6\n",
	})
	got, err := b.stats(path)
	want := Stats{
		Memory: 1000, MemoryPeak: 2000, CPU: 1500 * time.Microsecond, Throttled: 4,
		ThrottledTime: 2500 * time.Microsecond, Pids: 5, OOMKills: 3, PidsMax: 6,
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if _, err := b.stats("/nosuch"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("group that is gone: %v", err)
	}
	reached, err := b.reached(path)
	if want := (Reached{Memory: 7, CPU: 4, Pids: 6, OOMKills: 3}); err != nil || reached != want {
		t.Errorf("got %+v, %v; want %+v", reached, err, want)
	}
	if _, err := b.reached("/nosuch"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("limits of a group that is gone: %v", err)
	}
}

func TestUnifiedNeedsControllers(t *testing.T) {
	mount := t.TempDir()
	write(t, filepath.Join(mount, "cgroup.controllers"), "cpuset pids\n")
	_, err := choose([]hierarchy{{mount: mount, unified: true}}, func() (string, error) { return "/", nil })
	if !errors.Is(err, ErrNotDelegated) || !strings.Contains(err.Error(), "cpu, memory") {
		t.Errorf("error %v, want ErrNotDelegated that names cpu and memory", err)
	}
	_, err = choose(nil, nil)
	if !errors.Is(err, ErrNotDelegated) {
		t.Errorf("nothing mounted: %v", err)
	}
}

func TestUnifiedIsPreferred(t *testing.T) {
	b, _ := fakeGroup(t, nil)
	got, err := choose([]hierarchy{
		{mount: "/nosuch/memory", controllers: []string{"memory"}},
		{mount: b.mount, unified: true},
	}, func() (string, error) { return "/", nil })
	if _, ok := got.(*unified); !ok || err != nil {
		t.Errorf("backend %T, %v; want v2", got, err)
	}
}

// scope makes a group without controllers below this process's own on a real
// cgroup2 hierarchy, moves this process into it, as systemd-run does, and
// returns a backend for it. Elsewhere systemd would take the empty scope this
// process came from away.
func scope(t *testing.T) *unified {
	t.Helper()
	requireCgroup(t)
	all, err := mounted()
	if err != nil {
		t.Fatal(err)
	}
	h, ok := unifiedOf(all)
	if !ok {
		if os.Getenv("ISOBOOTH_MUST_RUN") == "1" {
			t.Fatal("missing: cgroup2")
		}
		t.Skip("missing: cgroup2")
	}
	before, err := ownUnified()
	if err != nil {
		t.Fatal(err)
	}
	b := &unified{mount: h.mount, swaps: "/proc/swaps"}
	b.own = filepath.Join(before, fmt.Sprintf("isobooth-test-scope-%d-%d", os.Getpid(), time.Now().UnixNano()))
	b.group = b.own
	if err := b.create(b.own); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.join(b.dir(before)); err != nil {
			t.Error(err)
		}
		if err := destroy(b.dirs(b.own)); err != nil {
			t.Error(err)
		}
	})
	if err := b.join(b.dir(b.own)); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMovesAwayAndBack(t *testing.T) {
	b := scope(t)
	top := b.own + "/tree"
	if err := b.create(top); err != nil {
		t.Fatal(err)
	}
	if err := b.moveAway(top); err != nil {
		t.Fatal(err)
	}
	if now, err := ownUnified(); err != nil || now != top+"/"+hostLeaf {
		t.Errorf("now in %q, %v; want the leaf", now, err)
	}
	tree := &Tree{backend: b, name: "tree", groups: map[string]*Group{}}
	if paths := tree.Paths(); len(paths) != 2 || paths[0] != b.dir(top, hostLeaf) || paths[1] != b.dir(top) {
		t.Errorf("paths %q", paths)
	}
	// Not even Sweep takes the tree this process is in.
	if removed, err := sweep(map[string]int{b.dir(b.own): 1}, "tree", func(string) bool { return false }); !errors.Is(err, ErrBusy) || len(removed) != 0 {
		t.Errorf("sweep removed %q, %v; want ErrBusy", removed, err)
	}
	if err := tree.Close(); err != nil {
		t.Fatal(err)
	}
	if now, err := ownUnified(); err != nil || now != b.own {
		t.Errorf("now in %q, %v; want back in %q", now, err, b.own)
	}
	if _, err := os.Stat(b.dir(top)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("tree: %v, want it gone", err)
	}
}

func TestOtherProcessesInScope(t *testing.T) {
	b := scope(t)
	c := start(t, nil, shell(`sleep 1000`)) // born in this process's group
	if _, err := openIn(b, "tree"); !errors.Is(err, ErrNotDelegated) || !strings.Contains(err.Error(), strconv.Itoa(c.cmd.Process.Pid)) {
		t.Errorf("error %v, want ErrNotDelegated that names process %d", err, c.cmd.Process.Pid)
	}
	leftNothing(t, b)
}

// TestControllersRefused needs a hierarchy without the needed controllers,
// as hybrid machines have.
func TestControllersRefused(t *testing.T) {
	b := scope(t)
	have, err := b.controllers("/")
	if err != nil {
		t.Fatal(err)
	}
	if len(missing(have)) == 0 {
		t.Skip("this hierarchy has all controllers")
	}
	if _, err := openIn(b, "tree"); !errors.Is(err, ErrNotDelegated) {
		t.Errorf("error %v, want ErrNotDelegated", err)
	}
	leftNothing(t, b)
}

func leftNothing(t *testing.T, b *unified) {
	t.Helper()
	if now, err := ownUnified(); err != nil || now != b.own {
		t.Errorf("now in %q, %v; want %q", now, err, b.own)
	}
	groups, err := groupsIn(b.dir(b.own))
	if err != nil || len(groups) != 1 {
		t.Errorf("groups %q, %v; want only the scope", groups, err)
	}
}

func TestUnifiedDestroy(t *testing.T) {
	b := scope(t)
	path := b.own + "/booth"
	if err := b.create(path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(b.dir(path, "cgroup.kill")); err != nil {
		t.Logf("no cgroup.kill: %v", err)
	}
	c := start(t, nil, shell(`setsid sleep 1000 >/dev/null & echo up; read y; sleep 1000`))
	if _, err := c.out.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	pids, err := procsIn(b.dir(b.own))
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		if pid != os.Getpid() {
			write(t, b.dir(path, "cgroup.procs"), strconv.Itoa(pid))
		}
	}
	if pids, err := procsBelow(b.dirs(path)); err != nil || len(pids) != 2 {
		t.Fatalf("processes %v, %v; want 2", pids, err)
	}
	if err := destroy(b.dirs(path)); err != nil {
		t.Fatal(err)
	}
	if sig := c.signal(); sig != syscall.SIGKILL {
		t.Errorf("ended with %v, want killed", sig)
	}
}

// TestSweepsOtherScope leaves a tree in another scope of this user, as a
// daemon does that is killed.
func TestSweepsOtherScope(t *testing.T) {
	requireCgroup(t)
	if os.Geteuid() == 0 {
		t.Skip("the trees of root are in one place")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("isobooth-test-scope%d-dead", os.Getpid())
	cmd := exec.Command("systemd-run", "--user", "--scope", "--quiet", "--property=Delegate=yes", self)
	cmd.Env = append(os.Environ(), daemonEnv+"="+name)
	c := start(t, nil, cmd)
	text, err := c.out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.signal()
	if ended(pid) {
		t.Fatal("its process ended with it")
	}
	removed, err := Sweep(strings.TrimSuffix(name, "dead"), func(string) bool { return false })
	if err != nil || len(removed) != 1 || removed[0] != name {
		t.Errorf("removed %q, %v; want %q", removed, err, name)
	}
	eventually(t, "end of its process", func() bool { return ended(pid) })
	mustBeGone(t, name)
}

func TestHome(t *testing.T) {
	for own, want := range map[string]string{
		"/":                               "/",
		"/user.slice/a.scope":             "/user.slice/a.scope",
		"/a.scope/isobooth-1/" + hostLeaf: "/a.scope",
		"/isobooth-1/" + hostLeaf:         "/",
		"/a.scope/isobooth-1/booth":       "/a.scope/isobooth-1/booth",
	} {
		if got := home(own); got != want {
			t.Errorf("%s: %s, want %s", own, got, want)
		}
	}
}

func TestFindTreesDepth(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"isobooth-1", "app.slice/x.scope/isobooth-2/isobooth-inner", "other", "app.slice/isobooth-bad.name"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for depth, want := range map[int]int{1: 1, 2: 1, 3: 2} {
		found := map[string][]string{}
		if err := findTrees(root, depth, "isobooth-", found); err != nil || len(found) != want {
			t.Errorf("depth %d: %v, %v; want %d trees", depth, found, err, want)
		}
	}
}
