package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/runner"
	"golang.org/x/sys/unix"
)

// notePeriod is the time from one note to the next: a run of quick ones.
const notePeriod = 5 * time.Millisecond

// notePatience is how long notes may take before they count as lost.
const notePatience = 30 * time.Second

// notes are the times of one run, by note, in nanoseconds of CLOCK_REALTIME,
// the one clock that no time namespace shifts.
type notes struct {
	sent, delivered []int64
	called          []int64      // by the plugin's own word
	calls           atomic.Int64 // of the plugin, or of a deliver that does nothing
	failed          atomic.Pointer[error]
}

func newNotes(n int) *notes {
	return &notes{sent: make([]int64, n), delivered: make([]int64, 0, n), called: make([]int64, n)}
}

// said takes the plugin's word for the time of the next call.
func (t *notes) said(text []byte) {
	at, err := strconv.ParseInt(string(text), 10, 64)
	i := t.calls.Load()
	if err != nil || int(i) == len(t.called) {
		err = errors.Join(err, fmt.Errorf("call %d: %q is not a time", i, text))
		t.failed.Store(&err)
		return
	}
	t.called[i] = at
	t.calls.Add(1)
}

// between are the times from a to b, in microseconds.
func between(a, b []int64) []float64 {
	all := make([]float64, len(a))
	for i := range a {
		all[i] = float64(b[i]-a[i]) / float64(time.Microsecond)
	}
	return all
}

// latency measures how long a note takes from the wire to the plugin, beside
// the same way to a deliver that does nothing.
func (b *bench) latency(told func(int), s size, open func() (*wire, error)) (rows []Row, err error) {
	const toPlugin, alone, added = "booth", "the driver alone, to its deliver", "from deliver to the plugin"
	w, err := open()
	if errors.Is(err, errNoWire) {
		for _, name := range []string{toPlugin, alone, added} {
			rows = append(rows, Row{Subject: name, Missing: errNoWire.Error()})
		}
		return rows, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	all, err := mappings()
	if err != nil {
		return nil, err
	}
	router := midi.NewRouter(all)
	var current *notes
	booth, _, err := b.startPlan(b.plan, &sink{said: func(text []byte) { current.said(text) }})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, booth.stop()) }()
	err = b.onLane(booth, func(l *lane) error {
		through := func(times func(*notes) []float64) func(int) ([]float64, error) {
			return func(n int) ([]float64, error) {
				current = newNotes(n)
				if err := b.play(w, current, l.feed(router, current)); err != nil {
					return nil, err
				}
				if err := current.wait(); err != nil {
					return nil, err
				}
				return times(current), nil
			}
		}
		rows, err = compare(b.ctx, []subject{
			{name: toPlugin, sample: through(func(t *notes) []float64 { return between(t.sent, t.called) })},
			{name: alone, sample: func(n int) ([]float64, error) {
				t := newNotes(n)
				if err := b.play(w, t, func(*midi.Event) { t.calls.Add(1) }); err != nil {
					return nil, err
				}
				return between(t.sent, t.delivered), nil
			}},
			{name: added, sample: through(func(t *notes) []float64 { return between(t.delivered, t.called) })},
		}, s, told)
		return err
	})
	return rows, err
}

// routed is how many mappings the daemon of the measurement has, one of which
// matches.
const routed = 64

func mappings() ([]midi.Mapping, error) {
	var specs []midi.MappingSpec
	for i := range routed - 1 {
		specs = append(specs, midi.MappingSpec{
			Name: fmt.Sprint(i), Plugin: "bench", Action: "other",
			Trigger: midi.TriggerSpec{Note: i, Velocity: "127"},
		})
	}
	specs = append(specs, midi.MappingSpec{
		Name: "time", Plugin: "bench", Action: "time", Trigger: midi.TriggerSpec{Note: "0-127"},
	})
	return midi.CompileAll(specs)
}

// feed returns what the daemon does with an event: it finds the mappings that
// match and sends a trigger for each.
func (l *lane) feed(r *midi.Router, t *notes) func(*midi.Event) {
	g := midi.NewGestures(midi.NewModes("default"), func(m *midi.Mapping, e *midi.Event, g *midi.Gesture) {
		if err := l.Send(l.booth.Booth, runner.Trigger{Event: e, Mapping: m, Gesture: *g}); err != nil {
			t.failed.Store(&err)
		}
	})
	g.Use(r)
	return g.Feed
}

// play sends notes and runs w on this goroutine until all of them came.
func (b *bench) play(w *wire, t *notes, deliver func(*midi.Event)) error {
	ctx, cancel := context.WithTimeout(b.ctx, notePatience)
	defer cancel()
	sent := make(chan error, 1)
	go func() { sent <- t.send(ctx, w) }()
	err := w.run(ctx, func(e *midi.Event) {
		t.delivered = append(t.delivered, time.Now().UnixNano())
		deliver(e)
		if len(t.delivered) == cap(t.delivered) {
			cancel()
		}
	})
	switch serr := <-sent; {
	case serr != nil:
		return serr
	case !errors.Is(err, context.Canceled) || len(t.delivered) < len(t.sent):
		return fmt.Errorf("%d of %d notes came: %w", len(t.delivered), len(t.sent), err)
	}
	return b.ctx.Err()
}

// send sends the notes, on a thread of its own.
func (t *notes) send(ctx context.Context, w *wire) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var at unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &at); err != nil {
		return os.NewSyscallError("clock_gettime", err)
	}
	for i := range t.sent {
		at = unix.NsecToTimespec(at.Nano() + int64(notePeriod))
		for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &at, nil) == unix.EINTR {
		}
		// On a machine that is busy with something else they would queue.
		for int(t.calls.Load()) < i && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		t.sent[i] = time.Now().UnixNano()
		if err := w.send([]byte{0x90, byte(i & 127), 100}); err != nil {
			return err
		}
	}
	return nil
}

// wait waits until the plugin was called for every note.
func (t *notes) wait() error {
	for end := time.Now().Add(notePatience); int(t.calls.Load()) < len(t.called); time.Sleep(time.Millisecond) {
		if err := t.failed.Load(); err != nil {
			return *err
		}
		if time.Now().After(end) {
			return fmt.Errorf("the plugin told the time of %d of %d calls", t.calls.Load(), len(t.called))
		}
	}
	return nil
}
