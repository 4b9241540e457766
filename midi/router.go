package midi

// Router finds the mappings that an event matches. It never changes once
// made, so any number of goroutines may use it.
type Router struct {
	byKind [System + 1][]Mapping
}

// NewRouter makes a Router of mappings, which it copies.
func NewRouter(mappings []Mapping) *Router {
	r := new(Router)
	for _, m := range mappings {
		k := m.Trigger.kind
		r.byKind[k] = append(r.byKind[k], m)
	}
	return r
}

// Match calls fn for every mapping that e matches, in the order of the
// config. The *Mapping belongs to the Router: read it, and keep it if you
// like. Match looks only at mappings for the kind of e and does not
// allocate; for fn to cost nothing either, make it once, not per event.
func (r *Router) Match(e *Event, fn func(*Mapping)) {
	mappings := r.byKind[e.Kind()]
	for i := range mappings {
		if mappings[i].Trigger.Match(e) {
			fn(&mappings[i])
		}
	}
}
