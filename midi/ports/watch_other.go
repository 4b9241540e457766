//go:build !linux

package ports

import (
	"errors"
	"fmt"
	"time"
)

// Watch has the ports looked at every two seconds until stop is called, which
// waits for its end; the error says why.
func Watch(changes *Changes) (stop func(), err error) {
	return poll(changes, time.NewTicker(pollInterval)), fmt.Errorf("notice new MIDI ports: %w", errors.ErrUnsupported)
}
