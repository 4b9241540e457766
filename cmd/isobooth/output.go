package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/ports"
)

// errOverRate: the plugin sends more than the config lets it.
var errOverRate = errors.New("over the rate of the MIDI output")

// output is one booth's way to the MIDI port: what its plugin sends is
// checked, limited in its rate and remembered, so that its echoes and the
// notes it leaves sounding are known.
type output struct {
	booth  string
	port   func([]byte) error // nil: there is none
	wanted func() bool        // whether there is to be one now; nil: yes
	now    func() time.Duration
	news   chan<- struct{}
	limits atomic.Pointer[midiLimits]
	echoes atomic.Pointer[midi.Echoes]

	// mu guards what follows, and keeps a release behind what it releases. It
	// is held while the port takes a message: only this booth waits for it.
	mu      sync.Mutex
	limiter midi.Limiter
	held    midi.Held

	sent, released, dropped, refused, away, loops atomic.Uint64

	loopMu sync.Mutex // guards loop, for a copy at a time
	loop   midi.Event // the last that was cut

	told outputStats // what messages said last; the reporter's goroutine's own
}

// outputStats are an output's counts, in MIDI messages.
type outputStats struct {
	Sent     uint64 `json:"sent"`
	Released uint64 `json:"released"` // of Sent, by isobooth, to end what the plugin left sounding
	Dropped  uint64 `json:"dropped"`  // over midi.out_rate
	Refused  uint64 `json:"refused"`  // malformed, too long, or refused by the port
	Away     uint64 `json:"away"`     // while the port was not there
	// LoopsCut are echoes of what the plugin sent that had come back more than
	// midi.max_hops times and were no trigger any more.
	LoopsCut uint64 `json:"loops_cut"`
}

func (o *output) stats() outputStats {
	return outputStats{
		Sent: o.sent.Load(), Released: o.released.Load(), Dropped: o.dropped.Load(),
		Refused: o.refused.Load(), Away: o.away.Load(), LoopsCut: o.loops.Load(),
	}
}

// send passes on what a plugin wants sent, which may be anything, in answer to
// a trigger of that hop. It is on the event path. The error is errOverRate
// when the message was dropped.
func (o *output) send(msg []byte, hop uint8) error {
	if err := midi.Check(msg); err != nil {
		o.refused.Add(1)
		return err
	}
	if o.port == nil || o.wanted != nil && !o.wanted() {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	at := o.now()
	if o.held.Lifts(msg) {
		// Never dropped, or the note would not end. There is at most one for
		// each message before it that did pass.
		o.limiter.Charge(len(msg), at)
	} else if !o.limiter.Take(len(msg), at) {
		o.count(&o.dropped)
		return errOverRate
	}
	return o.deliver(msg, hop, at)
}

// deliver hands a checked message to the port. The caller holds mu.
func (o *output) deliver(msg []byte, hop uint8, at time.Duration) error {
	o.echoes.Load().Sent(msg, hop, at)
	if err := o.port(msg); err != nil {
		if errors.Is(err, ports.ErrAway) {
			o.away.Add(1)
		} else {
			o.refused.Add(1)
		}
		return err
	}
	o.held.Update(msg)
	o.sent.Add(1)
	return nil
}

// release ends every note and lifts every pedal that the plugin has left, for
// it has ended and will not. What it sends back later sounds again.
func (o *output) release() {
	if o.port == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	at := o.now()
	held := o.held // deliver changes the one in o
	for msg := range held.Releases {
		o.limiter.Charge(len(msg), at)
		// No trigger caused this. Its echo is none either, unless it ends a
		// note that was one.
		if o.deliver(msg[:], midi.NoHop, at) == nil {
			o.released.Add(1)
		}
	}
}

// cut counts an event that came back once too often. What release sent is no
// loop.
func (o *output) cut(e *midi.Event) {
	if e.Hop == midi.NoHop {
		return
	}
	o.loopMu.Lock()
	o.loop = *e
	o.loopMu.Unlock()
	o.count(&o.loops)
}

// count adds one and has the 1st, 2nd, 4th, 8th and so on told.
func (o *output) count(n *atomic.Uint64) {
	if v := n.Add(1); v&(v-1) == 0 {
		select {
		case o.news <- struct{}{}:
		default: // whoever is woken looks at all
		}
	}
}

// tell says what has been dropped and cut since it was last called, if that
// has at least doubled. Only one goroutine may call it.
func (o *output) tell(say func(format string, args ...any)) {
	s := o.stats()
	limits := o.limits.Load()
	if doubled(o.told.Dropped, s.Dropped) {
		o.told.Dropped = s.Dropped
		say("booth %q: %d MIDI messages dropped: the plugin sends more than %d bytes a second; if it should, raise midi.out_rate or midi.out_burst",
			o.booth, s.Dropped, limits.rate)
	}
	if doubled(o.told.LoopsCut, s.LoopsCut) {
		o.told.LoopsCut = s.LoopsCut
		o.loopMu.Lock()
		e := o.loop
		o.loopMu.Unlock()
		say("booth %q: MIDI loop cut %d times: what the plugin sent came back on %q and triggered it, or another, more than %d times in a row, last with %s; keep the output away from that input, or the mapping from that device or channel",
			o.booth, s.LoopsCut, e.Device, limits.hops, strings.Join(strings.Fields(describe(&e)), " "))
	}
}

// doubled reports whether a power of two lies above told and not above now.
func doubled(told, now uint64) bool {
	return now > 0 && (told == 0 || now >= 2*told)
}

// outputs are those of all booths. They lead to the same port.
type outputs struct {
	port   func([]byte) error
	wanted func() bool // see output; set before add
	limits atomic.Pointer[midiLimits]
	now    func() time.Duration
	news   chan struct{} // something is to be told
	list   snapshot[*output]
}

// newOutputs makes outputs that lead to port, which may be nil: none.
func newOutputs(port func([]byte) error, limits midiLimits) *outputs {
	start := time.Now()
	s := &outputs{
		port: port, news: make(chan struct{}, 1),
		now: func() time.Duration { return time.Since(start) },
	}
	s.limits.Store(&limits)
	return s
}

// add makes the output of one booth, before that runs. With remove and
// setLimits it is one goroutine's at a time.
func (s *outputs) add(booth string) *output {
	o := &output{booth: booth, port: s.port, wanted: s.wanted, now: s.now, news: s.news}
	o.setLimits(s.limits.Load())
	s.list.add(o)
	return o
}

// remove takes out the output of a booth that has ended. What it sent is no
// echo any more.
func (s *outputs) remove(o *output) {
	s.list.set(slices.DeleteFunc(slices.Clone(s.all()), func(other *output) bool { return other == o }))
}

// setLimits has all go by other limits, each with full credit.
func (s *outputs) setLimits(l midiLimits) {
	if l == *s.limits.Load() {
		return
	}
	s.limits.Store(&l)
	for _, o := range s.all() {
		o.setLimits(&l)
	}
}

func (o *output) setLimits(l *midiLimits) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if old := o.limits.Swap(l); old == nil || old.window != l.window {
		o.echoes.Store(midi.NewEchoes(l.window))
	}
	o.limiter = midi.NewLimiter(l.rate, l.burst)
}

// all are the outputs, as they are now.
func (s *outputs) all() []*output { return s.list.all() }

// of returns a booth's output; nil when there is no such booth.
func (s *outputs) of(booth string) *output {
	for _, o := range s.all() {
		if o.booth == booth {
			return o
		}
	}
	return nil
}

func (s *outputs) tell(say func(format string, args ...any)) {
	for _, o := range s.all() {
		o.tell(say)
	}
}

// print is what a person wants to know of it at the end.
func (s outputStats) print(w io.Writer) {
	if s.Sent > 0 {
		fmt.Fprintf(w, "%d MIDI messages sent\n", s.Sent)
	}
	if s.Released > 0 {
		fmt.Fprintf(w, "%d of them to end what the plugin left sounding\n", s.Released)
	}
	if s.Dropped > 0 {
		fmt.Fprintf(w, "%d MIDI messages were dropped: over midi.out_rate\n", s.Dropped)
	}
	if s.LoopsCut > 0 {
		fmt.Fprintf(w, "%d times a MIDI loop was cut: the output leads back to an input\n", s.LoopsCut)
	}
	if s.Away > 0 {
		fmt.Fprintf(w, "%d MIDI messages were dropped: the port was not there\n", s.Away)
	}
	if s.Refused > 0 {
		fmt.Fprintf(w, "%d MIDI messages of the plugin were malformed, too long or not sent\n", s.Refused)
	}
}
