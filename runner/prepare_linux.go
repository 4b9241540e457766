package runner

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// errWithdrawn ends a worker whose plan is not wanted after all.
var errWithdrawn = errors.New("withdrawn")

// errLater is the answer to Prepare of a booth that has no worker.
var errLater = errors.New("nothing to prepare")

// Prepared is a worker of another plan that has loaded the plugin, is sealed,
// and waits. Commit or Withdraw must follow: until then the booth takes no
// other change.
type Prepared struct {
	booth  *Booth
	change *change
	later  bool // there is no worker: the plan is for the next start
}

// Prepare does what can fail of Replace, so that several booths change
// together or not at all. A booth without a worker, in a pause or in
// quarantine, has nothing made for it: its plugin is not run to be tried.
func (b *Booth) Prepare(plan *Plan) (*Prepared, error) {
	if err := b.takes(plan); err != nil {
		return nil, err
	}
	c := &change{plan: plan, done: make(chan error, 1), loaded: make(chan struct{}), verdict: make(chan error, 1)}
	b.changing.Lock()
	if !b.hand(c) {
		b.changing.Unlock()
		return nil, ErrStopped
	}
	select {
	case <-c.loaded:
		return &Prepared{booth: b, change: c}, nil
	case err := <-c.done:
		b.changing.Unlock()
		if err == errLater {
			return &Prepared{booth: b, change: c, later: true}, nil
		}
		return nil, err
	}
}

// Commit has the booth go on under the plan, as Replace does, and returns when
// it does. It fails when the worker has ended while it waited; then nothing
// has changed.
func (p *Prepared) Commit() error {
	if p.later {
		return p.booth.Replace(p.change.plan)
	}
	return p.conclude(nil)
}

// Withdraw removes the worker. The booth goes on as it was.
func (p *Prepared) Withdraw() {
	if !p.later {
		_ = p.conclude(errWithdrawn) // which is its answer, or that the booth has stopped
	}
}

func (p *Prepared) conclude(verdict error) error {
	defer p.booth.changing.Unlock()
	p.change.verdict <- verdict
	return <-p.change.done
}

// await is how a worker that is loaded waits for what becomes of it, unless
// it is to serve at once.
func (c *change) await(ctx context.Context, in *instance) error {
	if c.verdict == nil {
		return nil
	}
	close(c.loaded)
	select {
	case err := <-c.verdict:
		if err == nil && in.over() {
			err = os.ErrProcessDone
		}
		return err
	case <-in.exited:
		return os.ErrProcessDone
	case <-ctx.Done():
		return ctx.Err()
	}
}

// over reports whether the worker's process has ended, which is known before
// anyone tells: pidfd_open(2), a pidfd is readable from then on.
func (in *instance) over() bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(in.pidfd.Fd()), Events: unix.POLLIN}}, 0)
	return err == nil && n > 0
}

// takes returns an error when a plan cannot be this booth's.
func (b *Booth) takes(plan *Plan) error {
	if err := plan.validate(); err != nil {
		return err
	}
	if plan.Name != b.name {
		return fmt.Errorf("internal error: plan %q for booth %q", plan.Name, b.name)
	}
	if q := plan.History.Quarantine; q != nil && plan.build() != b.Plan().build() {
		return fmt.Errorf("booth %q: this build of its plugin is in quarantine: %v", b.name, q.Cause)
	}
	return nil
}

// build tells one build of a plugin from another: what one has done says
// nothing of the next.
func (p *Plan) build() [32]byte { return p.Plugin.Image.SHA256 }

// renew has another build of the plugin begin with its own history, at once
// if the booth was held for that of the one before.
func (b *Booth) renew(plan *Plan) {
	if plan.build() == b.build {
		return
	}
	b.build, b.life.history = plan.build(), plan.History.clone()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.history = b.life.history.clone()
	if b.state == StateQuarantined || b.state == StateBackingOff {
		select {
		case b.released <- struct{}{}:
		default: // released already, and about to see it
		}
	}
}
