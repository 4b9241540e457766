package runner

import (
	"context"
	"sync"
)

// spare is a booth's worker in reserve: confined, empty, waiting for the
// plugin. It is used once, for the plugin it was made for.
type spare struct {
	host *Host

	mu   sync.Mutex
	plan *Plan     // of the next one
	have *reserved // nil when none was asked for
}

// reserved is one that was asked for.
type reserved struct {
	made chan struct{} // closed when in or err is set
	in   *instance
	err  error
}

// ask has a worker made, in the background, unless there is one.
func (s *spare) ask() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.have != nil {
		return
	}
	r, plan := &reserved{made: make(chan struct{})}, s.plan
	s.have = r
	go func() {
		// One at a time: a booth that waits for its first worker goes before.
		s.host.refill.Lock()
		r.in, r.err = s.host.newInstance(plan)
		s.host.refill.Unlock()
		close(r.made)
	}()
}

// use has the next worker made by another plan. The one in reserve stays if it
// has been made and keep says so; else it is returned, for the caller to drop.
func (s *spare) use(plan *Plan, keep func(*instance) bool) (old *reserved) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan = plan
	if old = s.have; old == nil || old.ready() && keep != nil && keep(old.in) {
		return nil
	}
	s.have = nil
	return old
}

// pull empties the reserve once what was asked for has been made, and returns
// it; asked is whether anything was. It waits until then, or for ctx, whose
// error leaves the reserve as it is.
func (s *spare) pull(ctx context.Context) (in *instance, asked bool, err error) {
	s.mu.Lock()
	r := s.have
	s.mu.Unlock()
	if r == nil {
		return nil, false, nil
	}
	select {
	case <-r.made:
	case <-ctx.Done():
		return nil, true, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.have = nil
	return r.in, true, r.err
}

// take returns the worker in reserve, or makes one when there is none. The
// caller owns it. An error of ctx leaves the reserve as it is.
func (s *spare) take(ctx context.Context) (*instance, error) {
	in, asked, err := s.pull(ctx)
	switch {
	case !asked:
		return s.host.newInstance(s.next())
	case err != nil && err == ctx.Err():
		return nil, err
	case err == nil:
		select {
		case <-in.exited: // killed while it waited, by whomever
			err = in.release()
		default:
			return in, nil
		}
	}
	if err != nil {
		s.host.o.Observer.Trouble(s.next().Name, "its worker in reserve: "+err.Error())
	}
	return s.host.newInstance(s.next())
}

// next is the plan of the next worker.
func (s *spare) next() *Plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plan
}

func (s *spare) there() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.have != nil && s.have.ready()
}

// drop removes the worker in reserve. One that could not be made is nobody's
// trouble any more.
func (s *spare) drop() error {
	s.mu.Lock()
	r := s.have
	s.have = nil
	s.mu.Unlock()
	if r == nil {
		return nil
	}
	return r.drop()
}

// ready reports whether the worker is there.
func (r *reserved) ready() bool {
	select {
	case <-r.made:
		return r.in != nil
	default:
		return false
	}
}

// drop waits until it has been made, and removes it.
func (r *reserved) drop() error {
	<-r.made
	if r.in == nil {
		return nil
	}
	return r.in.release()
}
