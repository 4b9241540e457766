//go:build !cgo

package portmidi

import (
	"errors"
	"fmt"
)

var errNoCgo = fmt.Errorf("MIDI ports in a program built without cgo: %w", errors.ErrUnsupported)

// Ports returns an error that wraps errors.ErrUnsupported.
func Ports() (ins, outs []Port, err error) { return nil, nil, errNoCgo }

// OpenIn returns an error that wraps errors.ErrUnsupported.
func OpenIn(pattern string) (*In, error) { return nil, errNoCgo }

// OpenOut returns an error that wraps errors.ErrUnsupported.
func OpenOut(pattern string) (*Out, error) { return nil, errNoCgo }
