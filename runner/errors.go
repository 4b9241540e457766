package runner

import (
	"errors"
	"fmt"
)

var (
	// ErrNotReady is returned by Send while a booth is stopped, stopping or
	// quarantined; the trigger is dropped and counted.
	ErrNotReady = errors.New("booth is not ready")
	// ErrFull is returned by Send when QueueLen triggers wait for a plugin
	// that is busy or comes back from a restart; the trigger is dropped and counted.
	ErrFull = errors.New("booth's queue is full")
	// ErrLayer is matched by every error about a sandbox layer that could not
	// be applied; errors.As with *LayerError names it.
	ErrLayer = errors.New("sandbox layer missing")
	// ErrNotHeld is returned by Release for a booth that is neither quarantined
	// nor backing off.
	ErrNotHeld = errors.New("booth is neither quarantined nor backing off")
	// ErrStopped is returned by Replace and SetLimits when Run has ended, or
	// ends meanwhile.
	ErrStopped = errors.New("booth is stopped")
	// ErrJailer means that the jailer has ended; the host can start nothing
	// any more.
	ErrJailer = errors.New("jailer has ended")
	// ErrTimeout is wrapped when a plugin misses a deadline.
	ErrTimeout = errors.New("deadline missed")
)

// LayerError names a sandbox layer that could not be applied.
type LayerError struct {
	Layer string
	Err   error
}

func (e *LayerError) Error() string        { return fmt.Sprintf("%v: %s: %v", ErrLayer, e.Layer, e.Err) }
func (e *LayerError) Unwrap() error        { return e.Err }
func (e *LayerError) Is(target error) bool { return target == ErrLayer }
