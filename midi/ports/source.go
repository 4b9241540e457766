package ports

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/isobooth/isobooth/midi"
)

// Source is an open in port: a source of events that ends well. What it holds
// when its port goes away is released.
type Source struct {
	in     midi.In
	held   midi.Held
	last   time.Duration // when the last event came, on its clock
	events atomic.Uint64
	came   func() // called for each event, must not wait
	raw    [3]byte
}

func newSource(in midi.In, came func()) *Source {
	return &Source{in: in, came: came}
}

// Name is the port's, and the Device of its events.
func (s *Source) Name() string { return s.in.Name() }

// Run delivers the port's events on this goroutine until ctx is done, the
// Manager closes the port, or the port fails or is unplugged. It does not
// allocate for an event.
//
// At the end, unless that is because of ctx, it delivers the note-off of every
// key and the release of every pedal whose going down it had delivered: nobody
// else would, and a plugin would hold a note for ever. These have the release
// velocity 64 and the time of the last event. It may be called once.
func (s *Source) Run(ctx context.Context, deliver func(*midi.Event)) error {
	err := s.in.Run(ctx, func(e *midi.Event) {
		s.note(e)
		deliver(e)
	})
	if ctx.Err() == nil {
		s.release(deliver)
	}
	return err
}

// note takes account of an event that is about to be delivered.
func (s *Source) note(e *midi.Event) {
	s.events.Add(1)
	s.last = e.Time
	if k := e.Kind(); k != midi.SysEx && k != midi.System {
		s.held.Update(e.AppendRaw(s.raw[:0]))
	}
	s.came()
}

// release ends what is held.
func (s *Source) release(deliver func(*midi.Event)) {
	held := s.held
	for msg := range held.Releases {
		e, err := midi.FromMessage(msg[:], s.last, s.in.Name())
		if err != nil {
			continue // Releases yields complete messages only
		}
		s.events.Add(1)
		deliver(&e)
	}
}
