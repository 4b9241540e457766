package midi

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// streamChunk is how many bytes a Stream reads at once: a third of a second
// of a MIDI cable.
const streamChunk = 1024

// Stream is a source of raw MIDI bytes, such as standard input or the
// character device of a port. See Parser for what it makes of them.
type Stream struct {
	// Clock gives events their time; nil is the machine's own clock.
	Clock Clock

	r      io.Reader
	device string
	parser *Parser
}

// NewStream makes a source that reads r; events carry device. Closing r
// remains with the caller.
func NewStream(r io.Reader, device string) *Stream {
	return &Stream{r: r, device: device, parser: NewParser(device)}
}

// Stats returns what was skipped so far. Any goroutine may call it.
func (s *Stream) Stats() ParserStats { return s.parser.Stats() }

// Run delivers events until r ends (nil), r fails, or ctx is done, which
// ends it even while r has nothing to read. It may be called once.
//
// On Linux an *os.File is read by this goroutine itself. Any other reader
// needs a second goroutine, because nothing else can leave a Read that
// blocks; after a cancel it stays until that Read returns, and what it then
// got is lost.
func (s *Stream) Run(ctx context.Context, deliver func(*Event)) error {
	clock := s.Clock
	if clock == nil {
		clock = newSystemClock()
	}
	start := clock.Now()
	r, stop, err := interruptible(ctx, s.r)
	if err != nil {
		return fmt.Errorf("read %q: %w", s.device, err)
	}
	defer stop()
	// Skipped then includes a message cut off by the end.
	defer s.parser.Reset()
	buf := make([]byte, streamChunk)
	for empty := 0; empty < 100; {
		n, err := r.Read(buf)
		// A cancelled Run delivers nothing more, whatever was read.
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s.parser.Feed(buf[:n], clock.Now()-start, deliver)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read %q: %w", s.device, err)
		case n == 0:
			empty++
		default:
			empty = 0
		}
	}
	return fmt.Errorf("read %q: %w", s.device, io.ErrNoProgress)
}
