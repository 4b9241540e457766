package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/isobooth/isobooth/runner"
)

// crashers is how many booths crash beside the one that is measured.
const crashers = 16

func crasherName(i int) string { return fmt.Sprintf("crasher-%d", i) }

// neighbours compares a booth's paced round trips while others crash with the
// same booth's while nothing else happens.
func (b *bench) neighbours(told func(int), s size) (rows []Row, err error) {
	booth, _, err := b.start()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, booth.stop()) }()
	err = b.onLane(booth, func(l *lane) error {
		beside := func(n int) (samples []float64, err error) {
			c, err := b.crash()
			if err != nil {
				return nil, err
			}
			before := c.crashes.Load()
			samples, err = l.trips(n, period)
			crashes := c.crashes.Load() - before
			if err := errors.Join(err, c.close()); err != nil {
				return nil, err
			}
			if crashes == 0 {
				return nil, errors.New("no neighbour crashed meanwhile")
			}
			fmt.Fprintf(b.progress, "bench: neighbours: %d crashes during %d triggers\n", crashes, n)
			return samples, nil
		}
		rows, err = compare(b.ctx, []subject{
			{name: "booth", sample: beside},
			{name: "booth, nothing else happens", sample: func(n int) ([]float64, error) { return l.trips(n, period) }},
		}, s, told)
		return err
	})
	return rows, err
}

// crashing are booths that crash and are started again, all the time.
type crashing struct {
	crashes atomic.Uint64
	cancel  context.CancelFunc
	booths  sync.WaitGroup
	lane    chan error // what became of the lane that they are crashed through

	mu   sync.Mutex
	errs []error
}

// crash starts them and returns when each has crashed once.
func (b *bench) crash() (*crashing, error) {
	c := &crashing{lane: make(chan error, 1)}
	ctx, cancel := context.WithCancel(b.ctx)
	c.cancel = cancel
	up := make(chan *running)
	go func() {
		err := b.onLane(nil, func(l *lane) error {
			for r := range up {
				l.booth = r
				if err := l.crash(); err != nil && ctx.Err() == nil { // else it is being stopped
					return err
				}
			}
			return nil
		})
		cancel()
		c.lane <- err
	}()
	var once sync.WaitGroup
	for i := range crashers {
		plan := *b.plan
		plan.Name, plan.Standby = crasherName(i), true
		plan.Limits.RestartFree = math.MaxInt // longer and longer pauses would leave the others in peace
		once.Add(1)
		c.booths.Go(func() {
			first := sync.OnceFunc(once.Done)
			defer first()
			changes := b.observer[plan.Name]
			for len(changes) > 0 { // of the booth before
				<-changes
			}
			if err := b.crashAgain(ctx, &plan, up, func() { c.crashes.Add(1); first() }); err != nil {
				c.mu.Lock()
				c.errs = append(c.errs, err)
				c.mu.Unlock()
				cancel()
			}
		})
	}
	go func() {
		c.booths.Wait()
		close(up)
	}()
	once.Wait()
	if ctx.Err() != nil {
		return nil, errors.Join(ctx.Err(), c.close())
	}
	return c, nil
}

// crashAgain starts a booth and has it crashed by whoever takes it from up,
// each time that it is ready. told is called after each crash.
func (b *bench) crashAgain(ctx context.Context, plan *runner.Plan, up chan<- *running, told func()) (err error) {
	r, _, err := b.startPlan(plan, &sink{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	for {
		select {
		case up <- r:
		case <-ctx.Done():
			return nil
		}
		for ready := false; !ready; {
			select {
			case c := <-b.observer[plan.Name]:
				if c.ended {
					told()
				}
				ready = c.state == runner.StateReady
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// close ends all of them.
func (c *crashing) close() error {
	c.cancel()
	c.booths.Wait()
	return errors.Join(append(c.errs, <-c.lane)...)
}
