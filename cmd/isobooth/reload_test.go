package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// clock is a reloader's: it hands out timers, and they fire when told to.
type clock struct{ timers chan timer }

type timer struct {
	d    time.Duration
	fire chan time.Time
}

func (c *clock) after(d time.Duration) <-chan time.Time {
	fire := make(chan time.Time, 1)
	c.timers <- timer{d, fire}
	return fire
}

// TestReloader: many events are one read, when it has become quiet or has not
// for long; files of others are none; and a signal is not waited for.
func TestReloader(t *testing.T) {
	events, missed, asked := make(chan fsnotify.Event), make(chan error), make(chan os.Signal)
	c, reads := &clock{make(chan timer, 16)}, make(chan bool, 16)
	r := &reloader{
		events: events, errors: missed, asked: asked, after: c.after,
		concerns: func(file string) bool { return file == "/p/mine.toml" },
		read:     func(asked bool) { reads <- asked },
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { r.run(ctx); close(done) }()
	edit := func(file string) { events <- fsnotify.Event{Name: file, Op: fsnotify.Write} }
	next := func(d time.Duration) timer {
		t.Helper()
		select {
		case x := <-c.timers:
			if x.d != d {
				t.Fatalf("a timer of %v, want %v", x.d, d)
			}
			return x
		case <-time.After(20 * time.Second):
			t.Fatal("no timer")
		}
		return timer{}
	}
	read := func(what string) {
		t.Helper()
		select {
		case asked := <-reads:
			if asked != (what == "asked") {
				t.Errorf("%s: read as if asked: %v", what, asked)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: nothing was read", what)
		}
	}

	edit("/p/other.toml")
	edit("/p/mine.toml")
	first, longest := next(quietTime), next(restlessTime)
	edit("/p/mine.toml")
	second := next(quietTime)
	first.fire <- time.Time{} // nobody waits for it any more
	edit("/p/other.toml")     // taken: it was not read
	if len(reads) != 0 {
		t.Error("read while it was being written")
	}
	second.fire <- time.Time{}
	read("quiet")
	longest.fire <- time.Time{}
	edit("/p/mine.toml")
	next(quietTime)
	if len(reads) != 0 {
		t.Error("read by a timer that is over")
	}
	next(restlessTime).fire <- time.Time{}
	read("never quiet")
	asked <- os.Interrupt
	read("asked")
	missed <- errors.New("queue overflow")
	read("events were missed")
	cancel()
	<-done
	if len(reads) != 0 || len(c.timers) != 0 {
		t.Errorf("%d more reads, %d more timers", len(reads), len(c.timers))
	}
}

// TestHangUp: a hang-up means "read again" as long as the terminal, if there
// ever was one, is there.
func TestHangUp(t *testing.T) {
	hangups := make(chan os.Signal, 1)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var ends []error
	reloads := reloadsOf(ctx, hangups, func(err error) { ends = append(ends, err) })
	hangups <- os.Interrupt
	select {
	case <-reloads:
	case <-time.After(20 * time.Second):
		t.Fatal("it was not passed on")
	}
	if slices.Contains(ends, errHungUp) {
		t.Error("taken for the end of the terminal")
	}
}

func TestComplains(t *testing.T) {
	var last string
	a, b := errors.New("a"), errors.New("b")
	for i, c := range []struct {
		err  error
		want bool
	}{{nil, false}, {a, true}, {a, false}, {b, true}, {nil, false}, {b, true}} {
		if got := complains(&last, c.err); got != c.want {
			t.Errorf("%d: %v", i, got)
		}
	}
}
