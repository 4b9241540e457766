package portmidi

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/isobooth/isobooth/midi"
)

// readMax is how many words one read takes. The binding allocates a buffer
// of this size for each read, so it is small; a burst takes several reads.
const readMax = 32

// inStream is an open in port.
type inStream interface {
	poll() (bool, error)                // reports whether there is something to read
	read(buf []word) (n int, err error) // does not wait; errOverflow says that words were lost
	lost() uint64                       // messages that the system did not keep for us
	close() error                       // once, after the last call of the others
}

// errOverflow: words were lost because nobody read them in time, or while
// PortMidi was started anew.
var errOverflow = errors.New("buffer overflow")

// waiter makes Run sleep while there is nothing to read.
type waiter interface {
	Wait() error // midi.ErrGone: there will never be
	Wake()
	Close()
}

// In is an open in port, a midi.In.
type In struct {
	name      string
	stream    inStream
	waiter    waiter
	parser    *midi.Parser
	overflows atomic.Uint64
	sysex     sysexGuard

	mu      sync.Mutex
	running bool
	closed  bool
	closing chan struct{} // closed by Close
	idle    sync.WaitGroup
}

func newIn(name string, stream inStream, w waiter) *In {
	return &In{
		name:    name,
		stream:  stream,
		waiter:  w,
		parser:  midi.NewParser(name),
		closing: make(chan struct{}),
	}
}

// Name returns the name of the port, which is the Device of its events.
func (in *In) Name() string { return in.name }

// Lost returns the counts so far. Any goroutine may call it. What the system
// had no room for is counted for all open ports together.
func (in *In) Lost() midi.Lost {
	lost := midi.Lost{ParserStats: in.parser.Stats(), Overflows: in.overflows.Load()}
	lost.SysExDropped += in.sysex.dropped.Load()
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.closed {
		lost.Overflows += in.stream.lost()
	}
	return lost
}

// Run delivers events on this goroutine until ctx is done (its cause), Close
// is called (midi.ErrClosed), the port goes (midi.ErrGone) or fails.
// Event.Time is since Run was called. What arrived before Run is delivered
// first. It may be called again afterwards.
func (in *In) Run(ctx context.Context, deliver func(*midi.Event)) error {
	if err := in.begin(); err != nil {
		return err
	}
	defer in.end()
	start := time.Now()
	defer context.AfterFunc(ctx, in.waiter.Wake)()
	deliver = in.sysex.guard(in.stream.lost, deliver)
	var words [readMax]word
	inSysEx := false
	var failed error // of the waiter: what can be read is delivered first
	for n, more := 0, true; ; {
		if err := in.ended(ctx); err != nil {
			return err
		}
		var err error
		n, err = in.readWords(words[:], more)
		switch {
		case errors.Is(err, errOverflow):
			// The words that are gone may have held the end of a
			// message: whatever is unfinished is not to be trusted.
			in.overflows.Add(1)
			in.parser.Reset()
			inSysEx = false
			continue
		case err != nil:
			return fmt.Errorf("read MIDI port %q: %w", in.name, err)
		}
		at := time.Since(start)
		for i := range words[:n] {
			was := inSysEx
			b := words[i].bytes(&inSysEx)
			switch {
			case inSysEx && !was:
				in.sysex.begin()
			case inSysEx && b[0] >= 0xf8:
				in.sysex.realTime()
			}
			in.parser.Feed(b, at, deliver)
		}
		more = n > 0
		switch {
		case more:
		case failed != nil:
			return fmt.Errorf("read MIDI port %q: %w", in.name, failed)
		default:
			failed = in.waiter.Wait()
			more = failed != nil
		}
	}
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

// readWords looks before it reads, because even an empty read makes the
// binding allocate; but words are followed by reads until one is empty. Once
// its queue was full, PortMidi takes no more words until the loss was
// reported, it reports it only to a read of the emptied queue, and a poll of
// that says there is nothing.
func (in *In) readWords(buf []word, more bool) (int, error) {
	if !more {
		if some, err := in.stream.poll(); !some || err != nil {
			return 0, err
		}
	}
	return in.stream.read(buf)
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
	in.overflows.Add(in.stream.lost())
	in.closed = true
	close(in.closing)
	in.waiter.Wake()
	in.mu.Unlock()
	in.idle.Wait() // PortMidi crashes on a stream closed under a read
	err := in.stream.close()
	in.waiter.Close()
	if err != nil {
		return fmt.Errorf("close MIDI port %q: %w", in.name, err)
	}
	return nil
}
