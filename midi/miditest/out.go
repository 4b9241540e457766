package miditest

import (
	"bytes"
	"context"
	"sync"

	"github.com/isobooth/isobooth/midi"
)

// Out is an out port that remembers what was sent. Any goroutine may use it.
type Out struct {
	mu     sync.Mutex
	sent   [][]byte
	change chan struct{} // closed and replaced when sent grows
}

// NewOut makes an empty Out.
func NewOut() *Out {
	return &Out{change: make(chan struct{})}
}

// Send keeps a copy of msg. Like a real port it refuses anything but one
// complete message, with an error that wraps midi.ErrMessage.
func (o *Out) Send(msg []byte) error {
	if _, err := midi.FromMessage(msg, 0, ""); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent = append(o.sent, bytes.Clone(msg))
	close(o.change)
	o.change = make(chan struct{})
	return nil
}

// Wait returns all messages sent so far as soon as there are n of them, or
// those there are and the cause once ctx is done. The messages are the
// caller's to read.
func (o *Out) Wait(ctx context.Context, n int) ([][]byte, error) {
	for {
		o.mu.Lock()
		sent, change := o.sent[:len(o.sent):len(o.sent)], o.change
		o.mu.Unlock()
		if len(sent) >= n {
			return sent, nil
		}
		select {
		case <-change:
		case <-ctx.Done():
			return sent, context.Cause(ctx)
		}
	}
}
