//go:build linux

package runner_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/isobooth/isobooth/cgroups"
	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/control"
)

const (
	cyclesEnv   = "SOAK_CYCLES"   // how many crashes, 64 without
	triggersEnv = "SOAK_TRIGGERS" // how many triggers, 20000 without

	soakBooths = 16
	soakLanes  = 2
	soakPoints = 8 // after the warm-up
	// soakDown is how many of a lane's booths may be down at once: the others
	// take its triggers.
	soakDown = 3
)

// ending is a way to end a booth.
type ending struct {
	action string
	want   runner.Cause // Text is not compared
}

var endings = []ending{
	{"segv", runner.Cause{Kind: runner.CauseSignal, Signal: syscall.SIGSEGV}},
	{"exit", runner.Cause{Kind: runner.CauseExit, Code: 7}},
	{"garbage", runner.Cause{Kind: runner.CauseProtocol}},
}

// soak crashes and restarts booths under load.
type soak struct {
	t      *testing.T
	h      *host
	ctx    context.Context
	booths []*soaked
	// changed has one place for each lane: some booth's state is another, or
	// it has answered.
	changed [soakLanes]chan struct{}
	ends    atomic.Int64
}

// soaked is a booth under load, and its Sink.
type soaked struct {
	*runner.Booth
	tell   func()
	events chan change
	up     atomic.Bool // ready, and not about to end
	doom   atomic.Int32
	ends   atomic.Uint64

	sent, refused, replies atomic.Uint64
}

type change struct {
	state runner.State
	cause *runner.Cause
}

// Reply is the Sink's.
func (b *soaked) Reply(*runner.Reply) {
	b.replies.Add(1)
	b.tell()
}

// State is the Observer's.
func (s *soak) State(name string, state runner.State, cause *runner.Cause) {
	for _, b := range s.booths {
		if b.Name() == name {
			b.events <- change{state, cause}
		}
	}
}

// Denied is the Observer's.
func (s *soak) Denied(string, control.Denial) {}

// Limited is the Observer's.
func (s *soak) Limited(string, runner.Limit) {}

// Trouble is the Observer's.
func (s *soak) Trouble(name, text string) { s.t.Errorf("trouble with %s: %s", name, text) }

// live runs a booth until the test ends. After every second end it is stopped
// and run again, and after the others it restarts by itself.
func (s *soak) live(b *soaked) {
	for s.ctx.Err() == nil {
		ctx, stop := context.WithCancel(s.ctx)
		done := make(chan error, 1)
		go func() { done <- b.Run(ctx, func() {}) }()
		for running := true; running; {
			select {
			case c := <-b.events:
				// What follows a stop is no crash: a start that it broke off.
				if c.cause != nil && ctx.Err() == nil {
					if s.ended(b, *c.cause); b.ends.Load()%2 == 0 {
						stop()
					}
				}
				b.up.Store(c.state == runner.StateReady)
				s.tell()
			case err := <-done:
				if running = false; err != nil {
					s.t.Errorf("Run of %s: %v", b.Name(), err)
				}
			}
		}
		stop()
	}
}

func (s *soak) ended(b *soaked, cause runner.Cause) {
	got, want := cause, endings[b.doom.Load()].want
	if got.Text = ""; got != want {
		s.t.Errorf("%s ended by %+v, want %+v", b.Name(), cause, want)
	}
	s.ends.Add(1)
	b.ends.Add(1)
}

// tell wakes the lanes that wait.
func (s *soak) tell() {
	for _, lane := range s.changed {
		select {
		case lane <- struct{}{}:
		default:
		}
	}
}

// drive sends triggers to all booths through one lane, and ends some of the
// lane's own. It returns when all are sent.
func (s *soak) drive(i, triggers, crashes int) error {
	lane, err := s.h.NewLane(-1)
	if err != nil {
		return err
	}
	defer lane.Close()
	var own []*soaked
	for n, b := range s.booths {
		if n%soakLanes == i {
			own = append(own, b)
		}
	}
	sent, crashed := 0, 0
	last := time.Now()
	for turn := 0; sent < triggers || crashed < crashes; turn++ {
		due := crashed < crashes && crashed*triggers <= sent*crashes
		b := s.booths[turn%len(s.booths)]
		switch {
		case due && down(own) >= soakDown:
			b = nil
		case due:
			b = idleAfter(own, turn)
		case turn%32 != 0: // else any, also one that is busy or not there
			b = idleAfter(s.booths, turn)
		}
		if b == nil {
			if err := s.wait(i, last); err != nil {
				return err
			}
			continue
		}
		action := "hello"
		switch {
		case due:
			way := crashed % len(endings)
			action = endings[way].action
			b.doom.Store(int32(way))
			b.up.Store(false)
			if crashed%2 == 0 { // so that the crash, and more, wait in its queue
				_ = b.send(lane, "slow")
				sent++
			}
		case turn%499 == 0:
			action = "slow"
		}
		sent++
		err := b.send(lane, action)
		if err == nil {
			last = time.Now()
		}
		switch {
		case err == nil && due:
			crashed++
			_ = b.send(lane, "hello") // waits for the restart
			sent++
		case due:
			b.up.Store(true) // it was too busy to take it
		}
		if err == runner.ErrFull {
			// A lane has real-time priority: if it went on sending, the plugins
			// would not run.
			if err := s.wait(i, last); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *soaked) send(lane *runner.Lane, action string) error {
	b.sent.Add(1)
	err := lane.Send(b.Booth, do(action, 60))
	if err != nil {
		b.refused.Add(1)
	}
	return err
}

// idleAfter finds a booth that is up and has nothing to do, each turn another.
func idleAfter(booths []*soaked, turn int) *soaked {
	for n := range booths {
		if b := booths[(turn+n)%len(booths)]; b.up.Load() && b.Idle() {
			return b
		}
	}
	return nil
}

func down(booths []*soaked) (n int) {
	for _, b := range booths {
		if !b.up.Load() {
			n++
		}
	}
	return n
}

// wait returns when something may have changed: a booth's state, or that it is
// busy, of which nobody tells. last is when the lane sent its last trigger.
func (s *soak) wait(lane int, last time.Time) error {
	select {
	case <-s.changed[lane]:
	case <-time.After(5 * time.Millisecond):
	}
	if time.Since(last) < patience {
		return nil
	}
	return fmt.Errorf("no trigger could be sent for %v; %d of %d booths are down", patience, down(s.booths), len(s.booths))
}

// run drives all lanes and returns when every booth is up again and idle.
func (s *soak) run(triggers, crashes int) {
	s.t.Helper()
	var lanes sync.WaitGroup
	for i := range soakLanes {
		lanes.Go(func() {
			if err := s.drive(i, triggers/soakLanes, crashes/soakLanes); err != nil {
				s.t.Error(err)
			}
		})
	}
	lanes.Wait()
	if s.t.Failed() {
		s.t.FailNow()
	}
	s.rest()
}

// rest waits until all booths are up and idle, each with a worker in reserve.
func (s *soak) rest() {
	s.t.Helper()
	eventually(s.t, "all booths are up and idle", func() bool {
		return down(s.booths) == 0 && !slices.ContainsFunc(s.booths, func(b *soaked) bool { return !b.Idle() || !b.Standby() })
	})
}

// account checks that every trigger was answered or counted: it was written to
// a plugin, dropped or expired, and of those written each crash took one along,
// and a stop after it may have.
func (s *soak) account() (sent uint64, all runner.Stats) {
	s.t.Helper()
	for _, b := range s.booths {
		c := b.Stats()
		if b.sent.Load() != c.Triggers+c.Dropped+c.Expired || c.Triggers != c.Replies+c.Lost {
			s.t.Errorf("%s: %d sent: %+v", b.Name(), b.sent.Load(), c)
		}
		if ends := b.ends.Load(); c.Lost < ends || c.Lost > ends+ends/2 {
			s.t.Errorf("%s: crashed %d times: %+v", b.Name(), ends, c)
		}
		if b.replies.Load() != c.Replies || b.refused.Load() > c.Dropped || c.Failed != 0 {
			s.t.Errorf("%s: %d replies came, %d were refused: %+v", b.Name(), b.replies.Load(), b.refused.Load(), c)
		}
		sent += b.sent.Load()
		all.Triggers, all.Replies, all.Lost = all.Triggers+c.Triggers, all.Replies+c.Replies, all.Lost+c.Lost
		all.Dropped, all.Expired, all.Restarts = all.Dropped+c.Dropped, all.Expired+c.Expired, all.Restarts+c.Restarts
	}
	return sent, all
}

// TestSoak crashes and restarts booths under load, and looks at what the
// daemon and the jailer hold. make soak runs the long form.
func TestSoak(t *testing.T) {
	cycles, triggers := number(t, cyclesEnv, 64), number(t, triggersEnv, 20000)
	s := newSoak(t)
	begin := time.Now()
	const warm = 2 * soakBooths
	s.run(max(triggers/10, 2000), max(warm, cycles/10))
	g := growth{w: &watched{jailer: s.h.JailerPID(), dir: s.h.dir, tree: s.h.tree, settle: 3 * time.Second}}
	from := s.ends.Load()
	for point := range soakPoints + 1 {
		if point > 0 {
			s.run(share(triggers, point), share(cycles, point))
		}
		if err := g.look(); err != nil {
			t.Fatal(err)
		}
		sent, _ := s.account()
		fmt.Fprintf(t.Output(), "soak: %d of %d: %d crashes, %d triggers, %v\n", point, soakPoints, s.ends.Load(), sent, time.Since(begin).Round(time.Second))
	}
	if n := s.ends.Load() - from; n < int64(cycles) {
		t.Errorf("%d crashes, want %d", n, cycles)
	}
	sent, all := s.account()
	if err := g.table(t.Output(), cycles); err != nil {
		t.Error(err)
	}
	fmt.Fprintf(t.Output(), "%d triggers sent: %d answered, %d lost, %d dropped, %d expired; %d crashes, %d restarts\n",
		sent, all.Replies, all.Lost, all.Dropped, all.Expired, s.ends.Load(), all.Restarts)
	if leaks := g.leaks(cycles); len(leaks) > 0 {
		t.Errorf("left behind more and more: %q", leaks)
	}
}

// share is how much of a whole, in steps for every lane, falls on one point.
func share(whole, point int) int {
	steps := (whole + soakLanes - 1) / soakLanes
	return soakLanes * (steps*point/soakPoints - steps*(point-1)/soakPoints)
}

func number(t *testing.T, env string, without int) int {
	t.Helper()
	text := os.Getenv(env)
	if text == "" {
		return without
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < soakLanes*soakPoints {
		t.Fatalf("%s=%q: want a number from %d", env, text, soakLanes*soakPoints)
	}
	return n
}

func newSoak(t *testing.T) *soak {
	t.Helper()
	dir, err := os.MkdirTemp("", "isobooth-test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	s := &soak{t: t, h: &host{t: t, dir: dir, tree: fmt.Sprintf("isobooth-test-%d-%d", os.Getpid(), time.Now().UnixNano())}}
	tree, err := cgroups.Open(s.h.tree)
	if err != nil {
		os.RemoveAll(dir)
		missing(t, err.Error())
	}
	if s.h.Host, err = runner.NewHost(runner.HostOptions{
		Jailer: filepath.Join(bin, "isobooth-jail"), Worker: filepath.Join(bin, "isobooth-worker"),
		Dir: dir, Groups: tree, Landlock: true, Observer: s,
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.h.Close(); err != nil {
			t.Error(err)
		}
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
		s.h.nothingLeft()
	})
	for i := range s.changed {
		s.changed[i] = make(chan struct{}, 1)
	}
	ctx, stop := context.WithCancel(context.Background())
	s.ctx = ctx
	plugins := [...]string{"", "-DEXECUTE"}
	for i := range soakBooths {
		p := named(build(t, "soak", slices.DeleteFunc(slices.Clone(plugins[i%2:i%2+1]), func(s string) bool { return s == "" })...), fmt.Sprintf("soak-%d", i))
		b := &soaked{tell: s.tell, events: make(chan change, 64)}
		if b.Booth, err = s.h.NewBooth(newPlan(t, p.Manifest.Name, p, tireless), b, -1); err != nil {
			t.Fatal(err)
		}
		s.booths = append(s.booths, b)
	}
	var lives sync.WaitGroup
	for _, b := range s.booths {
		lives.Go(func() { s.live(b) })
	}
	t.Cleanup(func() { stop(); lives.Wait() })
	s.rest()
	return s
}

// tireless is a profile change: every crash is followed by a start at once.
func tireless(p *profiles.Profile) { p.Limits.RestartFree = 1 << 20 }
