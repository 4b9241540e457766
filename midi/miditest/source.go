package miditest

import (
	"context"
	"sync"
	"time"

	"github.com/isobooth/isobooth/midi"
)

// Source is a source of the messages that a test pushes into it. All methods
// but Run may be called from any goroutine, before, during and after Run.
type Source struct {
	device string

	mu     sync.Mutex
	queue  []midi.Event
	closed bool
	change chan struct{} // closed and replaced when queue or closed change
}

// NewSource makes a Source whose events carry device.
func NewSource(device string) *Source {
	return &Source{device: device, change: make(chan struct{})}
}

// Push queues one message, received at the time at, and returns without
// waiting for its delivery. It panics if raw is not a complete message: that
// is a mistake in the test.
func (s *Source) Push(at time.Duration, raw ...byte) {
	ev, err := midi.FromMessage(raw, at, s.device)
	if err != nil {
		panic("miditest: " + err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, ev)
	s.changed()
}

// Close ends the source: Run returns once it has delivered what was pushed.
func (s *Source) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.changed()
}

func (s *Source) changed() {
	close(s.change)
	s.change = make(chan struct{})
}

// Run delivers pushed messages in order, on this goroutine, until Close
// (nil) or until ctx is done (its cause).
func (s *Source) Run(ctx context.Context, deliver func(*midi.Event)) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		ev, ok, closed, change := s.next()
		switch {
		case ok:
			deliver(&ev)
			continue
		case closed:
			return nil
		}
		select {
		case <-change:
		case <-ctx.Done():
		}
	}
}

func (s *Source) next() (ev midi.Event, ok, closed bool, change <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) > 0 {
		ev, ok = s.queue[0], true
		s.queue = s.queue[1:]
	}
	return ev, ok, s.closed, s.change
}
