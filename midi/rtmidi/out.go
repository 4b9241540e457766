package rtmidi

import (
	"fmt"
	"sync"

	"github.com/isobooth/isobooth/midi"
)

// sender is an open out port.
type sender interface {
	gone() bool
	send(b []byte) error
	close() error // once, after the last call of the others
}

// Out is an open out port, a midi.Out. Any goroutine may use it.
type Out struct {
	name string

	mu     sync.Mutex
	sender sender // nil once closed
}

// Name returns the name of the port.
func (o *Out) Name() string { return o.name }

// Send sends one complete message, status byte included, and returns when
// RtMidi has it; msg is the caller's again. Anything but one message is
// refused with an error that wraps midi.ErrMessage. After Close it returns
// midi.ErrClosed, and once the port was unplugged an error that wraps
// midi.ErrGone.
func (o *Out) Send(msg []byte) error {
	// RtMidi complains of anything else on standard error, and returns none.
	if _, err := midi.FromMessage(msg, 0, ""); err != nil {
		return fmt.Errorf("send to MIDI port %q: %w", o.name, err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sender == nil {
		return midi.ErrClosed
	}
	if o.sender.gone() {
		return fmt.Errorf("send to MIDI port %q: %w", o.name, midi.ErrGone)
	}
	for len(msg) > 0 {
		n := min(part, len(msg))
		if err := o.sender.send(msg[:n]); err != nil {
			return fmt.Errorf("send to MIDI port %q: %w", o.name, err)
		}
		msg = msg[n:]
	}
	return nil
}

// Close closes the port. Only the first call has an effect.
func (o *Out) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sender == nil {
		return nil
	}
	err := o.sender.close()
	o.sender = nil
	if err != nil {
		return fmt.Errorf("close MIDI port %q: %w", o.name, err)
	}
	return nil
}
