package cgroups

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
	"syscall"
	"testing"
	"time"
)

// balloonEnv makes the test binary touch that many bytes and say "done".
const balloonEnv = "ISOBOOTH_TEST_BALLOON"

// daemonEnv makes the test binary open a tree of that name, start a process
// in a group of it, say its id and wait to be killed.
const daemonEnv = "ISOBOOTH_TEST_DAEMON"

func TestMain(m *testing.M) {
	if name := os.Getenv(daemonEnv); name != "" {
		daemon(name)
		return
	}
	if text := os.Getenv(balloonEnv); text != "" {
		balloon(text)
		return
	}
	os.Exit(m.Run())
}

func balloon(text string) {
	size, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	waitForLine(os.Stdin)
	memory := make([]byte, size)
	for i := 0; i < size; i += 4096 {
		memory[i] = 1
	}
	fmt.Println("done")
	waitForLine(os.Stdin)
	_ = memory[0]
}

func daemon(name string) {
	waitForLine(os.Stdin)
	tree, err := Open(name)
	if err != nil {
		panic(err)
	}
	g, err := tree.New("booth", roomy)
	if err != nil {
		panic(err)
	}
	dir, err := os.Open(g.dirs()[0])
	if err != nil {
		panic(err)
	}
	cmd := exec.Command("sleep", "1000")
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	fmt.Println(cmd.Process.Pid)
	waitForLine(os.Stdin)
}

func waitForLine(r io.Reader) { bufio.NewReader(r).ReadString('\n') }

// requireCgroup skips where groups cannot be made, or fails where everything
// must run.
func requireCgroup(t *testing.T) {
	t.Helper()
	r := Probe()
	if r.Usable {
		return
	}
	if os.Getenv("ISOBOOTH_MUST_RUN") == "1" {
		t.Fatalf("missing: control groups: %s", r.Reason)
	}
	t.Skipf("missing: control groups: %s", r.Reason)
}

var roomy = Limits{Memory: 256 << 20, CPU: 2, Pids: 256}

func openTree(t *testing.T) *Tree {
	t.Helper()
	requireCgroup(t)
	name := fmt.Sprintf("isobooth-test-%d-%d", os.Getpid(), time.Now().UnixNano())
	tree, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
		mustBeGone(t, name)
	})
	return tree
}

// mustBeGone looks for a directory with that name in every hierarchy, deep
// enough to see one that was made in the wrong place.
func mustBeGone(t *testing.T, name string) {
	t.Helper()
	all, err := mounted()
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range all {
		groups, err := groupsIn(h.mount)
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range groups {
			if strings.Contains(dir, name) {
				t.Errorf("%s is still there", dir)
			}
		}
	}
}

func newGroup(t *testing.T, tree *Tree, l Limits) *Group {
	t.Helper()
	g, err := tree.New("booth", l)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// child is a process that was moved to a group before its work began.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// start runs a command that waits for a line on stdin, joins it to the group
// in every hierarchy, as a container library does, and sends the line.
func start(t *testing.T, g *Group, cmd *exec.Cmd) *child {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if g != nil {
		for _, dir := range g.dirs() {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			prepareCpuset(t, dir)
			if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(cmd.Process.Pid)), 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	c := &child{cmd: cmd, in: in, out: bufio.NewReader(out)}
	c.line(t)
	return c
}

// prepareCpuset fills in what a new v1 cpuset group lacks. On v2 an empty file
// means the parent's.
func prepareCpuset(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, "cgroup.controllers")); err == nil {
		return
	}
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		for _, level := range []string{filepath.Dir(dir), dir} {
			data, err := os.ReadFile(filepath.Join(level, file))
			if err != nil || strings.TrimSpace(string(data)) != "" {
				continue
			}
			parent, err := os.ReadFile(filepath.Join(filepath.Dir(level), file))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(level, file), parent, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (c *child) line(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(c.in, "\n"); err != nil {
		t.Fatal(err)
	}
}

// signal is how the process ended, 0 for an exit.
func (c *child) signal() syscall.Signal {
	var exit *exec.ExitError
	if err := c.cmd.Wait(); !errors.As(err, &exit) {
		return 0
	}
	status := exit.Sys().(syscall.WaitStatus)
	if !status.Signaled() {
		return 0
	}
	return status.Signal()
}

func shell(script string) *exec.Cmd { return exec.Command("/bin/sh", "-c", "read x; "+script) }

// eventually waits for a condition that another process brings about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: did not happen", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func stats(t *testing.T, g *Group) Stats {
	t.Helper()
	s, err := g.Stats()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func reached(t *testing.T, g *Group) Reached {
	t.Helper()
	r, err := g.Reached()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMemoryLimit(t *testing.T) {
	const size = 96 << 20
	for _, test := range []struct {
		name   string
		limit  int64
		killed bool
	}{
		{"enough", 256 << 20, false},
		{"too little", 32 << 20, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := roomy
			l.Memory = test.limit
			g := newGroup(t, openTree(t), l)
			cmd := exec.Command("/proc/self/exe")
			cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", balloonEnv, size))
			c := start(t, g, cmd)
			text, err := c.out.ReadString('\n')
			if test.killed {
				if text == "done\n" {
					t.Fatal("the limit did not hold")
				}
				if sig := c.signal(); sig != syscall.SIGKILL {
					t.Errorf("said %q, %v; ended with %v, want killed", text, err, sig)
				}
				// The kernel lets charges of its own go a little beyond the limit.
				const slack = 1 << 20
				if s := stats(t, g); s.OOMKills == 0 || s.MemoryPeak > uint64(test.limit)+slack {
					t.Errorf("stats %+v, want an OOM kill and a peak of about %d", s, test.limit)
				}
				if r := reached(t, g); r.Memory == 0 || r.OOMKills == 0 {
					t.Errorf("reached %+v, want memory", r)
				}
				swapless(t, g)
				return
			}
			if text != "done\n" || err != nil {
				t.Fatalf("said %q, %v; want done", text, err)
			}
			s := stats(t, g)
			if s.OOMKills != 0 || s.Memory < size || s.MemoryPeak < size || s.Pids == 0 {
				t.Errorf("stats %+v, want %d bytes in use and no OOM kill", s, size)
			}
			if r := reached(t, g); r.Memory != 0 || r.OOMKills != 0 {
				t.Errorf("reached %+v, want no memory", r)
			}
			c.line(t)
			if sig := c.signal(); sig != 0 {
				t.Errorf("ended with %v", sig)
			}
		})
	}
}

// swapless checks, where v1 accounts swap, that it was the limit of memory
// and swap together that stopped a group: there was no swap to go to. Where
// v2 accounts it, memory.swap.max of 0 is read back when it is written.
func swapless(t *testing.T, g *Group) {
	t.Helper()
	b, ok := g.tree.backend.(*legacy)
	if !ok || !b.memsw {
		t.Log("no memory.memsw here")
		return
	}
	n, err := readNumber(b.dir("memory", g.Path(), "memory.failcnt"))
	if err != nil || n != 0 {
		t.Errorf("memory alone ran out %d times, %v", n, err)
	}
}

// TestUnlimitedSwap is the control of swapless: with room for swap it is
// memory alone that runs out.
func TestUnlimitedSwap(t *testing.T) {
	l := roomy
	l.Memory = 32 << 20
	g := newGroup(t, openTree(t), l)
	b, ok := g.tree.backend.(*legacy)
	if !ok || !b.memsw {
		t.Skip("missing: memory.memsw, of control groups v1")
	}
	if err := os.WriteFile(b.dir("memory", g.Path(), "memory.memsw.limit_in_bytes"), []byte("-1"), 0); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", balloonEnv, 96<<20))
	c := start(t, g, cmd)
	c.signal() // it may live, in swap
	memory, err := readNumber(b.dir("memory", g.Path(), "memory.failcnt"))
	if err != nil || memory == 0 {
		t.Errorf("memory alone ran out %d times, %v", memory, err)
	}
}

// TestUnlimitedMemory is the control of TestMemoryLimit: outside a group the
// same program lives.
func TestUnlimitedMemory(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", balloonEnv, 96<<20))
	c := start(t, nil, cmd)
	if text, err := c.out.ReadString('\n'); text != "done\n" || err != nil {
		t.Fatalf("said %q, %v; want done", text, err)
	}
	c.line(t)
	if sig := c.signal(); sig != 0 {
		t.Errorf("ended with %v", sig)
	}
}

// forks starts ten processes and says how many there are.
const forks = `n=0; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 100 >/dev/null & n=$((n+1)); done; echo $n; read x`

func TestPidsLimit(t *testing.T) {
	for _, test := range []struct {
		name    string
		pids    int64
		refused bool
	}{
		{"enough", 11, false},
		{"too few", 5, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := roomy
			l.Pids = test.pids
			g := newGroup(t, openTree(t), l)
			cmd := shell(forks)
			cmd.WaitDelay = time.Second
			c := start(t, g, cmd)
			text, err := c.out.ReadString('\n')
			s := stats(t, g)
			if test.refused {
				if text == "10\n" || s.PidsMax == 0 || reached(t, g).Pids != s.PidsMax {
					t.Errorf("said %q, %v; stats %+v, %+v; want a refused fork", text, err, s, reached(t, g))
				}
			} else if text != "10\n" || s.PidsMax != 0 || s.Pids != 11 {
				t.Errorf("said %q, %v; stats %+v; want 11 tasks", text, err, s)
			}
			if s.Pids > uint64(test.pids) {
				t.Errorf("%d tasks, limit %d", s.Pids, test.pids)
			}
		})
	}
}

func TestCPULimit(t *testing.T) {
	l := roomy
	l.CPU = 0.2
	g := newGroup(t, openTree(t), l)
	start(t, g, shell(`while :; do :; done`))
	eventually(t, "throttling", func() bool {
		s := stats(t, g)
		return s.Throttled > 2 && s.ThrottledTime > 0 && s.CPU > 0 && reached(t, g).CPU > 2
	})
}

// TestIdleIsNotThrottled is the control of TestCPULimit.
func TestIdleIsNotThrottled(t *testing.T) {
	g := newGroup(t, openTree(t), roomy)
	c := start(t, g, shell(`echo up; read x`))
	if _, err := c.out.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	// An emulated machine stands still now and then, and takes that for time
	// that the process ran; what it did to start is not what this is about.
	before := reached(t, g).CPU
	eventually(t, "throttling ends", func() bool {
		time.Sleep(10 * cpuPeriod * time.Microsecond)
		last := before
		before = reached(t, g).CPU
		return before == last && stats(t, g).Throttled == last
	})
}

func TestKillsProcessTree(t *testing.T) {
	g := newGroup(t, openTree(t), roomy)
	cmd := shell(`setsid sh -c 'trap "" TERM HUP; setsid sleep 1000 & setsid sleep 1000 & echo up; while :; do wait; done' & wait`)
	c := start(t, g, cmd)
	if _, err := c.out.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	pids, err := g.Procs()
	if err != nil || len(pids) < 4 {
		t.Fatalf("processes %v, %v; want at least 4", pids, err)
	}
	if err := g.Kill(); err != nil {
		t.Fatal(err)
	}
	if sig := c.signal(); sig != syscall.SIGKILL {
		t.Errorf("ended with %v, want killed", sig)
	}
	eventually(t, "end of all processes", func() bool {
		pids, err := g.Procs()
		return err == nil && len(pids) == 0
	})
	for _, pid := range pids {
		eventually(t, fmt.Sprintf("end of process %d", pid), func() bool { return ended(pid) })
	}

	// A group that was killed can be used again, under its limits.
	again := start(t, g, shell(`sleep 0 & wait $!; echo again; read x`))
	if text, err := again.out.ReadString('\n'); text != "again\n" || err != nil {
		t.Errorf("after Kill: %q, %v; want a process that can fork", text, err)
	}
}

// ended reports whether a process is gone, or a zombie no one reaped yet.
func ended(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, after, _ := strings.Cut(string(data), ") ")
	return strings.HasPrefix(after, "Z") || strings.HasPrefix(after, "X")
}

func TestForkBombIsKilled(t *testing.T) {
	g := newGroup(t, openTree(t), Limits{Memory: 64 << 20, CPU: 1, Pids: 64})
	cmd := shell(`f() { f & f; }; f 2>/dev/null`)
	cmd.WaitDelay = time.Second
	start(t, g, cmd)
	eventually(t, "the limit on tasks", func() bool { return stats(t, g).PidsMax > 0 })
	if err := g.Delete(); err != nil {
		t.Fatal(err)
	}
}

func TestDeleteLeavesNothing(t *testing.T) {
	tree := openTree(t)
	g := newGroup(t, tree, roomy)
	start(t, g, shell(`sleep 1000`))
	dirs := g.dirs()
	for _, dir := range dirs {
		if _, err := os.Stat(dir); err != nil {
			t.Fatal(err)
		}
	}
	if paths := tree.Paths(); !slices.Equal(paths[:len(dirs)], dirs) || len(paths) < 2*len(dirs) {
		t.Errorf("paths %q do not begin with the group's %q", paths, dirs)
	}
	if err := g.Delete(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want it gone", dir, err)
		}
	}
	if err := g.Delete(); err != nil {
		t.Errorf("second Delete: %v", err)
	}
	if err := g.Kill(); err != nil {
		t.Errorf("Kill after Delete: %v", err)
	}
	if _, err := g.Stats(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stats after Delete: %v", err)
	}
	if _, err := g.Reached(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Reached after Delete: %v", err)
	}
	if err := g.Update(roomy); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Update after Delete: %v", err)
	}
	if _, err := tree.New("booth", roomy); err != nil {
		t.Errorf("the name cannot be used again: %v", err)
	}
}

func TestCloseKills(t *testing.T) {
	requireCgroup(t)
	name := fmt.Sprintf("isobooth-test-close-%d", os.Getpid())
	tree, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	// It does not fork: on v1 that may be refused before it is killed.
	c := start(t, newGroup(t, tree, roomy), shell(`read y`))
	if _, err := Open(name); !errors.Is(err, fs.ErrExist) {
		t.Errorf("second tree with that name: %v", err)
	}
	if err := tree.Close(); err != nil {
		t.Fatal(err)
	}
	if sig := c.signal(); sig != syscall.SIGKILL {
		t.Errorf("ended with %v, want killed", sig)
	}
	mustBeGone(t, name)
	if err := tree.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if _, err := tree.New("booth", roomy); !errors.Is(err, os.ErrClosed) {
		t.Errorf("New after Close: %v", err)
	}
}

func TestUpdate(t *testing.T) {
	g := newGroup(t, openTree(t), roomy)
	for _, l := range []Limits{
		{Memory: 512 << 20, CPU: 0.05, CPUWeight: 200, Pids: 7}, // up, down
		{Memory: 16 << 20, CPU: 3, CPUWeight: 1, Pids: 700},     // down, up
		roomy,
	} {
		if err := g.Update(l); err != nil {
			t.Errorf("%+v: %v", l, err)
		}
	}
	if err := g.Update(Limits{Memory: 1 << 20, CPU: 1}); !errors.Is(err, ErrLimit) {
		t.Errorf("no pids: %v, want ErrLimit", err)
	}
}

func TestNewRefuses(t *testing.T) {
	tree := openTree(t)
	if _, err := tree.New("../x", roomy); !errors.Is(err, ErrName) {
		t.Errorf("name: %v", err)
	}
	if _, err := tree.New("x", Limits{}); !errors.Is(err, ErrLimit) {
		t.Errorf("limits: %v", err)
	}
	newGroup(t, tree, roomy)
	if _, err := tree.New("booth", roomy); !errors.Is(err, fs.ErrExist) {
		t.Errorf("same name: %v", err)
	}
}

// deaf is a backend that takes every limit and keeps none: what New would
// see of a kernel that ignores a file.
type deaf struct{ backend }

func (d deaf) limit(path string, old *Limits, l Limits) error {
	half := l
	half.Pids--
	if err := d.backend.limit(path, old, half); err != nil {
		return err
	}
	return readBack(filepath.Join(pidsDir(d.backend, path)), []setting{{"pids.max", number(l.Pids)}})
}

func pidsDir(b backend, path string) string {
	for _, dir := range b.dirs(path) {
		if _, err := os.Stat(filepath.Join(dir, "pids.max")); err == nil {
			return dir
		}
	}
	return ""
}

func TestLimitNotInForce(t *testing.T) {
	tree := openTree(t)
	tree.backend = deaf{tree.backend}
	_, err := tree.New("booth", roomy)
	if !errors.Is(err, ErrLimit) || !strings.Contains(err.Error(), "pids.max") {
		t.Errorf("error %v, want ErrLimit that names pids.max", err)
	}
	for _, dir := range tree.backend.dirs(tree.path() + "/booth") {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left behind", dir)
		}
	}
}

func TestSweep(t *testing.T) {
	requireCgroup(t)
	prefix := fmt.Sprintf("isobooth-test-sweep%d-", os.Getpid())
	// The first tree may hold this process itself and so cannot be the dead one.
	names := []string{prefix + "live", prefix + "dead"}
	var children []*child
	for _, name := range names {
		tree, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { tree.Close() })
		children = append(children, start(t, newGroup(t, tree, roomy), shell(`read y`)))
	}
	removed, err := Sweep(prefix, func(name string) bool { return name == names[0] })
	if err != nil || !slices.Equal(removed, names[1:]) {
		t.Fatalf("removed %q, %v; want %q", removed, err, names[1:])
	}
	if sig := children[1].signal(); sig != syscall.SIGKILL {
		t.Errorf("process of the dead daemon ended with %v, want killed", sig)
	}
	mustBeGone(t, names[1])
	if ended(children[0].cmd.Process.Pid) {
		t.Error("process of the living daemon is gone")
	}
	if _, err := Sweep("", func(string) bool { return true }); !errors.Is(err, ErrName) {
		t.Errorf("empty prefix: %v, want ErrName", err)
	}
}

func TestProbe(t *testing.T) {
	r := Probe()
	t.Logf("%+v", r)
	if r.Version == "" || r.Usable == (r.Reason != "") || !r.Usable && r.Version == "none" && r.Root != "" {
		t.Errorf("report %+v contradicts itself", r)
	}
	if r.Version != "v2" || !r.Usable {
		return
	}
	data, err := os.ReadFile(filepath.Join(r.Root, "cgroup.controllers"))
	if err != nil || strings.Join(r.Controllers, " ") != strings.TrimSpace(string(data)) {
		t.Errorf("controllers %q, where a tree would be made there are %q (%v)", r.Controllers, data, err)
	}
}
