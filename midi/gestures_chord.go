package midi

import "time"

// cluster is what has been struck on a channel since the first key that a
// chord may begin with.
type cluster struct {
	open        bool
	view        view
	first, last time.Duration
	keys        KeySet
	order       [maxChord]uint8
	n           int
	late        bool // a key had come up before the last went down
}

func (c *cluster) join(key uint8) {
	c.keys = c.keys.with(key)
	c.order[c.n] = key
	c.n++
}

// joinChord sees whether a press belongs to a chord that has begun, or begins
// one. Any other press ends the one that has begun: it was not exactly that.
func (g *Gestures) joinChord(e *Event, o *operands, v *view) bool {
	c := &g.chords[o.channel]
	if c.open {
		key := uint8(o.number)
		if c.view.sameAs(v) && !c.keys.Has(key) && g.chordAfter(c, v, e, o, g.now-c.first-1) > 0 {
			c.last = g.now
			for _, k := range c.order[:c.n] {
				c.late = c.late || !g.pressed[o.channel][k].down
			}
			return true
		}
		g.voidChord(o.channel)
	}
	*c = cluster{view: *v, first: g.now, last: g.now}
	within := g.chordAfter(c, v, e, o, 0)
	if within == 0 {
		return false
	}
	c.open = true
	g.timers.set(chordTimers+int(o.channel), g.now+within+1) // one at that very time counts
	return true
}

// chordAfter returns the shortest window longer than one, among chords that
// have all keys of c and that of e; 0 is none.
func (g *Gestures) chordAfter(c *cluster, v *view, e *Event, o *operands, than time.Duration) (within time.Duration) {
	mappings := v.router.byKind[NoteOn]
	for i := range mappings {
		t := &mappings[i].Trigger
		if t.gesture == GestureChord && t.within > than && (within == 0 || t.within < within) &&
			c.keys.within(t.keys) && t.inForce(v, o, e, noValue) {
			within = t.within
		}
	}
	return within
}

// endChord is the end of a chord's window.
func (g *Gestures) endChord(channel uint8) {
	c := &g.chords[channel]
	if !c.late && g.serveChord(c, channel) {
		return
	}
	// Another chord may have a longer window.
	w := g.waitingFor(channel, c.order[0])
	var e Event
	w.event(&w.strokes[w.lastPress()], &e)
	o := e.operands()
	if within := g.chordAfter(c, &c.view, &e, &o, g.now-c.first); within > 0 && !c.late {
		g.timers.set(chordTimers+int(channel), c.first+within+1)
		return
	}
	g.voidChord(channel)
}

// waitingFor returns the wait of a key of a chord: it has one until the chord
// ends.
func (g *Gestures) waitingFor(channel, key uint8) *waiting {
	return &g.waiting[g.pressed[channel][key].slot-1]
}

// serveChord fires the chord that is complete, if one is.
func (g *Gestures) serveChord(c *cluster, channel uint8) bool {
	served := false
	mappings := c.view.router.byKind[NoteOn]
	for i := range mappings {
		m := &mappings[i]
		t := &m.Trigger
		if t.gesture != GestureChord || t.keys != c.keys || c.first+t.within >= g.now || c.last-c.first > t.within || !g.allMatch(t, c, channel) {
			continue
		}
		if !served {
			served = true
			for _, key := range c.order[:c.n] {
				w := g.waitingFor(channel, key)
				g.cutTo(w, w.lastPress())
			}
		}
		last := g.waitingFor(channel, c.order[c.n-1])
		last.event(&last.strokes[0], &g.scratch)
		g.gesture = Gesture{Kind: GestureChord, Keys: c.keys, Duration: c.last - c.first, Mode: c.view.mode}
		g.emit(m, &g.scratch, &g.gesture, nil)
	}
	if !served {
		return false
	}
	c.open = false
	for _, key := range c.order[:c.n] {
		w := g.waitingFor(channel, key)
		for k := 1; k < w.n; k++ {
			w.event(&w.strokes[k], &g.scratch)
			o := g.scratch.operands()
			g.fireAll(&w.view, &g.scratch, &o, w.downFor(k), nil)
		}
		g.drop(w)
	}
	return true
}

// allMatch reports whether every key of a cluster is one for a trigger.
func (g *Gestures) allMatch(t *Trigger, c *cluster, channel uint8) bool {
	for _, key := range c.order[:c.n] {
		w := g.waitingFor(channel, key)
		var e Event
		w.event(&w.strokes[w.lastPress()], &e)
		o := e.operands()
		if !t.inForce(&c.view, &o, &e, noValue) {
			return false
		}
	}
	return true
}

// voidChord ends what was no chord: its keys wait for other things, or not at
// all.
func (g *Gestures) voidChord(channel uint8) {
	c := &g.chords[channel]
	if !c.open {
		return
	}
	c.open = false
	g.timers.clear(chordTimers + int(channel))
	for _, key := range c.order[:c.n] {
		w := g.waitingFor(channel, key)
		w.inChord = false
		g.decide(w)
	}
}

// leaveChord ends the chord that a key may have become part of.
func (g *Gestures) leaveChord(w *waiting) {
	if !w.inChord {
		return
	}
	w.inChord = false
	c := &g.chords[w.channel]
	kept := 0
	for _, key := range c.order[:c.n] {
		if key != w.key {
			c.order[kept] = key
			kept++
		}
	}
	c.n = kept
	g.voidChord(w.channel)
}
