package main

import (
	"fmt"
	"strings"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/portmidi"
)

// portmidiDriver makes a midi.Driver of the functions of package portmidi,
// which open the first port of a name.
type portmidiDriver struct{}

func (portmidiDriver) Name() string { return "portmidi" }

func (portmidiDriver) Ports() (ins, outs []midi.Port, err error) {
	in, out, err := portmidi.Ports()
	return firstOfName(in), firstOfName(out), err
}

func firstOfName(list []portmidi.Port) (ports []midi.Port) {
	seen := map[string]bool{}
	for _, p := range list {
		if !seen[p.Name] {
			seen[p.Name] = true
			ports = append(ports, midi.Port{Name: p.Name, ID: fmt.Sprint(p.Number)})
		}
	}
	return ports
}

// literal is the pattern that only name matches.
func literal(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
}

func (portmidiDriver) OpenIn(p midi.Port) (midi.In, error) {
	in, err := portmidi.OpenIn(literal(p.Name))
	if err != nil {
		return nil, err
	}
	return portmidiIn{in}, nil
}

func (portmidiDriver) OpenOut(p midi.Port) (midi.Out, error) {
	return portmidi.OpenOut(literal(p.Name))
}

type portmidiIn struct{ *portmidi.In }

func (in portmidiIn) Lost() midi.Lost {
	s := in.Stats()
	return midi.Lost{ParserStats: s.ParserStats, Overflows: s.Overflows}
}
