package portmidi

import (
	"fmt"
	"strings"

	"github.com/isobooth/isobooth/midi"
)

// Port is a MIDI port of this machine, seen from us: an in port is one we
// read.
type Port struct {
	Name   string // as PortMidi reports it; not always unique
	Number int    // from 0, in its direction; changes when ports come and go
}

// match returns the index of the first port whose name pattern matches.
// direction, "in" or "out", is for the error.
func match(ports []Port, pattern, direction string) (int, error) {
	g, err := midi.ParseGlob(pattern)
	if err != nil {
		return 0, err
	}
	if len(ports) == 0 {
		return 0, fmt.Errorf("%w: none to match %s port %q", ErrNoPorts, direction, pattern)
	}
	names := make([]string, len(ports))
	for i, p := range ports {
		if g.Match(p.Name) {
			return i, nil
		}
		names[i] = fmt.Sprintf("%q", p.Name)
	}
	return 0, fmt.Errorf("%w: %s port %q, there are %s", ErrNoSuchPort, direction, pattern, strings.Join(names, ", "))
}
