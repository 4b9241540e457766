//go:build !linux || !(386 || amd64 || arm || arm64 || loong64 || riscv64 || s390x)

package sequencer

import (
	"errors"
	"fmt"
)

// Supported says whether the functions of this package do anything.
const Supported = false

var errNone = fmt.Errorf("ALSA's sequencer: %w", errors.ErrUnsupported)

// Check returns an error that wraps errors.ErrUnsupported.
func Check() error { return errNone }

// Ports returns an error that wraps errors.ErrUnsupported.
func Ports() ([]Port, error) { return nil, errNone }

// Client cannot be had here.
type Client struct{}

// Opened returns an error that wraps errors.ErrUnsupported.
func Opened(open func() error) (*Client, error) { return nil, errNone }

// Forget does nothing.
func (c *Client) Forget() {}

// Lost returns an error that wraps errors.ErrUnsupported.
func (c *Client) Lost() (uint64, error) { return 0, errNone }

// Watch cannot be had here.
type Watch struct{}

// NewWatch returns an error that wraps errors.ErrUnsupported.
func NewWatch(addr Addr) (*Watch, error) { return nil, errNone }

// Addr returns no address.
func (w *Watch) Addr() Addr { return Addr{} }

// Listen returns an error that wraps errors.ErrUnsupported.
func (w *Watch) Listen() error { return errNone }

// Connected returns false.
func (w *Watch) Connected() bool { return false }

// Look finds nothing.
func (w *Watch) Look() (sent, gone bool) { return false, false }

// Close does nothing.
func (w *Watch) Close() {}

// Waiter lets a goroutine sleep until there is something for it to do.
type Waiter struct{ wake chan struct{} }

// NewWaiter makes a Waiter; watch is nil.
func NewWaiter(watch *Watch) (*Waiter, error) { return &Waiter{make(chan struct{}, 1)}, nil }

// Wait returns after Wake.
func (w *Waiter) Wait() error {
	<-w.wake
	return nil
}

// Wake ends the Wait that goes on, or the next. Any goroutine may call it.
func (w *Waiter) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Close does nothing.
func (w *Waiter) Close() {}

// Mark returns an error that wraps errors.ErrUnsupported.
func (c *Client) Mark(msg []byte) error { return errNone }
