package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/portmidi"
	"github.com/isobooth/isobooth/midi/rawmidi"
	"github.com/isobooth/isobooth/midi/rtmidi"
)

// wire is a way by which MIDI comes in.
type wire struct {
	send  func(msg []byte) error
	run   func(ctx context.Context, deliver func(*midi.Event)) error
	close func() error
}

// pipeWire is a pipe, read as a raw stream is.
func pipeWire() (*wire, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &wire{
		send: func(msg []byte) error {
			_, err := w.Write(msg)
			return err
		},
		run: func(ctx context.Context, deliver func(*midi.Event)) error {
			return midi.NewStream(r, "bench").Run(ctx, deliver)
		},
		close: func() error { return errors.Join(w.Close(), r.Close()) },
	}, nil
}

// errNoWire: this machine has not the ports for a measurement.
var errNoWire = errors.New("no card of snd_virmidi")

// The names of snd_virmidi's first device, as hardware and in the sequencer.
const (
	device = "Virtual Raw MIDI (midiC"
	port   = "VirMIDI "
)

// portWire is snd_virmidi's card: what is written to its character device
// comes from its port of the sequencer, and the other way round.
func portWire(in, out midi.Driver) (*wire, error) {
	ins, _, err := in.Ports()
	_, outs, oerr := out.Ports()
	if err := errors.Join(err, oerr); errors.Is(err, midi.ErrNoPorts) {
		return nil, fmt.Errorf("%w: %w", errNoWire, err)
	} else if err != nil {
		return nil, err
	}
	from, to := first(ins), first(outs)
	if from == nil || to == nil {
		return nil, errNoWire
	}
	i, err := in.OpenIn(*from)
	if err != nil {
		return nil, err
	}
	o, err := out.OpenOut(*to)
	if err != nil {
		return nil, errors.Join(err, i.Close())
	}
	return &wire{send: o.Send, run: i.Run, close: func() error { return errors.Join(o.Close(), i.Close()) }}, nil
}

func first(ports []midi.Port) *midi.Port {
	for i, p := range ports {
		if strings.HasPrefix(p.Name, device) || strings.HasPrefix(p.Name, port) {
			return &ports[i]
		}
	}
	return nil
}

func (b *bench) pipeLatency(told func(int), s size) ([]Row, error) {
	return b.latency(told, s, pipeWire)
}

func (b *bench) rawmidiLatency(told func(int), s size) ([]Row, error) {
	return b.latency(told, s, func() (*wire, error) { return portWire(rawmidi.Driver{}, rtmidi.Driver{}) })
}

func (b *bench) rtmidiLatency(told func(int), s size) ([]Row, error) {
	return b.latency(told, s, func() (*wire, error) { return portWire(rtmidi.Driver{}, rawmidi.Driver{}) })
}

func (b *bench) portmidiLatency(told func(int), s size) ([]Row, error) {
	return b.latency(told, s, func() (*wire, error) { return portWire(portmidi.Driver{}, rawmidi.Driver{}) })
}
