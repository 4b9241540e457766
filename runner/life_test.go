//go:build linux

package runner

import (
	"errors"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/isobooth/isobooth/runner/control"
)

var t0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func policy3() *Limits {
	return &Limits{RestartFree: 2, RestartPause: 100 * time.Millisecond, RestartPauseMax: time.Second, RestartReset: 10 * time.Second, Denials: 8, Violations: 3}
}

// at is a life in a state, with keep set and no jitter.
func at(s State) *life {
	return &life{limits: policy3(), state: s, since: t0, built: true, keep: true, jitter: func(time.Duration) time.Duration { return 0 }}
}

var (
	crash  = Cause{Kind: CauseSignal, Signal: syscall.SIGSEGV}
	attack = Cause{Kind: CauseSignal, Signal: syscall.SIGSYS}
	flood  = Cause{Kind: CauseDenials}
)

// TestEveryCell takes a booth in each state through each event. A cell that
// says never must be an error that changes nothing.
func TestEveryCell(t *testing.T) {
	// What the rows say, written down once more: state, event, next.
	want := map[State]string{
		StateStopped:     "start>standby stop>stopped orphaned>stopped",
		StateStandby:     "built>loading unbuilt>backing off released>standby stop>stopped orphaned>stopped",
		StateLoading:     "loaded>ready unloaded>standby violated>quarantined released>loading stop>draining orphaned>stopped",
		StateReady:       "ended>standby violated>quarantined released>ready stop>draining orphaned>stopped replaced>ready",
		StateDraining:    "released>draining stop>draining gone>stopped orphaned>stopped",
		StateBackingOff:  "due>standby released>standby stop>stopped orphaned>stopped",
		StateQuarantined: "released>standby stop>stopped orphaned>stopped",
	}
	if len(table) != len(want) {
		t.Errorf("the table has %d states, want %d", len(table), len(want))
	}
	for state, row := range table {
		var got []string
		for e := range events {
			if row[e] == "" {
				t.Errorf("%s, %s: the cell is empty", state, e)
			}
			l := at(state)
			cause := Cause{}
			switch e {
			case evUnbuilt, evUnloaded, evEnded:
				cause = crash
			case evViolated:
				cause = flood
			}
			if err := l.step(e, cause, t0.Add(time.Second)); err != nil {
				if row[e] != never || !strings.HasPrefix(err.Error(), "internal error: ") || l.state != state {
					t.Errorf("%s, %s: %v, now %s", state, e, err, l.state)
				}
				continue
			}
			if row[e] == never {
				t.Errorf("%s, %s: went to %s, should be an error", state, e, l.state)
			}
			got = append(got, e.String()+">"+string(l.state))
		}
		if text := strings.Join(got, " "); text != want[state] {
			t.Errorf("%s\ngot  %s\nwant %s", state, text, want[state])
		}
	}
}

// crashes has a ready booth crash, and says what follows: a state, and the
// pause where there is one.
func (l *life) crashes(t *testing.T, cause Cause, now time.Time) (State, time.Duration) {
	t.Helper()
	steps := []event{evEnded}
	if cause.Kind == CauseDenials {
		steps[0] = evViolated
	}
	if err := l.step(steps[0], cause, now); err != nil {
		t.Fatal(err)
	}
	end := l.state
	if end == StateBackingOff {
		steps = append(steps, evDue)
	}
	if end != StateQuarantined {
		for _, e := range append(steps[1:], evBuilt, evLoaded) {
			if err := l.step(e, Cause{}, now); err != nil {
				t.Fatal(err)
			}
		}
	}
	if end == StateBackingOff {
		return end, l.pause
	}
	return end, 0
}

func TestBackOff(t *testing.T) {
	l := at(StateReady)
	now := t0
	for i, want := range []time.Duration{0, 0, 100, 200, 400, 800, 1000, 1000} { // ms; two are free
		now = now.Add(time.Second)
		state, pause := l.crashes(t, crash, now)
		if pause != want*time.Millisecond || (state == StateStandby) != (want == 0) {
			t.Errorf("crash %d: %s, pause %v, want %v ms", i+1, state, pause, int(want))
		}
	}
	// Ready for a while, and crashes count from one.
	now = now.Add(10 * time.Second)
	if state, _ := l.crashes(t, crash, now); state != StateStandby || l.history.Crashes != 1 {
		t.Errorf("after a good while: %s, %d crashes", state, l.history.Crashes)
	}
	// The jitter is added, and never takes from the pause.
	l = at(StateReady)
	l.jitter = func(d time.Duration) time.Duration { return d / 4 }
	l.history.Crashes = 2
	if _, pause := l.crashes(t, crash, t0.Add(time.Second)); pause != 125*time.Millisecond {
		t.Errorf("with jitter %v", pause)
	}
	most := newLife(&Plan{Limits: *policy3()}).jitter
	for range 1000 {
		if j := most(100 * time.Millisecond); j < 0 || j > 25*time.Millisecond {
			t.Fatalf("jitter %v", j)
		}
	}
}

// TestUnbuilt: what could not be built is never tried again at once, and is
// not held against the plugin as a violation.
func TestUnbuilt(t *testing.T) {
	l := at(StateStandby)
	for i, want := range []time.Duration{100, 200, 400} {
		if err := l.step(evUnbuilt, Cause{Kind: CauseStart}, t0); err != nil || l.state != StateBackingOff || l.pause != want*time.Millisecond {
			t.Errorf("%d: %v, %s, pause %v", i, err, l.state, l.pause)
		}
		if err := l.step(evDue, Cause{}, t0); err != nil {
			t.Fatal(err)
		}
	}
}

func TestQuarantine(t *testing.T) {
	l := at(StateReady)
	for i, want := range []State{StateStandby, StateStandby, StateQuarantined} {
		if state, _ := l.crashes(t, attack, t0.Add(time.Duration(i+1)*20*time.Second)); state != want {
			t.Errorf("violation %d: %s, want %s", i+1, state, want)
		}
	}
	if q := l.history.Quarantine; q == nil || q.Cause != attack || !q.At.Equal(t0.Add(60*time.Second)) {
		t.Errorf("quarantine %+v", q)
	}
	// Released, it starts with a clean sheet.
	if err := l.step(evReleased, Cause{}, t0); err != nil || l.state != StateStandby || l.history.Quarantine != nil || l.history.Crashes != 0 || len(l.history.Violations) != 0 {
		t.Errorf("released: %v, %s, %+v", err, l.state, l.history)
	}

	// Violations that are long ago do not count, and crashes are none.
	l = at(StateReady)
	for i := range 20 {
		cause := attack
		if i%2 == 0 {
			cause = crash
		}
		if state, _ := l.crashes(t, cause, t0.Add(time.Duration(i)*6*time.Minute)); state == StateQuarantined {
			t.Fatalf("quarantined by end %d, with %v", i, l.history.Violations)
		}
	}

	// A quota of refused calls needs no second time.
	l = at(StateReady)
	if state, _ := l.crashes(t, flood, t0.Add(time.Second)); state != StateQuarantined {
		t.Errorf("after a flood: %s", state)
	}

	for _, c := range []struct {
		cause Cause
		bad   bool
	}{
		{attack, true}, {Cause{Kind: CauseProtocol}, true}, {Cause{Kind: CauseSeal}, true},
		{crash, false}, {Cause{Kind: CauseTimeout}, false}, {Cause{Kind: CauseOOM}, false}, {Cause{Kind: CauseExit}, false},
		{Cause{Kind: CauseLoad}, false}, {Cause{Kind: CauseStart}, false},
	} {
		if c.cause.violation() != c.bad {
			t.Errorf("%+v: violation is %v", c.cause, !c.bad)
		}
	}
}

// TestAttackOnTheWayOut: what a plugin does when it is asked to stop is held
// against it, if only an attack does that.
func TestAttackOnTheWayOut(t *testing.T) {
	for _, test := range []struct {
		cause       Cause
		violations  int
		quarantined bool
	}{{Cause{Kind: CauseStopped}, 0, false}, {crash, 0, false}, {attack, 1, false}, {flood, 0, true}} {
		l := at(StateDraining)
		if err := l.step(evGone, test.cause, t0); err != nil {
			t.Fatal(err)
		}
		if h := l.history; l.state != StateStopped || h.Crashes != 0 || len(h.Violations) != test.violations || (h.Quarantine != nil) != test.quarantined {
			t.Errorf("%+v: %s, %+v", test.cause, l.state, h)
		}
	}
}

// TestCauses: what only an attack does is not hidden by another end.
func TestCauses(t *testing.T) {
	killed := control.Exit{Signal: int(syscall.SIGKILL)}
	protocol, late := &Cause{Kind: CauseProtocol}, &Cause{Kind: CauseTimeout}
	for _, test := range []struct {
		saw        *Cause
		exit       control.Exit
		oom, quota bool
		want       CauseKind
	}{
		{nil, control.Exit{Code: 3}, false, false, CauseExit},
		{nil, killed, false, false, CauseSignal},
		{nil, killed, true, false, CauseOOM},
		{late, killed, true, false, CauseOOM},
		{late, killed, false, false, CauseTimeout},
		{protocol, killed, true, false, CauseProtocol},
		{protocol, killed, true, true, CauseDenials},
		{protocol, control.Exit{Signal: int(syscall.SIGSYS)}, false, false, CauseSignal},
	} {
		if c := causeOf(test.saw, test.exit, test.oom, test.quota); c.Kind != test.want {
			t.Errorf("%+v: %+v", test, c)
		}
	}
}

// TestFirstStart: before it was ready once, a failure ends the booth, unless
// the plan says otherwise.
func TestFirstStart(t *testing.T) {
	for _, keep := range []bool{false, true} {
		l := newLife(&Plan{Limits: *policy3(), KeepTrying: keep})
		for _, e := range []event{evStart, evBuilt} {
			if err := l.step(e, Cause{}, t0); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.step(evUnloaded, crash, t0); err != nil || (l.state == StateStopped) == keep {
			t.Errorf("keep %v: %v, %s", keep, err, l.state)
		}

		// A machine that cannot build a booth is not the plugin's fault.
		l = newLife(&Plan{Limits: *policy3(), KeepTrying: keep})
		for _, e := range []event{evStart, evUnbuilt} {
			if err := l.step(e, Cause{Kind: CauseStart}, t0); err != nil {
				t.Fatal(err)
			}
		}
		if l.state != StateStopped {
			t.Errorf("keep %v, never built: %s", keep, l.state)
		}
	}
}

// TestHistoryOutlivesTheDaemon: the next daemon begins where this one ended.
func TestHistoryOutlivesTheDaemon(t *testing.T) {
	l := at(StateReady)
	l.history.Crashes = 4
	l.crashes(t, attack, t0.Add(time.Second))
	l.crashes(t, attack, t0.Add(2*time.Second))
	plan := &Plan{Limits: *policy3(), History: l.history}

	next := newLife(plan)
	next.jitter = l.jitter
	for _, e := range []event{evStart, evBuilt, evLoaded} {
		if err := next.step(e, Cause{}, t0.Add(3*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if state, pause := next.crashes(t, crash, t0.Add(4*time.Second)); state != StateBackingOff || pause != time.Second {
		t.Errorf("a plugin that crashed six times crashes again: %s, pause %v", state, pause)
	}
	if state, _ := next.crashes(t, attack, t0.Add(5*time.Second)); state != StateQuarantined {
		t.Errorf("third violation: %s", state)
	}
	if len(plan.History.Violations) != 2 || plan.History.Quarantine != nil {
		t.Errorf("the plan's own history has changed: %+v", plan.History)
	}

	quarantined := newLife(&Plan{Limits: *policy3(), History: next.history})
	if err := quarantined.step(evStart, Cause{}, t0.Add(time.Hour)); err != nil || quarantined.state != StateQuarantined {
		t.Errorf("after the next start: %v, %s", err, quarantined.state)
	}

	// Crashes of yesterday are forgotten.
	later := newLife(plan)
	if err := later.step(evStart, Cause{}, t0.Add(24*time.Hour)); err != nil || later.history.Crashes != 0 {
		t.Errorf("a day later: %v, %+v", err, later.history)
	}
}

// TestCertain: before it is known why a worker ended, a start at once is
// certain only if both a crash and a violation would be followed by one.
func TestCertain(t *testing.T) {
	for _, c := range []struct {
		crashes, violations int
		want                bool
	}{{0, 0, true}, {1, 1, true}, {2, 0, false}, {0, 2, false}} {
		l := at(StateReady)
		l.history.Crashes = c.crashes
		for range c.violations {
			l.history.violation(t0)
		}
		before := l.history.clone()
		if got := l.certain(t0.Add(time.Second)); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
		if !reflect.DeepEqual(l.history, before) || l.state != StateReady {
			t.Errorf("%+v: asking has changed it: %+v", c, l.history)
		}
	}
}

// TestRunReturns: what Run returns for each way to stop.
func TestRunReturns(t *testing.T) {
	b := &Booth{name: "x"}
	bad := errors.New("bad")
	var start *StartError
	for _, c := range []struct {
		h    happening
		want func(error) bool
	}{
		{happening{event: evStop}, func(err error) bool { return err == nil }},
		{happening{event: evGone}, func(err error) bool { return err == nil }},
		{orphaned(), func(err error) bool { return errors.Is(err, ErrJailer) }},
		{happening{evUnloaded, crash, bad}, func(err error) bool { return errors.As(err, &start) && errors.Is(err, bad) && start.Cause == crash }},
	} {
		if err := b.verdict(c.h); !c.want(err) {
			t.Errorf("%s: %v", c.h.event, err)
		}
	}
}
