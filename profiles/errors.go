package profiles

import "errors"

var (
	// ErrUnknown: Named was asked for a profile that is not embedded.
	ErrUnknown = errors.New("unknown profile")

	// ErrInvalid: the text of a profile was refused. The error that wraps it
	// starts with file:line.
	ErrInvalid = errors.New("invalid profile")
)
