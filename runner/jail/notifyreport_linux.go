package jail

import (
	"strings"
	"sync"
	"time"

	"github.com/isobooth/isobooth/runner/control"
	"golang.org/x/sys/unix"
)

const (
	quotaWindow = time.Minute
	// maxKeys is how many denials of one booth are told apart; what comes
	// on top is told apart by call and phase only. A table takes 1 MiB
	// at most.
	maxKeys = 256
	// maxLooks is how many calls within quotaWindow have their arguments
	// looked up in the plugin's memory, after which they are told apart by
	// call and phase, too: a flood is to cost little. Few plugins may have so
	// many calls refused.
	maxLooks = 1024
)

// refusals counts the calls of one booth that were refused, or let through
// and reported.
type refusals struct {
	quota    int // refused calls within quotaWindow that end the booth
	maxKeys  int
	maxLooks int // within quotaWindow
	tell     func(control.Denial)

	mu     sync.Mutex // serve and those who take calls from it
	counts map[denialKey]uint64
	window time.Time // when the counts below began
	recent int       // refused calls in it
	looks  int       // calls looked up in it
}

// newRefusals has room for all that a plugin does where it is watched to learn
// what it needs.
func newRefusals(p *control.Prepare, tell func(control.Denial)) *refusals {
	r := &refusals{quota: p.Denials, maxKeys: maxKeys, maxLooks: maxLooks, tell: tell, counts: map[denialKey]uint64{}}
	if p.Policy.Learn != nil {
		r.maxKeys, r.maxLooks = 16*maxKeys, 1024*maxLooks
	}
	return r
}

// denialKey is what makes two calls the same denial.
type denialKey struct {
	nr      int32
	p       phase
	learned bool
	rest    bool      // whatever the arguments are: what follows is empty
	args    [6]uint64 // those that tell calls apart
	memory  string    // what pointers led to
}

// report counts a call and tells the daemon at the 1st, 2nd, 4th ... time,
// and when the quota is used up. The call must still be held. Safe to call
// from any goroutine.
func (l *listener) report(n *notification, p phase, d decision) {
	r := l.refused
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now.Sub(r.window) >= quotaWindow {
		r.window, r.recent, r.looks = now, 0, 0
	}
	over := false
	if d.verdict == fails {
		r.recent++
		over = r.recent == r.quota
	}
	name := l.policy.Names[int(n.nr)]
	args := declared()[name]
	key, seen := l.key(n, p, d, args)
	r.counts[key]++
	count := r.counts[key]
	if count&(count-1) != 0 && !over {
		return
	}
	denial := control.Denial{
		Call: name, Nr: int(n.nr), Phase: p.String(), Args: n.args, Count: count, Quota: over,
		Errno: int(d.errno), Learned: key.learned, At: monotonic(),
	}
	if !key.rest && len(args) > 0 {
		denial.Decoded = append(l.decode(n, name, args, seen), protocolArgument(n)...)
	}
	r.tell(denial)
}

// key finds the denial that a call belongs to, and what its pointers led to.
// The caller holds refused.mu.
func (l *listener) key(n *notification, p phase, d decision, args []argument) (denialKey, looked) {
	r := l.refused
	k := denialKey{nr: n.nr, p: p, learned: d.verdict == goesOn}
	rest := k
	rest.rest = true
	looks := false
	for i := range args {
		a := &args[i]
		looks = looks || a.inMemory()
		if a.tells() {
			k.args[a.index] = a.bits(n.args[a.index])
		}
	}
	var seen looked
	if looks {
		if r.looks == r.maxLooks {
			return rest, seen
		}
		r.looks++
		seen = look(args, &n.args, taskMemory(n.pid))
		if !l.valid(n.id) {
			seen = looked{} // of whoever has the task's number now
		}
		k.memory = strings.Join(seen[:], "\x00")
	}
	if r.counts[k] == 0 && len(r.counts) >= r.maxKeys {
		return rest, seen
	}
	return k, seen
}

// decode is for people, and looks at what the task has open.
func (l *listener) decode(n *notification, call string, args []argument, seen looked) []control.Argument {
	if len(args) == 0 {
		return nil
	}
	all := decode(call, args, &n.args, &seen, func(fd int32) string { return taskDescriptor(n.pid, fd) })
	if !l.valid(n.id) { // as above
		all = decode(call, args, &n.args, &seen, func(int32) string { return "" })
	}
	return all
}

// monotonic is CLOCK_MONOTONIC in nanoseconds, which the daemon has, too.
func monotonic() int64 {
	var t unix.Timespec
	// It fails for no clock that every kernel has.
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return t.Nano()
}
