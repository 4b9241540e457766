package runner

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/isobooth/isobooth/runner/wire"
)

// A change of a booth that runs is asked for on any goroutine and made on
// Run's, which owns the workers. One is under way at a time.
type change struct {
	plan   *Plan
	limits bool       // the plan differs in its limits only
	done   chan error // gets one answer
	// Of Prepare, else nil: loaded is closed when the worker waits, and verdict
	// gets what becomes of it.
	loaded  chan struct{}
	verdict chan error
}

// Replace has the booth go on under another plan of the same name, without
// losing a trigger: a worker of the new plan is built, loads the plugin and is
// sealed beside the one that serves, and takes its place between two triggers.
// The old one is then asked to stop, as long as its own plan allows. A new
// worker that does not come up changes nothing; its *StartError is returned,
// and is not held against the plugin.
//
// A booth that is between two workers, in a pause or in quarantine, goes by
// the new plan at its next start. KeepTrying is ignored. So is the plan's
// History, unless its plugin is another build: that one begins with its own,
// in place of what the one before has done, and is not taken with a quarantine
// in it. Both workers' memory must fit on the machine for a moment. Replace
// returns when the new worker serves; it waits for a Run that has not begun,
// and returns ErrStopped when Run ends first. The plan is the booth's from then on.
func (b *Booth) Replace(plan *Plan) error { return b.ask(&change{plan: plan}) }

func (b *Booth) ask(c *change) error {
	if err := b.takes(c.plan); err != nil {
		return err
	}
	c.done = make(chan error, 1)
	b.changing.Lock()
	defer b.changing.Unlock()
	if !b.hand(c) {
		return ErrStopped
	}
	return <-c.done
}

// hand gives Run a change; false when Run has returned. The caller holds
// changing.
func (b *Booth) hand(c *change) bool {
	b.mu.Lock()
	ended := b.ended
	b.mu.Unlock()
	select {
	case b.changes <- c:
		return true
	case <-ended:
		return false
	}
}

// Plan returns the plan in force: that of the worker that serves, or of the
// next one when none does. It must not be changed.
func (b *Booth) Plan() *Plan { return b.inForce.Load() }

// meet begins a change that was asked for, or makes it.
func (b *Booth) meet(c *change) {
	switch {
	case c.limits:
		c.done <- b.setLimits(c.plan)
	case b.worker != nil:
		b.succeed(c)
	case c.verdict != nil:
		c.done <- errLater
	default:
		b.adopt(c.plan)
		c.done <- nil
	}
}

// adopt has all that comes go by a plan.
func (b *Booth) adopt(plan *Plan) {
	b.inForce.Store(plan)
	b.renew(plan)
	b.reserve(b.spare.use(plan, nil))
}

// reserve removes what the spare gave up, in the background.
func (b *Booth) reserve(old *reserved) {
	if old == nil {
		return
	}
	b.closing.Go(func() {
		if err := old.drop(); err != nil {
			b.trouble(err)
		}
	})
}

// successor is a worker of another plan, made and loaded beside the one that
// serves.
type successor struct {
	change *change
	cancel context.CancelFunc
	done   chan struct{} // closed when the rest is set
	in     *instance     // nil when it could not be built
	saw    *Cause
	err    error
}

// succeed begins to make one.
func (b *Booth) succeed(c *change) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &successor{change: c, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		b.host.refill.Lock()
		s.in, s.err = b.host.newInstance(c.plan)
		b.host.refill.Unlock()
		if s.err != nil {
			return
		}
		killed := make(chan struct{})
		stop := context.AfterFunc(ctx, func() {
			s.in.kill()
			close(killed)
		})
		s.saw, s.err = s.in.load(b.cpu)
		if !stop() {
			<-killed // it uses the pidfd
		}
		if s.err == nil {
			s.err = c.await(ctx, s.in)
		}
	}()
	b.heir = s
}

// made is when the successor is there or has failed; never, without one.
func (s *successor) made() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.done
}

// failed buries a successor that did not come up, and returns why; nil for one
// that lives. It has been made.
func (b *Booth) failed(s *successor) error {
	s.cancel()
	if s.err == nil {
		select {
		case <-s.in.exited:
			s.err = os.ErrProcessDone
		default:
			return nil
		}
	}
	cause := Cause{Kind: CauseStart, Text: s.err.Error()}
	if s.in != nil {
		cause = s.in.end(s.saw)
		b.discard(s.in)
		b.clean()
	}
	if errors.Is(s.err, ErrJailer) || s.err == errWithdrawn {
		return s.err
	}
	return &StartError{b.name, cause, s.err}
}

// handOver offers a successor that has been made to whoever does exchanges, to
// take at the end of the one under way. It returns nil when there is no
// successor any more, or the worker that it was to follow has failed meanwhile.
func (b *Booth) handOver(old *instance) *offer {
	s := b.heir
	if err := b.failed(s); err != nil {
		b.heir = nil
		s.change.done <- err
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.live != old {
		return nil // its end is on its way; follow is next
	}
	o := &offer{in: s.in, plan: s.change.plan, taken: make(chan struct{})}
	b.offer = o
	if !b.busy {
		b.takeOver()
	}
	return o
}

// offer is a worker that serves as soon as no exchange is under way.
type offer struct {
	in    *instance
	plan  *Plan
	taken chan struct{} // closed when it serves
}

func (o *offer) accepted() <-chan struct{} {
	if o == nil {
		return nil
	}
	return o.taken
}

// takeOver puts the worker that is offered, if any, into the place of the one
// that serves. The caller holds mu and is between two exchanges.
func (b *Booth) takeOver() {
	o := b.offer
	if o == nil || b.live == nil {
		return
	}
	b.offer = nil
	b.serveBy(o.in)
	b.inForce.Store(o.plan)
	close(o.taken)
}

// withdrawOffer takes an offer back, if there is one; false when a worker has
// taken over by it.
func (b *Booth) withdrawOffer(o *offer) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.offer != o {
		return false
	}
	b.offer = nil
	return true
}

// follow has the successor of a worker that has failed be the next one, if it
// has been made: it is known to load.
func (b *Booth) follow() {
	s := b.heir
	if s == nil || b.early != nil {
		return
	}
	select {
	case <-s.done:
	default:
		return // it goes on being made, while the old plan's next worker serves
	}
	b.heir = nil
	if err := b.failed(s); err != nil {
		s.change.done <- err
		return
	}
	b.adopt(s.change.plan)
	b.early = &early{in: s.in, done: s.done}
	s.change.done <- nil
}

// keepForLater has the plan of a successor go for the next start: the booth
// is held, and the worker is not needed yet.
func (b *Booth) keepForLater() {
	s := b.heir
	b.heir = nil
	err := b.failed(s)
	if err == nil {
		b.adopt(s.change.plan)
		s.in.end(nil)
		b.discard(s.in)
		b.clean()
	}
	s.change.done <- err
}

// replaced goes on with the worker that has taken over, and retires the one
// before it.
func (b *Booth) replaced() happening {
	s, old, limits := b.heir, b.worker, b.life.limits
	b.heir, b.worker = nil, s.in
	b.adopt(s.change.plan)
	go b.listen(s.in)
	b.closing.Go(func() { b.retire(old, limits.StopTimeout) })
	s.change.done <- nil
	return happening{event: evReplaced}
}

// retire stops a worker that serves no more, and removes it.
func (b *Booth) retire(in *instance, patience time.Duration) {
	deadline := time.Now().Add(patience)
	if in.pipes.send(wire.AppendStop(nil, 0), deadline) == nil {
		select {
		case <-in.exited:
		case <-b.host.Gone():
		case <-time.After(time.Until(deadline)):
		}
	}
	cause := in.end(&Cause{Kind: CauseStopped, Text: "replaced"})
	b.mu.Lock()
	b.late = append(b.late, lateEnd{cause, in.plan.build()})
	b.mu.Unlock()
	select {
	case b.retired <- struct{}{}:
	default: // Run has yet to look
	}
	if err := in.release(); err != nil {
		b.trouble(err)
	}
}

// lateEnd is why a worker of that build ended once it was replaced.
type lateEnd struct {
	cause Cause
	build [32]byte
}

// blameLate holds against the plugin what retired workers did on their way
// out.
func (b *Booth) blameLate() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, end := range b.late {
		if end.build == b.build { // else it is not the plugin's that runs now
			b.life.blame(end.cause, time.Now())
		}
		b.endings.count(end.cause)
	}
	b.late = nil
	b.history = b.life.history.clone()
}

// abandon ends the successor, if there is one: the booth stops.
func (b *Booth) abandon() {
	s := b.heir
	if s == nil {
		return
	}
	b.heir = nil
	s.cancel()
	<-s.done
	if s.in != nil {
		s.in.end(nil)
		b.discard(s.in)
		b.clean()
	}
	s.change.done <- ErrStopped
}
