//go:build !cgo

package rtmidi

import (
	"errors"
	"fmt"

	"github.com/isobooth/isobooth/midi"
)

var errNoCgo = fmt.Errorf("RtMidi in a program built without cgo: %w", errors.ErrUnsupported)

// Driver is a midi.Driver whose every call fails.
type Driver struct{}

var _ midi.Driver = Driver{}

// Name returns "rtmidi".
func (Driver) Name() string { return "rtmidi" }

// Ports returns an error that wraps errors.ErrUnsupported.
func (Driver) Ports() (ins, outs []midi.Port, err error) { return nil, nil, errNoCgo }

// OpenIn returns an error that wraps errors.ErrUnsupported.
func (Driver) OpenIn(midi.Port) (midi.In, error) { return nil, errNoCgo }

// OpenOut returns an error that wraps errors.ErrUnsupported.
func (Driver) OpenOut(midi.Port) (midi.Out, error) { return nil, errNoCgo }

// OpenVirtualIn returns an error that wraps errors.ErrUnsupported.
func (Driver) OpenVirtualIn(name string) (midi.In, error) { return nil, errNoCgo }

// OpenVirtualOut returns an error that wraps errors.ErrUnsupported.
func (Driver) OpenVirtualOut(name string) (midi.Out, error) { return nil, errNoCgo }
