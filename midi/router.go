package midi

// Router finds the mappings that an event matches. It never changes once
// made, so any number of goroutines may use it.
type Router struct {
	byKind [System + 1][]Mapping

	waits bool // a press may have to wait for what it becomes
	timed bool // the time of day matters
	// turns and limits are how many sums of encoders and how many rate limits
	// a source of events keeps for it.
	turns, limits int
}

// NewRouter makes a Router of mappings, which it copies.
func NewRouter(mappings []Mapping) *Router {
	r := new(Router)
	for _, m := range mappings {
		t := &m.Trigger
		switch t.gesture {
		case GestureHold, GestureTaps, GestureChord:
			r.waits = true
		case GestureTurn:
			t.place = r.turns
			r.turns += 16
		}
		if t.every > 0 {
			t.place = r.limits
			r.limits += 16 * t.numbers()
		}
		r.timed = r.timed || t.when != nil && t.when.timed
		r.byKind[t.kind] = append(r.byKind[t.kind], m)
	}
	return r
}

// Timed reports whether some mapping may have to be served later than by its
// last message.
func (r *Router) Timed() bool { return r.waits || r.limits > 0 }

// Match calls fn for every mapping of which e is, or may be, a part, in the
// order of the config; see Trigger.Match. The *Mapping belongs to the Router:
// read it, and keep it if you like. Match looks only at mappings for the kind
// of e and does not allocate; for fn to cost nothing either, make it once, not
// per event.
func (r *Router) Match(e *Event, fn func(*Mapping)) {
	o := e.operands()
	mappings := r.byKind[o.kind]
	for i := range mappings {
		if mappings[i].Trigger.match(&o, e) {
			fn(&mappings[i])
		}
	}
}
