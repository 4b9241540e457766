package audit

import "errors"

var (
	// ErrRecord is a line that is no record.
	ErrRecord = errors.New("not a record")
	// ErrHash is a line in the form of a record whose hash is another's.
	ErrHash = errors.New("its hash is not that of the line")
	// ErrFile is a log that is not ours alone, or is no plain file.
	ErrFile = errors.New("unsafe file")
	// ErrTail is a log whose last record cannot be found, so that nothing can
	// be chained to it.
	ErrTail = errors.New("no record at the end of the log")
)
