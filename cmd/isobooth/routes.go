package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/runner"
)

// routes say where events go: which mappings there are, and the booths of
// their plugins. They never change once made; other ones are put in their
// place as a whole, and every input changes over between two of its events.
type routes struct {
	router *midi.Router
	booth  func(*midi.Mapping) *runner.Booth // nil when the plugin has none
	users  atomic.Int64                      // events that go by them right now
}

// route puts new routes in place of those there are, which it returns: nil at
// first.
func (s *session) route(mappings []midi.Mapping, booth func(*midi.Mapping) *runner.Booth) (old *routes) {
	return s.routes.Swap(&routes{router: midi.NewRouter(mappings), booth: booth})
}

// enter returns the routes for one event, on the event path; leave must
// follow.
func (s *session) enter() *routes {
	for {
		r := s.routes.Load()
		r.users.Add(1)
		// Routes that were exchanged just before may have been found unused.
		if s.routes.Load() == r {
			return r
		}
		r.users.Add(-1)
	}
}

func (r *routes) leave() { r.users.Add(-1) }

// left waits until no event goes by routes that have been replaced: no booth
// of theirs gets a trigger from then on.
func (r *routes) left() {
	for r != nil && r.users.Load() > 0 {
		time.Sleep(time.Millisecond)
	}
}

// boothOf finds the booth of a mapping's plugin among those of this session.
func (s *session) boothOf() func(*midi.Mapping) *runner.Booth {
	booths := map[string]*runner.Booth{}
	for _, g := range s.plugs() {
		booths[g.config.Name] = g.booth
	}
	return func(m *midi.Mapping) *runner.Booth { return booths[m.Plugin] }
}

// feedAll sends what comes from all sources to the booths, until they have
// ended or ctx has. failed is called with the error of each that fails;
// inputs are their names.
func (s *session) feedAll(ctx context.Context, inputs []string, sources []source, failed func(error)) {
	var feeding sync.WaitGroup
	for i, src := range sources {
		feeding.Go(func() {
			switch err := s.feed(ctx, src); {
			case ctx.Err() != nil:
			case err != nil:
				failed(fmt.Errorf("input %q: %w", inputs[i], err))
			default:
				s.app.say("input %q has ended", inputs[i])
			}
		})
	}
	feeding.Wait()
}

// feed runs one source on a thread of its own until it ends: events that
// match a mapping go to its booth. The session must have routes.
func (s *session) feed(ctx context.Context, src source) error {
	done := make(chan error)
	go func() {
		lane, err := s.host.NewLane(s.cpu)
		if err != nil {
			done <- err
			return
		}
		defer lane.Close()
		in := s.outs.newInput(src)
		// Made once: a closure for each event would be an allocation.
		var ev midi.Event
		var to *routes
		send := func(m *midi.Mapping) {
			if b := to.booth(m); b != nil {
				// Dropped triggers are counted by the booth.
				_ = lane.Send(b, runner.Trigger{Event: &ev, Mapping: m})
			}
		}
		loops := false
		would := func(*midi.Mapping) { loops = true }
		done <- src.Run(ctx, func(e *midi.Event) {
			ev, to = *e, s.enter()
			defer to.leave()
			from := in.admit(&ev)
			if from == nil {
				to.router.Match(&ev, send)
				return
			}
			// What no mapping waits for comes back, but goes no further.
			loops = false
			to.router.Match(&ev, would)
			if loops {
				from.cut(&ev)
			}
		})
	}()
	return <-done
}

// drain waits until every trigger has its reply, or its plugin has ended.
func (s *session) drain(ctx context.Context) {
	for _, g := range s.plugs() {
		g.drain(ctx)
	}
}

func (g *plug) drain(ctx context.Context) {
	for !g.booth.Idle() && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
}
