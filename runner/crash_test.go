//go:build linux

package runner_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/verify"
)

// kinds are both kinds of plugin, as flags for the compiler.
var kinds = map[string][]string{"isobooth": nil, "execute": {"-DEXECUTE"}}

// named gives a plugin another name, so that one Host can run it twice.
func named(p *verify.Plugin, name string) *verify.Plugin {
	other := *p
	other.Manifest.Name = name
	return &other
}

// deadline is a profile change: a short one for triggers.
func deadline(d time.Duration) func(*profiles.Profile) {
	return func(p *profiles.Profile) { p.Limits.TriggerTimeout = d }
}

// TestPluginEnds has plugins end their booths in every way there is. Each
// time the host must name the way, bring the booth back, and meanwhile serve
// a neighbour.
func TestPluginEnds(t *testing.T) {
	h := newHost(t)
	neighbour := h.must(named(build(t, "echo"), "neighbour"), nil)
	type ending struct {
		source, action string
		want           runner.Cause // Text is not compared
		denied         string       // what was refused on the way
	}
	tests := []ending{
		{"crash", "segv", runner.Cause{Kind: runner.CauseSignal, Signal: syscall.SIGSEGV}, ""},
		// A process cannot send a signal here, so abort ends on the
		// instruction that libc keeps for that case.
		{"crash", "abort", runner.Cause{Kind: runner.CauseSignal, Signal: abortSignal()}, "run tgkill"},
		{"crash", "exit", runner.Cause{Kind: runner.CauseExit, Code: 7}, ""},
		{"crash", "ptrace", runner.Cause{Kind: runner.CauseSignal, Signal: syscall.SIGSYS}, ""},
		{"crash", "spin", runner.Cause{Kind: runner.CauseTimeout}, ""},
		{"crash", "steal", runner.Cause{Kind: runner.CauseTimeout}, ""},
		{"frames", "garbage", runner.Cause{Kind: runner.CauseProtocol}, ""},
		{"frames", "huge", runner.Cause{Kind: runner.CauseProtocol}, ""},
		{"frames", "tiny", runner.Cause{Kind: runner.CauseProtocol}, ""},
		{"frames", "ready", runner.Cause{Kind: runner.CauseProtocol}, ""},
		{"frames", "stopped", runner.Cause{Kind: runner.CauseProtocol}, ""},
		{"frames", "error", runner.Cause{Kind: runner.CauseProtocol}, ""},
		{"frames", "badcode", runner.Cause{Kind: runner.CauseProtocol}, ""},
		{"frames", "wrongid", runner.Cause{Kind: runner.CauseProtocol}, ""},
		{"frames", "half", runner.Cause{Kind: runner.CauseTimeout}, ""},
	}
	if runtime.GOARCH == "amd64" {
		for _, action := range []string{"int80", "x32"} { // past a filter that looks at numbers alone
			tests = append(tests, ending{"crash", action, runner.Cause{Kind: runner.CauseSignal, Signal: syscall.SIGSYS}, ""})
		}
	}
	for kind, flags := range kinds {
		plugins := map[string]*verify.Plugin{"crash": build(t, "crash", flags...), "frames": build(t, "frames", flags...)}
		for _, test := range tests {
			t.Run(kind+"/"+test.action, func(t *testing.T) {
				name := kind + "-" + test.action
				var change func(*profiles.Profile)
				if test.want.Kind == runner.CauseTimeout {
					change = deadline(time.Second)
				}
				b, stop, err := h.run(newPlan(t, name, plugins[test.source], change))
				if err != nil {
					t.Fatal(err)
				}
				lane := newLane(t, h)
				send(t, lane, b, do("hello", 1))
				if r := b.reply(); r.status != 0 {
					t.Fatalf("control: %+v", r)
				}
				pid := b.About().PID
				send(t, lane, b, do(test.action, 2))
				send(t, lane, neighbour, do("hello", 3))
				if r := neighbour.reply(); r.status != 0 || r.key != 3 {
					t.Errorf("neighbour: %+v", r)
				}
				got := b.cause()
				text := got.Text
				if got.Text = ""; got != test.want {
					t.Errorf("cause %+v (%s), want %+v", got, text, test.want)
				}
				b.again()
				send(t, lane, b, do("hello", 4))
				if r := b.reply(); r.status != 0 || r.key != 4 {
					t.Errorf("after the restart: %+v", r)
				}
				if b.About().PID == pid {
					t.Errorf("process %d is still the worker", pid)
				}
				if s := b.Stats(); s.Restarts != 1 || s.Dropped != 0 || s.Triggers != 3 || s.Replies != 2 {
					t.Errorf("stats %+v", s)
				}
				if test.denied != "" && b.denied(test.denied) == 0 {
					t.Errorf("refused were %q, want %q", b.refused("run"), test.denied)
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
				if test.want.Signal == syscall.SIGSYS { // control: it is the filter that kills
					out, err := exec.Command(filepath.Join(bin, "unconfined"), filepath.Join(plugins["crash"].Dir, "p.so"), test.action).CombinedOutput()
					if err != nil {
						missing(t, fmt.Sprintf("%s without a booth: %v %s", test.action, err, out))
					}
				}
			})
		}
	}
	select {
	case c := <-neighbour.causes:
		t.Errorf("the neighbour ended: %v", c)
	default:
	}
}

// abortSignal is how abort(3) ends a process that cannot signal itself.
func abortSignal() syscall.Signal {
	if runtime.GOARCH == "arm64" {
		return syscall.SIGTRAP
	}
	return syscall.SIGSEGV
}

// TestPluginLives has what looks bad but ends nothing.
func TestPluginLives(t *testing.T) {
	h := newHost(t)
	for kind, flags := range kinds {
		plugins := map[string]*verify.Plugin{"crash": build(t, "crash", flags...), "frames": build(t, "frames", flags...)}
		for _, test := range []struct {
			source, action string
			status         int32
			denied         string
		}{
			{"crash", "fail", 7, ""},
			{"crash", "flood", 0, ""},
			{"frames", "close", int32(syscall.EPERM), "run close"},
		} {
			t.Run(kind+"/"+test.action, func(t *testing.T) {
				b, stop, err := h.run(newPlan(t, kind+"-"+test.action, plugins[test.source], nil))
				if err != nil {
					t.Fatal(err)
				}
				lane := newLane(t, h)
				send(t, lane, b, do(test.action, 1))
				if r := b.reply(); r.status != test.status {
					t.Errorf("%+v, want status %d", r, test.status)
				}
				send(t, lane, b, do("hello", 2))
				if r := b.reply(); r.status != 0 || r.key != 2 {
					t.Errorf("afterwards: %+v", r)
				}
				failed := uint64(0)
				if test.status != 0 {
					failed = 1
				}
				if s := b.Stats(); s != (runner.Stats{Triggers: 2, Replies: 2, Failed: failed}) {
					t.Errorf("stats %+v", s)
				}
				if test.denied != "" {
					eventually(t, test.denied+" is named", func() bool { return b.denied(test.denied) == 1 })
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestSecondReply: a reply too many is found at once, or by the trigger after
// it, which must not be answered by it.
func TestSecondReply(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	b := h.must(build(t, "frames"), nil)
	send(t, lane, b, do("twice", 1))
	for range 3 {
		if err := lane.Send(b.Booth, do("hello", 2)); err != nil {
			break // found already
		}
	}
	if c := b.cause(); c.Kind != runner.CauseProtocol {
		t.Errorf("cause %+v", c)
	}
	for len(b.replies) > 0 {
		if r := b.reply(); r.key != 1 {
			t.Errorf("the second trigger was answered by %+v", r)
		}
	}
	b.again()
}

func TestMemoryLimit(t *testing.T) {
	h := newHost(t)
	if h.tree == "" {
		t.Skip("missing: control groups")
	}
	lane := newLane(t, h)
	p := build(t, "crash")
	limit := func(bytes int64) func(*profiles.Profile) {
		return func(p *profiles.Profile) { p.Limits.Memory = bytes }
	}
	control := h.must(named(p, "control"), limit(256<<20))
	send(t, lane, control, do("eat", 1))
	if r := control.reply(); r.status != 0 {
		t.Errorf("with enough memory: %+v", r)
	}
	b := h.must(named(p, "small"), limit(32<<20))
	send(t, lane, b, do("eat", 1))
	if c := b.cause(); c.Kind != runner.CauseOOM {
		t.Errorf("cause %+v", c)
	}
	b.again()
	send(t, lane, b, do("hello", 2))
	if r := b.reply(); r.status != 0 {
		t.Errorf("after the restart: %+v", r)
	}
}

// TestSlowPlugin: a trigger that takes long is waited for elsewhere, so that
// the next booth's is answered before it.
func TestSlowPlugin(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	slow := h.must(build(t, "spin", "-DSPIN_MS=300"), nil)
	fast := h.must(build(t, "echo"), nil)
	for key := range byte(2) {
		send(t, lane, slow, do("go", key))
		send(t, lane, fast, do("hello", key))
		if r := fast.reply(); r.key != key {
			t.Errorf("fast: %+v", r)
		}
		if n := len(slow.replies); n != 0 {
			t.Errorf("the slow plugin answered first")
		}
		if r := slow.reply(); r.key != key || r.status != 0 || r.queued {
			t.Errorf("slow: %+v", r)
		}
		eventually(t, "the slow plugin is idle", slow.Idle)
	}
}

// TestAnswersUnread: a plugin that answers without reading fills the trigger
// pipe. The lane must not wait for room there, and the neighbour not either.
func TestAnswersUnread(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	ahead := h.must(build(t, "ahead"), nil)
	fast := h.must(build(t, "echo"), nil)
	params := []byte(`{"long":"` + strings.Repeat("x", 30000) + `"}`)
	trigger := runner.Trigger{Event: note(60, 1), Mapping: &midi.Mapping{Name: "long", Params: params}}
	for sent, early := 0, 0; ; sent++ {
		select {
		case c := <-ahead.causes:
			// A look at the idle booth can come upon a reply before the
			// trigger that it answers is sent. That shows nothing here.
			if early < 5 && c.Kind == runner.CauseProtocol && strings.Contains(c.Text, "without being asked") {
				ahead.again()
				sent, early = -1, early+1
				continue
			}
			if c.Kind != runner.CauseProtocol || !strings.Contains(c.Text, "had not read") {
				t.Errorf("cause %+v", c)
			}
			if sent < 3 {
				t.Errorf("control: it ended after %d triggers, before the pipe was full", sent)
			}
			ahead.again()
			return
		default:
		}
		if sent == 10000 {
			t.Fatal("still alive; two of these triggers fill a pipe")
		}
		_ = lane.Send(ahead.Booth, trigger) // not ready once it has ended
		for len(ahead.replies) > 0 {
			<-ahead.replies
		}
		send(t, lane, fast, do("hello", 1))
		fast.reply()
	}
}

func TestQueueKeepsOrder(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	b := h.must(build(t, "spin", "-DSPIN_MS=50"), nil)
	const n = 6
	for key := range byte(n) {
		send(t, lane, b, do("go", key))
	}
	for key := range byte(n) {
		if r := b.reply(); r.key != key || r.queued != (key > 0) {
			t.Errorf("reply %d: %+v", key, r)
		}
	}
	if s := b.Stats(); s != (runner.Stats{Triggers: n, Replies: n}) {
		t.Errorf("stats %+v", s)
	}
}

// TestDroppedTriggers counts what a booth that is not there and a full queue
// drop.
func TestDroppedTriggers(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	never, err := h.NewBooth(newPlan(t, "never", build(t, "echo"), nil), h.of("never"), -1)
	if err != nil {
		t.Fatal(err)
	}
	if err := lane.Send(never, do("hello", 0)); err != runner.ErrNotReady || never.Stats() != (runner.Stats{Dropped: 1}) {
		t.Errorf("before it runs: %v, %+v", err, never.Stats())
	}
	b := h.must(build(t, "crash"), deadline(time.Second))
	send(t, lane, b, do("spin", 0))
	for range runner.QueueLen {
		send(t, lane, b, do("hello", 1))
	}
	for range 3 {
		if err := lane.Send(b.Booth, do("hello", 2)); err != runner.ErrFull {
			t.Fatalf("queue of %d and one more: %v", runner.QueueLen, err)
		}
	}
	if d := b.Stats().Dropped; d != 3 {
		t.Errorf("%d dropped, want 3", d)
	}
}

// TestLanesShareBooth sends from two lanes at once; every trigger is answered
// once.
func TestLanesShareBooth(t *testing.T) {
	h := newHost(t)
	b := h.must(build(t, "crash"), nil)
	const each = 200
	var lanes sync.WaitGroup
	for i := range 2 {
		lanes.Go(func() {
			lane, err := h.NewLane(-1)
			if err != nil {
				t.Error(err)
				return
			}
			defer lane.Close()
			for n := 0; n < each; {
				switch err := lane.Send(b.Booth, do("hello", byte(i))); err {
				case nil:
					n++
				case runner.ErrFull:
					runtime.Gosched()
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	lanes.Wait()
	got := map[byte]int{}
	for range 2 * each {
		got[b.reply().key]++
	}
	if got[0] != each || got[1] != each {
		t.Errorf("replies %v, want %d each", got, each)
	}
}

// TestNoDescriptorLeaks ends and restarts booths and counts what stays open
// here and in the jailer.
func TestNoDescriptorLeaks(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	p := build(t, "crash")
	hang := build(t, "load", "-DFROM=CONSTRUCTOR", "-DATTACK=attack_crash")
	cycle := func(i int) {
		b, stop, err := h.run(newPlan(t, fmt.Sprintf("b%d", i), p, nil))
		if err != nil {
			t.Fatal(err)
		}
		send(t, lane, b, do("segv", 1))
		b.cause()
		b.again()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := h.run(newPlan(t, fmt.Sprintf("l%d", i), hang, nil)); err == nil {
			t.Fatal("a plugin that crashes while it loads was started")
		}
	}
	cycle(0)
	ours, theirs := descriptors(t, os.Getpid()), descriptors(t, h.JailerPID())
	for i := range 20 {
		cycle(i + 1)
	}
	// The log's reader and the jailer's listener close a moment after.
	eventually(t, fmt.Sprintf("back to %d descriptors here", ours), func() bool { return descriptors(t, os.Getpid()) <= ours })
	eventually(t, fmt.Sprintf("back to %d descriptors in the jailer", theirs), func() bool { return descriptors(t, h.JailerPID()) <= theirs })
}

func descriptors(t *testing.T, pid int) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// counter is a Sink that keeps nothing.
type counter struct{ n int }

func (c *counter) Reply(*runner.Reply) { c.n++ }

func TestSendDoesNotAllocate(t *testing.T) {
	h := newHost(t)
	for kind, flags := range kinds {
		t.Run(kind, func(t *testing.T) {
			var c counter
			plan := newPlan(t, kind, build(t, "crash", flags...), nil)
			plan.Standby = false // making one allocates, at the same time
			b, err := h.NewBooth(plan, &c, -1)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			ready, done := make(chan struct{}), make(chan error, 1)
			go func() { done <- b.Run(ctx, func() { close(ready) }) }()
			next(t, ready, "ready")
			lane := newLane(t, h)
			trigger := do("hello", 60)
			var failed error
			// The monitor allocates once a second, and on a slow machine that is
			// once in a few triggers: a Send that does so does it in every burst.
			const bursts, runs = 100, 10
			fewest := math.Inf(1)
			for range bursts {
				fewest = min(fewest, testing.AllocsPerRun(runs, func() {
					if err := lane.Send(b, trigger); err != nil {
						failed = err
					}
					// On a slow machine the booth's goroutine has the reply yet to
					// come, and the queue would fill.
					for !b.Idle() {
						runtime.Gosched()
					}
				}))
			}
			if fewest != 0 {
				t.Errorf("%v allocations in each Send", fewest)
			}
			if failed != nil {
				t.Error(failed)
			}
			cancel()
			if err := next(t, done, "end of Run"); err != nil {
				t.Error(err)
			}
			if want := bursts * (runs + 1); c.n != want { // AllocsPerRun warms up with one
				t.Errorf("%d replies, want %d", c.n, want)
			}
		})
	}
}
