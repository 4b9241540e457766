package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/isobooth/isobooth/runner"
)

// patience bounds every wait for something that must happen.
const patience = 30 * time.Second

// restarting is the name of the booth that is crashed.
const restarting = "restart"

// restarts compares a booth's way from a crash to the next reply with other
// ways to start a program that loads the same plugin.
func (b *bench) restarts(told func(int), s size) ([]Row, error) {
	plan := *b.plan
	plan.Name = restarting
	return b.besideStarts(told, s, 0, func(n int) (samples []float64, err error) {
		for range n {
			took, err := b.restart(&plan)
			if err != nil {
				return nil, err
			}
			samples = append(samples, float64(took)/float64(time.Millisecond))
		}
		return samples, nil
	})
}

// restart crashes a booth of its own, the first time in its life, and returns
// how long after the trigger that did it was sent the reply to the next one
// came.
func (b *bench) restart(plan *runner.Plan) (took time.Duration, err error) {
	replied := make(chan time.Time, 1)
	r, _, err := b.startPlan(plan, &sink{replied: replied})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	if err := b.rested(r); err != nil {
		return 0, err
	}
	for len(b.observer[restarting]) > 0 {
		<-b.observer[restarting]
	}
	err = b.onLane(r, func(l *lane) error {
		begin := time.Now()
		if err := l.crash(); err != nil {
			return err
		}
		at, err := l.next(b.observer[restarting], replied)
		took = at.Sub(begin)
		return err
	})
	return took, err
}

// rested waits until a booth has all that its next restart takes, and nothing
// on its way.
func (b *bench) rested(r *running) error {
	for deadline := time.Now().Add(patience); r.State() != runner.StateReady || !r.Idle(); time.Sleep(time.Millisecond) {
		if err := b.ctx.Err(); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the booth is %s", r.State())
		}
	}
	return nil
}

// next sends the next trigger as soon as Send comes back from the one before,
// and where the booth does not take it, or loses it with the plugin that
// crashed, again when it is ready. It returns when the first reply came.
func (l *lane) next(changes <-chan change, replied <-chan time.Time) (at time.Time, err error) {
	late := time.After(patience)
	for {
		if err := l.Send(l.booth.Booth, l.trigger); err != nil && err != runner.ErrNotReady {
			return at, err
		}
		for again := false; !again; {
			select {
			case at := <-replied:
				return at, nil
			case c := <-changes:
				again = c.state == runner.StateReady
			case <-late:
				return at, fmt.Errorf("no reply; the booth is %s", l.booth.State())
			}
		}
	}
}
