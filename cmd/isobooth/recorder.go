package main

import (
	"reflect"
	"slices"
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

	mu      sync.Mutex // guards what follows
	plugs   []*plug
	written map[string]build
}

// build is one build of a plugin, and what is known of it in the records.
type build struct {
	sha256  string
	history runner.History
}

func newRecorder(r *records, next runner.Observer, trouble func(error)) *recorder {
	return &recorder{
		Observer: next, records: r, trouble: trouble, written: map[string]build{},
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
	r.during(func() []*plug { return plugs })
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

// during writes nothing while change is made, which returns the plugins that
// it goes on with. What their plans say is what the records do.
func (r *recorder) during(change func() []*plug) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.plugs = change()
	for _, g := range r.plugs {
		name, sha256 := g.config.Name, g.plugin.Image.Digest()
		if r.written[name].sha256 != sha256 {
			r.written[name] = build{sha256, g.booth.Plan().History}
		}
	}
}

func (r *recorder) write() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range r.plugs {
		r.writeOne(g)
	}
}

// writeOne writes what is new of a plugin. The caller holds mu.
func (r *recorder) writeOne(g *plug) {
	h, name := g.booth.History(), g.config.Name
	before := r.written[name]
	if reflect.DeepEqual(h, before.history) {
		return
	}
	if err := r.records.put(name, before.sha256, before.history, h); err != nil {
		r.trouble(err)
		return
	}
	r.written[name] = build{before.sha256, h}
}

// leave writes what is new of a plugin that has ended, and forgets it.
func (r *recorder) leave(g *plug) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := g.config.Name
	if r.written[name].sha256 == "" { // it was only tried
		r.written[name] = build{g.plugin.Image.Digest(), g.booth.Plan().History}
	}
	r.writeOne(g)
	delete(r.written, name)
	r.plugs = slices.DeleteFunc(slices.Clone(r.plugs), func(other *plug) bool { return other == g })
}
