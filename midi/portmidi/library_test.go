//go:build cgo

package portmidi

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/sequencer"
)

// Whatever this machine has, asking twice gives the same answer, and a port
// that cannot exist is refused with the right error.
func TestPorts(t *testing.T) {
	var d Driver
	for range 2 {
		ins, outs, err := d.Ports()
		want := midi.ErrNoSuchPort
		switch {
		case errors.Is(err, midi.ErrNoPorts):
			want = midi.ErrNoPorts
			if len(ins)+len(outs) > 0 {
				t.Errorf("%d ports besides %v", len(ins)+len(outs), err)
			}
		case err != nil:
			t.Fatal(err)
		}
		for _, none := range []midi.Port{{Name: "no port has this name", ID: "14:0"}, {ID: "250:250"}, {ID: "x"}} {
			if in, err := d.OpenIn(none); !errors.Is(err, want) || in != nil {
				t.Errorf("OpenIn(%v) = %v, want %v", none, err, want)
			}
			if out, err := d.OpenOut(none); !errors.Is(err, want) || out != nil {
				t.Errorf("OpenOut(%v) = %v, want %v", none, err, want)
			}
		}
	}
}

// Neither linking the package nor looking for ports where there are none
// makes ALSA write to standard error.
func TestQuietWithoutSequencer(t *testing.T) {
	const child = "ISOBOOTH_TEST_PORTS"
	if os.Getenv(child) != "" {
		Driver{}.Ports()
		return
	}
	if sequencer.Check() == nil {
		t.Skip("this machine has a sequencer")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestQuietWithoutSequencer$")
	cmd.Env = append(os.Environ(), child+"=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if out, err := cmd.Output(); err != nil || stderr.Len() > 0 {
		t.Errorf("%v: stdout %q, stderr %q", err, out, &stderr)
	}
}
