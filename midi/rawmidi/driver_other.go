//go:build !linux

package rawmidi

import (
	"errors"
	"fmt"

	"github.com/isobooth/isobooth/midi"
)

var errNoLinux = fmt.Errorf("character devices of MIDI hardware: %w", errors.ErrUnsupported)

// Driver is a midi.Driver whose every call fails.
type Driver struct{}

var _ midi.Driver = Driver{}

// Name returns "rawmidi".
func (Driver) Name() string { return "rawmidi" }

// Ports returns an error that wraps errors.ErrUnsupported.
func (Driver) Ports() (ins, outs []midi.Port, err error) { return nil, nil, errNoLinux }

// OpenIn returns an error that wraps errors.ErrUnsupported.
func (Driver) OpenIn(midi.Port) (midi.In, error) { return nil, errNoLinux }

// OpenOut returns an error that wraps errors.ErrUnsupported.
func (Driver) OpenOut(midi.Port) (midi.Out, error) { return nil, errNoLinux }
