package rtmidi

import (
	"bytes"
	"errors"
	"testing"

	"github.com/isobooth/isobooth/midi"
)

type fakeSender struct {
	sent   [][]byte
	left   bool
	err    error
	closed int
}

func (f *fakeSender) gone() bool { return f.left }

func (f *fakeSender) send(b []byte) error {
	f.sent = append(f.sent, bytes.Clone(b))
	return f.err
}

func (f *fakeSender) close() error {
	f.closed++
	return nil
}

func TestOut(t *testing.T) {
	f := new(fakeSender)
	o := &Out{name: "synth", sender: f}
	long := make([]byte, 2*part+1)
	long[0], long[2*part] = 0xf0, 0xf7
	for _, msg := range [][]byte{{0x90, 60, 1}, {0xf8}, long} {
		if err := o.Send(msg); err != nil {
			t.Errorf("% x: %v", msg, err)
		}
	}
	if len(f.sent) != 5 || !bytes.Equal(bytes.Join(f.sent[2:], nil), long) || len(f.sent[2]) != part {
		t.Errorf("sent %d parts", len(f.sent))
	}
	for _, msg := range [][]byte{nil, {0x90, 60}, {0xf0, 1, 2}, {0xf7}, {60, 1}, {0x90, 60, 1, 62, 1}} {
		if err := o.Send(msg); !errors.Is(err, midi.ErrMessage) {
			t.Errorf("% x: %v, want ErrMessage", msg, err)
		}
	}
	f.err = errRtMidi
	if err := o.Send([]byte{0xf8}); !errors.Is(err, errRtMidi) {
		t.Errorf("Send = %v", err)
	}
	f.left = true
	if err := o.Send([]byte{0xf8}); !errors.Is(err, midi.ErrGone) {
		t.Errorf("Send = %v", err)
	}
	if err := errors.Join(o.Close(), o.Close()); err != nil || f.closed != 1 {
		t.Errorf("Close = %v, closed %d times", err, f.closed)
	}
	if err := o.Send([]byte{0xf8}); err != midi.ErrClosed {
		t.Errorf("Send = %v", err)
	}
}
