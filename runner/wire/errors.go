package wire

import (
	"errors"
	"fmt"
)

// ErrFrame is wrapped by every error about a frame that breaks the protocol.
// There is no way to find the next frame after one: close the pipe.
var ErrFrame = errors.New("protocol violation")

func frameErrorf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFrame, fmt.Sprintf(format, args...))
}

// Code is an error of the worker, from a closed list; enum wire_code in
// runner/worker/wire.h has the same numbers. It is an error itself, so that
// errors.Is finds it in a WorkerError.
type Code uint32

const (
	CodeDlopen   Code = 1 // the loader refused the library
	CodeEntry    Code = 2 // the entry symbol is missing
	CodeABI      Code = 3 // the plugin refused this interface version
	CodeTable    Code = 4 // the plugin's table is incomplete
	CodeStart    Code = 5 // the plugin's start returned an error
	CodeProtocol Code = 6 // the worker could not read a frame of ours
)

func (c Code) Error() string {
	switch c {
	case CodeDlopen:
		return "library not loadable"
	case CodeEntry:
		return "entry missing"
	case CodeABI:
		return "interface version refused"
	case CodeTable:
		return "plugin table incomplete"
	case CodeStart:
		return "start failed"
	case CodeProtocol:
		return "worker could not read the frame"
	}
	return "unknown worker error"
}

// WorkerError is an ERROR frame. Its text came out of a booth.
type WorkerError struct {
	Code Code
	Text string
}

func (e *WorkerError) Error() string { return fmt.Sprintf("%v: %q", e.Code, e.Text) }
func (e *WorkerError) Unwrap() error { return e.Code }
