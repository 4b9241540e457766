package runner

import (
	"sync"
	"sync/atomic"

	"github.com/isobooth/isobooth/runner/wire"
)

// Booth stands for one plugin over all its restarts. Run keeps it alive;
// Send gives it triggers.
type Booth struct {
	host  *Host
	name  string
	sink  Sink
	cpu   int
	spare spare

	// inForce is the plan of the worker that serves, or of the next one.
	inForce  atomic.Pointer[Plan]
	changing sync.Mutex    // held by who asks for a change
	changes  chan *change  // taken by Run
	ended    chan struct{} // closed when Run has returned

	life   life        // Run's own
	worker *instance   // Run's own: loading, ready or draining
	build  [32]byte    // Run's own: of the plugin that life is about
	early  *early      // Run's own: loading already, or nil
	heir   *successor  // Run's own: of another plan, or nil
	dead   []*instance // Run's own: ended, not yet removed
	// retired tells Run that there is something in late.
	retired chan struct{}
	// released wakes Run up from a pause or a quarantine.
	released chan struct{}
	closing  sync.WaitGroup // clean-ups of workers that have ended

	// mu guards what Send, the booth's own goroutine and callers share. It is
	// held for a few instructions at a time, never while waiting.
	mu      sync.Mutex
	state   State
	history History
	live    *instance     // takes triggers; nil when none does
	busy    bool          // an exchange is under way; its owner clears it
	offer   *offer        // serves from the next exchange on; or nil
	late    []lateEnd     // why replaced workers ended, for Run
	quiet   chan struct{} // closed when busy is cleared; nil when nobody waits
	queue   []queued      // ring of QueueLen, allocated once
	head    int
	n       int

	handed  chan struct{} // the exchange, or the queue, is now serve's
	pending exchange

	frame, raw, json []byte // scratch of the exchange's owner
	reply            Reply
	event            wire.Event
	id               uint64
	keys             [16]byte // of the chord in event
	wantJSON         bool

	stats          counters
	direct, queued histogram // latencies of replies
	endings        endTally
}

type counters struct {
	triggers, replies, failed, lost, dropped, expired, restarts atomic.Uint64
}

// Stats are a booth's counts since the daemon started. Every trigger that was
// given to Send is in exactly one of Triggers, Dropped and Expired, or still
// waits; every one of Triggers in Replies or Lost, or is under way.
type Stats struct {
	Triggers uint64 `json:"triggers"` // written to the plugin
	Replies  uint64 `json:"replies"`
	Failed   uint64 `json:"failed"` // of Replies, with a status that is not 0
	Lost     uint64 `json:"lost"`   // the plugin ended over them, or just before; they are not repeated
	// Dropped triggers never reached the plugin: not ready, queue full, or too
	// long for a frame.
	Dropped  uint64 `json:"dropped"`
	Expired  uint64 `json:"expired"` // waited longer than Limits.QueueAge for a restart
	Restarts uint64 `json:"restarts"`
}

// NewBooth makes the booth of a plan. Replies go to sink. The worker is
// pinned to processor cpu, the one that the goroutine calling Send should be
// pinned to; -1 leaves it where it likes.
func (h *Host) NewBooth(plan *Plan, sink Sink, cpu int) (*Booth, error) {
	if err := plan.validate(); err != nil {
		return nil, err
	}
	b := &Booth{
		host: h, name: plan.Name, sink: sink, cpu: cpu, state: StateStopped,
		spare: spare{host: h, plan: plan}, life: newLife(plan), history: plan.History.clone(),
		build: plan.build(), released: make(chan struct{}, 1),
		queue: make([]queued, QueueLen), handed: make(chan struct{}, 1),
		frame: make([]byte, 0, wire.Max), raw: make([]byte, 0, 256), json: make([]byte, 0, 4096),
		changes: make(chan *change), ended: make(chan struct{}), retired: make(chan struct{}, 1),
	}
	b.inForce.Store(plan)
	return b, nil
}

// Name is the plugin's name in the config.
func (b *Booth) Name() string { return b.name }

// State returns where the booth is in its life.
func (b *Booth) State() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state
}

// History returns what the next daemon should know. It changes just before
// the Observer is told of a new state.
func (b *Booth) History() History {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.history.clone()
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

// Standby reports whether an empty worker waits for the next start.
func (b *Booth) Standby() bool { return b.spare.there() }

// Stats returns the counts so far.
func (b *Booth) Stats() Stats {
	return Stats{
		Triggers: b.stats.triggers.Load(), Replies: b.stats.replies.Load(), Failed: b.stats.failed.Load(), Lost: b.stats.lost.Load(),
		Dropped: b.stats.dropped.Load(), Expired: b.stats.expired.Load(), Restarts: b.stats.restarts.Load(),
	}
}

// Idle reports whether no trigger is on its way or waits.
func (b *Booth) Idle() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.live == nil {
		b.expire()
	}
	return !b.busy && b.n == 0
}

// Release ends a quarantine, or the pause before the next start, and forgets
// the plugin's history. It returns ErrNotHeld for a booth in another state.
func (b *Booth) Release() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state != StateQuarantined && b.state != StateBackingOff {
		return ErrNotHeld
	}
	select {
	case b.released <- struct{}{}:
	default: // released already, and about to see it
	}
	return nil
}
