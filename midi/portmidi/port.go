package portmidi

import (
	"errors"
	"fmt"
	"strings"

	"github.com/isobooth/isobooth/midi"
)

// ErrNoPorts and ErrNoSuchPort are those of every driver.
var (
	ErrNoPorts    = midi.ErrNoPorts
	ErrNoSuchPort = midi.ErrNoSuchPort
)

// Port is a MIDI port of this machine, seen from us: an in port is one we
// read.
type Port struct {
	Name   string // as PortMidi reports it; not always unique
	Number int    // from 0, in its direction; changes when ports come and go
}

// Ports lists the ports of this machine. With none at all the error wraps
// ErrNoPorts.
func Ports() (ins, outs []Port, err error) {
	in, out, err := Driver{}.Ports()
	for i, p := range in {
		ins = append(ins, Port{p.Name, i})
	}
	for i, p := range out {
		outs = append(outs, Port{p.Name, i})
	}
	return ins, outs, err
}

// OpenIn opens the first in port whose name pattern, a midi.Glob, matches.
// The error wraps ErrNoPorts, ErrNoSuchPort or midi.ErrGlob where one of
// them is the reason.
func OpenIn(pattern string) (*In, error) {
	ins, _, err := Driver{}.Ports()
	p, err := match(ins, err, pattern, "in")
	if err != nil {
		return nil, err
	}
	in, err := Driver{}.OpenIn(p)
	if err != nil {
		return nil, err
	}
	return in.(*In), nil
}

// OpenOut opens the first out port whose name pattern, a midi.Glob, matches.
// Its errors are those of OpenIn.
func OpenOut(pattern string) (*Out, error) {
	_, outs, err := Driver{}.Ports()
	p, err := match(outs, err, pattern, "out")
	if err != nil {
		return nil, err
	}
	out, err := Driver{}.OpenOut(p)
	if err != nil {
		return nil, err
	}
	return out.(*Out), nil
}

// match returns the first port whose name pattern matches. direction, "in" or
// "out", is for the error.
func match(ports []midi.Port, err error, pattern, direction string) (midi.Port, error) {
	if err != nil && !errors.Is(err, ErrNoPorts) {
		return midi.Port{}, err
	}
	g, gerr := midi.ParseGlob(pattern)
	if gerr != nil {
		return midi.Port{}, gerr
	}
	if err != nil {
		return midi.Port{}, err
	}
	if len(ports) == 0 {
		return midi.Port{}, fmt.Errorf("%w: none to match %s port %q", ErrNoPorts, direction, pattern)
	}
	names := make([]string, len(ports))
	for i, p := range ports {
		if g.Match(p.Name) {
			return p, nil
		}
		names[i] = fmt.Sprintf("%q", p.Name)
	}
	return midi.Port{}, fmt.Errorf("%w: %s port %q, there are %s", ErrNoSuchPort, direction, pattern, strings.Join(names, ", "))
}

// Stats is midi.Lost.
type Stats = midi.Lost

// Stats is Lost.
func (in *In) Stats() Stats { return in.Lost() }
