//go:build linux

package runner_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/isobooth/isobooth/cgroups"
	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/control"
	"github.com/isobooth/isobooth/runner/wire"
	"github.com/isobooth/isobooth/verify"
)

// bin is where TestMain builds the programs under test: isobooth-jail,
// isobooth-worker, and for the controls unconfined, which loads a plugin
// without any sandbox, and filtered, which makes calls under a filter alone.
var bin string

// patience bounds every wait for something that must happen.
const patience = time.Minute

func TestMain(m *testing.M) {
	code, err := testMain(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func testMain(m *testing.M) (int, error) {
	var err error
	if bin = os.Getenv(binEnv); bin != "" {
		return m.Run(), nil // a child of another test
	}
	if bin, err = os.MkdirTemp("", "runner-test-"); err != nil {
		return 1, err
	}
	defer os.RemoveAll(bin)
	if err := os.Chmod(bin, 0o755); err != nil {
		return 1, err
	}
	sources, err := filepath.Glob("worker/*.c")
	if err != nil {
		return 1, err
	}
	for _, args := range [][]string{
		append([]string{"cc", "-std=c11", "-O2", "-Iworker/include", "-o", filepath.Join(bin, "isobooth-worker")}, sources...),
		{"cc", "-O1", "-Wall", "-Wextra", "-Werror", "-Iworker/include", "-o", filepath.Join(bin, "unconfined"), "testdata/unconfined.c"},
		{"cc", "-O1", "-Wall", "-Wextra", "-Werror", "-o", filepath.Join(bin, "filtered"), "testdata/filtered.c"},
		{"go", "build", "-o", filepath.Join(bin, "isobooth-jail"), "../cmd/isobooth-jail"},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return 1, fmt.Errorf("%v: %w\n%s", args, err, out)
		}
	}
	return m.Run(), nil
}

// missing skips a test for lack of something, or fails it where everything
// must run.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("ISOBOOTH_MUST_RUN") == "1" {
		t.Fatalf("missing: %s", what)
	}
	t.Skipf("missing: %s", what)
}

// compile builds testdata/plugins/NAME.c as dir/p.so.
func compile(t *testing.T, dir, name string, flags ...string) {
	t.Helper()
	args := append([]string{"-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-Iworker/include", "-o", filepath.Join(dir, "p.so"),
		filepath.Join("testdata", "plugins", name+".c")}, flags...)
	if out, err := exec.Command("cc", args...).CombinedOutput(); err != nil {
		t.Fatalf("cc: %v\n%s", err, out)
	}
}

// build compiles a test plugin from testdata/plugins and opens it.
func build(t *testing.T, name string, flags ...string) *verify.Plugin {
	t.Helper()
	dir := t.TempDir()
	compile(t, dir, name, flags...)
	return open(t, dir, name)
}

// open opens the library p.so in dir, unsigned but allowed by its digest.
func open(t *testing.T, dir, name string) *verify.Plugin {
	t.Helper()
	manifest := fmt.Sprintf("[plugin]\nname = %q\nversion = \"1\"\nbinary = \"p.so\"\n", name)
	if err := os.WriteFile(filepath.Join(dir, "plugin.toml"), []byte(manifest), 0o644); err != nil {
		t.Fatal(err)
	}
	o := verify.Options{Provided: runner.Provided(), AllowUnsigned: map[[32]byte]bool{}}
	_, err := verify.Open(dir, o)
	var refused *verify.RefusedError
	if !errors.As(err, &refused) || !errors.Is(err, verify.ErrUnsigned) {
		t.Fatalf("an unsigned plugin was not refused: %v", err)
	}
	o.AllowUnsigned[refused.SHA256] = true
	p, err := verify.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// host is a Host with what its leftovers would be called.
type host struct {
	*runner.Host
	t    *testing.T
	dir  string
	tree string // name of its cgroup tree, or ""

	mu     sync.Mutex
	booths map[string]*booth
}

// booth is a Booth with its Sink and its part of the Observer.
type booth struct {
	*runner.Booth
	t       *testing.T
	name    string
	replies chan reply
	causes  chan runner.Cause
	ready   chan struct{} // one for every time it became ready
	done    chan error    // what Run returned

	mu      sync.Mutex
	denials map[string]uint64 // "phase call": count
	records []control.Denial  // as they came
	limits  []runner.Limit    // that the Observer was told of
	made    []control.Connection
}

type reply struct {
	status int32
	key    byte
	result string
	midi   [][]byte
	logs   []string
	queued bool
}

func (h *host) of(name string) *booth {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := h.booths[name]
	if b == nil {
		b = &booth{t: h.t, name: name, replies: make(chan reply, 1024), causes: make(chan runner.Cause, 1024),
			ready: make(chan struct{}, 1024), denials: map[string]uint64{}}
		h.booths[name] = b
	}
	return b
}

// State is the Observer's.
func (h *host) State(name string, s runner.State, cause *runner.Cause) {
	b := h.of(name)
	if cause != nil {
		b.causes <- *cause
	}
	if s == runner.StateReady {
		b.ready <- struct{}{}
	}
}

// Denied is the Observer's.
func (h *host) Denied(name string, d control.Denial) {
	b := h.of(name)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.denials[d.Phase+" "+d.Call] = d.Count
	b.records = append(b.records, d)
}

// Limited is the Observer's.
func (h *host) Limited(name string, l runner.Limit) {
	b := h.of(name)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limits = append(b.limits, l)
}

// Trouble is the Observer's.
func (h *host) Trouble(name, text string) { h.t.Errorf("trouble with %s: %s", name, text) }

// Reply is the Sink's.
func (b *booth) Reply(r *runner.Reply) {
	got := reply{status: r.Answer.Status, key: r.Event.Key(), queued: r.Queued}
	for i := range r.Answer.Items {
		switch i.Kind {
		case wire.ItemResult:
			got.result = string(i.Data)
		case wire.ItemMIDI:
			got.midi = append(got.midi, append([]byte(nil), i.Data...))
		case wire.ItemLog:
			got.logs = append(got.logs, string(i.Data))
		}
	}
	b.replies <- got
}

func next[T any](t *testing.T, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("%s: did not happen", what)
	}
	return v
}

func (b *booth) reply() reply        { b.t.Helper(); return next(b.t, b.replies, b.name+" replies") }
func (b *booth) cause() runner.Cause { b.t.Helper(); return next(b.t, b.causes, b.name+" ends") }
func (b *booth) again()              { b.t.Helper(); next(b.t, b.ready, b.name+" is ready again") }

// denied is how often a call was refused, as "phase call".
func (b *booth) denied(call string) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.denials[call]
}

// refused lists what was refused in a phase. Denials arrive before the reply
// or the state that follows them is reported only in the jailer's order, so
// wait with eventually for one that must be there.
func (b *booth) refused(phase string) (calls []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for call := range b.denials {
		if strings.HasPrefix(call, phase+" ") {
			calls = append(calls, call)
		}
	}
	return calls
}

// eventually waits for a condition that another process brings about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: did not happen", what)
		}
	}
}

// newHost starts a jailer, with cgroups where this user may make them, and
// checks at the end of the test that it left nothing behind.
func newHost(t *testing.T) *host {
	t.Helper()
	h, tree := openHost(t, true)
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if tree != nil {
			if err := tree.Close(); err != nil {
				t.Error(err)
			}
		}
		h.nothingLeft()
	})
	return h
}

// openHost is newHost for those who end the host in their own way.
func openHost(t *testing.T, landlock bool) (*host, *cgroups.Tree) {
	t.Helper()
	dir, err := os.MkdirTemp("", "isobooth-test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	h := &host{t: t, dir: dir, booths: map[string]*booth{}}
	o := runner.HostOptions{
		Jailer: filepath.Join(bin, "isobooth-jail"), Worker: filepath.Join(bin, "isobooth-worker"),
		Dir: dir, Landlock: landlock, Observer: h, Connected: h.connected,
	}
	if os.Getenv(groupsEnv) != "none" {
		h.tree = fmt.Sprintf("isobooth-test-%d-%d", os.Getpid(), time.Now().UnixNano())
		if o.Groups, err = cgroups.Open(h.tree); err != nil {
			os.RemoveAll(dir)
			missing(t, err.Error())
		}
	}
	if h.Host, err = runner.NewHost(o); err != nil {
		t.Fatal(err)
	}
	return h, o.Groups
}

func newPlan(t *testing.T, name string, p *verify.Plugin, change func(*profiles.Profile)) *runner.Plan {
	t.Helper()
	profile, err := profiles.Named("strict")
	if err != nil {
		t.Fatal(err)
	}
	// Tests attack more than any plugin may; those about quotas set their own.
	profile.Limits.Denials, profile.Limits.Violations = 1<<30, 1<<20
	if change != nil {
		change(profile)
	}
	plan, err := runner.NewPlan(name, p, profile)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// start runs a booth until the test ends, or returns why it did not start.
// The booth's name is the plugin's.
func (h *host) start(p *verify.Plugin, change func(*profiles.Profile)) (*booth, error) {
	h.t.Helper()
	b, stop, err := h.run(newPlan(h.t, p.Manifest.Name, p, change))
	if err == nil {
		h.t.Cleanup(func() {
			if err := stop(); err != nil {
				h.t.Errorf("Run: %v", err)
			}
		})
	}
	return b, err
}

// run runs a booth until stop is called, which returns what Run did.
func (h *host) run(plan *runner.Plan) (b *booth, stop func() error, err error) {
	h.t.Helper()
	cpu, err := runner.LastCPU()
	if err != nil {
		h.t.Fatal(err)
	}
	b = h.of(plan.Name)
	if b.Booth, err = h.NewBooth(plan, b, cpu); err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan struct{})
	b.done = make(chan error, 1)
	go func() { b.done <- b.Run(ctx, func() { close(ready) }) }()
	select {
	case <-ready:
		b.again() // so that the next one is that of a restart
		return b, func() error { cancel(); return next(h.t, b.done, "end of Run") }, nil
	case err := <-b.done:
		cancel()
		return b, nil, err
	}
}

// must is start for plugins that must start.
func (h *host) must(p *verify.Plugin, change func(*profiles.Profile)) *booth {
	h.t.Helper()
	b, err := h.start(p, change)
	if err != nil {
		h.t.Fatal(err)
	}
	return b
}

// newLane makes the lane of the calling test's goroutine; a subtest has its
// own goroutine and needs its own lane.
func newLane(t *testing.T, h *host) *runner.Lane {
	t.Helper()
	lane, err := h.NewLane(-1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(lane.Close)
	return lane
}

func note(key, velocity byte) *midi.Event {
	e, err := midi.FromMessage([]byte{0x90, key, velocity}, 0, "test")
	if err != nil {
		panic(err)
	}
	return &e
}

// do is a trigger whose action is the given word.
func do(action string, key byte) runner.Trigger {
	return runner.Trigger{Event: note(key, 100), Mapping: &midi.Mapping{Name: "test", Action: action, Params: []byte(`{"semitones":7}`)}}
}

func send(t *testing.T, lane *runner.Lane, b *booth, trigger runner.Trigger) {
	t.Helper()
	if err := lane.Send(b.Booth, trigger); err != nil {
		t.Fatalf("send to %s: %v", b.name, err)
	}
}

func TestTransposeInItsBooth(t *testing.T) {
	h := newHost(t)
	dir := t.TempDir()
	if out, err := exec.Command("cc", "-shared", "-fPIC", "-Iworker/include", "-o", filepath.Join(dir, "p.so"), "../examples/plugins/transpose/transpose.c").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	transposes(t, h, open(t, dir, "transpose"))
}

// transposes runs the example plugin and checks every part of its answer.
func transposes(t *testing.T, h *host, p *verify.Plugin) {
	t.Helper()
	b := h.must(p, nil)
	for _, l := range b.About().Layers {
		t.Logf("%-14s %s", l.Name, l.Detail)
		if strings.Contains(l.Detail, "MISSING") && (l.Name != "cgroup" || h.tree != "") {
			t.Errorf("layer %s: %s", l.Name, l.Detail)
		}
	}
	send(t, newLane(t, h), b, do("go", 60))
	got := b.reply()
	if got.status != 0 || got.result != "60 -> 67" || len(got.midi) != 1 || string(got.midi[0]) != "\x90\x43\x64" {
		t.Errorf("reply %+v", got)
	}
	if a := b.About(); a.Name != "transpose" || a.Version != "1.0.0" {
		t.Errorf("about %+v", a)
	}
	if calls := b.refused("run"); len(calls) > 0 {
		t.Errorf("refused in the run phase: %q", calls)
	}
}
