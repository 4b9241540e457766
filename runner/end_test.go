//go:build linux

package runner_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/isobooth/isobooth/cgroups"
	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/verify"
)

const (
	binEnv    = "ISOBOOTH_TEST_BIN"    // where another test has built the programs
	groupsEnv = "ISOBOOTH_TEST_GROUPS" // "none" does without cgroups
	taskEnv   = "ISOBOOTH_TEST_TASK"   // a task for TestHelper, in JSON
)

// task is what TestHelper does in a process of its own.
type task struct {
	Name    string
	Plugins map[string]string // folder of each plugin, by name
}

// daemon is what a helper tells of its host before it is killed.
type daemon struct {
	Dir, Tree string
	Jailer    int
}

// TestStop ends booths in order: with a goodbye that reaches the plugin,
// unless it hangs.
func TestStop(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	for _, test := range []struct {
		name, action string
		flags        []string
		reached      uint64 // how often stop() was
	}{
		{"idle", "go", nil, 1},
		{"hangs-in-stop", "go", []string{"-DHANG"}, 1},
		{"hangs-in-trigger", "spin", nil, 0},
	} {
		b, stop, err := h.run(newPlan(t, test.name, build(t, "end", test.flags...), nil))
		if err != nil {
			t.Fatal(err)
		}
		send(t, lane, b, do(test.action, 1))
		if test.action == "go" {
			b.reply()
		}
		if err := stop(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if n := b.denied("run getppid"); n != test.reached {
			t.Errorf("%s: stop() reached %d times, want %d", test.name, n, test.reached)
		}
		if s := b.State(); s != runner.StateStopped {
			t.Errorf("%s: state %q", test.name, s)
		}
		if pids := workers(t); len(pids) != 0 {
			t.Errorf("%s: workers %q still run", test.name, pids)
		}
		if groups := groups(t, h.tree+"/*"); len(groups) != 0 {
			t.Errorf("%s: left behind: %q", test.name, groups)
		}
		if err := lane.Send(b.Booth, do("go", 2)); err != runner.ErrNotReady {
			t.Errorf("%s: send after the end: %v", test.name, err)
		}
	}
}

// TestAttackInStop: what a plugin does on its way out is not forgotten.
func TestAttackInStop(t *testing.T) {
	h := newHost(t)
	for _, quota := range []int{1, 100} {
		b, stop, err := h.run(newPlan(t, fmt.Sprintf("quota-%d", quota), build(t, "end"), func(p *profiles.Profile) { p.Limits.Denials = quota }))
		if err != nil {
			t.Fatal(err)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		q := b.History().Quarantine
		if quota == 1 && (q == nil || q.Cause.Kind != runner.CauseDenials) || quota > 1 && q != nil {
			t.Errorf("quota %d: %+v", quota, q)
		}
	}
}

// TestJailerKilled: without its jailer a host can do nothing, and leaves
// nothing.
func TestJailerKilled(t *testing.T) {
	h, tree := openHost(t, true)
	idle, _, err := h.run(newPlan(t, "idle", build(t, "crash"), nil))
	if err != nil {
		t.Fatal(err)
	}
	hangs, _, err := h.run(newPlan(t, "hangs", build(t, "crash"), deadline(patience)))
	if err != nil {
		t.Fatal(err)
	}
	lane := newLane(t, h)
	send(t, lane, hangs, do("spin", 1))
	eventually(t, "control: two workers run, and two in reserve", func() bool { return len(workers(t)) == 4 })
	if n := len(groups(t, h.tree)); n == 0 {
		t.Errorf("control: no group called %s", h.tree)
	}
	if err := syscall.Kill(h.JailerPID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for _, b := range []*booth{idle, hangs} {
		if err := next(t, b.done, "end of Run"); !errors.Is(err, runner.ErrJailer) {
			t.Errorf("Run of %s: %v, want ErrJailer", b.name, err)
		}
		if c := b.cause(); c.Kind != runner.CauseStopped {
			t.Errorf("cause of %s: %+v", b.name, c)
		}
		if err := lane.Send(b.Booth, do("hello", 2)); err != runner.ErrNotReady {
			t.Errorf("send to %s: %v", b.name, err)
		}
	}
	if _, _, err := h.run(newPlan(t, "late", build(t, "crash"), nil)); !errors.Is(err, runner.ErrJailer) {
		t.Errorf("another booth: %v, want ErrJailer", err)
	}
	if err := h.Close(); err == nil {
		t.Error("Close does not tell that the jailer was killed")
	} else {
		t.Log(err)
	}
	if err := tree.Close(); err != nil {
		t.Error(err)
	}
	eventually(t, "workers end", func() bool { return len(workers(t)) == 0 })
	h.nothingLeft()
}

// nobody is an ordinary user without rights of any kind.
const nobody = 65534

// requireNobody skips a test that cannot become nobody, or not with booths.
func requireNobody(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("missing: root, to become another user; the tests for this user run without it")
	}
	if data, err := os.ReadFile("/proc/sys/user/max_user_namespaces"); err != nil || strings.TrimSpace(string(data)) == "0" {
		missing(t, "user namespaces for ordinary users")
	}
}

// asNobody has a helper run as an ordinary user without control groups.
func asNobody(cmd *exec.Cmd) {
	cmd.Env = append(cmd.Env, groupsEnv+"=none")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}

// withoutRoot runs a helper as an ordinary user without control groups, with
// the plugin of its name, and looks for want in what it prints.
func withoutRoot(t *testing.T, name, want string, flags ...string) {
	t.Helper()
	requireNobody(t)
	dir := readable(t)
	folder := filepath.Join(dir, "plugin")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	compile(t, folder, name, flags...)
	for _, d := range []string{dir, folder} {
		if err := os.Chown(d, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	cmd := helper(t, dir, name, map[string]string{name: folder})
	asNobody(cmd)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), want) {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestWithoutRoot runs a booth as an ordinary user, with every layer but
// cgroups, which nobody has delegated to it.
func TestWithoutRoot(t *testing.T) {
	requireNobody(t)
	dir := readable(t)
	folder := filepath.Join(dir, "transpose")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cc", "-shared", "-fPIC", "-Iworker/include", "-o", filepath.Join(folder, "p.so"), "../examples/plugins/transpose/transpose.c").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.Chown(folder, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd := helper(t, dir, "rootless", map[string]string{"transpose": folder})
	asNobody(cmd)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"cgroup         MISSING", fmt.Sprintf("host user id %d", nobody), "landlock       ABI"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("output lacks %q", want)
		}
	}
}

// TestHelper is not a test: other tests run it in a process of its own.
func TestHelper(t *testing.T) {
	text := os.Getenv(taskEnv)
	if text == "" {
		return
	}
	var job task
	if err := json.Unmarshal([]byte(text), &job); err != nil {
		t.Fatal(err)
	}
	if job.Name == "rootless" {
		h := newHost(t)
		transposes(t, h, open(t, job.Plugins["transpose"], "transpose"))
		return
	}
	if job.Name == "denials" {
		decodesDenials(t, open(t, job.Plugins["denials"], "denials"))
		return
	}
	if job.Name == "grants" {
		grantsInBooths(t, open(t, job.Plugins["grants"], "grants"))
		return
	}
	if job.Name == "network" {
		networkGrant(t, open(t, job.Plugins["network"], "network"))
		return
	}
	if job.Name == "leak" {
		leakWhenAsked(t)
		return
	}
	h, tree := openHost(t, true)
	var booths sync.WaitGroup
	begin(t, h, job, &booths)
	err := json.NewEncoder(os.NewFile(3, "report")).Encode(daemon{Dir: h.dir, Tree: h.tree, Jailer: h.JailerPID()})
	if err != nil {
		t.Fatal(err)
	}
	<-h.Gone() // unless it is killed before
	booths.Wait()
	if err := h.Close(); err == nil {
		t.Error("Close does not tell that the jailer was killed")
	} else {
		t.Log(err)
	}
	if tree != nil {
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	}
}

// begin brings a helper's booths to where they are to be when it is killed.
// One more always runs and does nothing. booths counts the Runs.
func begin(t *testing.T, h *host, job task, booths *sync.WaitGroup) {
	t.Helper()
	crash := open(t, job.Plugins["crash"], "crash")
	slow := func(p *profiles.Profile) {
		p.Limits.TriggerTimeout, p.Limits.LoadTimeout, p.Limits.StopTimeout = time.Minute, time.Minute, time.Minute
	}
	run := func(name string, p *verify.Plugin) (b *booth, stop func()) {
		b = h.of(name)
		ctx, stop := context.WithCancel(context.Background())
		plan := newPlan(t, name, p, slow)
		plan.Standby = job.Name != "churn one" // there the only group is the idle booth's
		booths.Go(func() { _ = runUntil(ctx, h, b, plan, func() {}) })
		return b, stop
	}
	ready := func(b *booth) *booth { b.again(); return b }
	idle, _ := run("idle", crash)
	ready(idle)
	switch job.Name {
	case "granted":
		beginGranted(t, h, job, booths)
	case "trigger":
		b, _ := run("hangs", crash)
		send(t, newLane(t, h), ready(b), do("spin", 1))
	case "load":
		b, _ := run("hangs", open(t, job.Plugins["load"], "load"))
		eventually(t, "the plugin hangs in its constructor", func() bool { return b.denied("load getppid") == 1 })
	case "drain":
		b, stop := run("hangs", open(t, job.Plugins["end"], "end"))
		ready(b)
		stop()
		eventually(t, "the plugin hangs in stop", func() bool { return b.denied("run getppid") == 1 })
	case "back-off":
		b, _ := run("crashes", crash)
		lane := newLane(t, h)
		for up := true; up; { // until it pauses for so long that it is met there
			select {
			case <-b.ready:
				send(t, lane, b, do("segv", 1))
				b.cause()
			case <-time.After(300 * time.Millisecond):
				up = b.State() != runner.StateBackingOff
			}
		}
	case "crowd":
		var all []*booth
		for i := range 16 {
			b, _ := run(fmt.Sprintf("crowd-%d", i), crash)
			all = append(all, b)
		}
		for _, b := range all {
			ready(b)
		}
	case "replace", "replace with grants": // always some worker takes another's place
		b, _ := run("replaced", crash)
		ready(b)
		plans := []*runner.Plan{newPlan(t, b.name, crash, slow), newPlan(t, b.name, crash, allowing("getppid"))}
		if job.Name == "replace with grants" {
			plans[0] = newPlan(t, b.name, crash, everyGrant(t, "/usr/share"))
		}
		booths.Go(func() {
			for i := 0; ; i++ {
				if b.Replace(plans[i%2]) != nil {
					return
				}
				for len(b.ready) > 0 {
					<-b.ready
				}
			}
		})
	case "churn", "churn one": // always some booth is being built or removed
		for i := range map[string]int{"churn": 3, "churn one": 1}[job.Name] {
			b := h.of(fmt.Sprintf("churn-%d", i))
			plan := newPlan(t, b.name, crash, nil)
			booths.Go(func() {
				for {
					ctx, cancel := context.WithCancel(context.Background())
					err := runUntil(ctx, h, b, plan, cancel)
					if cancel(); errors.Is(err, runner.ErrJailer) {
						return
					}
					for len(b.ready) > 0 {
						<-b.ready
					}
				}
			})
		}
	}
}

// runUntil is run for a goroutine of its own, which must not fail the test:
// whoever waits for the helper sees that nothing comes.
func runUntil(ctx context.Context, h *host, b *booth, plan *runner.Plan, ready func()) error {
	running, err := h.NewBooth(plan, b, -1)
	if err == nil {
		b.Booth = running
		err = running.Run(ctx, ready)
	}
	if err != nil {
		fmt.Println(err)
	}
	return err
}

// helperPlugins compiles what the helpers run.
func helperPlugins(t *testing.T) map[string]string {
	t.Helper()
	plugins := map[string]string{}
	for _, name := range []string{"crash", "load", "end"} {
		plugins[name] = filepath.Join(readable(t), name)
		if err := os.Mkdir(plugins[name], 0o755); err != nil {
			t.Fatal(err)
		}
	}
	compile(t, plugins["crash"], "crash")
	compile(t, plugins["end"], "end", "-DHANG")
	compile(t, plugins["load"], "load", "-DFROM=CONSTRUCTOR", "-DATTACK=attack_hang")
	return plugins
}

// readable makes a folder that every user can read and write.
func readable(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(bin, "helper-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

// helper prepares a process that runs TestHelper. dir is its folder for
// temporary files.
func helper(t *testing.T, dir, name string, plugins map[string]string) *exec.Cmd {
	t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	// A copy where every user can run it.
	program := filepath.Join(dir, "helper")
	if err := os.WriteFile(program, self, 0o755); err != nil {
		t.Fatal(err)
	}
	job, err := json.Marshal(task{name, plugins})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run=^TestHelper$", "-test.v", "-test.timeout=60s")
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, binEnv+"="+bin, taskEnv+"="+string(job))
	return cmd
}

// startHelper starts a daemon that runs until it or its jailer is killed.
func startHelper(t *testing.T, name string, plugins map[string]string, change func(*exec.Cmd)) (d daemon, cmd *exec.Cmd) {
	t.Helper()
	dir := readable(t)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd = helper(t, dir, name, plugins)
	if change != nil {
		change(cmd)
	}
	// A file, not a pipe: the jailer has it too, and Wait would wait for it.
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, []*os.File{w}
	err = cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	t.Cleanup(func() {
		if data, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("the daemon's log:\n%s", data)
		}
	})
	if err := r.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(r).Decode(&d); err != nil {
		data, _ := os.ReadFile(log.Name())
		if strings.Contains(string(data), "missing: ") {
			missing(t, string(data))
		}
		t.Fatalf("the daemon did not start: %v\n%s", err, data)
	}
	t.Cleanup(func() {
		if t.Failed() && d.Tree != "" { // so that the next test does not find it
			_, _ = cgroups.Sweep(d.Tree, func(string) bool { return false })
		}
	})
	return d, cmd
}

// nothingLeft checks that no file, group, mount or process of a host is left.
func (h *host) nothingLeft() {
	h.t.Helper()
	for _, left := range leftovers(h.t, h.dir, h.tree) {
		h.t.Errorf("left behind: %s", left)
	}
}

// leftovers lists what is left of a host, which its folder and its tree's
// name show.
func leftovers(t *testing.T, dir, tree string) (left []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		left = append(left, path)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) && len(left) == 1 {
		left = nil
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, dir) {
			left = append(left, "mount "+line)
		}
	}
	if tree != "" {
		left = append(left, groups(t, tree)...)
	}
	for _, pid := range workers(t) {
		left = append(left, "worker "+pid)
	}
	return left
}

// groups lists the cgroups of a name in all hierarchies, also where another
// group is above them.
func groups(t *testing.T, name string) []string {
	t.Helper()
	dirs, err := groupsCalled(name)
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

func groupsCalled(name string) (dirs []string, err error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(mounts)) {
		if !strings.Contains(line, " - cgroup") {
			continue
		}
		err := filepath.WalkDir(strings.Fields(line)[4], func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && d.Name() == name {
				dirs = append(dirs, path)
			}
			return nil // groups come and go meanwhile
		})
		if err != nil {
			return nil, err
		}
	}
	return dirs, nil
}

// workers lists the live processes that run this test's worker.
func workers(t *testing.T) []string {
	t.Helper()
	st, err := os.Stat(filepath.Join(bin, "isobooth-worker"))
	if err != nil {
		t.Fatal(err)
	}
	return running(st)
}

// running lists the live processes that run a program. One that has ended and
// waits for its parent runs nothing any more.
func running(program os.FileInfo) (pids []string) {
	all, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, exe := range all {
		if st, err := os.Stat(exe); err == nil && os.SameFile(st, program) {
			pids = append(pids, strings.Split(exe, "/")[2])
		}
	}
	return pids
}
