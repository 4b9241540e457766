package runner

import (
	"maps"
	"math/bits"
	"slices"
	"sync"
	"time"

	"github.com/isobooth/isobooth/cgroups"
)

// monitorEvery is how long a booth may have been at a limit before the
// Observer is told; it is told of the rest when the booth ends. One look at
// one booth takes 0.08 ms on control groups v1, none of it on the event path.
const monitorEvery = time.Second

// monitor looks after the limits of every booth that has a plugin in it. It
// sleeps while there is none.
type monitor struct {
	observer Observer
	wake     chan struct{}
	stop     chan struct{}

	mu    sync.Mutex
	seen  map[*instance]cgroups.Reached // up to the last look
	total map[reachedKey]uint64
}

type reachedKey struct{ booth, limit string }

func newMonitor(o Observer) *monitor {
	m := &monitor{
		observer: o, wake: make(chan struct{}, 1), stop: make(chan struct{}),
		seen: map[*instance]cgroups.Reached{}, total: map[reachedKey]uint64{},
	}
	go m.run()
	return m
}

func (m *monitor) close() { close(m.stop) }

func (m *monitor) run() {
	tick := time.NewTicker(monitorEvery)
	defer tick.Stop()
	for {
		select {
		case <-m.stop:
			return
		case <-m.wake:
			tick.Reset(monitorEvery)
		case <-tick.C:
			if !m.look() {
				tick.Stop()
			}
		}
	}
}

// watch begins to look after an instance. What was reached before, by
// building the booth, does not count.
func (m *monitor) watch(in *instance) {
	if in.group == nil {
		return
	}
	m.mu.Lock()
	m.seen[in] = in.reached
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// last takes the last look at an instance that has ended, unless it has been
// taken, and reports whether the kernel killed a process of it for memory: not
// always the worker, on v1.
func (m *monitor) last(in *instance) (oom bool) {
	if in.group == nil {
		return false
	}
	m.mu.Lock()
	_, watched := m.seen[in]
	m.mu.Unlock()
	if !watched {
		return false
	}
	r, err := in.group.Reached()
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		m.tell(in, r)
	}
	delete(m.seen, in)
	return r.OOMKills > 0
}

// look looks at every instance, and reports whether there is any.
func (m *monitor) look() bool {
	m.mu.Lock()
	all := slices.Collect(maps.Keys(m.seen))
	m.mu.Unlock()
	for _, in := range all {
		// Without mu: a booth that starts or ends need not wait for it.
		r, err := in.group.Reached()
		m.mu.Lock()
		if err == nil {
			m.tell(in, r)
		} else {
			delete(m.seen, in)
		}
		m.mu.Unlock()
	}
	return len(all) > 0
}

// tell adds up what is new, and reports each limit at its 1st, 2nd, 4th, 8th
// ... time. The caller holds mu, so that the Observer sees counts rise.
func (m *monitor) tell(in *instance, now cgroups.Reached) {
	before, ok := m.seen[in]
	if !ok {
		return // ended meanwhile, and last has told
	}
	group := in.group.Limits()
	for _, l := range []struct {
		name        string
		value       float64
		before, now *uint64
	}{
		{limitMemory, float64(group.Memory), &before.Memory, &now.Memory},
		{limitCPU, group.CPU, &before.CPU, &now.CPU},
		{limitPids, float64(group.Pids), &before.Pids, &now.Pids},
	} {
		// A look that began before another may end after it.
		*l.now = max(*l.now, *l.before)
		key := reachedKey{in.plan.Name, l.name}
		old := m.total[key]
		m.total[key] = old + *l.now - *l.before
		if bits.Len64(m.total[key]) > bits.Len64(old) {
			m.observer.Limited(in.plan.Name, Limit{Name: l.name, Value: l.value, Count: m.total[key]})
		}
	}
	m.seen[in] = now
}

// Usage reads what the booth's control group uses now, and has used since its
// worker started; zero when none runs or there are no control groups.
func (b *Booth) Usage() cgroups.Stats {
	b.mu.Lock()
	live := b.live
	b.mu.Unlock()
	if live == nil || live.group == nil {
		return cgroups.Stats{}
	}
	s, err := live.group.Stats()
	if err != nil {
		return cgroups.Stats{} // it has just ended
	}
	return s
}
