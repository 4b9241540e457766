package runner

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"
	"sync"

	"github.com/isobooth/isobooth/runner/control"
)

// Ends count the workers of a booth that have ended.
type Ends struct {
	// Causes counts them by why; those that were never in service are among
	// them, when the booth waited for them.
	Causes map[CauseKind]uint64 `json:"causes"`
	// Violations are those of them that no plugin has by accident.
	Violations uint64 `json:"violations"`
}

// endTally counts ends; not on the event path.
type endTally struct {
	mu   sync.Mutex
	ends Ends
}

func (t *endTally) count(c Cause) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ends.Causes == nil {
		t.ends.Causes = map[CauseKind]uint64{}
	}
	t.ends.Causes[c.Kind]++
	if c.violation() {
		t.ends.Violations++
	}
}

// soFar returns a copy.
func (t *endTally) soFar() Ends {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.ends
	if e.Causes = maps.Clone(e.Causes); e.Causes == nil {
		e.Causes = map[CauseKind]uint64{}
	}
	return e
}

// Refused counts a booth's refused calls of one name in one phase.
type Refused struct {
	Call  string `json:"call"`
	Phase string `json:"phase"`
	// AtLeast is how many there were, over all restarts: the jailer reports the
	// 1st, 2nd, 4th, 8th and so on of a worker, so there may have been almost
	// twice as many.
	AtLeast uint64 `json:"at_least"`
}

// refusedMost bounds the calls that are told apart for one booth. It is more
// than any kernel has, in two phases: only a jailer gone wrong reaches it.
const refusedMost = 2048

type refusedKey struct{ call, phase string }

// refusals counts the refused calls of every booth, by name.
type refusals struct {
	mu     sync.Mutex
	booths map[string]map[refusedKey]uint64
}

// count adds what a report says beyond the one before it.
func (r *refusals) count(booth string, d *control.Denial) {
	if d.Learned {
		return // it was let through
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.booths == nil {
		r.booths = map[string]map[refusedKey]uint64{}
	}
	calls := r.booths[booth]
	if calls == nil {
		calls = map[refusedKey]uint64{}
		r.booths[booth] = calls
	}
	key := refusedKey{d.Call, d.Phase}
	if _, ok := calls[key]; ok || len(calls) < refusedMost {
		calls[key] += news(d.Count)
	}
}

// news is how many of a count the report before it had not: that was at the
// largest power of two below.
func news(count uint64) uint64 {
	if count < 2 {
		return count
	}
	return count - 1<<(bits.Len64(count-1)-1)
}

// of lists a booth's, the most frequent first.
func (r *refusals) of(booth string) []Refused {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := []Refused{}
	for key, n := range r.booths[booth] {
		all = append(all, Refused{key.call, key.phase, n})
	}
	slices.SortFunc(all, func(a, b Refused) int {
		return cmp.Or(cmp.Compare(b.AtLeast, a.AtLeast), cmp.Compare(a.Call, b.Call), cmp.Compare(a.Phase, b.Phase))
	})
	return all
}
