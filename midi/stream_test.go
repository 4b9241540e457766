package midi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/miditest"
)

// streamKinds are the ways a Stream gets its bytes: each gives a writer
// whose bytes arrive, and the reader for the Stream.
var streamKinds = map[string]func(t *testing.T) (io.Reader, io.WriteCloser){
	"reader": func(t *testing.T) (io.Reader, io.WriteCloser) {
		r, w := io.Pipe()
		t.Cleanup(func() { r.Close() })
		return r, w
	},
	"file": func(t *testing.T) (io.Reader, io.WriteCloser) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close(); w.Close() })
		return r, w
	},
}

func TestStreamToTheEnd(t *testing.T) {
	for kind, open := range streamKinds {
		t.Run(kind, func(t *testing.T) {
			r, w := open(t)
			go func() {
				for _, b := range []byte{7, 0x90, 60, 1, 62, 0xf8, 1, 0xf0, 1} {
					w.Write([]byte{b})
				}
				w.Close()
			}()
			s := midi.NewStream(r, "stdin")
			var got []string
			err := s.Run(t.Context(), func(e *midi.Event) {
				got = append(got, fmt.Sprintf("%s % x", e.Device, e.AppendRaw(nil)))
			})
			if want := []string{"stdin 90 3c 01", "stdin f8", "stdin 90 3e 01"}; err != nil || !slices.Equal(got, want) {
				t.Errorf("Run = %v after %q, want %q", err, got, want)
			}
			if s.Stats() != (midi.ParserStats{Skipped: 3}) {
				t.Errorf("stats %+v", s.Stats())
			}
		})
	}
}

// Run ends although its Read has nothing to read.
func TestStreamCancelWhileBlocked(t *testing.T) {
	cause := errors.New("enough")
	for kind, open := range streamKinds {
		t.Run(kind, func(t *testing.T) {
			r, w := open(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			done := make(chan error)
			delivered := make(chan struct{})
			go func() {
				done <- midi.NewStream(r, "").Run(ctx, func(*midi.Event) { delivered <- struct{}{} })
			}()
			w.Write([]byte{0xf8})
			<-delivered // now there is nothing left to read
			cancel(cause)
			if err := <-done; err != cause {
				t.Errorf("Run = %v, want %v", err, cause)
			}
		})
	}
}

func TestStreamCancelledBefore(t *testing.T) {
	for kind, open := range streamKinds {
		t.Run(kind, func(t *testing.T) {
			r, w := open(t)
			go w.Write([]byte{0xf8})
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			err := midi.NewStream(r, "").Run(ctx, func(*midi.Event) { t.Error("delivered after cancel") })
			if err != context.Canceled {
				t.Errorf("Run = %v", err)
			}
		})
	}
}

func TestStreamRegularFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bytes")
	// More than one chunk, cut inside a message.
	if err := os.WriteFile(path, bytes.Repeat([]byte{0x90, 60, 1}, 10_000), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	if err := midi.NewStream(f, "").Run(t.Context(), func(*midi.Event) { n++ }); err != nil || n != 10_000 {
		t.Errorf("Run = %v after %d events", err, n)
	}
}

func TestStreamReadErrors(t *testing.T) {
	broken := errors.New("cable pulled")
	n := 0
	r := io.MultiReader(bytes.NewReader([]byte{0xf8}), iotest.ErrReader(broken))
	err := midi.NewStream(r, "tty\x1b").Run(t.Context(), func(*midi.Event) { n++ })
	if !errors.Is(err, broken) || err.Error() != `read "tty\x1b": cable pulled` || n != 1 {
		t.Errorf("Run = %v after %d events", err, n)
	}
	err = midi.NewStream(idle{}, "").Run(t.Context(), func(*midi.Event) {})
	if !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("Run of a reader without progress = %v", err)
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := midi.NewStream(f, "").Run(t.Context(), func(*midi.Event) {}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Run of a closed file = %v", err)
	}
}

// idle breaks the contract of io.Reader: it never gets anywhere.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestStreamTimesEventsFromItsStart(t *testing.T) {
	r, w := io.Pipe()
	clock := new(miditest.Clock)
	clock.Advance(time.Hour)
	s := midi.NewStream(r, "")
	s.Clock = clock
	delivered := make(chan struct{})
	go func() {
		w.Write([]byte{0xf8})
		<-delivered
		clock.Advance(time.Second)
		w.Write([]byte{0xf8})
		<-delivered
		w.Close()
	}()
	var got []time.Duration
	if err := s.Run(t.Context(), func(e *midi.Event) {
		got = append(got, e.Time)
		delivered <- struct{}{}
	}); err != nil {
		t.Fatal(err)
	}
	if want := []time.Duration{0, time.Second}; !slices.Equal(got, want) {
		t.Errorf("times %v, want %v", got, want)
	}
}

// The event path from a file is free of allocations, whatever the fixed cost
// of a Run is.
func TestStreamFileDoesNotAllocate(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems read through a relay")
	}
	allocs := func(events int) float64 {
		return testing.AllocsPerRun(20, func() {
			r, w, err := os.Pipe()
			if err != nil {
				panic(err)
			}
			defer r.Close()
			msg := []byte{0x90, 60, 1}
			w.Write(msg)
			n := 0
			midi.NewStream(r, "").Run(context.Background(), func(*midi.Event) {
				if n++; n == events {
					w.Close()
					return
				}
				w.Write(msg)
			})
			if n != events {
				panic(n)
			}
		})
	}
	if few, many := allocs(1), allocs(1000); many-few > 10 {
		t.Errorf("%v allocations for 1 event, %v for 1000", few, many)
	}
}
