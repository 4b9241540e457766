package main

import (
	"github.com/isobooth/isobooth/midi"
)

// input looks at what one source delivers for what our own outputs have sent:
// a port may be the other end of a cable from there. It belongs to the
// goroutine of the source, and nothing in it allocates or waits.
type input struct {
	outs *outputs
	// held are the keys and pedals whose going down was let through: their
	// coming up must be, or a plugin would hold a note for ever.
	held midi.Held
	raw  [3]byte
}

// newInput makes the input for one source; nil where nothing can come back.
func (s *outputs) newInput(src source) *input {
	if _, file := src.(*midi.SMF); file || s.port == nil {
		return nil
	}
	return &input{outs: s}
}

// admit sets e.Hop. It returns nil if e may be a trigger, else the output that
// it has come from too often.
func (in *input) admit(e *midi.Event) *output {
	if in == nil {
		return nil
	}
	var from *output
	at := in.outs.now()
	for _, o := range in.outs.all() {
		if hop := o.echoes.Load().Hop(e, at); hop > e.Hop {
			e.Hop, from = hop, o
		}
	}
	var raw []byte
	if e.Kind() != midi.SysEx { // which holds nothing
		raw = e.AppendRaw(in.raw[:0])
	}
	if e.Hop > in.outs.limits.Load().hops && !in.held.Lifts(raw) {
		return from
	}
	in.held.Update(raw)
	return nil
}
