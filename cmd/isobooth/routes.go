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

// route puts new routes in place of those there are. Sources that wait for
// something go by it at their next event; see settle.
func (s *session) route(mappings []midi.Mapping, booth func(*midi.Mapping) *runner.Booth) {
	start := s.app.settings.MIDI.Mode
	if s.modes == nil {
		s.modes = midi.NewModes(start)
	}
	s.modes.Adopt(mappings, start)
	s.routes.Store(&routes{midi.NewRouter(mappings), booth})
}

// feeders are those that run.
type feeders struct {
	mu  sync.Mutex
	all map[*feeder]bool
}

func (s *feeders) add(f *feeder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[*feeder]bool{}
	}
	s.all[f] = true
}

func (s *feeders) remove(f *feeder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, f)
}

// settle has every source go by the routes there are now, whatever it waits
// for: no booth that only older ones lead to gets a trigger from then on.
func (s *session) settle() error {
	done := make(chan error)
	go func() { // with a lane, and so a thread, that end with it
		lane, err := s.host.NewLane(s.cpu)
		if err != nil {
			done <- err
			return
		}
		defer lane.Close()
		s.feeders.mu.Lock()
		defer s.feeders.mu.Unlock()
		for f := range s.feeders.all {
			f.settle(lane)
		}
		done <- nil
	}()
	return <-done
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
		f := s.newFeeder(ctx, cancel, src, lane)
		s.feeders.add(f)
		defer s.feeders.remove(f)
		done <- f.run()
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
