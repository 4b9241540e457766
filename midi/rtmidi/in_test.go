package rtmidi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/isobooth/isobooth/midi"
)

func TestRing(t *testing.T) {
	r := newRing(8)
	b := make([]byte, 8)
	for range 5 { // round and round
		r.put([]byte{1, 2, 3})
		r.put([]byte{4, 5, 6})
		r.put([]byte{7, 8, 9}) // no room
		r.put([]byte{0xf8})    // there is, but it would hide the loss
		if n, lost := r.take(b[:4]); n != 4 || lost || !bytes.Equal(b[:4], []byte{1, 2, 3, 4}) {
			t.Fatalf("took % x, %v", b[:n], lost)
		}
		if n, lost := r.take(b); n != 2 || !lost || !bytes.Equal(b[:2], []byte{5, 6}) {
			t.Fatalf("took % x, %v", b[:n], lost)
		}
		if n, lost := r.take(b); n != 0 || lost {
			t.Fatalf("took % x, %v", b[:n], lost)
		}
	}
	if n := r.overflows.Load(); n != 10 {
		t.Errorf("%d overflows", n)
	}
}

func TestRingDoesNotAllocate(t *testing.T) {
	r, msg, b := newRing(100), []byte{0x90, 60, 1}, make([]byte, 8)
	if n := testing.AllocsPerRun(100, func() { r.put(msg); r.take(b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// pipe is the waiter and the system of an In without RtMidi.
type pipe struct {
	wake chan error

	mu     sync.Mutex
	n      uint64 // lost
	closed int
	in     *In
}

func newPipe() *pipe {
	p := &pipe{wake: make(chan error, 100)}
	p.in = newIn("pad", p)
	p.in.system = system{
		lost:  func() uint64 { p.mu.Lock(); defer p.mu.Unlock(); return p.n },
		mark:  func(b []byte) error { p.in.put(b); return nil },
		close: func() error { p.closed++; return nil },
	}
	return p
}

func (p *pipe) Wait() error { return <-p.wake }
func (p *pipe) Wake()       { p.wake <- nil }
func (p *pipe) Close()      {}

// events runs in until the port goes, and returns what it delivered.
func (p *pipe) events(t *testing.T) (events []string) {
	t.Helper()
	p.wake <- midi.ErrGone
	err := p.in.Run(t.Context(), func(e *midi.Event) {
		if e.Device != "pad" {
			t.Errorf("Device %q", e.Device)
		}
		events = append(events, fmt.Sprintf("% x", e.AppendRaw(nil)))
	})
	if !errors.Is(err, midi.ErrGone) {
		t.Errorf("Run = %v", err)
	}
	return events
}

// What came before the port went is delivered; of what we send behind it,
// nothing is. One who sends that in the meantime is not cut off.
func TestInGone(t *testing.T) {
	p := newPipe()
	p.in.put([]byte{0x90, 60, 1})
	p.in.put(mark)
	p.in.put([]byte{0xf8})
	if got := p.events(t); !slices.Equal(got, []string{"90 3c 01", "f0 7d 69 73 6f f7", "f8"}) {
		t.Errorf("got %q", got)
	}
}

// RtMidi cuts a message in two behind a clock in its middle.
func TestInJoinsParts(t *testing.T) {
	p := newPipe()
	p.in.put([]byte{0xf0, 1, 2, 0xf8})
	p.in.put([]byte{3, 0xf7})
	if got := p.events(t); !slices.Equal(got, []string{"f8", "f0 01 02 03 f7"}) {
		t.Errorf("got %q", got)
	}
}

// A message that has no room is counted, what is unfinished before it is not
// joined with what comes after it.
func TestInOverflow(t *testing.T) {
	p := newPipe()
	p.in.ring = newRing(10)
	p.in.put([]byte{0xf0, 1, 2, 3, 4, 5, 6, 7})
	p.in.put([]byte{8, 9, 0xf7})
	ctx, cancel := context.WithCancel(t.Context())
	var events []string
	p.wake <- nil
	done := make(chan error)
	go func() {
		done <- p.in.Run(ctx, func(e *midi.Event) {
			events = append(events, fmt.Sprintf("% x", e.AppendRaw(nil)))
			cancel()
		})
	}()
	for p.in.Lost().Skipped == 0 { // until the reset
	}
	p.in.put([]byte{0xf0, 1, 0xf7})
	if err := <-done; err != context.Canceled || !slices.Equal(events, []string{"f0 01 f7"}) {
		t.Errorf("Run = %v, got %q", err, events)
	}
	if got := p.in.Lost(); got.Overflows != 1 || got.Skipped != 8 {
		t.Errorf("lost %+v", got)
	}
}

// A long message after a loss may lack a part; the next does not.
func TestInLongAfterLoss(t *testing.T) {
	p := newPipe()
	long := slices.Concat([]byte{0xf0}, make([]byte, 300), []byte{0xf7})
	p.in.put(long)
	p.n = 1
	p.in.put([]byte{0xf0, 1, 0xf7})
	p.in.put(long)
	p.in.put(long)
	if got := p.events(t); len(got) != 3 || p.in.Lost().SysExDropped != 1 || p.in.Lost().Overflows != 1 {
		t.Errorf("%d messages, lost %+v", len(got), p.in.Lost())
	}
}

func TestInClose(t *testing.T) {
	p := newPipe()
	done := make(chan error, 1)
	first := make(chan bool)
	p.in.put([]byte{0xf8})
	go func() { done <- p.in.Run(t.Context(), func(*midi.Event) { close(first) }) }()
	<-first
	if err := p.in.Run(t.Context(), nil); err != ErrRunning {
		t.Errorf("second Run = %v", err)
	}
	if err := errors.Join(p.in.Close(), p.in.Close()); err != nil || p.closed != 1 {
		t.Errorf("Close = %v, closed %d times", err, p.closed)
	}
	if err := <-done; err != midi.ErrClosed {
		t.Errorf("Run = %v", err)
	}
	if err := p.in.Run(t.Context(), nil); err != midi.ErrClosed {
		t.Errorf("Run after Close = %v", err)
	}
}

func TestInDoesNotAllocate(t *testing.T) {
	allocs := func(events int) float64 {
		return testing.AllocsPerRun(5, func() {
			p := newPipe()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			for range events {
				p.in.ring.put([]byte{0xf8})
			}
			n := 0
			p.in.Run(ctx, func(*midi.Event) {
				if n++; n == events {
					cancel()
				}
			})
		})
	}
	if few, many := allocs(1), allocs(10_000); many-few > 10 {
		t.Errorf("%v allocations for 1 event, %v for 10000", few, many)
	}
}
