package rawmidi

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/isobooth/isobooth/midi"
)

// Driver is the character devices as a midi.Driver.
type Driver struct{}

var _ midi.Driver = Driver{}

// Name returns "rawmidi".
func (Driver) Name() string { return "rawmidi" }

const (
	devices = "/dev/snd"
	info    = "/proc/asound"
)

// Ports lists the devices of this machine, as they are now. A port's name is
// that of the hardware and, in brackets, of the device file, its ID. With none
// at all the error wraps midi.ErrNoPorts.
func (Driver) Ports() (ins, outs []midi.Port, err error) {
	entries, err := os.ReadDir(devices)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	for _, e := range entries {
		var card, device int
		fmt.Sscanf(e.Name(), "midiC%dD%d", &card, &device)
		if e.Name() != fmt.Sprintf("midiC%dD%d", card, device) {
			continue
		}
		d, err := describe(card, device)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was unplugged meanwhile
		} else if err != nil {
			return nil, nil, err
		}
		port := midi.Port{Name: fmt.Sprintf("%s (%s)", d.name, e.Name()), ID: e.Name()}
		if d.in {
			ins = append(ins, port)
		}
		if d.out {
			outs = append(outs, port)
		}
	}
	if len(ins) == 0 && len(outs) == 0 {
		return nil, nil, fmt.Errorf("%w: no %s/midiC*D*", midi.ErrNoPorts, devices)
	}
	return ins, outs, nil
}

// description is what the kernel says of a device.
type description struct {
	name    string
	in, out bool
}

// describe reads the description of a device without opening it, which would
// keep others from it.
func describe(card, device int) (description, error) {
	f, err := os.Open(fmt.Sprintf("%s/card%d/midi%d", info, card, device))
	if err != nil {
		return description{}, err
	}
	defer f.Close()
	return parse(f)
}

// maxName is the longest name we take; the kernel has room for 80 bytes.
const maxName = 80

// parse reads a description: the name, which the device itself has given,
// and a section for each of its ways, "Input 0" or "Output 0".
func parse(r io.Reader) (description, error) {
	var d description
	lines := bufio.NewScanner(r)
	if lines.Scan() {
		d.name = strings.TrimSpace(lines.Text())
	}
	if len(d.name) > maxName || !utf8.ValidString(d.name) {
		return d, fmt.Errorf("the name of a MIDI device is not text: %.100q", d.name)
	}
	for lines.Scan() {
		d.in = d.in || strings.HasPrefix(lines.Text(), "Input ")
		d.out = d.out || strings.HasPrefix(lines.Text(), "Output ")
	}
	return d, lines.Err()
}

// open opens the device of p, unless another has its place.
func open(p midi.Port, out bool) (*os.File, error) {
	ins, outs, err := Driver{}.Ports()
	if err != nil {
		return nil, err
	}
	mode := os.O_RDONLY
	if out {
		ins, mode = outs, os.O_WRONLY
	}
	if !slices.Contains(ins, p) {
		return nil, fmt.Errorf("%w: %q", midi.ErrNoSuchPort, p.Name)
	}
	// Else it would wait until another program closes the device.
	f, err := os.OpenFile(filepath.Join(devices, p.ID), mode|nonBlocking, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", midi.ErrNoSuchPort, err)
	}
	return f, err
}
