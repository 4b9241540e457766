//go:build cgo

package portmidi

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"testing"
)

// Whatever this machine has, asking twice gives the same answer, and a port
// that cannot exist is refused with the right error.
func TestPorts(t *testing.T) {
	for range 2 {
		ins, outs, err := Ports()
		want := ErrNoSuchPort
		switch {
		case errors.Is(err, ErrNoPorts):
			want = ErrNoPorts
			if len(ins)+len(outs) > 0 {
				t.Errorf("%d ports besides %v", len(ins)+len(outs), err)
			}
		case err != nil:
			t.Fatal(err)
		}
		for i, p := range ins {
			if p.Number != i {
				t.Errorf("in port %d has number %d", i, p.Number)
			}
		}
		if len(ins) > 0 || want == ErrNoPorts {
			if _, err := OpenIn("no port has this name"); !errors.Is(err, want) {
				t.Errorf("OpenIn = %v, want %v", err, want)
			}
		}
		if len(outs) > 0 || want == ErrNoPorts {
			if _, err := OpenOut("no port has this name"); !errors.Is(err, want) {
				t.Errorf("OpenOut = %v, want %v", err, want)
			}
		}
	}
}

// Neither linking the package nor looking for ports where there are none
// makes ALSA write to standard error.
func TestQuietWithoutSequencer(t *testing.T) {
	const child = "ISOBOOTH_TEST_PORTS"
	if os.Getenv(child) != "" {
		Ports()
		return
	}
	if checkSequencer() == nil {
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
