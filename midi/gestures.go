package midi

import (
	"math/bits"
	"time"
)

// noValue stands for the value of something that has not sent one.
const noValue = -1

// Numbers of the timers: keys that wait, chords that may come, one for each
// channel, and from limitTimers on rate limits.
const (
	maxWaiting  = 64
	chordTimers = maxWaiting
	limitTimers = chordTimers + 16
)

// Gestures finds what the events of one source are to its mappings, with the
// memory that takes: keys that are down, values that were, and what still
// waits. docs/triggers.md has the rules.
//
// Time is that of the events, Event.Time; it never goes back. Between events
// the owner sleeps until Next and calls Advance. Gestures has no lock, and
// what it remembers has a fixed size, whatever comes in. For short messages it
// does not allocate.
type Gestures struct {
	// Wall is the clock for times of day; time.Now unless it is set.
	Wall func() time.Time

	modes  *Modes
	fire   func(*Mapping, *Event, *Gesture)
	router *Router
	now    time.Duration

	pressed [16][128]press
	pedals  [16][len(pedals)]press
	values  values
	ticks   int64 // of the clock since its start; -1 before the first
	turns   []int32
	limits  []limited

	waiting [maxWaiting]waiting
	free    uint64 // a bit for each of waiting that is unused
	chords  [16]cluster
	timers  timers
	// What is handed out; made on the stack they would be allocations.
	scratch, own Event
	gesture      Gesture
}

// press is a key, or a pedal, that has gone down.
type press struct {
	view   view
	device string
	at     time.Duration
	down   bool
	fired  bool  // it was a trigger, or waits to become one
	layer  bool  // it holds a mode
	slot   uint8 // 1 + its place in waiting, or 0
}

// NewGestures makes Gestures without any mappings. fire is called for each
// trigger, in order, from Feed, Advance, Use, Lift and End; the Event and the
// Gesture are valid until it returns. It must not call back.
func NewGestures(modes *Modes, fire func(*Mapping, *Event, *Gesture)) *Gestures {
	g := &Gestures{Wall: time.Now, modes: modes, fire: fire, router: new(Router), free: ^uint64(0), ticks: -1}
	g.values.forget()
	g.timers.resize(0, limitTimers)
	return g
}

// Use puts other mappings into force. Keys that are down stay with those they
// have: their releases go there, and what they still may become is decided
// there. What a rate limit holds back is let through.
func (g *Gestures) Use(r *Router) {
	if r == g.router {
		return
	}
	for i := range g.limits {
		g.trail(i)
	}
	g.router = r
	g.turns, g.limits = make([]int32, r.turns), make([]limited, r.limits)
	g.timers.resize(limitTimers, limitTimers+r.limits)
}

// Next returns when Advance is to be called, unless an event comes before.
func (g *Gestures) Next() (due time.Duration, ok bool) {
	_, due, ok = g.timers.first()
	return due, ok
}

// Advance lets time pass until now: what is due by then happens.
func (g *Gestures) Advance(now time.Duration) {
	for {
		id, due, ok := g.timers.first()
		if !ok || due > now {
			break
		}
		g.now = max(g.now, due)
		g.expire(id)
	}
	g.now = max(g.now, now)
}

func (g *Gestures) expire(id int) {
	g.timers.clear(id)
	switch {
	case id >= limitTimers:
		g.trail(id - limitTimers)
	case id >= chordTimers:
		g.endChord(uint8(id - chordTimers))
	default:
		g.endWait(&g.waiting[id])
	}
}

// Feed takes the next event of the source.
func (g *Gestures) Feed(e *Event) {
	g.Advance(e.Time)
	o := e.operands()
	switch o.kind {
	case NoteOn:
		g.press(e, &o)
	case NoteOff:
		g.lift(e, &o)
	case ControlChange:
		g.control(e, &o)
	case System:
		g.count(&o)
		g.change(e, &o)
	default:
		g.change(e, &o)
	}
}

// End says that the source has ended: what still waits is decided as if
// nothing more had come, but no key is held any longer. The modes that its
// keys hold end.
func (g *Gestures) End() {
	for {
		id, due, ok := g.timers.first()
		if !ok {
			break
		}
		if id < maxWaiting && due == g.waiting[id].holdDue {
			w := &g.waiting[id]
			w.holdDue = 0
			g.rearm(w)
			g.decide(w)
			continue
		}
		g.now = max(g.now, due)
		g.expire(id)
	}
	g.modes.popAll(g)
}

// Lift ends what keys and pedals of the source have begun: it has gone away
// with them down.
func (g *Gestures) Lift() {
	for ch := range uint8(16) {
		for key := range uint8(128) {
			if p := &g.pressed[ch][key]; p.down && p.fired {
				g.feedFrom(p, [3]byte{0x80 | ch, key, 64}) // as Held.Releases
			}
		}
		for i, number := range pedals {
			if p := &g.pedals[ch][i]; p.down && p.fired {
				g.feedFrom(p, [3]byte{0xb0 | ch, number, 0})
			}
		}
	}
}

// feedFrom feeds a message of our own that ends p.
func (g *Gestures) feedFrom(p *press, raw [3]byte) {
	g.own = Event{Time: g.now, Device: p.device, raw: raw, n: 3}
	g.Feed(&g.own)
}

// view is what is in force now.
func (g *Gestures) view() view {
	v := view{router: g.router, mode: g.modes.Current()}
	if g.router.timed {
		t := g.Wall()
		v.minute = int16(t.Hour()*60 + t.Minute())
	}
	return v
}

// inForce reports whether a mapping is one for e in a view.
func (t *Trigger) inForce(v *view, o *operands, e *Event, previous int32) bool {
	return t.match(o, e) && (t.when == nil || t.when.holds(v, previous))
}

// emit has a mapping do what it is there for. p is the key that it is about,
// or nil.
func (g *Gestures) emit(m *Mapping, e *Event, gesture *Gesture, p *press) {
	if m.SetMode == "" {
		g.fire(m, e, gesture)
		return
	}
	if !m.Momentary {
		g.modes.set(&m.SetMode)
		return
	}
	// A key that is up again by now holds nothing.
	if p != nil && p.down && g.modes.push(&m.SetMode, g, e.Channel(), e.Key()) {
		p.layer = true
	}
}

// fireAll serves the mappings for plain messages: e, in a view.
func (g *Gestures) fireAll(v *view, e *Event, o *operands, d time.Duration, p *press) (fired bool) {
	mappings := v.router.byKind[o.kind]
	for i := range mappings {
		m := &mappings[i]
		t := &m.Trigger
		if t.gesture == GestureMessage && t.match(o, e) && (t.when == nil || t.when.holds(v, noValue)) {
			fired = true
			g.gesture = Gesture{Duration: d, Mode: v.mode}
			g.emit(m, e, &g.gesture, p)
		}
	}
	return fired
}

// press is a key going down.
func (g *Gestures) press(e *Event, o *operands) {
	v := g.view()
	p := &g.pressed[o.channel][o.number]
	if p.down && p.fired && p.view != v {
		// It never came up where it went down.
		g.feedFrom(p, [3]byte{0x80 | o.channel, uint8(o.number), 64})
		v = g.view() // the mode that it held may have ended
	}
	if p.slot != 0 && !g.waiting[p.slot-1].view.sameAs(&v) {
		g.settle(&g.waiting[p.slot-1])
	}
	*p = press{view: v, at: g.now, down: true, layer: p.layer, slot: p.slot, device: e.Device}
	if v.router.waits && g.wait(e, o, p) {
		p.fired = true
		return
	}
	p.fired = g.fireAll(&v, e, o, 0, p)
}

// lift is a key coming up.
func (g *Gestures) lift(e *Event, o *operands) {
	p := &g.pressed[o.channel][o.number]
	was := *p
	p.down, p.layer = false, false
	if was.down && was.slot != 0 {
		g.waitedUp(&g.waiting[was.slot-1], e)
	} else {
		g.release(&was, e, o)
	}
	if was.layer {
		g.modes.pop(g, o.channel, uint8(o.number))
	}
}

// release serves the mappings for a key that comes up, in the view of its
// press if that was a trigger.
func (g *Gestures) release(p *press, e *Event, o *operands) {
	if !p.down {
		v := g.view()
		g.fireAll(&v, e, o, 0, nil)
		return
	}
	v := p.view
	if !p.fired {
		v = g.view()
	}
	g.fireAll(&v, e, o, g.now-p.at, nil)
}

// take finds room for a key that waits; nil when there is none.
func (g *Gestures) take(e *Event, o *operands, p *press) *waiting {
	i := bits.TrailingZeros64(g.free)
	if i == maxWaiting {
		return nil
	}
	g.free &^= 1 << i
	p.slot = uint8(i + 1)
	w := &g.waiting[i]
	*w = waiting{id: i, channel: o.channel, key: uint8(o.number), view: p.view, device: e.Device}
	return w
}

// drop gives the room of a key that waits no more back.
func (g *Gestures) drop(w *waiting) {
	g.timers.clear(w.id)
	g.pressed[w.channel][w.key].slot = 0
	g.free |= 1 << w.id
	*w = waiting{}
}
