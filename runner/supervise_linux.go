package runner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/isobooth/isobooth/runner/wire"
)

// afterTime is how long a worker that broke the protocol lives on.
const afterTime = 50 * time.Millisecond

// upkeepTime is how long a booth is ready before what ended is removed and the
// next worker in reserve is made: the triggers that waited for it go first.
const upkeepTime = 10 * time.Millisecond

// happening is an event with what else is known of it.
type happening struct {
	event event
	cause Cause
	err   error // of a start that failed
}

// Run builds the booth and keeps it alive until ctx ends, then stops it.
// Unless the plan says KeepTrying, the first start must succeed: its error is
// returned. ready is called once, after the first start, or, with KeepTrying,
// when it is known how that went. Later ends are reported to the Observer and
// followed by a start at once, after a pause, or when the user releases the
// plugin, as table and life decide. Run returns ErrJailer when the jailer has
// ended.
func (b *Booth) Run(ctx context.Context, ready func()) error {
	serveCtx, stopServing := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { b.serve(serveCtx) })
	ended := b.reopen()
	defer func() {
		close(ended)
		b.abandon()
		stopServing()
		serving.Wait()
		if err := b.spare.drop(); err != nil {
			b.trouble(err)
		}
		b.closing.Wait()
		b.blameLate()
	}()

	var settled sync.Once
	h := happening{event: evStart}
	for {
		if err := b.step(h); err != nil {
			return err
		}
		if s := b.life.state; s != StateStandby && s != StateLoading && s != StateReady {
			b.dropEarly()
			b.clean()
		}
		switch b.life.state {
		case StateStopped:
			return b.verdict(h)
		case StateStandby:
			h = b.standby(ctx)
		case StateLoading:
			h = b.loading(ctx)
		case StateReady:
			settled.Do(ready)
			h = b.serving(ctx)
		case StateDraining:
			h = b.draining()
		case StateBackingOff:
			settled.Do(ready)
			h = b.pausing(ctx, time.After(b.life.pause))
		case StateQuarantined:
			settled.Do(ready)
			h = b.pausing(ctx, nil)
		}
	}
}

// reopen makes the channel that tells who asks for a change that Run has
// returned. A booth can be run again.
func (b *Booth) reopen() chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-b.ended:
		b.ended = make(chan struct{})
	default: // NewBooth's
	}
	return b.ended
}

// step takes the booth to its next state and tells the Observer.
func (b *Booth) step(h happening) error {
	from := b.life.state
	b.life.limits = &b.inForce.Load().Limits
	b.blameLate()
	if err := b.life.step(h.event, h.cause, time.Now()); err != nil {
		return err
	}
	to := b.life.state
	b.mu.Lock()
	b.state, b.history = to, b.life.history.clone()
	select {
	case <-b.released: // it was meant for the state that is over
	default:
	}
	if !to.takesTriggers() {
		b.empty()
	}
	b.mu.Unlock()
	if to == StateStandby && from != StateStopped {
		b.stats.restarts.Add(1)
	}
	if h.cause.Kind != "" {
		b.endings.count(h.cause)
	}
	var cause *Cause
	if h.cause.Kind != "" && (to != StateStopped || h.event == evOrphaned) {
		cause = &h.cause
	}
	b.host.o.Observer.State(b.name, to, cause)
	return nil
}

// verdict is what Run returns, once stopped by h.
func (b *Booth) verdict(h happening) error {
	switch h.event {
	case evStop, evGone:
		return nil
	case evOrphaned:
		return ErrJailer
	}
	return &StartError{b.name, h.cause, h.err}
}

// standby gets an empty worker.
func (b *Booth) standby(ctx context.Context) happening {
	if b.early != nil {
		b.worker = b.early.in
		return happening{event: evBuilt}
	}
	select { // a booth that crashes over and over gets here only
	case c := <-b.changes:
		b.meet(c)
	default:
	}
	in, err := b.spare.take(ctx)
	switch {
	case err == nil && ctx.Err() == nil:
		b.worker = in
		return happening{event: evBuilt}
	case err == nil:
		b.discard(in)
		return happening{event: evStop}
	case ctx.Err() != nil:
		return happening{event: evStop}
	case errors.Is(err, ErrJailer):
		return orphaned()
	}
	return happening{evUnbuilt, Cause{Kind: CauseStart, Text: err.Error()}, err}
}

// loading has the worker load the plugin.
func (b *Booth) loading(ctx context.Context) happening {
	in := b.worker
	// A load can take its whole deadline; stopping must not.
	killed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		in.kill()
		close(killed)
	})
	e := b.early
	if b.early = nil; e == nil {
		e = b.load(in)
	}
	for loaded := false; !loaded; {
		select {
		case <-e.done:
			loaded = true
		case c := <-b.changes:
			b.meet(c)
		}
	}
	saw, err := e.saw, e.err
	if !stop() {
		<-killed // it uses the pidfd, which is closed soon
	}
	switch {
	case ctx.Err() != nil:
		return happening{event: evStop}
	case err == nil:
		b.install(in) // so that who hears that it is ready finds it so
		go b.listen(in)
		return happening{event: evLoaded}
	}
	return b.bury(evUnloaded, saw, err)
}

// serving has the worker answer triggers until it ends or must.
func (b *Booth) serving(ctx context.Context) happening {
	saw, e := b.watch(ctx, b.worker, time.After(upkeepTime))
	switch e {
	case evStop:
		return happening{event: e}
	case evReplaced:
		return b.replaced()
	}
	b.withdraw()
	return b.bury(e, saw, nil)
}

// watch waits for the end of a worker that is ready, and returns what was seen
// of it; or for the booth to stop, or another worker to take its place. upkeep
// is when there is time for what its predecessor left, and for a worker in
// reserve.
func (b *Booth) watch(ctx context.Context, in *instance, upkeep <-chan time.Time) (saw *Cause, e event) {
	made := b.heir.made()
	var o *offer
	for {
		select {
		case <-upkeep:
			upkeep = nil
			b.clean()
			if b.inForce.Load().Standby {
				b.spare.ask()
			}
		case c := <-b.changes:
			b.meet(c)
			made = b.heir.made()
		case <-made:
			made = nil
			o = b.handOver(in)
		case <-o.accepted():
			return nil, evReplaced
		case <-b.retired:
			b.blameLate()
			if q := b.life.history.Quarantine; q != nil && b.withdrawOffer(o) {
				return &q.Cause, evViolated
			}
		case <-in.exited:
			if !b.withdrawOffer(o) {
				return nil, evReplaced
			}
			b.follow()
			// What an exchange under way saw of it says more than its status.
			b.wait(nil)
			select {
			case saw = <-in.broken:
			default:
			}
			return saw, evEnded
		case saw = <-in.broken:
			if !b.withdrawOffer(o) {
				return nil, evReplaced
			}
			b.follow()
			if saw == nil {
				b.loadEarly(ctx)
				return in.hungUp(), evEnded
			}
			// An attack that follows at once should have its own name.
			select {
			case <-in.exited:
			case <-time.After(afterTime):
			}
			return saw, evEnded
		case <-b.host.Gone():
			b.withdrawOffer(o)
			return nil, evEnded
		case <-ctx.Done():
			if !b.withdrawOffer(o) {
				return nil, evReplaced // and then stops
			}
			select { // an end that came first is the one to report
			case <-in.exited:
				return nil, evEnded
			case saw = <-in.broken:
				return saw, evEnded
			default:
				return nil, evStop
			}
		}
	}
}

// early is a worker that loads the plugin while it is still being found out
// why the one before it ended, which takes the kernel as long as a load: it
// takes down the mounts first.
type early struct {
	in   *instance
	done chan struct{} // closed when saw and err are set
	saw  *Cause
	err  error
}

// loadEarly begins to load, if there will be a restart whatever the reason,
// and a worker for it.
func (b *Booth) loadEarly(ctx context.Context) {
	if b.early != nil || !b.life.certain(time.Now()) || !b.spare.there() {
		return
	}
	in, err := b.spare.take(ctx)
	if err != nil {
		return // standby will meet it again
	}
	b.early = b.load(in)
}

// load has a worker load the plugin, on a goroutine of its own.
func (b *Booth) load(in *instance) *early {
	e := &early{in: in, done: make(chan struct{})}
	go func() {
		e.saw, e.err = in.load(b.cpu)
		close(e.done)
	}()
	return e
}

// dropEarly ends the worker that was loaded early and is not wanted after all.
func (b *Booth) dropEarly() {
	if b.early == nil {
		return
	}
	b.early.in.kill()
	<-b.early.done
	b.early.in.end(nil)
	b.discard(b.early.in)
	b.early = nil
}

// draining lets a trigger that is under way end, and asks the plugin to stop,
// for as long as its profile allows.
func (b *Booth) draining() happening {
	in := b.worker
	patience := b.inForce.Load().Limits.StopTimeout
	deadline := time.Now().Add(patience)
	b.withdraw()
	b.wait(time.After(patience))
	if time.Now().Before(deadline) && in.pipes.send(wire.AppendStop(nil, 0), deadline) == nil {
		select {
		case <-in.exited:
		case <-b.host.Gone():
		case <-time.After(time.Until(deadline)):
		}
	}
	return b.bury(evGone, &Cause{Kind: CauseStopped, Text: "stopped"}, nil)
}

// pausing waits for the end of a pause, or of a quarantine.
func (b *Booth) pausing(ctx context.Context, due <-chan time.Time) happening {
	if due == nil {
		if err := b.spare.drop(); err != nil {
			b.trouble(err)
		}
	}
	for {
		select {
		case <-due:
			return happening{event: evDue}
		case <-b.released:
			return happening{event: evReleased}
		case c := <-b.changes:
			b.meet(c)
		case <-b.heir.made():
			b.keepForLater()
		case <-ctx.Done():
			return happening{event: evStop}
		case <-b.host.Gone():
			return orphaned()
		}
	}
}

// bury ends the worker, finds out why it ended, and has it removed in the
// background: the next one need not wait for that.
func (b *Booth) bury(e event, saw *Cause, err error) happening {
	in := b.worker
	b.worker = nil
	in.kill()
	b.wait(nil) // with the worker dead an exchange under way ends at once
	cause := in.end(saw)
	b.discard(in)
	select {
	case <-b.host.Gone():
		return orphaned()
	default:
	}
	if cause.Kind == CauseDenials && e != evGone {
		e = evViolated
	}
	return happening{e, cause, err}
}

// discard has a worker that has ended removed, later: whatever takes its
// place goes first.
func (b *Booth) discard(in *instance) { b.dead = append(b.dead, in) }

// clean removes the workers that have ended, in the background.
func (b *Booth) clean() {
	for _, in := range b.dead {
		b.closing.Go(func() {
			if err := in.release(); err != nil {
				b.trouble(err)
			}
		})
	}
	b.dead = nil
}

func (b *Booth) trouble(err error) { b.host.o.Observer.Trouble(b.name, err.Error()) }

func orphaned() happening {
	return happening{event: evOrphaned, cause: Cause{Kind: CauseStopped, Text: "the jailer ended"}}
}

// StartError is a booth that did not come up.
type StartError struct {
	Booth string
	Cause Cause
	Err   error // may be nil: the process just ended
}

func (e *StartError) Error() string { return fmt.Sprintf("start booth %q: %v", e.Booth, e.Cause) }
func (e *StartError) Unwrap() error { return e.Err }
