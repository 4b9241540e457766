//go:build linux

package runner

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// broken is a log pipe: it gives what a plugin printed, in pieces, and then
// fails.
type broken struct {
	pieces [][]byte
	err    error
	closed bool
}

func (b *broken) Read(p []byte) (int, error) {
	if len(b.pieces) == 0 {
		return 0, b.err
	}
	n := copy(p, b.pieces[0])
	if b.pieces[0] = b.pieces[0][n:]; len(b.pieces[0]) == 0 {
		b.pieces = b.pieces[1:]
	}
	return n, nil
}

func (b *broken) Close() error { b.closed = true; return nil }

// check compares a ring with all that was printed.
func (l *logRing) check(t *testing.T, all string) {
	t.Helper()
	text, dropped := l.tail()
	if len(text) > logKeep || uint64(len(text))+dropped != uint64(len(all)) || !strings.HasSuffix(all, text) {
		t.Errorf("%d bytes kept, %d dropped of %d", len(text), dropped, len(all))
	}
	if dropped > 0 && len(text) != logKeep {
		t.Errorf("%d bytes dropped with only %d kept", dropped, len(text))
	}
	if cap(l.buf) > 4*logKeep {
		t.Errorf("the ring has grown to %d bytes", cap(l.buf))
	}
}

func TestLogRing(t *testing.T) {
	for _, test := range []struct {
		name  string
		piece string
		times int
	}{
		{"nothing", "", 1},
		{"fits", "x", 100},
		{"just fits", strings.Repeat("x", logKeep), 1},
		{"one too many", strings.Repeat("x", logKeep+1), 1},
		{"lines", "all work and no play\n", 100000},
		{"one large write", strings.Repeat("0123456789", 1<<17), 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			pipe := &broken{err: io.EOF}
			for range test.times {
				pipe.pieces = append(pipe.pieces, []byte(test.piece))
			}
			if test.piece == "" {
				pipe.pieces = nil
			}
			l := logRing{end: make(chan struct{})}
			l.drain(pipe)
			if !pipe.closed {
				t.Error("the pipe is still open")
			}
			l.check(t, strings.Repeat(test.piece, test.times))
		})
	}
}

// FuzzLogRing prints anything, in pieces of any size.
func FuzzLogRing(f *testing.F) {
	f.Add([]byte("hello\nworld\n"), uint16(3), uint16(2))
	f.Add(bytes.Repeat([]byte{0xff}, 3000), uint16(1000), uint16(9))
	f.Fuzz(func(t *testing.T, text []byte, size, times uint16) {
		piece := max(int(size), len(text)/64+1) // or one input takes seconds
		l := logRing{end: make(chan struct{})}
		var all strings.Builder
		for range times % 8 {
			pipe := &broken{err: errors.New("gone")}
			for rest := text; len(rest) > 0; {
				n := min(piece, len(rest))
				pipe.pieces, rest = append(pipe.pieces, rest[:n]), rest[n:]
			}
			l.end = make(chan struct{})
			l.drain(pipe)
			all.Write(text)
			l.check(t, all.String())
		}
	})
}
