package miditest

import (
	"context"
	"sync"
	"time"
)

// Clock is a midi.Clock on which every sleep is over at once and takes
// exactly as long as asked, so that hours of music play in no time. The zero
// Clock is ready, at 0. Any goroutine may use it.
type Clock struct {
	mu  sync.Mutex
	now time.Duration
}

// Now returns the latest time that something slept or was advanced to.
func (c *Clock) Now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock forward, as a slow receiver does.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now += d
}

// SleepUntil moves the clock to t if that is later, or returns the cause if
// ctx is done.
func (c *Clock) SleepUntil(ctx context.Context, t time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = max(c.now, t)
	return nil
}
