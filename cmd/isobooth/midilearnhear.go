package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/recognize"
)

// learnTick is how often learn looks whether a gesture is over.
const learnTick = 50 * time.Millisecond

// errNoGesture is an input that ended before a gesture was known.
var errNoGesture = errors.New("no gesture was learned")

// notAPort reports whether an input is a file or stdin.
func notAPort(name string) bool {
	name = strings.ToLower(name)
	return name == "-" || strings.HasSuffix(name, ".mid") || strings.HasSuffix(name, ".midi")
}

// arrival is an event, or the end of a source.
type arrival struct {
	e   midi.Event
	at  time.Duration
	end bool
	err error
}

// noWait is the clock of a file that is read, not played.
type noWait struct{ now time.Duration }

func (n *noWait) Now() time.Duration { return n.now }

func (n *noWait) SleepUntil(ctx context.Context, t time.Duration) error {
	n.now = max(n.now, t)
	return context.Cause(ctx)
}

// hearing is one wait for a gesture.
type hearing struct {
	app *app
	r   *recognize.Recognizer
	// doubt is what a control might be, once learn has asked.
	doubt *recognize.Gesture
}

// hearGesture waits for a gesture on the inputs; port says that it came from
// a port, whose name means something.
func (a *app) hearGesture(ctx context.Context, want recognize.Kind, inputs []string) (g *recognize.Gesture, port bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	arrivals := make(chan arrival)
	var readers sync.WaitGroup
	// In this order: a source ends with ctx, and is closed after that.
	var close []func()
	defer func() {
		cancel()
		readers.Wait()
		for _, done := range close {
			done()
		}
	}()
	start := time.Now()
	live, running := true, 0
	for _, name := range inputs {
		src, done, err := a.openInput(name)
		if err != nil {
			return nil, false, err
		}
		close = append(close, done)
		if smf, ok := src.(*midi.SMF); ok {
			smf.Clock, live = &noWait{}, false
		}
		running++
		readers.Go(func() { read(ctx, src, time.Since(start), arrivals) })
	}
	port = !notAPort(inputs[0])
	if live {
		a.say("play the gesture; Ctrl-C ends without one")
	}
	h := hearing{app: a, r: recognize.NewRecognizer(want)}
	tick := time.NewTicker(learnTick)
	defer tick.Stop()
	var last time.Duration
	var failed []error
	for running > 0 {
		select {
		case <-ctx.Done():
			return nil, false, ctx.Err()
		case <-tick.C:
			// A file's events have its own times.
			if live {
				g = h.over(time.Since(start))
			}
		case in := <-arrivals:
			if in.end {
				running--
				failed = append(failed, in.err)
				continue
			}
			last = max(last, in.at)
			if g = h.over(last); g == nil {
				h.r.Hear(&in.e, last)
			}
		}
		if g != nil {
			return g, port, nil
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	g, err = h.ended(last)
	return g, port, errors.Join(append([]error{err}, failed...)...)
}

// read passes on what a source delivers, and its end. Its events count their
// time from the moment at.
func read(ctx context.Context, src source, at time.Duration, to chan<- arrival) {
	send := func(a arrival) {
		select {
		case to <- a:
		case <-ctx.Done():
		}
	}
	err := src.Run(ctx, func(e *midi.Event) { send(arrival{e: *e, at: at + e.Time}) })
	send(arrival{end: true, err: err})
}

// over returns the gesture if it is over and clear. If it is not clear it
// says what to do.
func (h *hearing) over(now time.Duration) *recognize.Gesture {
	if !h.r.Over(now) {
		return nil
	}
	g, err := h.r.Gesture(now)
	switch {
	case err != nil:
		h.app.say("%v; once more", err)
		h.r.Reset()
		h.doubt = nil
	case len(g.MightBe) > 0:
		h.app.say("controller %d may be %s", g.Number, doubtWords(g))
		h.app.hint("turn it a little both ways, or press it again")
		h.r.Again()
		h.doubt = g
	default:
		return g
	}
	return nil
}

// ended returns the gesture that the end of the input made complete.
func (h *hearing) ended(now time.Duration) (*recognize.Gesture, error) {
	if h.r.Empty() && h.doubt == nil {
		return nil, fmt.Errorf("%w: the input ended without one", errNoGesture)
	}
	g := h.doubt
	if !h.r.Empty() {
		var err error
		if g, err = h.r.Gesture(now); err != nil {
			return nil, fmt.Errorf("%w: %w", errNoGesture, err)
		}
	}
	if len(g.MightBe) > 0 {
		return nil, fmt.Errorf("%w: controller %d may be %s; turn it both ways, or say which with --kind", errNoGesture, g.Number, doubtWords(g))
	}
	return g, nil
}
