package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/isobooth/isobooth/runner"
)

// running is a booth that is ready.
type running struct {
	*runner.Booth
	sink   *sink
	cancel context.CancelFunc
	done   chan error
}

// sink counts replies and remembers how long the last one took.
type sink struct {
	replies atomic.Uint64
	failed  atomic.Uint64
	latency atomic.Int64
	// replied gets the time of a reply, unless the one before is still there.
	// It is nil where nobody waits for one.
	replied chan time.Time
	// said gets what the plugin said with each reply. It is nil where nobody
	// wants to know.
	said func(item []byte)
}

func (s *sink) Reply(r *runner.Reply) {
	if r.Answer.Status != 0 {
		s.failed.Add(1)
	}
	if s.said != nil {
		for item := range r.Answer.Items {
			s.said(item.Data)
		}
	}
	s.latency.Store(int64(r.Latency))
	s.replies.Add(1)
	if s.replied != nil {
		select {
		case s.replied <- time.Now():
		default:
		}
	}
}

// start brings a booth to ready and returns how long that took.
func (b *bench) start() (*running, time.Duration, error) { return b.startPlan(b.plan, &sink{}) }

func (b *bench) startPlan(plan *runner.Plan, s *sink) (*running, time.Duration, error) {
	r := &running{sink: s, done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(b.ctx)
	r.cancel = cancel
	ready := make(chan struct{})
	begin := time.Now()
	var err error
	if r.Booth, err = b.host.NewBooth(plan, r.sink, b.cpu); err != nil {
		cancel()
		return nil, 0, err
	}
	go func() { r.done <- r.Run(ctx, func() { close(ready) }) }()
	select {
	case <-ready:
		return r, time.Since(begin), nil
	case err := <-r.done:
		cancel()
		return nil, 0, err
	}
}

// stop ends the booth and waits until it is gone.
func (r *running) stop() error {
	r.cancel()
	return <-r.done
}
