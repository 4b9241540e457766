package miditest

import (
	"fmt"
	"slices"
	"sync"

	"github.com/isobooth/isobooth/midi"
)

// DriverOut is an out port of a Driver, as the test sees it; its Out has what
// was sent. Any goroutine may use it.
type DriverOut struct {
	*Out
	driver *Driver
	port   midi.Port

	mu   sync.Mutex
	now  *openOut // nil while it is not open
	gone bool
}

// Port is what Ports lists.
func (p *DriverOut) Port() midi.Port { return p.port }

// Open reports whether the port is open.
func (p *DriverOut) Open() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now != nil
}

// Unplug takes the port away: Send returns an error that wraps midi.ErrGone.
func (p *DriverOut) Unplug() { p.unplug(true) }

// Vanish takes the port away, but Send goes on without an error, as PortMidi's
// does.
func (p *DriverOut) Vanish() { p.unplug(false) }

func (p *DriverOut) unplug(says bool) {
	d := p.driver
	d.mu.Lock()
	d.outs = slices.DeleteFunc(d.outs, func(out *DriverOut) bool { return out == p })
	d.mu.Unlock()
	p.mu.Lock()
	p.gone = says
	p.mu.Unlock()
	d.changed(p.port.ID)
}

func (p *DriverOut) open() (midi.Out, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now != nil {
		return nil, fmt.Errorf("%w: %q", ErrBusy, p.port.Name)
	}
	p.now = &openOut{p}
	return p.now, nil
}

// openOut is one opening of a DriverOut: a midi.Out.
type openOut struct{ p *DriverOut }

func (o *openOut) Name() string { return o.p.port.Name }

func (o *openOut) Send(msg []byte) error {
	o.p.mu.Lock()
	defer o.p.mu.Unlock()
	switch {
	case o.p.now != o:
		return midi.ErrClosed
	case o.p.gone:
		return fmt.Errorf("send to MIDI port %q: %w", o.p.port.Name, midi.ErrGone)
	}
	return o.p.Out.Send(msg)
}

func (o *openOut) Close() error {
	o.p.mu.Lock()
	defer o.p.mu.Unlock()
	if o.p.now == o {
		o.p.now = nil
	}
	return nil
}
