//go:build cgo

package rtmidi

import (
	"errors"
	"fmt"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/sequencer"
	rt "gitlab.com/gomidi/midi/v2/drivers/rtmididrv/imported/rtmidi"
)

// OpenIn opens a port that Ports has listed.
func (Driver) OpenIn(p midi.Port) (midi.In, error) {
	in, err := openIn(p, false)
	if err != nil {
		return nil, fmt.Errorf("open MIDI in port %q: %w", p.Name, err)
	}
	return in, nil
}

// OpenVirtualIn makes an in port of that name, which other programs can
// connect to. Our own Ports does not list it.
func (Driver) OpenVirtualIn(name string) (midi.In, error) {
	in, err := openIn(midi.Port{Name: name}, true)
	if err != nil {
		return nil, fmt.Errorf("make MIDI in port %q: %w", name, err)
	}
	return in, nil
}

func openIn(p midi.Port, virtual bool) (_ *In, err error) {
	var watch *sequencer.Watch
	if !virtual {
		if watch, err = newWatch(p); err != nil {
			return nil, err
		}
	}
	m, client, err := newMIDIIn()
	if err != nil {
		closeWatch(watch)
		return nil, err
	}
	w, err := sequencer.NewWaiter(watch)
	if err != nil {
		closeWatch(watch)
		return nil, errors.Join(err, closeIn(m, client))
	}
	in := newIn(p.Name, w)
	in.system = system{
		lost: func() uint64 { return lost(client) },
		mark: func(b []byte) error { return client.Mark(b) },
		close: func() error {
			defer closeWatch(watch)
			return closeIn(m, client)
		},
	}
	if err := connectIn(m, p, virtual, in); err != nil {
		w.Close()
		return nil, errors.Join(err, in.system.close())
	}
	return in, nil
}

// connectIn connects m to p, or makes it p. Whatever comes from then on is put
// into in.
func connectIn(m rt.MIDIIn, p midi.Port, virtual bool, in *In) error {
	// Active sensing says three times a second that the cable is still there,
	// and no trigger can ask for it.
	if m.IgnoreTypes(false, false, true) != nil {
		return fmt.Errorf("rtmidi_in_ignore_types: %w", errRtMidi)
	}
	if m.SetCallback(func(_ rt.MIDIIn, msg []byte, _ float64) { in.put(msg) }) != nil {
		return fmt.Errorf("rtmidi_in_set_callback: %w", errRtMidi)
	}
	return connect(m, p, virtual)
}

func connect(m rt.MIDI, p midi.Port, virtual bool) error {
	if virtual {
		if m.OpenVirtualPort(p.Name) != nil {
			return fmt.Errorf("rtmidi_open_virtual_port: %w", errRtMidi)
		}
		return nil
	}
	i, err := number(m, p)
	if err != nil {
		return err
	}
	if m.OpenPort(i, clientName) != nil {
		return fmt.Errorf("rtmidi_open_port: %w", errRtMidi)
	}
	return nil
}

// lost returns how many messages the system had to drop because RtMidi had
// not read those before them.
func lost(c *sequencer.Client) uint64 {
	if c == nil {
		return 0
	}
	// Without this count there is nothing that could count.
	n, _ := c.Lost()
	return n
}

func closeWatch(w *sequencer.Watch) {
	if w != nil {
		w.Close()
	}
}

// OpenOut opens a port that Ports has listed.
func (Driver) OpenOut(p midi.Port) (midi.Out, error) {
	watch, err := newWatch(p)
	if err != nil {
		return nil, fmt.Errorf("open MIDI out port %q: %w", p.Name, err)
	}
	out, err := openOut(p, false, watch)
	if err != nil {
		closeWatch(watch)
		return nil, fmt.Errorf("open MIDI out port %q: %w", p.Name, err)
	}
	return out, nil
}

// OpenVirtualOut makes an out port of that name, which other programs can
// connect to. Our own Ports does not list it.
func (Driver) OpenVirtualOut(name string) (midi.Out, error) {
	out, err := openOut(midi.Port{Name: name}, true, nil)
	if err != nil {
		return nil, fmt.Errorf("make MIDI out port %q: %w", name, err)
	}
	return out, nil
}

func openOut(p midi.Port, virtual bool, watch *sequencer.Watch) (*Out, error) {
	m, client, err := newMIDIOut()
	if err != nil {
		return nil, err
	}
	if err := connect(m, p, virtual); err != nil {
		return nil, errors.Join(err, closeOut(m, client))
	}
	return &Out{name: p.Name, sender: &rtSender{m, client, watch}}, nil
}

// rtSender is a sender of RtMidi.
type rtSender struct {
	m      rt.MIDIOut
	client *sequencer.Client // nil where there is no sequencer
	watch  *sequencer.Watch  // nil of a virtual port, too
}

func (s *rtSender) gone() bool {
	if s.watch == nil {
		return false
	}
	_, gone := s.watch.Look()
	return gone
}

func (s *rtSender) send(b []byte) error {
	if s.m.SendMessage(b) != nil {
		return fmt.Errorf("rtmidi_out_send_message: %w", errRtMidi)
	}
	return nil
}

func (s *rtSender) close() error {
	closeWatch(s.watch)
	return closeOut(s.m, s.client)
}
