package rtmidi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/isobooth/isobooth/midi"
)

// part is the most bytes of a system exclusive message that ALSA passes on at
// once.
const part = 256

// waiter makes Run sleep while there is nothing to read.
type waiter interface {
	Wait() error // midi.ErrGone: no more will be put
	Wake()
	Close()
}

// system is what RtMidi and the machine do for an In.
type system struct {
	lost  func() uint64      // messages that the system did not keep for us
	mark  func([]byte) error // sends a message to us, behind all others
	close func() error       // once; put is not called any more afterwards
}

// In is an open in port, a midi.In.
type In struct {
	name   string
	ring   *ring
	waiter waiter
	parser *midi.Parser
	system system

	// Of RtMidi's thread.
	seen    uint64 // lost() at the last long message
	dropped atomic.Uint64

	mu      sync.Mutex
	running bool
	closed  bool
	past    uint64        // lost() when it was closed
	closing chan struct{} // closed by Close
	idle    sync.WaitGroup
}

func newIn(name string, w waiter) *In {
	return &In{
		name:    name,
		ring:    newRing(ringSize),
		waiter:  w,
		parser:  midi.NewParser(name),
		closing: make(chan struct{}),
	}
}

// put takes a message, on RtMidi's thread.
func (in *In) put(msg []byte) {
	if len(msg) > part {
		// ALSA passed it on in parts, and RtMidi joined them even if one is
		// missing.
		if lost := in.system.lost(); lost != in.seen {
			in.seen = lost
			in.dropped.Add(1)
			return
		}
	}
	in.ring.put(msg)
	in.waiter.Wake()
}

// Name returns the name of the port, which is the Device of its events.
func (in *In) Name() string { return in.name }

// Lost returns the counts so far. Any goroutine may call it.
func (in *In) Lost() midi.Lost {
	lost := midi.Lost{ParserStats: in.parser.Stats(), Overflows: in.ring.overflows.Load()}
	lost.SysExDropped += in.dropped.Load()
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		lost.Overflows += in.past
	} else {
		lost.Overflows += in.system.lost()
	}
	return lost
}

// Run delivers events on this goroutine until ctx is done (its cause), Close
// is called (midi.ErrClosed) or the port goes (midi.ErrGone). Event.Time is
// since Run was called. What arrived before Run is delivered first. It may be
// called again afterwards.
func (in *In) Run(ctx context.Context, deliver func(*midi.Event)) error {
	if err := in.begin(); err != nil {
		return err
	}
	defer in.end()
	start := time.Now()
	defer context.AfterFunc(ctx, in.waiter.Wake)()
	var buf [1024]byte
	var failed error // of the waiter
	marked := false
	until := func(e *midi.Event) {
		if failed != nil && isMark(e) {
			marked = true
			return
		}
		deliver(e)
	}
	for {
		if err := in.ended(ctx); err != nil {
			return err
		}
		n, lost := in.ring.take(buf[:])
		in.parser.Feed(buf[:n], time.Since(start), until)
		if lost {
			// It may have been the end of a message.
			in.parser.Reset()
		}
		switch {
		case marked:
			return fmt.Errorf("read MIDI port %q: %w", in.name, failed)
		case n > 0 || lost:
		case failed != nil:
			if err := in.waitMarked(); err != nil {
				return fmt.Errorf("read MIDI port %q: %w", in.name, errors.Join(failed, err))
			}
		default:
			if failed = in.waiter.Wait(); failed != nil {
				// RtMidi's thread may still have what came before.
				if err := in.system.mark(mark); err != nil {
					return fmt.Errorf("read MIDI port %q: %w", in.name, errors.Join(failed, err))
				}
			}
		}
	}
}

// waitMarked waits for the next message from RtMidi's thread, of which there
// is at least one, the mark.
func (in *In) waitMarked() error {
	err := in.waiter.Wait()
	if errors.Is(err, midi.ErrGone) {
		return nil
	}
	return err
}

// mark is the last message, which we send ourselves: of the ID for research,
// 7D, and no device's.
var mark = []byte{0xf0, 0x7d, 0x69, 0x73, 0x6f, 0xf7}

func isMark(e *midi.Event) bool {
	return e.Kind() == midi.SysEx && e.Len() == len(mark) && bytes.Equal(e.AppendRaw(nil), mark)
}

// ended returns why Run must stop, or nil.
func (in *In) ended(ctx context.Context) error {
	select {
	case <-in.closing:
		return midi.ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	default:
		return nil
	}
}

func (in *In) begin() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.closed:
		return midi.ErrClosed
	case in.running:
		return ErrRunning
	}
	in.running = true
	in.idle.Add(1)
	return nil
}

func (in *In) end() {
	in.parser.Reset()
	in.mu.Lock()
	defer in.mu.Unlock()
	in.running = false
	in.idle.Done()
}

// Close ends Run, waits for it and closes the port. Only the first call has
// an effect. It must not be called from within deliver.
func (in *In) Close() error {
	in.mu.Lock()
	if in.closed {
		in.mu.Unlock()
		return nil
	}
	in.past = in.system.lost()
	in.closed = true
	close(in.closing)
	in.waiter.Wake()
	in.mu.Unlock()
	in.idle.Wait()
	err := in.system.close()
	in.waiter.Close()
	if err != nil {
		return fmt.Errorf("close MIDI port %q: %w", in.name, err)
	}
	return nil
}
