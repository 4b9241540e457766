package portmidi

import (
	"bytes"
	"errors"
	"testing"

	"github.com/isobooth/isobooth/midi"
)

// fakeOut remembers what was written and fails with err.
type fakeOut struct {
	short  [][3]byte
	sysex  [][]byte
	closed int
	err    error
}

func (f *fakeOut) writeShort(msg [3]byte) error {
	f.short = append(f.short, msg)
	return f.err
}

func (f *fakeOut) writeSysEx(msg []byte) error {
	f.sysex = append(f.sysex, bytes.Clone(msg))
	return f.err
}

func (f *fakeOut) close() error {
	f.closed++
	return nil
}

func TestOutSend(t *testing.T) {
	f := new(fakeOut)
	o := &Out{name: "synth", stream: f}
	for _, msg := range [][]byte{{0x90, 60, 1}, {0xc0, 5}, {0xf8}, {0xf0, 1, 0xf7}} {
		if err := o.Send(msg); err != nil {
			t.Errorf("% x: %v", msg, err)
		}
	}
	// PortMidi would read the third past its end, to the next F7.
	for _, msg := range [][]byte{nil, {0x90, 60}, {0xf0, 1, 2}, {0xf7}, {60, 1}, {0x90, 60, 1, 62, 1}} {
		if err := o.Send(msg); !errors.Is(err, midi.ErrMessage) {
			t.Errorf("% x: %v, want ErrMessage", msg, err)
		}
	}
	if want := [][3]byte{{0x90, 60, 1}, {0xc0, 5}, {0xf8}}; len(f.short) != 3 || [3][3]byte(f.short) != [3][3]byte(want) {
		t.Errorf("wrote % x", f.short)
	}
	if len(f.sysex) != 1 || !bytes.Equal(f.sysex[0], []byte{0xf0, 1, 0xf7}) {
		t.Errorf("wrote % x", f.sysex)
	}
	f.err = errors.New("host error")
	if err := o.Send([]byte{0xf8}); !errors.Is(err, f.err) || err.Error() != `send to MIDI port "synth": host error` {
		t.Errorf("Send = %v", err)
	}
}

func TestOutClose(t *testing.T) {
	f := new(fakeOut)
	o := &Out{name: "synth", stream: f}
	for range 2 {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := o.Send([]byte{0xf8}); err != midi.ErrClosed || len(f.short) != 0 {
		t.Errorf("Send after Close = %v", err)
	}
	if f.closed != 1 {
		t.Errorf("closed %d times", f.closed)
	}
}
