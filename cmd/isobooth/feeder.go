package main

import (
	"context"
	"sync"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/runner"
)

// feeder takes what one source delivers to the booths. The goroutine that gets
// an event does all that the event calls for. What is due later, such as a long
// press, is for another one, which sleeps meanwhile; a file needs none, because
// its own goroutine knows how long nothing will come.
type feeder struct {
	s      *session
	ctx    context.Context
	cancel context.CancelCauseFunc
	src    source
	in     *input
	own    *runner.Lane // of the source's goroutine

	ev    midi.Event // as it was delivered, with its hop
	loops bool
	would func(*midi.Mapping)

	// mu guards what follows: one of the two goroutines does something at a
	// time, so that what belongs to one key stays in its order.
	mu       sync.Mutex
	gestures *midi.Gestures
	to       *routes
	lane     *runner.Lane // of the goroutine that holds mu

	start  time.Time     // when the source's clock was 0, as of the last event
	armed  time.Duration // what the other goroutine sleeps for; unset when it has nothing
	unset  bool
	wake   chan struct{}
	waiter sync.WaitGroup
	waits  bool // there is the other goroutine
	ended  chan struct{}
}

func (s *session) newFeeder(ctx context.Context, cancel context.CancelCauseFunc, src source, lane *runner.Lane) *feeder {
	f := &feeder{
		s: s, ctx: ctx, cancel: cancel, src: src, in: s.outs.newInput(src), own: lane, lane: lane,
		unset: true, wake: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	// Made once: a closure for each event would be an allocation.
	f.would = func(*midi.Mapping) { f.loops = true }
	f.gestures = midi.NewGestures(s.modes, f.send)
	return f
}

// send is a trigger. The caller holds mu.
func (f *feeder) send(m *midi.Mapping, e *midi.Event, g *midi.Gesture) {
	if b := f.to.booth(m); b != nil {
		// Dropped triggers are counted by the booth.
		_ = f.lane.Send(b, runner.Trigger{Event: e, Mapping: m, Gesture: *g})
	}
}

// run feeds all that comes until the source has ended.
func (f *feeder) run() error {
	file, isFile := f.src.(*midi.SMF)
	if isFile {
		file.Timers = timers{f}
	}
	f.s.join(f)
	defer f.s.leave(f)
	err := f.src.Run(f.ctx, func(e *midi.Event) {
		f.ev = *e
		if from := f.in.admit(&f.ev); from != nil {
			// What no mapping waits for comes back, but goes no further.
			f.loops = false
			f.mu.Lock()
			f.to.router.Match(&f.ev, f.would)
			f.mu.Unlock()
			if f.loops {
				from.cut(&f.ev)
			}
			return
		}
		f.mu.Lock()
		f.lane = f.own
		f.gestures.Feed(&f.ev)
		if !isFile {
			f.start = time.Now().Add(-f.ev.Time)
			f.arm()
		}
		f.mu.Unlock()
	})
	close(f.ended)
	f.waiter.Wait()
	if f.ctx.Err() == nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.lane = f.own
		f.gestures.End()
		if err != nil { // a port that has gone will send no more releases
			f.gestures.Lift()
		}
	}
	return err
}

// adopt puts other routes into force. The caller holds mu, or is the only one
// to know f.
func (f *feeder) adopt(to *routes) {
	if f.to == nil {
		f.to = to
	}
	f.gestures.Use(to.router) // what it still sends is for the booths there were
	f.to = to
}

// timers are what a file's own goroutine serves between two events. With mu
// held: other routes may be put into force meanwhile.
type timers struct{ *feeder }

// Next is midi.Timers'.
func (f timers) Next() (due time.Duration, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.gestures.Next()
}

// Advance is midi.Timers'.
func (f timers) Advance(now time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lane = f.own
	f.gestures.Advance(now)
}

// arm has the other goroutine wake when something is due before what it sleeps
// for. The caller holds mu.
func (f *feeder) arm() {
	due, ok := f.gestures.Next()
	if !ok || !f.unset && due >= f.armed {
		return
	}
	if !f.waits {
		f.waits = true
		f.waiter.Go(f.wait)
	}
	select {
	case f.wake <- struct{}{}:
	default: // it is about to look
	}
}

// wait serves what is due while the source delivers nothing, on a lane of its
// own.
func (f *feeder) wait() {
	failed := make(chan error)
	// A lane's goroutine ends with its thread; this one only passes its error on.
	go func() { failed <- f.waitOnLane() }()
	if err := <-failed; err != nil {
		f.cancel(err)
	}
}

func (f *feeder) waitOnLane() error {
	lane, err := f.s.host.NewLane(f.s.cpu)
	if err != nil {
		return err
	}
	defer lane.Close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-f.ended:
			return nil
		case <-f.wake:
		case <-timer.C:
		}
		f.mu.Lock()
		f.lane = lane
		f.gestures.Advance(time.Since(f.start))
		due, ok := f.gestures.Next()
		f.armed, f.unset = due, !ok
		sleep := due - time.Since(f.start)
		f.mu.Unlock()
		timer.Stop()
		if ok {
			timer.Reset(sleep)
		}
	}
}
