package miditest

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/isobooth/isobooth/midi"
)

var _ midi.Driver = (*Driver)(nil)

// ErrBusy: a port is open already, and the Driver opens none twice.
var ErrBusy = errors.New("port is open already")

// Driver is a midi.Driver whose ports a test plugs in and unplugs. The zero
// Driver has none and is ready. Any goroutine may use it.
type Driver struct {
	// Changed, unless nil, is called after each Plug and Unplug with the IDs
	// that have gone, as a system's own notification would be.
	Changed func(gone ...string)
	// Queue is how many messages an in port keeps until they are read; 0: any
	// number. One that does not fit is lost, and one of Lost.Overflows.
	Queue int

	mu       sync.Mutex
	ins      []*DriverIn
	outs     []*DriverOut
	broken   error
	failures map[string]error
	lists    int
	next     int
}

// Name returns "fake".
func (d *Driver) Name() string { return "fake" }

// Ports lists what is plugged in, in the order of that.
func (d *Driver) Ports() (ins, outs []midi.Port, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lists++
	if d.broken != nil {
		return nil, nil, d.broken
	}
	for _, p := range d.ins {
		ins = append(ins, p.port)
	}
	for _, p := range d.outs {
		outs = append(outs, p.port)
	}
	if len(ins)+len(outs) == 0 {
		return nil, nil, midi.ErrNoPorts
	}
	return ins, outs, nil
}

// Lists is how often Ports was called.
func (d *Driver) Lists() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lists
}

// Break has Ports fail with err from now on, or work again with nil.
func (d *Driver) Break(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.broken = err
}

// Fail has opening the port with that ID fail with err, or work again with nil.
func (d *Driver) Fail(id string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failures == nil {
		d.failures = map[string]error{}
	}
	d.failures[id] = err
}

// Plug makes an in port appear, with an ID of its own.
func (d *Driver) Plug(name string) *DriverIn {
	return d.plug(name, "")
}

// Replug makes an in port appear with the ID of one that has gone, as the ALSA
// sequencer gives the same address to a program that is started again.
func (d *Driver) Replug(was *DriverIn) *DriverIn {
	return d.plug(was.port.Name, was.port.ID)
}

func (d *Driver) plug(name, id string) *DriverIn {
	d.mu.Lock()
	if id == "" {
		d.next++
		id = fmt.Sprintf("%d:0", 15+d.next)
	}
	p := &DriverIn{driver: d, port: midi.Port{Name: name, ID: id}, limit: d.Queue, change: make(chan struct{})}
	d.ins = append(d.ins, p)
	d.mu.Unlock()
	d.changed()
	return p
}

// PlugOut makes an out port appear, with an ID of its own.
func (d *Driver) PlugOut(name string) *DriverOut {
	d.mu.Lock()
	d.next++
	p := &DriverOut{driver: d, port: midi.Port{Name: name, ID: fmt.Sprintf("%d:0", 15+d.next)}, Out: NewOut()}
	d.outs = append(d.outs, p)
	d.mu.Unlock()
	d.changed()
	return p
}

func (d *Driver) changed(gone ...string) {
	if d.Changed != nil {
		d.Changed(gone...)
	}
}

// OpenIn opens a port. There is one In for each that was plugged in.
func (d *Driver) OpenIn(p midi.Port) (midi.In, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.failures[p.ID]; err != nil {
		return nil, err
	}
	i := slices.IndexFunc(d.ins, func(in *DriverIn) bool { return in.port == p })
	if i < 0 {
		return nil, fmt.Errorf("%w: %q", midi.ErrNoSuchPort, p.Name)
	}
	return d.ins[i].open()
}

// OpenOut opens a port.
func (d *Driver) OpenOut(p midi.Port) (midi.Out, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.failures[p.ID]; err != nil {
		return nil, err
	}
	i := slices.IndexFunc(d.outs, func(out *DriverOut) bool { return out.port == p })
	if i < 0 {
		return nil, fmt.Errorf("%w: %q", midi.ErrNoSuchPort, p.Name)
	}
	return d.outs[i].open()
}
