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

// pollInterval is how often an in port is asked for messages; PortMidi has
// no way to wait for one. It adds half of itself to the latency on average.
const pollInterval = 400 * time.Microsecond

// readMax is how many words one read takes. The binding allocates a buffer
// of this size for each read, so it is small; a burst takes several reads.
const readMax = 32

// inStream is an open in port.
type inStream interface {
	poll() (bool, error)                // reports whether there is something to read
	read(buf []word) (n int, err error) // does not wait; errOverflow says that words were lost
	close() error                       // once, after the last call of the others
}

// errOverflow: words were lost because nobody read them in time.
var errOverflow = errors.New("buffer overflow")

// In is an open in port, a source of events.
type In struct {
	name      string
	stream    inStream
	parser    *midi.Parser
	overflows atomic.Uint64
	tick      func() (<-chan time.Time, func()) // makes the ticks to poll at

	mu      sync.Mutex
	running bool
	closed  bool
	closing chan struct{} // closed by Close
	idle    sync.WaitGroup
}

// Stats counts what was lost between the wire and Run's deliver.
type Stats struct {
	midi.ParserStats
	Overflows uint64 // times that PortMidi's buffer was full
}

func newIn(name string, stream inStream) *In {
	return &In{
		name:    name,
		stream:  stream,
		parser:  midi.NewParser(name),
		closing: make(chan struct{}),
		tick: func() (<-chan time.Time, func()) {
			t := time.NewTicker(pollInterval)
			return t.C, t.Stop
		},
	}
}

// Name returns the name of the port, which is the Device of its events.
func (in *In) Name() string { return in.name }

// Stats returns the counts so far. Any goroutine may call it.
func (in *In) Stats() Stats {
	return Stats{ParserStats: in.parser.Stats(), Overflows: in.overflows.Load()}
}

// Run delivers events on this goroutine until ctx is done (its cause), Close
// is called (ErrClosed) or the port fails. Event.Time is since Run was
// called. What arrived before Run is delivered first. It may be called again
// afterwards.
func (in *In) Run(ctx context.Context, deliver func(*midi.Event)) error {
	if err := in.begin(); err != nil {
		return err
	}
	defer in.end()
	start := time.Now()
	ticks, stop := in.tick()
	defer stop()
	var words [readMax]word
	inSysEx := false
	for n := 0; ; {
		if n == 0 { // else there may be more
			select {
			case <-ticks:
			case <-in.closing:
			case <-ctx.Done():
			}
		}
		if err := in.ended(ctx); err != nil {
			return err
		}
		var err error
		n, err = in.readWords(words[:], n > 0)
		switch {
		case errors.Is(err, errOverflow):
			// The words that are gone may have held the end of a
			// message: whatever is unfinished is not to be trusted.
			in.overflows.Add(1)
			in.parser.Reset()
			inSysEx = false
		case err != nil:
			return fmt.Errorf("read MIDI port %q: %w", in.name, err)
		}
		at := time.Since(start)
		for i := range words[:n] {
			in.parser.Feed(words[i].bytes(&inSysEx), at, deliver)
		}
	}
}

// ended returns why Run must stop, or nil.
func (in *In) ended(ctx context.Context) error {
	select {
	case <-in.closing:
		return ErrClosed
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
		return ErrClosed
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
	in.closed = true
	close(in.closing)
	in.mu.Unlock()
	in.idle.Wait() // PortMidi crashes on a stream closed under a read
	if err := in.stream.close(); err != nil {
		return fmt.Errorf("close MIDI port %q: %w", in.name, err)
	}
	return nil
}
