package miditest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/isobooth/isobooth/midi"
)

// DriverIn is an in port of a Driver, as the test sees it. Any goroutine may
// use it.
type DriverIn struct {
	driver *Driver
	port   midi.Port
	limit  int

	mu     sync.Mutex
	queue  []midi.Event
	in     *openIn // nil while it is not open
	opened int
	gone   bool // and says so
	err    error
	lost   midi.Lost
	change chan struct{} // closed and replaced when there is news for Run
}

// Port is what Ports lists.
func (p *DriverIn) Port() midi.Port { return p.port }

// Opened is how often the port was opened.
func (p *DriverIn) Opened() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opened
}

// Open reports whether the port is open.
func (p *DriverIn) Open() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.in != nil
}

// Push sends one message into the port, which is lost when nobody has it open,
// as with a real one. It panics if raw is not a complete message.
func (p *DriverIn) Push(at time.Duration, raw ...byte) {
	ev, err := midi.FromMessage(raw, at, p.port.Name)
	if err != nil {
		panic("miditest: " + err.Error())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.in == nil:
	case p.limit > 0 && len(p.queue) >= p.limit:
		p.lost.Overflows++
	default:
		p.queue = append(p.queue, ev)
		p.changed()
	}
}

// Break has Run fail with err.
func (p *DriverIn) Break(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
	p.changed()
}

// Unplug takes the port away; Run delivers what it has and returns an error
// that wraps midi.ErrGone.
func (p *DriverIn) Unplug() { p.unplug(true) }

// Vanish takes the port away without a word to Run, as PortMidi does.
func (p *DriverIn) Vanish() { p.unplug(false) }

func (p *DriverIn) unplug(says bool) {
	d := p.driver
	d.mu.Lock()
	d.ins = slices.DeleteFunc(d.ins, func(in *DriverIn) bool { return in == p })
	d.mu.Unlock()
	p.mu.Lock()
	p.gone = says
	p.changed()
	p.mu.Unlock()
	d.changed(p.port.ID)
}

func (p *DriverIn) changed() {
	close(p.change)
	p.change = make(chan struct{})
}

func (p *DriverIn) open() (midi.In, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.in != nil {
		return nil, fmt.Errorf("%w: %q", ErrBusy, p.port.Name)
	}
	p.opened++
	p.err = nil
	p.in = &openIn{DriverIn: p, closing: make(chan struct{})}
	return p.in, nil
}

// openIn is one opening of a DriverIn: a midi.In.
type openIn struct {
	*DriverIn
	closing chan struct{}
	once    sync.Once
	running sync.WaitGroup
}

func (o *openIn) Name() string { return o.port.Name }

func (o *openIn) Lost() midi.Lost {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lost
}

// Run waits without polling.
func (o *openIn) Run(ctx context.Context, deliver func(*midi.Event)) error {
	if !o.begin() {
		return midi.ErrClosed
	}
	defer o.running.Done()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-o.closing:
			return midi.ErrClosed
		default:
		}
		ev, ok, change, err := o.next()
		switch {
		case ok:
			deliver(&ev)
			continue
		case err != nil:
			return err
		}
		select {
		case <-change:
		case <-o.closing:
		case <-ctx.Done():
		}
	}
}

// begin reports whether Run may go on; Close then waits for it.
func (o *openIn) begin() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case <-o.closing:
		return false
	default:
		o.running.Add(1)
		return true
	}
}

func (o *openIn) next() (ev midi.Event, ok bool, change <-chan struct{}, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case len(o.queue) > 0:
		ev, ok = o.queue[0], true
		o.queue = o.queue[1:]
	case o.err != nil:
		err = fmt.Errorf("read MIDI port %q: %w", o.port.Name, o.err)
	case o.gone:
		err = fmt.Errorf("read MIDI port %q: %w", o.port.Name, midi.ErrGone)
	}
	return ev, ok, o.change, err
}

func (o *openIn) Close() error {
	o.once.Do(func() {
		o.mu.Lock()
		close(o.closing)
		o.mu.Unlock()
		o.running.Wait()
		o.mu.Lock()
		defer o.mu.Unlock()
		o.in = nil
	})
	return nil
}
