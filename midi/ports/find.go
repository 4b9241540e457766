package ports

import (
	"fmt"
	"strings"

	"github.com/isobooth/isobooth/midi"
)

// Find returns the first of list whose name pattern, a midi.Glob, matches.
// direction, "in" or "out", is for the error, which wraps midi.ErrNoPorts,
// midi.ErrNoSuchPort or midi.ErrGlob.
func Find(list []midi.Port, pattern, direction string) (midi.Port, error) {
	g, err := midi.ParseGlob(pattern)
	if err != nil {
		return midi.Port{}, err
	}
	if len(list) == 0 {
		return midi.Port{}, fmt.Errorf("%w: none to match %s port %q", midi.ErrNoPorts, direction, pattern)
	}
	names := make([]string, len(list))
	for i, p := range list {
		if g.Match(p.Name) {
			return p, nil
		}
		names[i] = fmt.Sprintf("%q", p.Name)
	}
	return midi.Port{}, fmt.Errorf("%w: %s port %q, there are %s", midi.ErrNoSuchPort, direction, pattern, strings.Join(names, ", "))
}
