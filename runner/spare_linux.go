package runner

import (
	"context"
	"sync"
)

// spare is a booth's worker in reserve: confined, empty, waiting for the
// plugin. It is used once, for the plugin it was made for.
type spare struct {
	host *Host
	plan *Plan

	mu   sync.Mutex
	made chan struct{} // closed when in or err is set; nil when none was asked for
	in   *instance
	err  error
}

// ask has a worker made, in the background, unless there is one.
func (s *spare) ask() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made != nil {
		return
	}
	made := make(chan struct{})
	s.made, s.in, s.err = made, nil, nil
	go func() {
		// One at a time: a booth that waits for its first worker goes before.
		s.host.refill.Lock()
		in, err := s.host.newInstance(s.plan)
		s.host.refill.Unlock()
		s.mu.Lock()
		s.in, s.err = in, err
		s.mu.Unlock()
		close(made)
	}()
}

// pull empties the reserve once what was asked for has been made, and returns
// it; asked is whether anything was. It waits until then, or for ctx, whose
// error leaves the reserve as it is.
func (s *spare) pull(ctx context.Context) (in *instance, asked bool, err error) {
	s.mu.Lock()
	made := s.made
	s.mu.Unlock()
	if made == nil {
		return nil, false, nil
	}
	select {
	case <-made:
	case <-ctx.Done():
		return nil, true, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	in, err = s.in, s.err
	s.made, s.in, s.err = nil, nil, nil
	return in, true, err
}

// take returns the worker in reserve, or makes one when there is none. The
// caller owns it. An error of ctx leaves the reserve as it is.
func (s *spare) take(ctx context.Context) (*instance, error) {
	in, asked, err := s.pull(ctx)
	switch {
	case !asked:
		return s.host.newInstance(s.plan)
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
		s.host.o.Observer.Trouble(s.plan.Name, "its worker in reserve: "+err.Error())
	}
	return s.host.newInstance(s.plan)
}

func (s *spare) there() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.in != nil
}

// drop removes the worker in reserve. One that could not be made is nobody's
// trouble any more.
func (s *spare) drop() error {
	in, _, _ := s.pull(context.Background())
	if in == nil {
		return nil
	}
	return in.release()
}
