package midi

import "time"

// values are what a source has sent last; noValue where it has sent nothing.
type values struct {
	control, pressure       [16][128]int16
	program, touch, bending [16]int16
	song                    int16
}

func (v *values) forget() {
	for ch := range 16 {
		for n := range 128 {
			v.control[ch][n], v.pressure[ch][n] = noValue, noValue
		}
		v.program[ch], v.touch[ch], v.bending[ch] = noValue, noValue, noValue
	}
	v.song = noValue
}

// of returns the place of what a message sets; nil when it sets nothing.
func (v *values) of(o *operands) *int16 {
	switch o.kind {
	case ControlChange:
		return &v.control[o.channel][o.number]
	case PolyAftertouch:
		return &v.pressure[o.channel][o.number]
	case ProgramChange:
		return &v.program[o.channel]
	case Aftertouch:
		return &v.touch[o.channel]
	case PitchBend:
		return &v.bending[o.channel]
	case System:
		if o.number == songPosition {
			return &v.song
		}
	}
	return nil
}

// control is a control change: a pedal that comes up does so where it went
// down.
func (g *Gestures) control(e *Event, o *operands) {
	for i, number := range pedals {
		if uint16(number) != o.number {
			continue
		}
		p := &g.pedals[o.channel][i]
		v := g.view()
		if o.value >= 64 {
			if p.down && p.fired && p.view != v {
				g.feedFrom(p, [3]byte{0xb0 | o.channel, number, 0})
				v = g.view() // its release may have set a mode
			}
			fired := g.changeIn(&v, e, o) || p.down && p.fired
			*p = press{view: v, at: g.now, down: true, fired: fired, device: e.Device}
			return
		}
		if p.down && p.fired {
			v = p.view
		}
		p.down = false
		g.changeIn(&v, e, o)
		return
	}
	g.change(e, o)
}

// change is any message that is no key.
func (g *Gestures) change(e *Event, o *operands) {
	v := g.view()
	g.changeIn(&v, e, o)
}

func (g *Gestures) changeIn(v *view, e *Event, o *operands) (fired bool) {
	previous := int32(noValue)
	last := g.values.of(o)
	if last != nil {
		previous = int32(*last)
		*last = int16(o.value)
	}
	mappings := v.router.byKind[o.kind]
	for i := range mappings {
		m := &mappings[i]
		t := &m.Trigger
		if !t.inForce(v, o, e, previous) {
			continue
		}
		g.gesture = Gesture{Kind: t.gesture, Mode: v.mode}
		if previous != noValue {
			g.gesture.Previous, g.gesture.HasPrevious = uint16(previous), true
		}
		if t.gesture != GestureMessage && !g.moved(t, v, o, previous, &g.gesture.Steps) {
			continue
		}
		fired = true
		if t.every > 0 {
			g.limit(m, v, e, o)
			continue
		}
		g.emit(m, e, &g.gesture, nil)
	}
	return fired
}

// moved reports whether a change is what a trigger for changes waits for, and
// of how many steps.
func (g *Gestures) moved(t *Trigger, v *view, o *operands, previous int32, steps *int32) bool {
	switch t.gesture {
	case GestureCrossing:
		if previous == noValue {
			return false
		}
		before, after := previous >= int32(t.threshold), o.value >= t.threshold
		return before != after && t.direction.has(int32(o.value)-previous)
	case GestureClock:
		*steps = int32(g.ticks / int64(t.steps) & 0x7fffffff)
		return g.ticks%int64(t.steps) == 0
	}
	if v.router != g.router {
		return false // a pedal's: its sums have gone with its mappings
	}
	sum := &g.turns[t.slot(o)]
	by := t.encoding.steps(previous, o.value)
	if by > 0 && *sum < 0 || by < 0 && *sum > 0 {
		*sum = 0 // half a step in the other direction is no debt
	}
	*sum += by
	whole := *sum / t.steps * t.steps
	*sum -= whole
	*steps = whole
	return t.direction.has(whole)
}

// count follows the clock and what sets it: the first tick after a start, or
// after a song position, is that position.
func (g *Gestures) count(o *operands) {
	const ticksInSixteenth = 6
	switch o.number {
	case clockTick:
		g.ticks++
	case transStart:
		g.ticks = -1
	case songPosition:
		g.ticks = int64(o.value)*ticksInSixteenth - 1
	}
}

// limited is one rate limit: for a mapping, a channel, and a key if that is
// what has the value.
type limited struct {
	from    time.Duration // when the next may pass
	begun   bool
	pending bool
	mapping *Mapping
	event   Event
	gesture Gesture
}

// limit lets a trigger pass, or keeps it as the last until it may.
func (g *Gestures) limit(m *Mapping, v *view, e *Event, o *operands) {
	if v.router != g.router {
		g.emit(m, e, &g.gesture, nil) // a pedal's: its limit has gone with its mappings
		return
	}
	i := m.Trigger.slot(o)
	l := &g.limits[i]
	if !l.pending && (!l.begun || g.now >= l.from) {
		l.begun, l.from = true, g.now+m.Trigger.every
		g.emit(m, e, &g.gesture, nil)
		return
	}
	l.mapping, l.event, l.gesture = m, *e, g.gesture
	if !l.pending {
		l.pending = true
		g.timers.set(limitTimers+i, l.from)
	}
}

// trail lets pass what a limit has kept.
func (g *Gestures) trail(i int) {
	l := &g.limits[i]
	if !l.pending {
		return
	}
	l.pending = false
	l.from = g.now + l.mapping.Trigger.every
	g.emit(l.mapping, &l.event, &l.gesture, nil)
}
