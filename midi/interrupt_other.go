//go:build !linux

package midi

import (
	"context"
	"io"
)

// interruptible returns a reader of r whose Read ends when ctx does. stop
// frees what that takes, not r.
func interruptible(ctx context.Context, r io.Reader) (rd io.Reader, stop func(), err error) {
	rd, stop = newRelay(ctx, r)
	return rd, stop, nil
}
