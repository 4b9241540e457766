package midi

import "time"

// maxStrokes: as many presses as taps, each with its release.
const maxStrokes = 2 * maxTaps

// waiting is a key of which it is not known yet what it becomes.
type waiting struct {
	id           int
	channel, key uint8
	view         view
	device       string

	strokes [maxStrokes]stroke
	n       int
	taps    uint8 // presses among strokes

	tapDue  time.Duration // when it is too late for another tap; 0 is none wanted
	holdDue time.Duration // when it has been held long enough; 0 is none wanted
	inChord bool          // a chord may come of it
	used    bool          // its press has become something; only longer holds may follow
}

// stroke is a key going down or coming up.
type stroke struct {
	at  time.Duration
	raw [3]byte
	hop uint8
	up  bool
}

func (w *waiting) add(at time.Duration, e *Event, up bool) {
	w.strokes[w.n] = stroke{at, e.raw, e.Hop, up}
	w.n++
	if !up {
		w.taps++
	}
}

// event is the message of a stroke again.
func (w *waiting) event(s *stroke, e *Event) {
	*e = Event{Time: s.at, Device: w.device, Hop: s.hop, raw: s.raw, n: 3}
}

// lastPress returns the place of the last press among the strokes.
func (w *waiting) lastPress() int {
	i := w.n - 1
	for w.strokes[i].up {
		i--
	}
	return i
}

// mayTap reports whether the presses so far can all be taps of a trigger.
func (w *waiting) mayTap(t *Trigger) bool {
	o := operands{channel: w.channel, number: uint16(w.key)}
	e := Event{Device: w.device}
	before := noTime
	for i := range w.strokes[:w.n] {
		s := &w.strokes[i]
		if s.up {
			continue
		}
		o.value = uint16(s.raw[2])
		if !t.inForce(&w.view, &o, &e, noValue) || before != noTime && s.at-before > t.within {
			return false
		}
		before = s.at
	}
	return true
}

// noTime is before every time.
const noTime = time.Duration(-1 << 63)

// wait sees whether a press that has just come must wait, or ends a wait. It
// returns false when the press is to be served at once.
func (g *Gestures) wait(e *Event, o *operands, p *press) bool {
	inChord := g.joinChord(e, o, &p.view)
	hold := g.holdAfter(&p.view, e, o, 0)
	if p.slot == 0 && !inChord && hold == 0 && !g.hasTaps(&p.view, e, o) {
		return false
	}
	var w *waiting
	if p.slot != 0 {
		w = &g.waiting[p.slot-1]
		if w.used {
			// Longer holds of a press before, whose key did not come up.
			g.drop(w)
			w = nil
		}
	}
	if w == nil {
		if w = g.take(e, o, p); w == nil {
			g.voidChord(o.channel)
			return false
		}
	}
	w.add(g.now, e, false)
	w.inChord = inChord
	w.holdDue = 0
	if hold > 0 {
		w.holdDue = g.now + hold
	}
	if inChord {
		g.chords[o.channel].join(w.key)
	}
	g.tapped(w)
	return true
}

// hasTaps reports whether taps of a key may begin with e.
func (g *Gestures) hasTaps(v *view, e *Event, o *operands) bool {
	mappings := v.router.byKind[NoteOn]
	for i := range mappings {
		if t := &mappings[i].Trigger; t.gesture == GestureTaps && t.inForce(v, o, e, noValue) {
			return true
		}
	}
	return false
}

// holdAfter returns the shortest hold that is longer than one, for a press; 0
// is none.
func (g *Gestures) holdAfter(v *view, e *Event, o *operands, than time.Duration) (hold time.Duration) {
	mappings := v.router.byKind[NoteOn]
	for i := range mappings {
		t := &mappings[i].Trigger
		if t.gesture == GestureHold && t.hold > than && (hold == 0 || t.hold < hold) && t.inForce(v, o, e, noValue) {
			hold = t.hold
		}
	}
	return hold
}

// tapped looks at a key that has just gone down, perhaps not for the first
// time.
func (g *Gestures) tapped(w *waiting) {
	open, exact := g.tapsOf(w)
	if open == 0 && !exact && w.taps > 1 {
		g.cutTo(w, w.lastPress()) // a row of taps ends, another may begin
		open, _ = g.tapsOf(w)
	}
	w.tapDue = 0
	switch {
	case open > 0:
		w.tapDue = w.strokes[w.n-1].at + open + 1 // one at that very time counts
	case exact:
		g.settle(w)
		return
	}
	g.rearm(w)
	g.decide(w)
}

// tapsOf returns how long another tap may take to come, 0 when none is waited
// for, and whether the presses so far are those of a trigger.
func (g *Gestures) tapsOf(w *waiting) (open time.Duration, exact bool) {
	mappings := w.view.router.byKind[NoteOn]
	for i := range mappings {
		t := &mappings[i].Trigger
		if t.gesture != GestureTaps || t.taps < w.taps || !w.mayTap(t) {
			continue
		}
		if t.taps == w.taps {
			exact = true
		} else {
			open = max(open, t.within)
		}
	}
	return open, exact
}

// waitedUp is a key that waits coming up.
func (g *Gestures) waitedUp(w *waiting, e *Event) {
	if w.used {
		o := e.operands()
		p := press{view: w.view, at: g.pressed[w.channel][w.key].at, down: true, fired: true}
		g.drop(w)
		g.release(&p, e, &o)
		return
	}
	w.add(g.now, e, true)
	w.holdDue = 0
	g.rearm(w)
	g.decide(w)
}

// rearm sets the timer of a key that waits.
func (g *Gestures) rearm(w *waiting) {
	due := w.tapDue
	if w.holdDue != 0 && (due == 0 || w.holdDue < due) {
		due = w.holdDue
	}
	if due == 0 {
		g.timers.clear(w.id)
		return
	}
	g.timers.set(w.id, due)
}

// endWait is the timer of a key that waits.
func (g *Gestures) endWait(w *waiting) {
	switch {
	case w.holdDue != 0 && (w.tapDue == 0 || w.holdDue < w.tapDue):
		g.held(w)
		return
	case w.holdDue != 0:
		if _, exact := g.tapsOf(w); exact {
			g.settle(w)
			return
		}
		g.cutTo(w, w.lastPress())
	}
	w.tapDue = 0
	g.rearm(w)
	g.decide(w)
}

// held serves the holds of a key that has been down so long.
func (g *Gestures) held(w *waiting) {
	var e Event
	if !w.used {
		g.leaveChord(w)
		g.cutTo(w, w.lastPress())
		w.used, w.tapDue = true, 0
	}
	s := &w.strokes[0]
	w.event(s, &e)
	o := e.operands()
	long := w.holdDue - s.at
	view, p := w.view, &g.pressed[w.channel][w.key]
	w.holdDue = 0
	if next := g.holdAfter(&view, &e, &o, long); next > 0 {
		w.holdDue = s.at + next
		g.rearm(w)
	} else {
		g.drop(w)
	}
	mappings := view.router.byKind[NoteOn]
	for i := range mappings {
		m := &mappings[i]
		if t := &m.Trigger; t.gesture == GestureHold && t.hold == long && t.inForce(&view, &o, &e, noValue) {
			g.scratch = e
			g.gesture = Gesture{Kind: GestureHold, Duration: long, Mode: view.mode}
			g.emit(m, &g.scratch, &g.gesture, p)
		}
	}
}

// decide settles a key that nothing is waited for any more.
func (g *Gestures) decide(w *waiting) {
	if w.tapDue == 0 && w.holdDue == 0 && !w.inChord {
		g.settle(w)
	}
}

// settle ends a wait: the presses are taps if a trigger has just so many,
// else each is a press by itself. Releases follow in their order.
func (g *Gestures) settle(w *waiting) {
	g.leaveChord(w)
	if w.used {
		g.drop(w)
		return
	}
	if _, exact := g.tapsOf(w); exact {
		g.serveTaps(w)
	} else {
		g.flush(w, w.n)
	}
	g.drop(w)
}

// serveTaps fires the taps that a row of presses is, at the last of them.
func (g *Gestures) serveTaps(w *waiting) {
	first, last := &w.strokes[0], w.lastPress()
	p := &g.pressed[w.channel][w.key]
	for k := range w.n {
		s := &w.strokes[k]
		w.event(s, &g.scratch)
		o := g.scratch.operands()
		if s.up {
			g.fireAll(&w.view, &g.scratch, &o, w.downFor(k), nil)
		}
		if k != last {
			continue
		}
		mappings := w.view.router.byKind[NoteOn]
		for i := range mappings {
			m := &mappings[i]
			if t := &m.Trigger; t.gesture == GestureTaps && t.taps == w.taps && w.mayTap(t) {
				g.gesture = Gesture{Kind: GestureTaps, Taps: w.taps, Duration: s.at - first.at, Mode: w.view.mode}
				g.emit(m, &g.scratch, &g.gesture, p)
			}
		}
	}
}

// downFor returns how long the key was down that comes up with stroke k.
func (w *waiting) downFor(k int) time.Duration {
	for i := k - 1; i >= 0; i-- {
		if !w.strokes[i].up {
			return w.strokes[k].at - w.strokes[i].at
		}
	}
	return 0
}

// flush serves the first strokes, up to one, as what they are by themselves.
func (g *Gestures) flush(w *waiting, to int) {
	p := &g.pressed[w.channel][w.key]
	for k := range to {
		s := &w.strokes[k]
		d := g.now - s.at // how long it has waited
		if s.up {
			d = w.downFor(k)
		}
		w.event(s, &g.scratch)
		o := g.scratch.operands()
		g.fireAll(&w.view, &g.scratch, &o, d, p)
	}
}

// cutTo serves the strokes before one and goes on with the rest.
func (g *Gestures) cutTo(w *waiting, from int) {
	g.flush(w, from)
	w.n = copy(w.strokes[:], w.strokes[from:w.n])
	w.taps = 0
	for _, s := range w.strokes[:w.n] {
		if !s.up {
			w.taps++
		}
	}
}
