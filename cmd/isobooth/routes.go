package main

import (
	"context"
	"fmt"
	"sync"
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
}

// route puts new routes in place of those there are, for every input between two
// of its events; start is the mode to begin with. When it returns, no booth
// gets a trigger that only those before knew.
func (s *session) route(mappings []midi.Mapping, start string, booth func(*midi.Mapping) *runner.Booth) {
	s.feeding.Lock()
	defer s.feeding.Unlock()
	if s.modes == nil {
		s.modes = midi.NewModes(start)
		s.modes.Changed = s.moded
	}
	s.modes.Adopt(mappings, start)
	s.routes = &routes{midi.NewRouter(mappings), booth}
	if len(s.feeders) == 0 {
		return
	}
	adopted := make(chan struct{})
	go func() {
		defer close(adopted)
		lane, err := s.host.NewLane(-1)
		if err == nil {
			defer lane.Close()
		}
		for f := range s.feeders {
			if err != nil {
				f.cancel(err)
				continue
			}
			f.mu.Lock()
			f.lane = lane
			f.adopt(s.routes)
			f.mu.Unlock()
		}
	}()
	<-adopted
}

// mode is the one in force; "" before there are routes.
func (s *session) mode() string {
	s.feeding.Lock()
	defer s.feeding.Unlock()
	if s.modes == nil {
		return ""
	}
	return s.modes.Current()
}

// join has a feeder go by the routes there are, and by those that replace
// them, until it leaves.
func (s *session) join(f *feeder) {
	s.feeding.Lock()
	defer s.feeding.Unlock()
	f.adopt(s.routes)
	if s.feeders == nil {
		s.feeders = map[*feeder]bool{}
	}
	s.feeders[f] = true
}

func (s *session) leave(f *feeder) {
	s.feeding.Lock()
	defer s.feeding.Unlock()
	delete(s.feeders, f)
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
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan error)
	go func() {
		lane, err := s.host.NewLane(s.cpu)
		if err != nil {
			done <- err
			return
		}
		defer lane.Close()
		done <- s.newFeeder(ctx, cancel, src, lane).run()
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
		select {
		case <-g.ended: // nobody is left to answer
			return
		case <-time.After(time.Millisecond):
		}
	}
}
