package recognize

import (
	"fmt"
	"slices"
	"time"

	"github.com/isobooth/isobooth/midi"
)

// press is a key going down, and up.
type press struct {
	key      uint8
	velocity uint8
	down, up time.Duration
	// The places of both among all that was heard: a stream may have times
	// that do not tell what came first. until is beyond the end for a key that
	// is still down.
	from, until int
}

// presses pairs what keys sent. A key that is still down is so until now.
func (r *Recognizer) presses(now time.Duration) []press {
	var all []press
	for place, h := range r.heard {
		if h.e.Kind() == midi.NoteOn {
			all = append(all, press{key: h.e.Key(), velocity: h.e.Velocity(), down: h.at, up: now, from: place, until: len(r.heard)})
			continue
		}
		for i := range all {
			if p := &all[i]; p.key == h.e.Key() && p.until == len(r.heard) {
				p.up, p.until = h.at, place
			}
		}
	}
	return all
}

// keys tells a press from a long one, from taps and from a chord. What does
// not belong to the first gesture is counted as ignored.
func (r *Recognizer) keys(g *Gesture, now time.Duration) error {
	all := r.presses(now)
	if r.want == Release {
		return r.release(g)
	}
	n := chord(all)
	if r.want == Note || r.want == Hold || r.want == Taps {
		n = 1
	}
	if r.want == Chord && n < 2 {
		return unclear("keys of a chord go down together, within %v", ChordWindow)
	}
	if n < 2 {
		return r.oneKey(g, all)
	}
	g.Kind = Chord
	for _, p := range all[:n] {
		g.Keys = append(g.Keys, p.key)
		g.Values = append(g.Values, uint16(p.velocity))
	}
	slices.Sort(g.Keys)
	g.Window = all[n-1].down - all[0].down
	g.Ignored += len(all) - n
	return nil
}

// chord returns how many presses at the beginning are one chord.
func chord(all []press) int {
	firstUp := all[0].until
	n := 1
	for ; n < len(all); n++ {
		p := all[n]
		if p.from > firstUp || p.down-all[0].down > ChordWindow {
			break
		}
		if slices.ContainsFunc(all[:n], func(q press) bool { return q.key == p.key }) {
			break
		}
		firstUp = min(firstUp, p.until)
	}
	return n
}

// oneKey is a press, a long press, or taps.
func (r *Recognizer) oneKey(g *Gesture, all []press) error {
	n := 1
	for r.want != Note && r.want != Hold && n < len(all) && all[n].key == all[0].key && all[n].down-all[n-1].down <= TapGap {
		g.Window = max(g.Window, all[n].down-all[n-1].down)
		n++
	}
	for _, p := range all[:n] {
		g.Values = append(g.Values, uint16(p.velocity))
	}
	g.Keys, g.Held, g.Ignored = []uint8{all[0].key}, all[0].up-all[0].down, g.Ignored+len(all)-n
	switch {
	case n > MaxTaps:
		return unclear("key %d was pressed %d times; taps are 2 to %d", all[0].key, n, MaxTaps)
	case n > 1:
		g.Kind, g.Taps = Taps, n
	case r.want == Taps:
		return unclear("key %d was pressed once within %v; taps are 2 to %d", all[0].key, TapGap, MaxTaps)
	case r.want == Note:
	case g.Held >= HoldAfter:
		g.Kind = Hold
	case r.want == Hold:
		return unclear("key %d came up after %v; a long press takes %v", all[0].key, g.Held.Round(time.Millisecond), HoldAfter)
	}
	return nil
}

// release is the first key that came up, also one that had been down before.
func (r *Recognizer) release(g *Gesture) error {
	for _, h := range r.heard {
		if h.e.Kind() == midi.NoteOff {
			g.Kind, g.Keys, g.Values = Release, []uint8{h.e.Key()}, []uint16{uint16(h.e.Velocity())}
			return nil
		}
	}
	return unclear("no key came up")
}

func unclear(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrUnclear}, args...)...)
}
