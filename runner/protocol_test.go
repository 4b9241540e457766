//go:build linux

package runner_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/wire"
	"github.com/isobooth/isobooth/verify"
)

// allowing is a profile change: these calls are allowed in the run phase.
func allowing(calls ...string) func(*profiles.Profile) {
	return func(p *profiles.Profile) {
		p.Limits.TriggerTimeout = time.Second
		p.Rules = append(slices.Clone(p.Rules), profiles.Rule{Calls: calls, Phase: profiles.PhaseRun, Action: profiles.Allow, Why: "test"})
	}
}

// abuse is one way to misuse the pipes.
type abuse struct {
	action string
	change func(*profiles.Profile)
	idle   bool // nothing more is sent: it must be found all the same
	long   bool // what is sent next does not fit into 4,096 bytes
	want   runner.CauseKind
	text   string // in the cause
	denied string // what is refused on the way
	status int32  // of the reply, where nothing ends
}

var abuses = []abuse{
	{action: "slowly 100", change: deadline(time.Second), want: runner.CauseTimeout},
	{action: "late 2000", change: deadline(time.Second), want: runner.CauseTimeout},
	{action: "mute", change: deadline(time.Second), want: runner.CauseTimeout},
	{action: "hang", change: deadline(time.Second), want: runner.CauseTimeout},
	{action: "stale", want: runner.CauseProtocol, text: "want the reply to 3"},
	{action: "id 0", want: runner.CauseProtocol, text: "want the reply to 3"},
	{action: "id -1", want: runner.CauseProtocol, text: "want the reply to 3"},
	{action: "twice", want: runner.CauseProtocol, text: "after the frame"},
	{action: "unasked 20", idle: true, want: runner.CauseProtocol, text: "without being asked"},
	{action: "next 20", idle: true, want: runner.CauseProtocol, text: "without being asked"},
	{action: "unasked 0", want: runner.CauseProtocol},
	{action: "half", want: runner.CauseExit},
	{action: "size 0", want: runner.CauseProtocol, text: "frame of 0 bytes"},
	{action: "size -1", want: runner.CauseProtocol, text: "frame of 4294967295 bytes"},
	{action: "size 16", want: runner.CauseProtocol, text: "after the frame"},
	{action: "size 23", want: runner.CauseProtocol, text: "after the frame"},
	{action: "size 25", change: deadline(time.Second), want: runner.CauseTimeout},
	{action: "size 65537", want: runner.CauseProtocol, text: "frame of 65537 bytes"},
	{action: "flood", want: runner.CauseProtocol},
	{action: "version 0", want: runner.CauseProtocol, text: "version 0"},
	{action: "version 2", want: runner.CauseProtocol, text: "version 2"},
	{action: "version 65535", want: runner.CauseProtocol, text: "version 65535"},
	{action: "type 0", want: runner.CauseProtocol},
	{action: "type 2", want: runner.CauseProtocol}, // a trigger
	{action: "type 129", want: runner.CauseProtocol},
	{action: "log 1025", want: runner.CauseProtocol, text: "item of type 1 with 1025 bytes"},
	{action: "midi 0", want: runner.CauseProtocol, text: "item of type 2 with 0 bytes"},
	{action: "result 4097", want: runner.CauseProtocol, text: "item of type 3 with 4097 bytes"},
	{action: "name 5", want: runner.CauseProtocol, text: "item of type 4 with 5 bytes"},
	{action: "kind 0", want: runner.CauseProtocol},
	{action: "kind 6", want: runner.CauseProtocol},
	{action: "kind 255", want: runner.CauseProtocol},
	{action: "overrun", want: runner.CauseProtocol, text: "8 are left"},
	{action: "words", want: runner.CauseSignal, text: `\x1b]0;owned`},
	{action: "close 4", change: allowing("close"), want: runner.CauseProtocol, text: "lived on"},
	{action: "close 3", change: allowing("close"), want: runner.CauseProtocol, text: "lived on"},
	{action: "hangup 4", change: allowing("close"), idle: true, want: runner.CauseProtocol, text: "lived on"},
	{action: "hangup 3", change: allowing("close"), idle: true, want: runner.CauseProtocol, text: "lived on"},
	{action: "shrink 3", change: allowing("fcntl"), long: true, want: runner.CauseProtocol, text: "shrank the pipe"},
	// What is just inside the rules, or refused, ends nothing.
	{action: "hello"},
	{action: "slowly 1"},
	{action: "id 3"},
	{action: "size 24"},
	{action: "version 1"},
	{action: "type 131"},
	{action: "log 1024"},
	{action: "midi 1"},
	{action: "midi 65000"},
	{action: "result 4096"},
	{action: "items 16378"},
	{action: "text"},
	{action: "print 30000"},
	{action: "denied 1000", change: deadline(patience), denied: "run getppid"},
	{action: "close 3", status: int32(syscall.EPERM), denied: "run close"},
	{action: "close 4", status: int32(syscall.EPERM), denied: "run close"},
	{action: "shrink 3", status: 1, long: true, denied: "run fcntl"},
	{action: "nonblock 3", status: int32(syscall.EPERM), denied: "run fcntl"},
	{action: "own 1", status: int32(syscall.EPERM), denied: "run fcntl"},
	{action: "shrink 3", change: allowing("fcntl")}, // small triggers still fit
	{action: "shrink 4", change: allowing("fcntl"), long: true},
	{action: "nonblock 3", change: allowing("fcntl")},
	{action: "nonblock 4", change: allowing("fcntl")},
	{action: "nonblock 2", change: allowing("fcntl")},
	{action: "own 1", change: allowing("fcntl")},
	{action: "own -1", change: allowing("fcntl")},
	{action: "own " + strconv.Itoa(os.Getpid()), change: allowing("fcntl"), status: int32(syscall.ESRCH)}, // no number of a process in there
}

// TestProtocolAbuse misuses the pipes in every way and has each end named,
// while a neighbour is served, the booth comes back, and nothing of ours
// grows. Those that want no cause are the controls.
func TestProtocolAbuse(t *testing.T) {
	h := newHost(t)
	neighbour := h.must(named(build(t, "echo"), "neighbour"), nil)
	plugin := build(t, "abuse")
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGIO)
	defer signal.Stop(signals)
	try := func(round int, a abuse) {
		t.Run(fmt.Sprintf("%s/%d", a.action, round), func(t *testing.T) {
			b, stop, err := h.run(newPlan(t, fmt.Sprintf("%s-%d", a.action, round), plugin, a.change))
			if err != nil {
				t.Fatal(err)
			}
			misuse(t, h, b, neighbour, &a)
			if err := stop(); err != nil {
				t.Error(err)
			}
			h.mu.Lock() // what the test keeps of a booth is not the host's
			defer h.mu.Unlock()
			delete(h.booths, b.name)
		})
	}
	try(-1, abuses[0]) // one end and one start, before anything is measured
	before := measure(t, h)
	for i, a := range abuses {
		try(i, a)
	}
	before.compare(t, h)
	if n := len(signals); n != 0 {
		t.Errorf("BREACH: %d signals reached the host", n)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGIO); err != nil {
		t.Fatal(err)
	}
	next(t, signals, "control: a signal is noticed")
	if n := len(neighbour.causes); n != 0 {
		t.Errorf("the neighbour ended %d times", n)
	}
}

// misuse has a booth do what it should not, and looks at what becomes of it.
func misuse(t *testing.T, h *host, b, neighbour *booth, a *abuse) {
	t.Helper()
	lane := newLane(t, h)
	send(t, lane, b, do("hello", 1))
	if r := b.reply(); r.status != 0 {
		t.Fatalf("control: %+v", r)
	}
	// Making one opens descriptors, here and in the jailer.
	eventually(t, "workers are in reserve", func() bool { return b.Standby() && neighbour.Standby() })
	flags := [2]map[string]string{pipeFlags(t, os.Getpid()), pipeFlags(t, h.JailerPID())}
	send(t, lane, b, do(a.action, 2))
	for range 3 {
		send(t, lane, neighbour, do("hello", 3))
		neighbour.reply()
	}
	follow := do("hello", 4)
	if a.long {
		follow.Mapping = &midi.Mapping{Name: "long", Action: "hello", Params: []byte(`{"long":"` + strings.Repeat("x", 30000) + `"}`)}
	}
	if a.want == "" {
		if r := b.reply(); r.status != a.status {
			t.Errorf("%+v, want status %d", r, a.status)
		}
		for range 3 {
			send(t, lane, b, follow)
			if r := b.reply(); r.status != 0 {
				t.Errorf("afterwards: %+v", r)
			}
		}
		for i, pid := range []int{os.Getpid(), h.JailerPID()} {
			for fd, now := range pipeFlags(t, pid) {
				if was, ok := flags[i][fd]; ok && was != now {
					t.Errorf("BREACH: descriptor %s of process %d had flags %s, has %s", fd, pid, was, now)
				}
			}
		}
	} else {
		c := endOf(t, lane, b, a, follow)
		if c.Kind != a.want || !strings.Contains(c.Text, a.text) {
			t.Errorf("cause %+v, want %s, %q", c, a.want, a.text)
		}
		if !printable(c.Text) || len(c.Text) > 2048 {
			t.Errorf("cause of %d bytes: %q", len(c.Text), c.Text)
		}
		if n := b.Stats().Replies; c.Kind == runner.CauseTimeout && n != 1 {
			t.Errorf("%d replies were taken, the last of them late", n)
		}
		b.again()
		eventually(t, "what waited for the restart is dealt with", b.Idle)
		send(t, lane, b, do("hello", 5))
		for b.reply().key != 5 { // the others were queued
		}
	}
	if a.denied != "" {
		eventually(t, a.denied+" is named", func() bool { return b.denied(a.denied) > 0 })
	}
	// What people are told of it all: one end, one start, and for thousands
	// of refusals a dozen lines.
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.causes)+len(b.ready) != 0 || len(b.records) > 16 {
		t.Errorf("told of %d more ends, %d more starts and %d refusals", len(b.causes), len(b.ready), len(b.records))
	}
}

// endOf waits for the end of the booth. Unless that must come by itself,
// triggers go on being sent, of which none may be waited for.
func endOf(t *testing.T, lane *runner.Lane, b *booth, a *abuse, follow runner.Trigger) runner.Cause {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		select {
		case c := <-b.causes:
			return c
		case <-time.After(time.Millisecond):
		}
		if a.idle {
			continue
		}
		switch err := lane.Send(b.Booth, follow); err {
		case nil, runner.ErrFull, runner.ErrNotReady:
		default:
			t.Fatal(err)
		}
	}
	t.Fatal("the booth did not end")
	return runner.Cause{}
}

// pipeFlags are the flags of the pipes a process has open, by descriptor.
func pipeFlags(t *testing.T, pid int) map[string]string {
	t.Helper()
	flags := map[string]string{}
	fds, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if link, _ := os.Readlink(fd); !strings.HasPrefix(link, "pipe:") {
			continue
		}
		info, err := os.ReadFile(strings.Replace(fd, "/fd/", "/fdinfo/", 1))
		if err != nil {
			continue // closed meanwhile
		}
		for line := range strings.Lines(string(info)) {
			if key, value, _ := strings.Cut(line, ":"); key == "flags" {
				flags[filepath.Base(fd)] = strings.TrimSpace(value)
			}
		}
	}
	return flags
}

// printable reports whether a terminal shows the text as it is, in one line.
func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// use is what this process and the jailer have in use.
type use struct {
	goroutines, ours, theirs int
	heap                     uint64
}

func measure(t *testing.T, h *host) use {
	t.Helper()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return use{runtime.NumGoroutine(), descriptors(t, os.Getpid()), descriptors(t, h.JailerPID()), m.HeapAlloc}
}

// compare waits until what is in use is what it was.
func (before use) compare(t *testing.T, h *host) {
	t.Helper()
	const slack = 1 << 20 // bytes of heap
	var now use
	defer func() { t.Logf("in use before %+v, after %+v", before, now) }()
	eventually(t, "nothing has grown", func() bool {
		now = measure(t, h)
		return now.goroutines <= before.goroutines && now.ours <= before.ours && now.theirs <= before.theirs && now.heap <= before.heap+slack
	})
}

// TestForeignReply: a reply with the number of another booth's trigger
// answers nothing there.
func TestForeignReply(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	slow := h.must(build(t, "spin", "-DSPIN_MS=200"), nil)
	b := h.must(build(t, "abuse"), nil)
	send(t, lane, b, do("hello", 1))
	b.reply()
	send(t, lane, slow, do("go", 2)) // its number 2, as the first of any booth
	send(t, lane, b, do("id 2", 3))
	if c := b.cause(); c.Kind != runner.CauseProtocol {
		t.Errorf("cause %+v", c)
	}
	if n := len(slow.replies); n != 0 {
		t.Error("the other booth's trigger was answered")
	}
	if r := slow.reply(); r.key != 2 || r.status != 0 {
		t.Errorf("the other booth: %+v", r)
	}
	if s := slow.Stats(); s != (runner.Stats{Triggers: 1, Replies: 1}) {
		t.Errorf("the other booth: %+v", s)
	}
}

// TestFastPluginStarvesNobody: a plugin that answers as fast as it is asked,
// with the largest frames there are, leaves its neighbour all its turns.
func TestFastPluginStarvesNobody(t *testing.T) {
	h := newHost(t)
	b := h.must(build(t, "abuse"), func(p *profiles.Profile) { p.Limits.CPU = 1 })
	neighbour := h.must(named(build(t, "echo"), "neighbour"), nil)
	var stop atomic.Bool
	var flooding sync.WaitGroup
	flooding.Go(func() {
		lane, err := h.NewLane(-1)
		if err != nil {
			t.Error(err)
			return
		}
		defer lane.Close()
		for !stop.Load() {
			if err := lane.Send(b.Booth, do("items 16378", 1)); err != nil && err != runner.ErrFull {
				t.Error(err)
				return
			}
			for len(b.replies) > 0 {
				if r := <-b.replies; len(r.logs) != 16378 {
					t.Errorf("%d items", len(r.logs))
				}
			}
		}
	})
	lane := newLane(t, h)
	for range 300 {
		send(t, lane, neighbour, do("hello", 2))
		neighbour.reply()
	}
	stop.Store(true)
	flooding.Wait()
	if s := b.Stats(); s.Replies == 0 || s.Restarts != 0 {
		t.Errorf("control: the fast plugin: %+v", s)
	}
	if s := neighbour.Stats(); s != (runner.Stats{Triggers: 300, Replies: 300}) {
		t.Errorf("neighbour: %+v", s)
	}
}

// TestLoadedFrame: one version of the interface and none below or above, told
// in a whole frame.
func TestLoadedFrame(t *testing.T) {
	h := newHost(t)
	for _, version := range []int{0, 2} {
		_, _, err := h.run(newPlan(t, fmt.Sprintf("table-%d", version), build(t, "abuse", fmt.Sprintf("-DTABLE_ABI=%d", version)), nil))
		if !errors.Is(err, wire.CodeTable) {
			t.Errorf("table of version %d: %v", version, err)
		}
	}
	for _, version := range []int{0, 1, 2, -1} {
		_, _, err := h.run(newPlan(t, fmt.Sprintf("loaded-%d", version), build(t, "abuse", fmt.Sprintf("-DLOADED=%d", version)), func(p *profiles.Profile) {
			p.Limits.LoadTimeout = time.Second
		}))
		var start *runner.StartError
		if !errors.As(err, &start) {
			t.Fatalf("loaded of version %d: %v", version, err)
		}
		// The right one gets further: up to the seal, or to the greeting
		// that its constructor does not answer.
		if named := start.Cause.Kind == runner.CauseProtocol && strings.Contains(err.Error(), "interface version"); named != (version != 1) {
			t.Errorf("loaded of version %d: %v", version, err)
		}
	}
	_, _, err := h.run(newPlan(t, "half", build(t, "abuse", "-DLOADED=1", "-DHALF"), func(p *profiles.Profile) { p.Limits.LoadTimeout = time.Second }))
	var start *runner.StartError
	if !errors.As(err, &start) || start.Cause.Kind != runner.CauseTimeout {
		t.Errorf("half of loaded: %v", err)
	}
	if b := h.must(build(t, "abuse"), nil); b.About().Name != "abuse" {
		t.Errorf("control: about %+v", b.About())
	}
}

// TestTextWhileLoading: what a plugin says before it runs reaches people
// escaped.
func TestTextWhileLoading(t *testing.T) {
	h := newHost(t)
	const hostile = "\x1b[2J"
	dir := t.TempDir()
	compile(t, dir, "table", "-DUNDEFINED")
	lib, err := os.ReadFile(filepath.Join(dir, "p.so"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "p.so"), bytes.ReplaceAll(lib, []byte("nobody_has_this"), []byte("nobody"+hostile+"\xff\n%s\x07")), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		plugin *verify.Plugin
	}{
		{"error", build(t, "abuse", "-DERROR_TEXT")},
		{"symbol", open(t, dir, "symbol")},
	} {
		_, _, err := h.run(newPlan(t, test.name, test.plugin, nil))
		var start *runner.StartError
		var worker *wire.WorkerError
		if !errors.As(err, &start) || !errors.As(err, &worker) || start.Cause.Kind != runner.CauseLoad {
			t.Fatalf("%s: %v", test.name, err)
		}
		if !printable(err.Error()) || !printable(start.Cause.Text) {
			t.Errorf("%s: %q", test.name, err)
		}
	}
	// What is only handed on is handed on as it is: About says so.
	b := h.must(build(t, "abuse", "-DHOSTILE_NAME"), nil)
	if a := b.About(); !strings.HasPrefix(a.Name, hostile) || len(a.Name) > 63 || !strings.HasPrefix(a.Version, hostile) || len(a.Version) > 31 || !strings.HasPrefix(a.StartLog, hostile) {
		t.Errorf("about %q %q %q", a.Name, a.Version, a.StartLog)
	}
}
