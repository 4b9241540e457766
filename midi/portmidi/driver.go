//go:build cgo

package portmidi

import (
	"fmt"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/sequencer"
)

// Driver is PortMidi as a midi.Driver.
type Driver struct{}

var _ midi.Driver = Driver{}

// Name returns "portmidi".
func (Driver) Name() string { return "portmidi" }

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

// sequencerPorts lists what PortMidi would find if it was started now, our own
// ports excepted.
func sequencerPorts() (ins, outs []midi.Port, err error) {
	ports, err := listed()
	if err != nil {
		return nil, nil, err
	}
	for _, p := range ports {
		port := midi.Port{Name: p.Name, ID: p.Addr.String()}
		if p.Caps&sequencer.CapSubsRead != 0 && !p.Own {
			ins = append(ins, port)
		}
		if p.Caps&sequencer.CapSubsWrite != 0 && !p.Own {
			outs = append(outs, port)
		}
	}
	return ins, outs, nil
}

// libraryPorts lists what PortMidi finds. While a port is open that is what
// was there before it.
func libraryPorts() (ins, outs []midi.Port, err error) {
	library.mu.Lock()
	defer library.mu.Unlock()
	if len(library.streams) == 0 {
		if err := start(); err != nil {
			return nil, nil, err
		}
	}
	for _, d := range library.ins {
		ins = append(ins, d.Port)
	}
	for _, d := range library.outs {
		outs = append(outs, d.Port)
	}
	return ins, outs, nil
}

// current returns the address of p, if that is still the port that was
// listed.
func current(p midi.Port, out bool) (sequencer.Addr, error) {
	ports, err := listed()
	if err != nil {
		return sequencer.Addr{}, err
	}
	wanted := sequencer.CapSubsRead
	if out {
		wanted = sequencer.CapSubsWrite
	}
	for _, q := range ports {
		if q.Addr.String() == p.ID && q.Name == p.Name && q.Caps&wanted != 0 {
			return q.Addr, nil
		}
	}
	return sequencer.Addr{}, fmt.Errorf("%w: %q", midi.ErrNoSuchPort, p.Name)
}

// OpenIn opens a port that Ports has listed.
func (Driver) OpenIn(p midi.Port) (midi.In, error) {
	in, err := openIn(p)
	if err != nil {
		return nil, fmt.Errorf("open MIDI in port %q: %w", p.Name, err)
	}
	return in, nil
}

func openIn(p midi.Port) (*In, error) {
	s, err := openStream(p, false)
	if err != nil {
		return nil, err
	}
	w, err := newWaiter(s.watch)
	if err != nil {
		s.close()
		return nil, err
	}
	library.mu.Lock()
	defer library.mu.Unlock()
	s.wake = w.Wake
	in := newIn(p.Name, s, w)
	in.sysex.mangles = sequencer.Supported
	return in, nil
}

func newWaiter(watch *sequencer.Watch) (waiter, error) {
	if !sequencer.Supported {
		return newTicker(pollInterval), nil
	}
	return sequencer.NewWaiter(watch)
}

// OpenOut opens a port that Ports has listed.
func (Driver) OpenOut(p midi.Port) (midi.Out, error) {
	s, err := openStream(p, true)
	if err != nil {
		return nil, fmt.Errorf("open MIDI out port %q: %w", p.Name, err)
	}
	return &Out{name: p.Name, stream: s}, nil
}

// pollInterval is how often an in port is asked for messages where nothing
// else tells of them. It adds half of itself to the latency on average.
const pollInterval = 400 * time.Microsecond
