//go:build cgo

package portmidi

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/sequencer"
	pm "gitlab.com/gomidi/midi/v2/drivers/portmididrv/imported/portmidi"
)

// bufferWords is the buffer PortMidi keeps for each port that we read: two
// system exclusive messages of midi.MaxSysEx, or as many short messages.
const bufferWords = 2 * midi.MaxSysEx / 4

// outWords is the buffer PortMidi keeps for a port that we write. It sends at
// once and does not fill it.
const outWords = 1024

// pmStream is an inStream or outStream of PortMidi.
type pmStream struct {
	port  midi.Port
	out   bool
	watch *sequencer.Watch // nil where there is no sequencer
	wake  func()           // makes Run look at s; nil at first

	s      *pm.Stream       // nil while suspended and when the port has gone
	err    error            // why s is nil
	left   []word           // read before PortMidi was started anew
	lull   *sequencer.Watch // of that time
	gap    bool             // something was lost in that time
	before uint64           // lost() when it was opened
}

// openStream opens p, which is one of list, in this process's PortMidi.
func openStream(p midi.Port, out bool) (*pmStream, error) {
	library.mu.Lock()
	defer library.mu.Unlock()
	s := &pmStream{port: p, out: out}
	if err := s.open(); err != nil {
		if s.watch != nil {
			s.watch.Close()
		}
		return nil, err
	}
	s.before = lost()
	library.streams = append(library.streams, s)
	return s, nil
}

// open begins to watch the port and connects PortMidi to it. library.mu is
// held.
func (s *pmStream) open() error {
	if sequencer.Supported {
		addr, err := current(s.port, s.out)
		if err != nil {
			return err
		}
		if s.watch, err = sequencer.NewWatch(addr); err != nil {
			return err
		}
	}
	// PortMidi opens an address once, and a port that has gone may have had
	// this one.
	for _, o := range library.streams {
		if o.port.ID == s.port.ID && o.out == s.out && o.gone() {
			o.suspend()
		}
	}
	if _, ok := find(s.port, s.out); !ok {
		if err := start(); err != nil {
			return err
		}
	}
	return s.connect()
}

// connect connects PortMidi to the port. library.mu is held.
func (s *pmStream) connect() error {
	id, ok := find(s.port, s.out)
	if !ok {
		return midi.ErrNoSuchPort
	}
	var err error
	if s.out {
		s.s, err = pm.NewOutputStream(id, outWords, 0) // latency 0: send at once
		return err
	}
	if s.s, err = pm.NewInputStream(id, bufferWords); err != nil {
		return err
	}
	// Active sensing says three times a second that the cable is still
	// there. PortMidi does not act on it, and no trigger can ask for it.
	if err = s.s.SetFilter(pm.FILTER_ACTIVE); err == nil && s.watch != nil {
		err = s.watch.Listen()
	}
	if err != nil {
		s.s.Close()
		s.s = nil
	}
	return err
}

// suspend closes s until resume. library.mu is held.
func (s *pmStream) suspend() {
	if s.s == nil {
		return
	}
	if !s.out {
		s.save()
	}
	if s.gone() {
		s.err = midi.ErrGone
	}
	s.s.Close() // its error can only be that the port has gone
	s.s = nil
}

// gone reports whether the port has gone; another may have its address since.
// library.mu is held.
func (s *pmStream) gone() bool {
	if s.watch == nil {
		return false
	}
	if !s.out {
		return !s.watch.Connected()
	}
	_, gone := s.watch.Look()
	return gone
}

// save keeps what has arrived, and begins to look whether more does.
func (s *pmStream) save() {
	if s.watch != nil {
		var err error
		if s.lull, err = sequencer.NewWatch(s.watch.Addr()); err == nil {
			err = s.lull.Listen()
		}
		// Else it has gone, or nobody can tell.
		s.gap = s.gap || err != nil && !s.gone()
	}
	for {
		words, err := s.fetch(readMax)
		if err != nil {
			s.gap = true
			if !errors.Is(err, errOverflow) {
				return
			}
		} else if len(words) == 0 {
			return
		}
		s.left = append(s.left, words...)
	}
}

// resume opens s again in a PortMidi that was started anew, or failed to with
// err. library.mu is held.
func (s *pmStream) resume(err error) {
	if s.err == nil {
		if err == nil {
			err = s.connect()
		}
		if errors.Is(err, midi.ErrNoSuchPort) {
			err = midi.ErrGone
		}
		s.err = err
	}
	if s.lull != nil {
		sent, _ := s.lull.Look()
		s.lull.Close()
		s.lull = nil
		s.gap = s.gap || sent
	}
	if s.wake != nil {
		s.wake()
	}
}

// fetch reads up to n words. library.mu is held.
func (s *pmStream) fetch(n int) ([]word, error) {
	events, err := s.s.Read(n)
	if err != nil {
		// The binding passes on only the text of PortMidi's error.
		if strings.Contains(err.Error(), "Buffer overflow") {
			err = errOverflow
		}
		return nil, err
	}
	words := make([]word, len(events))
	for i, e := range events {
		words[i] = word{byte(e.Status), byte(e.Data1), byte(e.Data2), byte(e.Rest)}
	}
	return words, nil
}

func (s *pmStream) poll() (bool, error) {
	library.mu.Lock()
	defer library.mu.Unlock()
	if len(s.left) > 0 || s.gap || s.s == nil {
		return true, nil
	}
	return s.s.Poll()
}

func (s *pmStream) read(buf []word) (int, error) {
	library.mu.Lock()
	defer library.mu.Unlock()
	switch {
	case len(s.left) > 0:
		n := copy(buf, s.left)
		if s.left = s.left[n:]; len(s.left) == 0 {
			s.left = nil
		}
		return n, nil
	case s.gap:
		s.gap = false
		return 0, errOverflow
	case s.s == nil:
		return 0, s.err
	}
	words, err := s.fetch(len(buf))
	return copy(buf, words), err
}

func (s *pmStream) lost() uint64 {
	library.mu.Lock()
	defer library.mu.Unlock()
	return lost() - s.before
}

func (s *pmStream) writeShort(msg [3]byte) error {
	return s.write(func() error { return s.s.WriteShort(int64(msg[0]), int64(msg[1]), int64(msg[2])) })
}

func (s *pmStream) writeSysEx(msg []byte) error {
	return s.write(func() error { return s.s.WriteSysExBytes(0, msg) })
}

func (s *pmStream) write(do func() error) error {
	library.mu.Lock()
	defer library.mu.Unlock()
	if s.s == nil {
		return s.err
	}
	if s.gone() { // PortMidi would say nothing
		return midi.ErrGone
	}
	return do()
}

func (s *pmStream) close() error {
	library.mu.Lock()
	defer library.mu.Unlock()
	i := slices.Index(library.streams, s)
	library.streams = slices.Delete(library.streams, i, i+1)
	if s.watch != nil {
		defer s.watch.Close()
	}
	if s.s == nil {
		return nil
	}
	if err := s.s.Close(); err != nil && !s.gone() {
		return fmt.Errorf("Pm_Close: %w", err)
	}
	return nil
}
