package runner

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// event is what can happen to a booth.
type event int

const (
	evStart    event = iota // Run has begun
	evBuilt                 // a confined, empty worker is there
	evUnbuilt               // it could not be made
	evLoaded                // the plugin is loaded, the booth sealed
	evUnloaded              // the worker ended, or had to, while loading
	evEnded                 // the same, once it was ready
	evDue                   // the pause is over
	evViolated              // it used up its quota of refused calls
	evReleased              // the user lets it start again
	evStop                  // Run must end
	evGone                  // the worker that was to stop is gone
	evOrphaned              // the jailer is gone, and with it every worker
	evReplaced              // a worker of another plan serves in place of the one before
	events
)

var eventNames = [events]string{"start", "built", "unbuilt", "loaded", "unloaded", "ended", "due", "violated", "released", "stop", "gone", "orphaned", "replaced"}

func (e event) String() string { return eventNames[e] }

// outcome is a cell of the table: the next state, or one of those below.
type outcome = State

const (
	stay  outcome = "stay"  // nothing changes
	never outcome = "never" // cannot happen: an internal error
	admit outcome = "admit" // standby, or quarantined as the history says
	judge outcome = "judge" // standby, backing off, quarantined or stopped, as life.judge decides
)

// table is a booth's whole life. What Run does in each state, and so which
// events it can meet there, is in supervise_linux.go.
var table = map[State][events]outcome{
	//                 start  built         unbuilt loaded      unloaded ended  due           violated          released      stop           gone          orphaned      replaced
	StateStopped:     {admit, never, never, never, never, never, never, never, never, stay, never, stay, never},
	StateStandby:     {never, StateLoading, judge, never, never, never, never, never, stay, StateStopped, never, StateStopped, never},
	StateLoading:     {never, never, never, StateReady, judge, never, never, judge, stay, StateDraining, never, StateStopped, never},
	StateReady:       {never, never, never, never, never, judge, never, judge, stay, StateDraining, never, StateStopped, StateReady},
	StateDraining:    {never, never, never, never, never, never, never, never, stay, stay, StateStopped, StateStopped, never},
	StateBackingOff:  {never, never, never, never, never, never, StateStandby, never, StateStandby, StateStopped, never, StateStopped, never},
	StateQuarantined: {never, never, never, never, never, never, never, never, StateStandby, StateStopped, never, StateStopped, never},
}

// life decides what becomes of a booth. It does nothing itself and has no
// clock: the time is an argument.
type life struct {
	limits  *Limits
	history History
	state   State
	since   time.Time     // when the state began
	pause   time.Duration // of StateBackingOff
	built   bool          // a worker was there once: this machine can do it
	keep    bool          // ends are followed by a start: always once it was ready
	// jitter returns up to d more, so that plugins that died together do not
	// come back together.
	jitter func(d time.Duration) time.Duration
}

func newLife(p *Plan) life {
	return life{
		limits: &p.Limits, history: p.History.clone(), state: StateStopped, keep: p.KeepTrying,
		jitter: func(d time.Duration) time.Duration { return rand.N(d/4 + 1) },
	}
}

// step moves to the next state. cause says why the worker ended; it counts
// with the events that end one only.
func (l *life) step(e event, cause Cause, now time.Time) error {
	next := table[l.state][e]
	switch next {
	case stay:
		return nil
	case never, "":
		return fmt.Errorf("internal error: a booth that is %s met %q", l.state, e)
	case admit:
		next = l.admit(now)
	case judge:
		next = l.judge(e, cause, now)
	}
	switch e {
	case evReleased:
		l.history = History{}
	case evGone: // it was asked to end, and may have attacked on its way
		l.blame(cause, now)
	}
	l.built = l.built || next == StateLoading
	l.keep = l.keep || next == StateReady
	l.state, l.since = next, now
	return nil
}

func (l *life) admit(now time.Time) State {
	h := &l.history
	if h.Quarantine != nil {
		return StateQuarantined
	}
	if now.Sub(h.LastEnd) > l.limits.RestartReset {
		h.Crashes = 0
	}
	return StateStandby
}

// judge decides after an end that nobody asked for.
func (l *life) judge(e event, cause Cause, now time.Time) State {
	h := &l.history
	if l.state == StateReady && now.Sub(l.since) >= l.limits.RestartReset {
		h.Crashes = 0
	}
	h.Crashes++
	h.LastEnd = now
	l.blame(cause, now)
	switch {
	case !l.keep || !l.built:
		return StateStopped
	case h.Quarantine != nil:
		return StateQuarantined
	case h.Crashes <= l.limits.RestartFree && e != evUnbuilt:
		return StateStandby
	}
	l.pause = l.backoff(e)
	return StateBackingOff
}

// blame counts what only an attack does, and quarantines for it.
func (l *life) blame(cause Cause, now time.Time) {
	violations := 0
	if cause.violation() {
		violations = l.history.violation(now)
	}
	if cause.Kind == CauseDenials || violations >= l.limits.Violations {
		l.history.Quarantine = &Quarantine{At: now, Cause: cause}
	}
}

// certain reports whether the end of the worker that is ready now will be
// followed by a start at once, however it came about. A quota of refused calls
// that is used up is the exception.
func (l life) certain(now time.Time) bool {
	for _, cause := range []Cause{{Kind: CauseSignal}, {Kind: CauseProtocol}} {
		would := l
		would.history = l.history.clone()
		if would.judge(evEnded, cause, now) != StateStandby {
			return false
		}
	}
	return true
}

// backoff is the pause after the crash that was counted last. What could not
// be built is not worth trying again at once.
func (l *life) backoff(e event) time.Duration {
	n := l.history.Crashes - l.limits.RestartFree
	if e == evUnbuilt {
		n = l.history.Crashes
	}
	pause := l.limits.RestartPause
	for ; n > 1 && pause < l.limits.RestartPauseMax; n-- {
		pause *= 2
	}
	pause = min(pause, l.limits.RestartPauseMax)
	return pause + l.jitter(pause)
}
