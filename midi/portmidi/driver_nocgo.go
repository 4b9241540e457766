//go:build !cgo

package portmidi

import (
	"errors"
	"fmt"

	"github.com/isobooth/isobooth/midi"
)

var errNoCgo = fmt.Errorf("PortMidi in a program built without cgo: %w", errors.ErrUnsupported)

// Driver is a midi.Driver whose every call fails.
type Driver struct{}

var _ midi.Driver = Driver{}

// Name returns "portmidi".
func (Driver) Name() string { return "portmidi" }

// Ports returns an error that wraps errors.ErrUnsupported.
func (Driver) Ports() (ins, outs []midi.Port, err error) { return nil, nil, errNoCgo }

// OpenIn returns an error that wraps errors.ErrUnsupported.
func (Driver) OpenIn(midi.Port) (midi.In, error) { return nil, errNoCgo }

// OpenOut returns an error that wraps errors.ErrUnsupported.
func (Driver) OpenOut(midi.Port) (midi.Out, error) { return nil, errNoCgo }
