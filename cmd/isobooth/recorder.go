package main

import (
	"reflect"
	"sync"

	"github.com/isobooth/isobooth/runner"
)

// recorder keeps the records of a daemon's plugins up to date. Booths tell it
// that something has changed; it writes on a goroutine of its own.
type recorder struct {
	runner.Observer // the next one
	records         *records
	trouble         func(error)
	changed         chan struct{}
	end             chan struct{}
	done            sync.WaitGroup
	plugs           []*plug
	written         map[string]runner.History
}

func newRecorder(r *records, next runner.Observer, trouble func(error)) *recorder {
	return &recorder{
		Observer: next, records: r, trouble: trouble, written: map[string]runner.History{},
		changed: make(chan struct{}, 1), end: make(chan struct{}),
	}
}

// State passes a booth's change on.
func (r *recorder) State(booth string, s runner.State, cause *runner.Cause) {
	r.Observer.State(booth, s, cause)
	select {
	case r.changed <- struct{}{}:
	default: // it has yet to look
	}
}

// begin starts to write, for booths whose plans have the records as they are.
func (r *recorder) begin(plugs []*plug) {
	r.plugs = plugs
	for _, g := range plugs {
		r.written[g.config.Name] = g.booth.History()
	}
	r.done.Go(func() {
		for {
			select {
			case <-r.changed:
				r.write()
			case <-r.end:
				r.write()
				return
			}
		}
	})
}

// close writes what is new. No booth may be running any more.
func (r *recorder) close() {
	close(r.end)
	r.done.Wait()
}

func (r *recorder) write() {
	for _, g := range r.plugs {
		h, name := g.booth.History(), g.config.Name
		if reflect.DeepEqual(h, r.written[name]) {
			continue
		}
		if err := r.records.put(name, g.plugin.Image.Digest(), r.written[name], h); err != nil {
			r.trouble(err)
			continue
		}
		r.written[name] = h
	}
}
