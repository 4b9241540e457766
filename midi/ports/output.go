package ports

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/isobooth/isobooth/midi"
)

var (
	// ErrAway: the output is not there at the moment; the message was dropped
	// and counted.
	ErrAway = errors.New("MIDI output is not there")

	// ErrNone: there is no pattern for an output.
	ErrNone = errors.New("no MIDI output is wanted")
)

// output is the port that everything is sent to: the first that matches, for as
// long as it is there.
type output struct {
	now        atomic.Pointer[openOutput] // nil while it is away
	wanted     atomic.Bool                // there is a pattern
	sent, away atomic.Uint64
	closing    sync.WaitGroup

	// Manager.mu guards the rest.
	pattern string
	glob    midi.Glob
	port    midi.Port // as it was opened last
	since   time.Time
	retry   retry
	told    string // the pattern that is waited for, as has been told; Run's own
}

// openOutput is one opening of the output.
type openOutput struct {
	midi.Out
	gone atomic.Bool // Send has found out
}

// Send sends one complete message to the output, as midi.Out does. Without the
// port it returns ErrAway, without a pattern for one ErrNone; neither waits.
// Any goroutine may call it.
func (m *Manager) Send(msg []byte) error {
	o := &m.output
	if !o.wanted.Load() {
		return ErrNone
	}
	now := o.now.Load()
	if now == nil || now.gone.Load() {
		o.away.Add(1)
		return ErrAway
	}
	err := now.Send(msg)
	switch {
	case errors.Is(err, midi.ErrGone), errors.Is(err, midi.ErrClosed):
		o.away.Add(1)
		if !now.gone.Swap(true) {
			m.poke()
		}
		return fmt.Errorf("%w: %w", ErrAway, err)
	case err == nil:
		o.sent.Add(1)
	}
	return err
}

// HasOutput reports whether there is a pattern for an output, be it there or
// not. Any goroutine may call it.
func (m *Manager) HasOutput() bool { return m.output.wanted.Load() }

// letGo closes the output in the background, since that waits for a Send.
func (o *output) letGo() {
	if was := o.now.Swap(nil); was != nil {
		o.closing.Go(func() { _ = was.Close() })
	}
}

// updateOutput opens, closes or changes the output to what outs has.
func (m *Manager) updateOutput(outs []midi.Port, gone departed, none error) {
	o := &m.output
	now := m.now()
	m.mu.Lock()
	pattern, glob := o.pattern, o.glob
	m.mu.Unlock()
	if open := o.now.Load(); open != nil {
		listed := false
		for _, p := range outs {
			listed = listed || p == o.port
		}
		switch {
		case !listed || gone.has(o.port.ID) || open.gone.Load():
			o.letGo()
			m.tell(Notice{What: Gone, Out: true, Port: o.port})
		case pattern == "" || !glob.Match(o.port.Name):
			o.letGo()
			m.tell(Notice{What: Closed, Out: true, Port: o.port})
		default:
			return
		}
	}
	if pattern == "" || !o.retry.due(now) {
		return
	}
	for _, p := range outs {
		if !glob.Match(p.Name) {
			continue
		}
		out, err := m.driver.OpenOut(p)
		m.mu.Lock()
		o.port, o.told = p, ""
		if err != nil {
			wait, news := o.retry.fail(err, now)
			m.mu.Unlock()
			if news {
				m.tell(Notice{What: Failed, Out: true, Port: p, Err: err, Retry: wait})
			}
			return
		}
		o.retry, o.since = retry{}, now
		m.mu.Unlock()
		o.now.Store(&openOutput{Out: out})
		m.tell(Notice{What: Opened, Out: true, Port: p})
		return
	}
	m.mu.Lock()
	o.retry = retry{}
	m.mu.Unlock()
	if o.told != pattern {
		o.told = pattern
		m.tell(Notice{What: Waiting, Out: true, Err: none, Patterns: []string{pattern}})
	}
}
