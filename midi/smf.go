package midi

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Limits on a MIDI file, far above any piece of music. They bound what a
// hostile one costs: in the worst case, small system exclusive messages
// only, about 150 MiB while it is read and a third of that while it plays.
const (
	MaxSMF         = 16 << 20 // bytes
	MaxSMFEvents   = 1 << 20  // messages and tempo changes
	MaxSMFDuration = 24 * time.Hour
)

// SMF is a source that plays a Standard MIDI File (RP-001) in real time.
type SMF struct {
	// Clock is what Run plays by; nil is the machine's own clock.
	Clock Clock
	// Timers, unless nil, go by the time of the file: what is due before an
	// event happens before it, however late either is.
	Timers Timers

	name     string
	events   []smfEvent
	sysex    [][]byte
	duration time.Duration
}

// Timers are deadlines on the clock of a source, since its start. Next tells of
// the first; Advance is called when it has come.
type Timers interface {
	Next() (due time.Duration, ok bool)
	Advance(now time.Duration)
}

// smfEvent is one message in the 16 bytes that make MaxSMFEvents of them
// affordable.
type smfEvent struct {
	// at is in ticks while the file is read and in nanoseconds, both
	// since its start, once timeEvents ran.
	at    int64
	sysex uint32 // 1 + index in SMF.sysex; 0 for a short message
	raw   [3]byte
	n     uint8 // bytes used in raw; 0 and no sysex is a tempo change
}

// OpenSMF reads the file at path, of format 0 or 1. Events carry the last
// element of path as their device. The error wraps ErrFormat, ErrFormat2 or
// ErrTooLarge where one of them is the reason.
func OpenSMF(path string) (*SMF, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return NewSMF(f, filepath.Base(path))
}

// NewSMF reads a whole file from r, like OpenSMF. Events carry name as their
// device.
func NewSMF(r io.Reader, name string) (*SMF, error) {
	s, err := readSMF(r)
	if err != nil {
		return nil, fmt.Errorf("midi file %q: %w", name, err)
	}
	s.name = name
	return s, nil
}

func readSMF(r io.Reader) (*SMF, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxSMF+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxSMF {
		return nil, fmt.Errorf("%w of %d bytes", ErrTooLarge, MaxSMF)
	}
	return parseSMF(data)
}

// Len returns how many events Run delivers.
func (s *SMF) Len() int { return len(s.events) }

// Duration returns how long Run takes: to the end of the longest track,
// which may be after the last event.
func (s *SMF) Duration() time.Duration { return s.duration }

// Run plays the file from its start. Every event is due at a fixed distance
// from the start, so late ones do not delay those that follow. Event.Time is
// that distance, not the moment of delivery.
func (s *SMF) Run(ctx context.Context, deliver func(*Event)) error {
	clock := s.Clock
	if clock == nil {
		clock = newSystemClock()
	}
	start := clock.Now()
	ev := &Event{Device: s.name}
	for i := range s.events {
		e := &s.events[i]
		ev.Time = time.Duration(e.at)
		if err := s.wait(ctx, clock, start, ev.Time); err != nil {
			return err
		}
		ev.raw, ev.n, ev.sysex = e.raw, e.n, nil
		if e.sysex != 0 {
			ev.sysex = s.sysex[e.sysex-1]
		}
		deliver(ev)
	}
	return s.wait(ctx, clock, start, s.duration)
}

// wait sleeps until a time of the file, and serves the timers on the way.
func (s *SMF) wait(ctx context.Context, clock Clock, start, until time.Duration) error {
	for s.Timers != nil {
		due, ok := s.Timers.Next()
		if !ok || due > until {
			break
		}
		if err := clock.SleepUntil(ctx, start+due); err != nil {
			return err
		}
		s.Timers.Advance(due)
	}
	return clock.SleepUntil(ctx, start+until)
}
