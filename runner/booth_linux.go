package runner

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/runner/wire"
)

const (
	// QueueLen is how many triggers wait while a plugin is busy.
	QueueLen = 64
	// afterTime is how long a worker that broke the protocol lives on.
	afterTime = 5 * time.Millisecond

	backoffMin = 100 * time.Millisecond
	backoffMax = 10 * time.Second
	// backoffReset is how long a booth must have been ready for its next
	// crash to count as the first again.
	backoffReset = 10 * time.Second
)

// Booth stands for one plugin over all its restarts. Run keeps it alive;
// Send gives it triggers.
type Booth struct {
	host *Host
	plan *Plan
	sink Sink
	cpu  int

	// mu guards what Send and the booth's own goroutine share. It is held
	// for a few instructions at a time, never while waiting.
	mu    sync.Mutex
	state State
	live  *instance // set exactly while state is StateReady
	busy  bool      // an exchange is under way; its owner clears it
	queue []queued  // ring of QueueLen, allocated once
	head  int
	n     int

	handed  chan struct{} // the exchange, or the queue, is now run's
	pending exchange
	broken  chan *Cause // the current instance must end

	frame, raw, json []byte // scratch of the exchange's owner
	reply            Reply
	event            wire.Event
	id               uint64
	wantJSON         bool

	stats   counters
	started time.Time
}

type queued struct {
	t  midi.Event
	m  *midi.Mapping
	at time.Duration // of Send, on the clock of now
}

// exchange is a trigger that has been written and not answered.
type exchange struct {
	id       uint64
	at       time.Duration // of Send, on the clock of now
	deadline time.Time
	have     int
	queued   bool
	live     *instance
}

type counters struct {
	triggers, replies, failed, dropped, restarts atomic.Uint64
}

// Stats are a booth's counts since the daemon started.
type Stats struct {
	Triggers uint64 `json:"triggers"` // written to the plugin
	Replies  uint64 `json:"replies"`
	Failed   uint64 `json:"failed"` // of Replies, with a status that is not 0
	// Dropped triggers never reached the plugin: not ready, or queue full.
	Dropped  uint64 `json:"dropped"`
	Restarts uint64 `json:"restarts"`
}

// NewBooth makes the booth of a plan. Replies go to sink. The worker is
// pinned to processor cpu, the one that the goroutine calling Send should be
// pinned to; -1 leaves it where it likes.
func (h *Host) NewBooth(plan *Plan, sink Sink, cpu int) (*Booth, error) {
	if err := plan.validate(); err != nil {
		return nil, err
	}
	return &Booth{
		host: h, plan: plan, sink: sink, cpu: cpu, state: StateStopped,
		queue: make([]queued, QueueLen), handed: make(chan struct{}, 1), broken: make(chan *Cause, 1),
		frame: make([]byte, 0, wire.Max), raw: make([]byte, 0, 256), json: make([]byte, 0, 4096),
		wantJSON: plan.Plugin.ABI == "execute",
	}, nil
}

// Name is the plugin's name in the config.
func (b *Booth) Name() string { return b.plan.Name }

// State returns where the booth is in its life.
func (b *Booth) State() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state
}

// About returns what is known of the running worker; zero when none runs.
func (b *Booth) About() About {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.live == nil {
		return About{}
	}
	return b.live.about
}

// Stats returns the counts so far.
func (b *Booth) Stats() Stats {
	return Stats{
		Triggers: b.stats.triggers.Load(), Replies: b.stats.replies.Load(), Failed: b.stats.failed.Load(),
		Dropped: b.stats.dropped.Load(), Restarts: b.stats.restarts.Load(),
	}
}

// Send gives a plugin a trigger. It writes the frame and waits about
// InlineWait for the reply, which it hands to the Sink; a slower plugin is
// left to the booth's own goroutine. With an exchange under way the trigger is
// queued. It returns ErrNotReady or ErrFull when the trigger is dropped, and
// counts it. Send does not allocate.
func (l *Lane) Send(b *Booth, t Trigger) error {
	at := now()
	b.mu.Lock()
	live := b.live
	if live == nil {
		b.mu.Unlock()
		b.stats.dropped.Add(1)
		return ErrNotReady
	}
	if b.busy {
		err := b.enqueue(t, at)
		b.mu.Unlock()
		return err
	}
	b.busy = true
	b.mu.Unlock()

	x := exchange{at: at, live: live, deadline: clockStart.Add(at + b.plan.Limits.TriggerTimeout)}
	if b.begin(&x, t) {
		l.enter(at)
		head, frame, have, err := live.pipes.receiveNow()
		l.leave()
		if err == ErrTimeout {
			x.have = have
			b.pending = x
			b.handed <- struct{}{} // its one place is free: we own the exchange
			return nil
		}
		b.conclude(&x, head, frame, err)
	}
	b.finish()
	return nil
}

func (b *Booth) enqueue(t Trigger, at time.Duration) error {
	if b.n == len(b.queue) {
		b.stats.dropped.Add(1)
		return ErrFull
	}
	b.queue[(b.head+b.n)%len(b.queue)] = queued{*t.Event, t.Mapping, at}
	b.n++
	return nil
}

// begin writes the trigger; false means the instance is broken and said so.
func (b *Booth) begin(x *exchange, t Trigger) bool {
	b.raw, b.json = t.event(&b.event, b.raw, b.json, b.wantJSON)
	b.id++
	x.id = b.id
	frame, err := wire.AppendTrigger(b.frame[:0], x.id, &b.event)
	if err != nil {
		// Too long for a frame: this trigger's fault, not the plugin's.
		b.stats.dropped.Add(1)
		return false
	}
	b.frame = frame
	b.reply.Mapping, b.reply.Event, b.reply.Queued = t.Mapping, *t.Event, x.queued
	b.stats.triggers.Add(1)
	if err := x.live.pipes.sendNow(frame); err != nil {
		b.fail(x.live, sawOf(err, "taking a trigger"))
		return false
	}
	return true
}

// await waits for the reply until the trigger's deadline.
func (b *Booth) await(x *exchange) {
	head, frame, _, err := x.live.pipes.receive(x.have, x.deadline)
	b.conclude(x, head, frame, err)
}

// conclude ends an exchange, well or badly.
func (b *Booth) conclude(x *exchange, head wire.Head, frame []byte, err error) {
	if err == nil {
		err = b.accept(x, head, frame)
	}
	if err != nil {
		b.fail(x.live, sawOf(err, "a trigger"))
	}
}

func (b *Booth) accept(x *exchange, head wire.Head, frame []byte) error {
	if head.Type == wire.Error {
		// Whatever code it names: the worker's own says that it cannot read
		// us, and any other was written by the plugin.
		return fmt.Errorf("%w: error frame instead of a reply: %v", wire.ErrFrame, wire.ParseError(frame))
	}
	if head.Type != wire.Reply || head.ID != x.id {
		return fmt.Errorf("%w: frame of type %d, id %d, want the reply to %d", wire.ErrFrame, head.Type, head.ID, x.id)
	}
	answer, err := wire.ParseAnswer(frame)
	if err != nil {
		return err
	}
	b.stats.replies.Add(1)
	if answer.Status != 0 {
		b.stats.failed.Add(1)
	}
	b.reply.Booth, b.reply.Answer = b.plan.Name, answer
	b.reply.Latency = now() - x.at
	b.sink.Reply(&b.reply)
	return nil
}

// finish ends the ownership of the exchange, or passes it on when triggers
// have queued up meanwhile.
func (b *Booth) finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n > 0 && b.live != nil {
		b.pending = exchange{}
		b.handed <- struct{}{} // serve finds the queue
		return
	}
	b.idle()
}

// idle gives up the exchange. What still waits belonged to a worker that is
// gone. The caller holds mu.
func (b *Booth) idle() {
	b.stats.dropped.Add(uint64(b.n))
	for ; b.n > 0; b.n-- {
		b.queue[b.head] = queued{}
		b.head = (b.head + 1) % len(b.queue)
	}
	b.busy = false
}

// next takes the oldest queued trigger; ok is false, and the exchange free
// again, when there is none.
func (b *Booth) next() (q queued, live *instance, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n == 0 || b.live == nil {
		b.idle()
		return q, nil, false
	}
	q = b.queue[b.head]
	b.queue[b.head] = queued{}
	b.head = (b.head + 1) % len(b.queue)
	b.n--
	return q, b.live, true
}

// serve is the booth's own goroutine: it waits for slow replies and works off
// the queue.
func (b *Booth) serve(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.handed:
		}
		if x := b.pending; x.live != nil {
			b.await(&x)
		}
		for {
			q, live, ok := b.next()
			if !ok {
				break
			}
			x := exchange{at: q.at, queued: true, live: live}
			x.deadline = time.Now().Add(b.plan.Limits.TriggerTimeout)
			if b.begin(&x, Trigger{&q.t, q.m}) {
				b.await(&x)
			}
		}
	}
}

// fail takes the instance out of service; Run ends it. It must not block.
func (b *Booth) fail(live *instance, saw *Cause) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.live != live {
		return
	}
	b.live = nil
	select {
	case b.broken <- saw:
	default:
	}
}

// Run builds the booth and keeps it alive until ctx ends, then stops it. The
// first start must succeed: its error is returned, and ready is called after
// it. Later ends are reported to the Observer and followed by a restart after
// a pause that doubles from 100 ms to 10 s. Run returns ErrJailer when the
// jailer has ended.
func (b *Booth) Run(ctx context.Context, ready func()) error {
	serveCtx, stopServing := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { b.serve(serveCtx) })
	defer func() {
		stopServing()
		serving.Wait()
		b.enter(StateStopped, nil)
	}()
	pause := backoffMin
	for first := true; ; first = false {
		b.enter(StateLoading, nil)
		since := time.Now()
		in, err := b.start(ctx)
		switch {
		case err == nil:
			if first {
				ready()
			}
			cause, stop := b.watch(ctx, in)
			if stop {
				return nil
			}
			b.enter(StateBackingOff, &cause)
		case first:
			return err
		case errors.Is(err, ErrJailer):
			return err
		default:
			b.enter(StateBackingOff, &Cause{Kind: CauseStart, Text: err.Error()})
		}
		if time.Since(since) > backoffReset {
			pause = backoffMin
		}
		// Up to a quarter more, so that plugins that died together do not
		// come back together.
		select {
		case <-time.After(pause + rand.N(pause/4)):
		case <-ctx.Done():
			return nil
		case <-b.host.Gone():
			return ErrJailer
		}
		pause = min(2*pause, backoffMax)
		b.stats.restarts.Add(1)
	}
}

// StartError is a booth that did not come up.
type StartError struct {
	Booth string
	Cause Cause
	Err   error // may be nil: the process just ended
}

func (e *StartError) Error() string { return fmt.Sprintf("start booth %q: %v", e.Booth, e.Cause) }
func (e *StartError) Unwrap() error { return e.Err }

func (b *Booth) start(ctx context.Context) (*instance, error) {
	in, err := b.host.newInstance(b.plan)
	if err != nil {
		return nil, &StartError{b.plan.Name, Cause{Kind: CauseStart, Text: err.Error()}, err}
	}
	// A load can take its whole deadline; stopping must not.
	stop := context.AfterFunc(ctx, in.kill)
	saw, err := in.load(b.cpu)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		cause, releaseErr := in.finish(saw)
		if text, _ := in.log.tail(); text != "" {
			cause.Text += fmt.Sprintf("; its log ends %q", lastBytes(text, 300))
		}
		return nil, &StartError{b.plan.Name, cause, errors.Join(err, releaseErr)}
	}
	b.mu.Lock()
	b.live, b.id, b.started = in, 1, time.Now()
	select {
	case <-b.broken: // of an instance before this one
	default:
	}
	b.mu.Unlock()
	b.enter(StateReady, nil)
	return in, nil
}

func lastBytes(s string, n int) string { return s[max(0, len(s)-n):] }

// watch waits until the instance ends or must. stop is true when that was
// asked for.
func (b *Booth) watch(ctx context.Context, in *instance) (cause Cause, stop bool) {
	var saw *Cause
	select {
	case <-in.exited:
		// What an exchange under way saw of it says more than its status.
		b.settle(in)
		select {
		case saw = <-b.broken:
		default:
		}
	case <-b.host.Gone():
		saw = &Cause{Kind: CauseStopped, Text: "the jailer ended"}
	case saw = <-b.broken:
		if saw == nil {
			saw = in.hungUp()
			break
		}
		// An attack that follows at once should have its own name.
		select {
		case <-in.exited:
		case <-time.After(afterTime):
		}
	case <-ctx.Done():
		select { // an end that came first is the one to report
		case <-in.exited:
		case saw = <-b.broken:
		default:
			stop = true
		}
	}
	b.mu.Lock()
	b.live = nil
	b.mu.Unlock()
	if stop {
		b.enter(StateDraining, nil)
		b.goodbye(in)
		saw = &Cause{Kind: CauseStopped, Text: "stopped"}
	}
	b.settle(in)
	cause, err := in.finish(saw)
	if text, _ := in.log.tail(); text != "" && !stop {
		cause.Text += fmt.Sprintf("; its log ends %q", lastBytes(text, 300))
	}
	if err != nil {
		cause.Text += fmt.Sprintf("; clean-up: %v", err)
	}
	return cause, stop
}

// goodbye asks the plugin to stop and waits for its process to end, for as
// long as its profile allows.
func (b *Booth) goodbye(in *instance) {
	deadline := time.Now().Add(b.plan.Limits.StopTimeout)
	b.mu.Lock()
	busy := b.busy
	b.mu.Unlock()
	if busy {
		return // it hangs in a trigger; no goodbye would be read
	}
	if in.pipes.send(wire.AppendStop(nil, 0), deadline) != nil {
		return
	}
	select {
	case <-in.exited:
	case <-time.After(time.Until(deadline)):
	}
}

// settle makes sure that nobody uses the instance's pipes any more: with the
// worker dead an exchange under way ends at once.
func (b *Booth) settle(in *instance) {
	in.kill()
	for {
		b.mu.Lock()
		busy := b.busy
		b.mu.Unlock()
		if !busy {
			return
		}
		time.Sleep(100 * time.Microsecond)
	}
}

func (b *Booth) enter(s State, cause *Cause) {
	b.mu.Lock()
	b.state = s
	b.mu.Unlock()
	b.host.o.Observer.State(b.plan.Name, s, cause)
}

// Idle reports whether no trigger is on its way or queued.
func (b *Booth) Idle() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.busy
}
