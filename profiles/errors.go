package profiles

import "errors"

var (
	// ErrUnknown: there is no profile of that name.
	ErrUnknown = errors.New("unknown profile")

	// ErrInvalid: the text of a profile was refused. The error that wraps it
	// starts with file:line.
	ErrInvalid = errors.New("invalid profile")

	// ErrUnsafe: a profile's file or folder could have been changed by
	// somebody else, or is none. Nothing was read from it.
	ErrUnsafe = errors.New("unsafe file")

	// ErrTwice: two profiles have the same name, and none is taken.
	ErrTwice = errors.New("a profile's name exists twice")
)
