//go:build cgo

package rtmidi

import (
	"fmt"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/sequencer"
	rt "gitlab.com/gomidi/midi/v2/drivers/rtmididrv/imported/rtmidi"
)

// Driver is RtMidi as a midi.Driver.
type Driver struct{}

var _ midi.Driver = Driver{}

// Name returns "rtmidi".
func (Driver) Name() string { return "rtmidi" }

// Types of ports that RtMidi passes over if they have none of them.
const portTypes = 1<<1 | 1<<10 | 1<<20 // MIDI_GENERIC, SYNTH, APPLICATION

// Ports lists the ports of this machine, as they are now. With none at all
// the error wraps midi.ErrNoPorts.
func (Driver) Ports() (ins, outs []midi.Port, err error) {
	if sequencer.Supported {
		ins, outs, err = sequencerPorts()
	} else {
		ins, outs, err = libraryPorts()
	}
	if err == nil && len(ins) == 0 && len(outs) == 0 {
		err = midi.ErrNoPorts
	}
	return ins, outs, err
}

// sequencerPorts lists what RtMidi would list, our own ports excepted.
func sequencerPorts() (ins, outs []midi.Port, err error) {
	ports, err := sequencer.Ports()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", midi.ErrNoPorts, err)
	}
	for _, p := range ports {
		if p.Own || p.Type&portTypes == 0 {
			continue
		}
		port := midi.Port{Name: p.Name, ID: p.Addr.String()}
		if has(p, sequencer.CapRead|sequencer.CapSubsRead) {
			ins = append(ins, port)
		}
		if has(p, sequencer.CapWrite|sequencer.CapSubsWrite) {
			outs = append(outs, port)
		}
	}
	return ins, outs, nil
}

func has(p sequencer.Port, caps sequencer.Caps) bool { return p.Caps&caps == caps }

// libraryPorts lists what RtMidi lists, where there is no sequencer.
func libraryPorts() (ins, outs []midi.Port, err error) {
	in, _, err := newMIDIIn()
	if err != nil {
		return nil, nil, err
	}
	defer closeIn(in, nil)
	out, _, err := newMIDIOut()
	if err != nil {
		return nil, nil, err
	}
	defer closeOut(out, nil)
	if ins, err = names(in); err != nil {
		return nil, nil, err
	}
	outs, err = names(out)
	return ins, outs, err
}

func names(m rt.MIDI) (ports []midi.Port, err error) {
	n, err := m.PortCount()
	if err != nil {
		return nil, fmt.Errorf("rtmidi_get_port_count: %w", errRtMidi)
	}
	for i := range n {
		name, err := m.PortName(i)
		if err != nil {
			return nil, fmt.Errorf("rtmidi_get_port_name: %w", errRtMidi)
		}
		ports = append(ports, midi.Port{Name: name, ID: fmt.Sprint(i)})
	}
	return ports, nil
}

// newWatch watches p where there is a sequencer.
func newWatch(p midi.Port) (*sequencer.Watch, error) {
	if !sequencer.Supported {
		return nil, nil
	}
	if err := check(); err != nil {
		return nil, err
	}
	addr, err := sequencer.ParseAddr(p.ID)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", midi.ErrNoSuchPort, err)
	}
	return sequencer.NewWatch(addr)
}
