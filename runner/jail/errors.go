package jail

import "fmt"

// LayerError is a sandbox layer that could not be applied or was not found
// in force. The booth that met it is killed.
type LayerError struct {
	Layer string // as in docs/threat-model.md: "seccomp", "landlock", ...
	Err   error
}

func (e *LayerError) Error() string { return e.Err.Error() }
func (e *LayerError) Unwrap() error { return e.Err }

func layerErrorf(layer, format string, args ...any) error {
	return &LayerError{Layer: layer, Err: fmt.Errorf(format, args...)}
}
