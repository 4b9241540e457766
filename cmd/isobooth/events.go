package main

import (
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/control"
)

// Types of events; docs/events.md describes each.
const (
	eventDenial     = "denial"
	eventState      = "state"
	eventLimit      = "limit"
	eventTrouble    = "trouble"
	eventRelease    = "release"
	eventConnection = "connection"
	eventMode       = "mode"  // another mode is in force
	eventLost       = "lost"  // this reader was too slow, or the daemon too busy
	eventError      = "error" // this reader gets no events, and Text says why
)

// eventTypes are those that a reader can ask for.
var eventTypes = []string{eventDenial, eventState, eventLimit, eventConnection, eventTrouble, eventRelease, eventChange, eventReload, eventMode}

// event is one thing that happened, and one line of `isobooth events --json`.
// Beside Time and Type, what its type calls for is set.
type event struct {
	Time  time.Time `json:"time"`
	Type  string    `json:"type"`
	Booth string    `json:"booth,omitempty"`

	Denial     *denialEvent        `json:"denial,omitempty"`
	State      runner.State        `json:"state,omitempty"`
	Cause      *runner.Cause       `json:"cause,omitempty"` // of a state: why the worker ended
	Limit      *runner.Limit       `json:"limit,omitempty"`
	Connection *control.Connection `json:"connection,omitempty"`
	Mode       string              `json:"mode,omitempty"` // that is now in force
	Text       string              `json:"text,omitempty"` // for people
	Lost       uint64              `json:"lost,omitempty"` // events

	// refused is what Denial will be made of, by the hub and not by whom the
	// denial came from.
	refused *control.Denial
}

// Bounds of what a hub keeps, in events.
const (
	eventsKept    = 1024
	eventsWaiting = 1024 // published and not yet taken by the hub
	eventsUnread  = 256  // for each reader
)

// events is the hub between those who publish events and those who read them.
// Nobody who publishes waits for anyone.
type events struct {
	now     func() time.Time
	profile func(booth string) *profiles.Profile // in force there; nil when unknown
	in      chan event
	done    sync.WaitGroup
	streams sync.WaitGroup // Add with mu held, and not once closed

	mu      sync.Mutex
	closed  bool
	dropped uint64  // published with in full
	kept    []event // oldest first
	readers map[*eventReader]bool
}

// newEvents starts a hub; close ends it. profile may be called for every
// denial, on the hub's goroutine.
func newEvents(now func() time.Time, profile func(booth string) *profiles.Profile) *events {
	h := &events{now: now, profile: profile, in: make(chan event, eventsWaiting), readers: map[*eventReader]bool{}}
	h.done.Go(func() {
		for e := range h.in {
			h.explain(&e)
			h.take(e)
		}
	})
	return h
}

// explain adds what the profile says.
func (h *events) explain(e *event) {
	if e.refused != nil {
		e.Denial = newDenialEvent(e.refused, h.profile(e.Booth))
		e.refused = nil
	}
	if e.Cause != nil && e.Cause.Signal == syscall.SIGSYS {
		if p := h.profile(e.Booth); p != nil {
			e.Text = killers(p)
		}
	}
}

// publish hands an event to all readers and returns at once. It sets its time.
func (h *events) publish(e event) {
	e.Time = h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	select {
	case h.in <- e:
	default:
		h.dropped++
	}
}

func (h *events) take(e event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.confess()
	h.give(e)
}

// confess says how many events there was no room for. The caller holds mu.
func (h *events) confess() {
	if h.dropped > 0 {
		h.give(event{Time: h.now(), Type: eventLost, Lost: h.dropped, Text: "too many at once"})
		h.dropped = 0
	}
}

// give keeps an event and hands it out. The caller holds mu.
func (h *events) give(e event) {
	if len(h.kept) == eventsKept {
		h.kept = slices.Delete(h.kept, 0, 1)
	}
	h.kept = append(h.kept, e)
	for r := range h.readers {
		r.give(e)
	}
}

// endPatience is how long the readers of an ending daemon have for the rest.
const endPatience = time.Second

// close hands out what is left and ends all readers.
func (h *events) close() {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return
	}
	h.closed = true
	close(h.in)
	h.mu.Unlock()
	h.done.Wait()
	h.mu.Lock()
	h.confess()
	for r := range h.readers {
		h.remove(r)
	}
	h.mu.Unlock()
	read := make(chan struct{})
	go func() { h.streams.Wait(); close(read) }()
	select {
	case <-read:
	case <-time.After(endPatience):
	}
}

// eventReader is one who reads. What it has no room for is counted.
type eventReader struct {
	events chan event // closed with the hub
	want   func(*event) bool
	lost   uint64 // guarded by the hub's mu
}

// give is called with the hub's mu held.
func (r *eventReader) give(e event) {
	if e.Type != eventLost && !r.want(&e) {
		return
	}
	if r.lost > 0 {
		select {
		case r.events <- event{Time: e.Time, Type: eventLost, Lost: r.lost, Text: "this reader was too slow"}:
			r.lost = 0
		default:
		}
	}
	if r.lost == 0 {
		select {
		case r.events <- e:
			return
		default:
		}
	}
	r.lost += max(1, e.Lost)
}

// subscribe returns the last events that someone wants, oldest first, at most
// past of them, and a reader of those to come; end it with leave.
func (h *events) subscribe(past int, want func(*event) bool) ([]event, *eventReader) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var old []event
	for i := len(h.kept) - 1; i >= 0 && len(old) < past; i-- {
		if want(&h.kept[i]) {
			old = append(old, h.kept[i])
		}
	}
	slices.Reverse(old)
	r := &eventReader{events: make(chan event, eventsUnread), want: want}
	h.readers[r] = true
	if h.closed {
		h.remove(r)
	}
	return old, r
}

// leave ends a reader; it may have ended with the hub.
func (h *events) leave(r *eventReader) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remove(r)
}

// remove closes a reader's events once. The caller holds mu.
func (h *events) remove(r *eventReader) {
	if h.readers[r] {
		delete(h.readers, r)
		close(r.events)
	}
}
