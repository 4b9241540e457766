package runner

import (
	"fmt"
	"time"

	"github.com/isobooth/isobooth/runner/wire"
	"golang.org/x/sys/unix"
)

// unaskedTime is how often the reply pipe of an idle booth is looked at. A
// frame that nobody asked for spoils the next trigger; without this it would
// be found by that trigger only. To look before every trigger would cost each
// of them a system call.
const unaskedTime = 500 * time.Millisecond

// listen finds what the instance writes, or that it hangs up, while no
// trigger is under way. It returns when the instance is out of service.
func (b *Booth) listen(in *instance) {
	tick := time.NewTicker(unaskedTime)
	defer tick.Stop()
	for {
		select {
		case <-in.exited:
			return
		case <-tick.C:
		}
		saw, ok := b.unasked(in)
		if !ok {
			b.fail(in, saw)
			return
		}
	}
}

// unasked looks once. ok is false when the instance must end, or has; saw is
// then why, nil when it hung up.
func (b *Booth) unasked(in *instance) (saw *Cause, ok bool) {
	// While mu is held and the instance is live, its pipes stay open, and no
	// exchange begins.
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.live != in {
		return nil, false
	}
	if b.busy {
		return nil, true
	}
	// POLLHUP and POLLERR, the ends of the other side, come unasked; poll(2).
	p := [2]unix.PollFd{{Fd: int32(in.pipes.rn), Events: unix.POLLIN}, {Fd: int32(in.pipes.w)}}
	n, err := unix.Ppoll(p[:], &unix.Timespec{}, nil)
	switch {
	case err != nil || n == 0: // EINTR: the next look will do
		return nil, true
	case p[0].Revents&unix.POLLIN != 0:
		err := fmt.Errorf("%w: wrote without being asked", wire.ErrFrame)
		return sawOf(err, ""), false
	default:
		return nil, false
	}
}
