package midi

import (
	"context"
	"time"
)

// Clock is the time a source plays by. Tests replace it.
type Clock interface {
	// Now returns the time since some fixed moment; it never goes back.
	Now() time.Duration

	// SleepUntil returns nil when Now has reached t, at once if it has
	// already, or context.Cause(ctx) as soon as ctx is done.
	SleepUntil(ctx context.Context, t time.Duration) error
}

// systemClock is the machine's monotonic clock. It keeps one timer for all
// sleeps, so only one goroutine may use it.
type systemClock struct {
	start time.Time
	timer *time.Timer
}

func newSystemClock() *systemClock {
	t := time.NewTimer(0)
	t.Stop()
	return &systemClock{start: time.Now(), timer: t}
}

func (c *systemClock) Now() time.Duration { return time.Since(c.start) }

func (c *systemClock) SleepUntil(ctx context.Context, t time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	wait := t - c.Now()
	if wait <= 0 {
		return nil
	}
	c.timer.Reset(wait)
	select {
	case <-c.timer.C:
		return nil
	case <-ctx.Done():
		c.timer.Stop()
		return context.Cause(ctx)
	}
}
