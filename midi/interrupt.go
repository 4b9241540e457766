package midi

import (
	"context"
	"io"
)

// relay reads r in a goroutine of its own, so that its Read can be left when
// ctx is done.
type relay struct {
	ctx    context.Context
	chunks chan relayChunk // unbuffered
	left   relayChunk      // received, not yet handed on in full
}

type relayChunk struct {
	b   []byte
	err error
}

func newRelay(ctx context.Context, r io.Reader) (*relay, func()) {
	ctx, stop := context.WithCancel(ctx)
	l := &relay{ctx: ctx, chunks: make(chan relayChunk)}
	go l.pump(r)
	return l, stop
}

func (l *relay) pump(r io.Reader) {
	for {
		// A fresh buffer for each: the last one may still be in use.
		b := make([]byte, streamChunk)
		n, err := r.Read(b)
		select {
		case l.chunks <- relayChunk{b[:n], err}:
		case <-l.ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// Read returns the cause once ctx is done.
func (l *relay) Read(p []byte) (int, error) {
	if len(l.left.b) == 0 && l.left.err == nil {
		select {
		case l.left = <-l.chunks:
		case <-l.ctx.Done():
			return 0, context.Cause(l.ctx)
		}
	}
	n := copy(p, l.left.b)
	l.left.b = l.left.b[n:]
	if len(l.left.b) > 0 {
		return n, nil
	}
	return n, l.left.err
}
