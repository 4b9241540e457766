package runner

import (
	"context"
	"fmt"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/runner/wire"
)

// QueueLen is how many triggers wait while a plugin is busy or restarts.
const QueueLen = 64

type queued struct {
	t  midi.Event
	m  *midi.Mapping
	g  midi.Gesture
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

// Send gives a plugin a trigger. It writes the frame and waits about
// InlineWait for the reply, which it hands to the Sink; a slower plugin is
// left to the booth's own goroutine. While an exchange is under way, and while
// the booth comes back from a restart, the trigger is queued. It returns
// ErrNotReady or ErrFull when the trigger is dropped, and counts it. Send does
// not allocate.
func (l *Lane) Send(b *Booth, t Trigger) error {
	at := now()
	b.mu.Lock()
	live := b.live
	switch {
	case live == nil && !b.state.takesTriggers():
		b.mu.Unlock()
		b.stats.dropped.Add(1)
		return ErrNotReady
	case live == nil || b.busy:
		err := b.enqueue(t, at)
		b.mu.Unlock()
		return err
	}
	b.busy = true
	b.mu.Unlock()

	x := exchange{at: at, live: live, deadline: clockStart.Add(at + b.inForce.Load().Limits.TriggerTimeout)}
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

// enqueue has a trigger wait. The caller holds mu.
func (b *Booth) enqueue(t Trigger, at time.Duration) error {
	if b.live == nil {
		b.expire()
	}
	if b.n == len(b.queue) {
		b.stats.dropped.Add(1)
		return ErrFull
	}
	b.queue[(b.head+b.n)%len(b.queue)] = queued{*t.Event, t.Mapping, t.Gesture, at}
	b.n++
	return nil
}

// begin writes the trigger; false means the instance is broken and said so.
func (b *Booth) begin(x *exchange, t Trigger) bool {
	b.raw, b.json = t.event(&b.event, b.raw, b.keys[:], b.json, b.wantJSON)
	b.id++
	x.id = b.id
	frame, err := wire.AppendTrigger(b.frame[:0], x.id, &b.event)
	if err != nil {
		// Too long for a frame: this trigger's fault, not the plugin's.
		b.stats.dropped.Add(1)
		return false
	}
	b.frame = frame
	b.reply.Mapping, b.reply.Event, b.reply.Gesture, b.reply.Queued = t.Mapping, *t.Event, t.Gesture, x.queued
	b.stats.triggers.Add(1)
	if err := x.live.pipes.sendNow(frame); err != nil {
		b.stats.lost.Add(1)
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
		b.stats.lost.Add(1)
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
	b.reply.Booth, b.reply.Answer = b.name, answer
	b.reply.Latency = now() - x.at
	if x.queued {
		b.queued.observe(b.reply.Latency)
	} else {
		b.direct.observe(b.reply.Latency)
	}
	b.sink.Reply(&b.reply)
	return nil
}

// finish ends the ownership of the exchange, or passes it on when triggers
// have queued up meanwhile.
func (b *Booth) finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.takeOver()
	if b.n > 0 && b.live != nil {
		b.pending = exchange{}
		b.handed <- struct{}{} // serve finds the queue
		return
	}
	b.idle()
}

// idle gives up the exchange. What waits stays for the next worker. The
// caller holds mu.
func (b *Booth) idle() {
	b.busy = false
	if b.quiet != nil {
		close(b.quiet)
		b.quiet = nil
	}
}

// pop takes the oldest queued trigger. The caller holds mu, and knows that
// there is one.
func (b *Booth) pop() queued {
	q := b.queue[b.head]
	b.queue[b.head] = queued{}
	b.head = (b.head + 1) % len(b.queue)
	b.n--
	return q
}

// expire drops what has waited too long for a restart. The caller holds mu.
func (b *Booth) expire() {
	for oldest := now() - b.inForce.Load().Limits.QueueAge; b.n > 0 && b.queue[b.head].at < oldest; {
		b.pop()
		b.stats.expired.Add(1)
	}
}

// empty drops all that waits: no worker will come. The caller holds mu.
func (b *Booth) empty() {
	for b.n > 0 {
		b.pop()
		b.stats.dropped.Add(1)
	}
}

// next takes the oldest queued trigger; ok is false, and the exchange free
// again, when there is none.
func (b *Booth) next() (q queued, live *instance, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.takeOver()
	if b.n == 0 || b.live == nil {
		b.idle()
		return q, nil, false
	}
	return b.pop(), b.live, true
}

// install puts a worker into service, and has it given what waits. Nobody
// else uses the exchange: the worker before it has settled.
func (b *Booth) install(in *instance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expire()
	b.serveBy(in)
	if b.n > 0 {
		b.busy, b.pending = true, exchange{}
		b.handed <- struct{}{}
	}
}

// serveBy has a worker take what comes. The caller holds mu; no exchange is
// under way.
func (b *Booth) serveBy(in *instance) {
	b.live, b.id = in, 1 // greet's frame was the first
	b.wantJSON = in.plan.Plugin.ABI == "execute"
}

// withdraw takes a worker out of service.
func (b *Booth) withdraw() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.live = nil
}

// wait waits until no exchange is under way, or until done; nil is for ever.
func (b *Booth) wait(done <-chan time.Time) {
	b.mu.Lock()
	if !b.busy {
		b.mu.Unlock()
		return
	}
	if b.quiet == nil {
		b.quiet = make(chan struct{})
	}
	quiet := b.quiet
	b.mu.Unlock()
	select {
	case <-quiet:
	case <-done:
	}
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
			x.deadline = time.Now().Add(b.inForce.Load().Limits.TriggerTimeout)
			if b.begin(&x, Trigger{&q.t, q.m, q.g}) {
				b.await(&x)
			}
		}
	}
}

// fail takes the instance out of service; Run ends it. It must not block.
func (b *Booth) fail(live *instance, saw *Cause) {
	// With mu held to the end: who finds it out of service, as listen does,
	// must not get ahead with less to say.
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.live == live {
		b.live = nil
	}
	select {
	case live.broken <- saw:
	default: // it was broken already
	}
}
