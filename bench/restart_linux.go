package main

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/isobooth/isobooth/runner"
)

// patience bounds every wait for something that must happen.
const patience = 30 * time.Second

// restarting is the name of the booth that is crashed.
const restarting = "restart"

// restarts compares a booth's way from a crash to the next reply with other
// ways to start a program that loads the same plugin.
func (b *bench) restarts(told func(int), s size) (rows []Row, err error) {
	plan := *b.plan
	plan.Name, plan.Standby = restarting, true
	plan.Limits.RestartFree = math.MaxInt // every crash is as the first
	replied := make(chan time.Time, 1)
	r, _, err := b.startPlan(&plan, &sink{replied: replied})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	err = b.onLane(r, func(l *lane) error {
		rows, err = b.besideStarts(told, s, 0, func(n int) (samples []float64, err error) {
			for range n {
				if err := b.rested(r); err != nil {
					return nil, err
				}
				took, err := l.restart(replied)
				if err != nil {
					return nil, err
				}
				samples = append(samples, float64(took)/float64(time.Millisecond))
			}
			return samples, nil
		})
		return err
	})
	return rows, err
}

// restart crashes the booth and returns how long after the trigger that did
// it was sent the reply to the next one came. That one is sent as soon as Send
// comes back, and waits for the restart.
func (l *lane) restart(replied <-chan time.Time) (time.Duration, error) {
	begin := time.Now()
	if err := l.crash(); err != nil {
		return 0, err
	}
	if err := l.Send(l.booth.Booth, l.trigger); err != nil {
		return 0, err
	}
	select {
	case at := <-replied:
		return at.Sub(begin), nil
	case <-time.After(patience):
		return 0, fmt.Errorf("no reply; the booth is %s", l.booth.State())
	}
}

// rested waits until a booth has all that its next restart takes, and nothing
// on its way.
func (b *bench) rested(r *running) error {
	for deadline := time.Now().Add(patience); r.State() != runner.StateReady || !r.Idle() || !r.Standby(); time.Sleep(time.Millisecond) {
		if err := b.ctx.Err(); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the booth is %s, with a worker in reserve: %v", r.State(), r.Standby())
		}
	}
	return nil
}
