package ports

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/isobooth/isobooth/midi"
)

const (
	// minGap is the least time between two looks at the ports. A device with
	// many ports, or many programs that come and go, cost no more than that.
	minGap = 100 * time.Millisecond
	// closePatience is how long closing a port may take before it is given up.
	closePatience = 5 * time.Second
	// lossTime is how soon after an event it is looked at what was lost: to ask
	// a driver can mean to read a file, and the path of events is no place for
	// that.
	lossTime = time.Second
	// maxSlots is how many ports are remembered that are gone.
	maxSlots = 64
)

// Options are what a Manager works with. All must be set.
type Options struct {
	Driver  midi.Driver
	Changes *Changes
	// Serve runs src until that ends, on a goroutine of its own for each port.
	// The context is that of Manager.Run. Its error is the reason that a Failed
	// notice gives, if it is neither midi.ErrGone nor of our doing.
	Serve func(ctx context.Context, src *Source) error
	// Notice is called with what a user wants to know, by the goroutine of
	// Manager.Run. It must not wait.
	Notice func(Notice)
}

// Manager keeps every in port open that one of its patterns matches, and one
// output.
type Manager struct {
	driver  midi.Driver
	changes *Changes
	serve   func(context.Context, *Source) error
	tell    func(Notice)
	output  output
	pokes   chan struct{} // holds one: look at everything
	now     func() time.Time
	after   func(time.Duration) <-chan time.Time
	gap     time.Duration
	patient time.Duration    // lossTime
	events  chan struct{}    // holds one: there are events since the last look at losses
	active  atomic.Bool      // it has been put there
	losses  <-chan time.Time // when to look at losses, nil: no event has come; Run's own
	list    retry            // of listing the ports; Run's own
	told    []string         // the patterns that are waited for, as has been told; Run's own

	mu       sync.Mutex
	patterns []string
	globs    []midi.Glob
	slots    []*slot // in the order in which they appeared
}

// New makes a Manager without patterns.
func New(o Options) *Manager {
	return &Manager{
		driver: o.Driver, changes: o.Changes, serve: o.Serve, tell: o.Notice,
		pokes: make(chan struct{}, 1), events: make(chan struct{}, 1),
		now: time.Now, after: time.After, gap: minGap, patient: lossTime,
	}
}

// SetGlobs says which in ports to keep open, those that any of inputs matches,
// and which output, "" for none. Both are patterns of midi.ParseGlob; with a
// malformed one, an error that wraps midi.ErrGlob, nothing changes. Ports that
// match before and after stay open and lose no event. It returns at once; Run
// does the rest. Any goroutine may call it, before and during Run.
func (m *Manager) SetGlobs(inputs []string, output string) error {
	globs := make([]midi.Glob, len(inputs))
	for i, pattern := range inputs {
		var err error
		if globs[i], err = midi.ParseGlob(pattern); err != nil {
			return err
		}
	}
	out, err := midi.ParseGlob(output)
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.patterns, m.globs = slices.Clone(inputs), globs
	m.output.pattern, m.output.glob = output, out
	m.output.wanted.Store(output != "")
	m.mu.Unlock()
	m.poke()
	return nil
}

// HasInputs reports whether there is a pattern for in ports, be they there or
// not. Any goroutine may call it.
func (m *Manager) HasInputs() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.globs) > 0
}

// poke has Run look at everything.
func (m *Manager) poke() {
	select {
	case m.pokes <- struct{}{}:
	default:
	}
}

// came is told of each event, by the goroutine that serves it. Only the first
// after a look at losses is more than a glance at active.
func (m *Manager) came() {
	if !m.active.Load() && m.active.CompareAndSwap(false, true) {
		m.events <- struct{}{} // which has room: active stays until it was taken
	}
}

// Run opens, serves and closes ports until ctx is done. Then it closes the in
// ports, waits until Serve has returned for all of them and returns nil, or an
// error that names those that did not end in five seconds. The output stays
// open until Close. It may be called once.
func (m *Manager) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		m.look(ctx)
		select {
		case <-m.after(m.gap):
		case <-ctx.Done():
		}
		m.wait(ctx)
	}
	return m.stop()
}

// wait returns when there is a reason to look at the ports.
func (m *Manager) wait(ctx context.Context) {
	var retry <-chan time.Time
	if at := m.nextRetry(); !at.IsZero() {
		retry = m.after(max(0, at.Sub(m.now())))
	}
	for {
		select {
		case <-ctx.Done():
		case <-m.changes.news:
		case <-m.pokes:
		case <-retry:
		case <-m.events:
			m.losses = m.after(m.patient)
			continue
		case <-m.losses:
			m.losses = nil
			m.active.Store(false) // before: what comes meanwhile is for the next look
			m.tellLosses()
			continue
		}
		return
	}
}

// nextRetry is when the first of what has failed is to be tried again.
func (m *Manager) nextRetry() (first time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	earlier := func(r *retry) {
		if r.err != nil && (first.IsZero() || r.at.Before(first)) {
			first = r.at
		}
	}
	earlier(&m.list)
	if m.output.now.Load() == nil && m.output.wanted.Load() {
		earlier(&m.output.retry)
	}
	for _, s := range m.slots {
		if s.listed && s.src == nil {
			earlier(&s.retry)
		}
	}
	return first
}

// look brings what is open in line with what there is and what is wanted. Only
// Run's goroutine changes slots, and so reads them without the lock.
func (m *Manager) look(ctx context.Context) {
	m.reap()
	if m.idle() {
		m.changes.take() // of no port of ours, and there may be any number
		return
	}
	// Before the list: what goes after this is told once more.
	gone := m.changes.take()
	ins, outs, err := m.driver.Ports()
	if err != nil && !errors.Is(err, midi.ErrNoPorts) {
		wait, news := m.list.fail(err, m.now())
		if news {
			m.tell(Notice{What: Blind, Err: err, Retry: wait})
		}
		return
	}
	m.list = retry{}
	m.updateOutput(outs, gone, err)
	m.closeIns(ins, gone)
	m.openIns(ctx, ins)
	m.tellWaiting(err)
	m.tellLosses()
}

// idle reports whether nothing is wanted and nothing is open: then the driver
// is left alone.
func (m *Manager) idle() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.globs) == 0 && !m.output.wanted.Load() && m.output.now.Load() == nil &&
		!slices.ContainsFunc(m.slots, func(s *slot) bool { return s.src != nil })
}

// reap takes note of sources that have ended.
func (m *Manager) reap() {
	for _, s := range m.slots {
		if s.src == nil {
			continue
		}
		select {
		case <-s.done:
		default:
			continue
		}
		ending, err, ran := s.ending, s.err, m.now().Sub(s.since)
		if err == nil {
			err = errEnded
		}
		m.mu.Lock()
		s.ended()
		n := Notice{What: ending, Port: s.port}
		switch {
		case ending != "":
		case errors.Is(err, midi.ErrGone):
			n.What = Gone
			// It may be listed for a moment yet; that is no failure to tell.
			s.retry.fail(err, m.now())
		default:
			if ran > mostRetry {
				s.retry = retry{}
			}
			n.What, n.Err = Failed, err
			n.Retry, _ = s.retry.fail(err, m.now())
		}
		m.mu.Unlock()
		m.tell(n)
	}
}

// closeIns begins to close what has gone or is not wanted any more; reap ends
// it. Closing waits for a delivery, so it is not done here.
func (m *Manager) closeIns(ins []midi.Port, gone departed) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.slots {
		s.listed = slices.Contains(ins, s.port)
		if !s.listed || gone.has(s.port.ID) {
			s.retry = retry{}
		}
		if s.src == nil || s.ending != "" {
			continue
		}
		switch {
		case !s.listed || gone.has(s.port.ID):
			s.ending = Gone
		case !m.wants(s.port.Name):
			s.ending = Closed
		default:
			continue
		}
		go s.src.in.Close()
	}
	m.forget()
}

// forget drops the oldest of the ports that are gone, beyond maxSlots.
func (m *Manager) forget() {
	away := func(s *slot) bool { return !s.listed && s.src == nil }
	n := 0
	for _, s := range m.slots {
		if away(s) {
			n++
		}
	}
	m.slots = slices.DeleteFunc(m.slots, func(s *slot) bool {
		if n <= maxSlots || !away(s) {
			return false
		}
		n--
		return true
	})
}

func (m *Manager) wants(name string) bool {
	return slices.ContainsFunc(m.globs, func(g midi.Glob) bool { return g.Match(name) })
}

// openIns opens what is wanted and not open.
func (m *Manager) openIns(ctx context.Context, ins []midi.Port) {
	for _, p := range ins {
		m.mu.Lock()
		wanted := m.wants(p.Name)
		var s *slot
		if wanted {
			s = m.slotFor(p)
		}
		m.mu.Unlock()
		now := m.now()
		if !wanted || s.src != nil || !s.retry.due(now) {
			continue
		}
		in, err := m.driver.OpenIn(p)
		m.mu.Lock()
		if err != nil {
			wait, news := s.retry.fail(err, now)
			m.mu.Unlock()
			if news {
				m.tell(Notice{What: Failed, Port: p, Err: err, Retry: wait})
			}
			continue
		}
		done := make(chan struct{})
		s.src, s.since, s.done = newSource(in, m.came), now, done
		src := s.src
		m.mu.Unlock()
		m.tell(Notice{What: Opened, Port: p})
		go func() {
			err := m.serve(ctx, src)
			in.Close() // has an effect when Serve did not come to run it
			m.mu.Lock()
			s.err = err
			m.mu.Unlock()
			close(done)
			m.poke()
		}()
	}
}

// slotFor finds the slot of a port: its own, else that of one of its name that
// has gone, else a new one. m.mu is held.
func (m *Manager) slotFor(p midi.Port) *slot {
	i := slices.IndexFunc(m.slots, func(s *slot) bool { return s.port == p })
	if i < 0 {
		i = slices.IndexFunc(m.slots, func(s *slot) bool { return s.port.Name == p.Name && !s.listed && s.src == nil })
	}
	if i < 0 {
		i = len(m.slots)
		m.slots = append(m.slots, &slot{})
	}
	s := m.slots[i]
	s.port, s.listed = p, true
	return s
}

// tellWaiting says, once, that no port is there that any pattern matches.
func (m *Manager) tellWaiting(none error) {
	m.mu.Lock()
	patterns := m.patterns
	waiting := len(patterns) > 0 && !slices.ContainsFunc(m.slots, func(s *slot) bool { return s.src != nil || s.listed && m.wants(s.port.Name) })
	m.mu.Unlock()
	if !waiting {
		m.told = nil
		return
	}
	if !slices.Equal(m.told, patterns) {
		m.told = patterns
		m.tell(Notice{What: Waiting, Err: none, Patterns: patterns})
	}
}

// tellLosses says which ports have lost events since that was last said, if
// they have at least doubled.
func (m *Manager) tellLosses() {
	var notices []Notice
	m.mu.Lock()
	for _, s := range m.slots {
		_, lost := s.counts()
		if doubled(s.told, lost) {
			s.told = lost
			notices = append(notices, Notice{What: Losing, Port: s.port, Lost: lost})
		}
	}
	m.mu.Unlock()
	for _, n := range notices {
		m.tell(n)
	}
}

// stop closes every in port and waits for their ends.
func (m *Manager) stop() error {
	for _, s := range m.slots {
		if s.src != nil {
			go s.src.in.Close()
		}
	}
	patience := m.after(closePatience)
	for i, s := range m.slots {
		if s.src == nil {
			continue
		}
		select {
		case <-s.done:
		case <-patience:
			return fmt.Errorf("MIDI ports do not close: %s", strings.Join(open(m.slots[i:]), ", "))
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.slots {
		if s.src != nil {
			s.ended()
		}
	}
	return nil
}

// open are the names of the ports that have not ended.
func open(slots []*slot) (names []string) {
	for _, s := range slots {
		if s.src == nil {
			continue
		}
		select {
		case <-s.done:
		default:
			names = append(names, fmt.Sprintf("%q", s.port.Name))
		}
	}
	return names
}

// Close closes the output, after Run has returned. One that does not close in
// five seconds is an error.
func (m *Manager) Close() error {
	m.output.letGo()
	done := make(chan struct{})
	go func() {
		m.output.closing.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-m.after(closePatience):
		return fmt.Errorf("MIDI port %q does not close", m.output.port.Name)
	}
}
