package jail

import (
	"sync"
	"time"

	"github.com/isobooth/isobooth/runner/control"
)

// refusals counts the calls of one booth that were refused, or let through
// and reported.
type refusals struct {
	quota int // refused calls within quotaWindow that end the booth
	tell  func(control.Denial)

	mu     sync.Mutex // serve and those who take calls from it
	counts map[denialKey]uint64
	window time.Time // when the count below began
	recent int       // refused calls in it
}

const quotaWindow = time.Minute

type denialKey struct {
	nr int32
	p  phase
}

// report counts a call and tells the daemon at the 1st, 2nd, 4th ... time,
// and when the quota is used up. The call must still be held. Safe to call
// from any goroutine.
func (l *listener) report(n *notification, p phase, d decision) {
	r := &l.refused
	r.mu.Lock()
	defer r.mu.Unlock()
	k := denialKey{n.nr, p}
	r.counts[k]++
	over := d.verdict == fails && r.over()
	if c := r.counts[k]; c&(c-1) == 0 || over {
		r.tell(control.Denial{
			Call: l.policy.Names[int(n.nr)], Nr: int(n.nr), Phase: p.String(), Args: n.args, Count: c, Quota: over,
			Errno: int(d.errno), Learned: d.verdict == goesOn,
		})
	}
}

// over counts a refused call and reports whether it is the one that uses up
// the quota.
func (r *refusals) over() bool {
	if now := time.Now(); now.Sub(r.window) >= quotaWindow {
		r.window, r.recent = now, 0
	}
	r.recent++
	return r.recent == r.quota
}
