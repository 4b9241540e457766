package ports

import (
	"errors"
	"testing"

	"github.com/isobooth/isobooth/midi"
)

func TestFind(t *testing.T) {
	list := []midi.Port{{Name: "A", ID: "1"}, {Name: "Pad", ID: "2"}, {Name: "Pad", ID: "3"}}
	for pattern, want := range map[string]string{"*": "1", "P*": "2", "Pad": "2"} {
		if p, err := Find(list, pattern, "in"); err != nil || p.ID != want {
			t.Errorf("%s: %v, %v", pattern, p, err)
		}
	}
	_, err := Find(list, "X", "in")
	if !errors.Is(err, midi.ErrNoSuchPort) || err.Error() != `no such MIDI port: in port "X", there are "A", "Pad", "Pad"` {
		t.Error(err)
	}
	if _, err := Find(nil, "X", "out"); !errors.Is(err, midi.ErrNoPorts) {
		t.Error(err)
	}
	if _, err := Find(list, "[", "in"); !errors.Is(err, midi.ErrGlob) {
		t.Error(err)
	}
}
