//go:build cgo

package rtmidi

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unsafe"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/sequencer"
	"github.com/isobooth/isobooth/midi/sequencer/quiet"
	rt "gitlab.com/gomidi/midi/v2/drivers/rtmididrv/imported/rtmidi"
)

// clientName is what other programs see of us.
const clientName = "isobooth"

// queueSize is for messages without a callback. There are none, but with 0
// RtMidi allocates as well.
const queueSize = 1

// newMIDIIn makes an RtMidi in, and finds its client of the sequencer where
// there is one.
func newMIDIIn() (m rt.MIDIIn, c *sequencer.Client, err error) {
	create := func() (err error) {
		if m, err = rt.NewMIDIIn(rt.APIUnspecified, clientName, queueSize); err != nil {
			return fmt.Errorf("rtmidi_in_create: %w", errRtMidi)
		}
		return nil
	}
	if err := check(); err != nil {
		return nil, nil, err
	}
	if sequencer.Supported {
		c, err = sequencer.Opened(create)
	} else {
		err = create()
	}
	if err != nil && m != nil {
		return nil, nil, errors.Join(err, closeIn(m, c))
	}
	return m, c, err
}

func newMIDIOut() (m rt.MIDIOut, c *sequencer.Client, err error) {
	if err := check(); err != nil {
		return nil, nil, err
	}
	create := func() (err error) {
		if m, err = rt.NewMIDIOut(rt.APIUnspecified, clientName); err != nil {
			return fmt.Errorf("rtmidi_out_create: %w", errRtMidi)
		}
		return nil
	}
	if sequencer.Supported {
		c, err = sequencer.Opened(create)
	} else {
		err = create()
	}
	if err != nil && m != nil {
		return nil, nil, errors.Join(err, closeOut(m, c))
	}
	return m, c, err
}

// check returns why RtMidi would find nothing: its own complaint goes to
// standard error.
func check() error {
	if !sequencer.Supported {
		return nil
	}
	quiet.ALSA()
	if err := sequencer.Check(); err != nil {
		return fmt.Errorf("%w: %w", midi.ErrNoPorts, err)
	}
	return nil
}

// closePort is the method of the binding that closes a port and ends the
// thread. Its MIDIIn hides it behind one that first makes the callback nil,
// so that a message that comes in between makes the program panic.
//
//go:linkname closePort gitlab.com/gomidi/midi/v2/drivers/rtmididrv/imported/rtmidi.(*midi).Close
func closePort(m unsafe.Pointer) error

// closeIn closes m, whose client is c, and frees it.
func closeIn(m rt.MIDIIn, c *sequencer.Client) error {
	forget(c)
	v := reflect.ValueOf(m)
	if first := v.Elem().Type().Field(0); first.Name != "midi" || first.Offset != 0 {
		return fmt.Errorf("internal error: %T begins with %s", m, first.Name)
	}
	err := closePort(v.UnsafePointer())
	if m.Close() != nil {
		// A call that once failed makes it return before this.
		m.Destroy()
	}
	if err != nil {
		return fmt.Errorf("rtmidi_close_port: %w", errRtMidi)
	}
	return nil
}

func closeOut(m rt.MIDIOut, c *sequencer.Client) error {
	forget(c)
	if m.Close() != nil {
		m.Destroy()
		return fmt.Errorf("rtmidi_close_port: %w", errRtMidi)
	}
	return nil
}

func forget(c *sequencer.Client) {
	if c != nil {
		c.Forget()
	}
}

// number returns RtMidi's number for p.
func number(m rt.MIDI, p midi.Port) (int, error) {
	n, err := m.PortCount()
	if err != nil {
		return 0, fmt.Errorf("rtmidi_get_port_count: %w", errRtMidi)
	}
	for i := range n {
		name, err := m.PortName(i)
		if err != nil {
			return 0, fmt.Errorf("rtmidi_get_port_name: %w", errRtMidi)
		}
		if sequencer.Supported {
			// CLIENT:PORT ADDRESS, the names as the clients gave them
			if strings.HasSuffix(name, ":"+p.Name+" "+p.ID) {
				return i, nil
			}
		} else if name == p.Name && fmt.Sprint(i) == p.ID {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%w: %q", midi.ErrNoSuchPort, p.Name)
}
