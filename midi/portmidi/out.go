package portmidi

import (
	"fmt"
	"sync"

	"github.com/isobooth/isobooth/midi"
)

// outStream is an open out port.
type outStream interface {
	writeShort(msg [3]byte) error
	writeSysEx(msg []byte) error // F0 to F7
	close() error                // once, after the last call of the others
}

// Out is an open out port. Any goroutine may use it.
type Out struct {
	name string

	mu     sync.Mutex
	stream outStream // nil once closed
}

// Name returns the name of the port.
func (o *Out) Name() string { return o.name }

// Send sends one complete message, status byte included, and returns when
// PortMidi has it; msg is the caller's again. Anything but one message is
// refused with an error that wraps midi.ErrMessage. After Close it returns
// midi.ErrClosed.
func (o *Out) Send(msg []byte) error {
	// The check is a matter of memory safety: PortMidi reads a system
	// exclusive message up to its F7, wherever in memory that is.
	ev, err := midi.FromMessage(msg, 0, "")
	if err != nil {
		return fmt.Errorf("send to MIDI port %q: %w", o.name, err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stream == nil {
		return midi.ErrClosed
	}
	if ev.Kind() == midi.SysEx {
		// The checked copy: msg may change while PortMidi reads it.
		err = o.stream.writeSysEx(ev.AppendRaw(nil))
	} else {
		var short [3]byte
		copy(short[:], msg)
		err = o.stream.writeShort(short)
	}
	if err != nil {
		return fmt.Errorf("send to MIDI port %q: %w", o.name, err)
	}
	return nil
}

// Close closes the port. Only the first call has an effect.
func (o *Out) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stream == nil {
		return nil
	}
	err := o.stream.close()
	o.stream = nil
	if err != nil {
		return fmt.Errorf("close MIDI port %q: %w", o.name, err)
	}
	return nil
}
