package ports

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/miditest"
)

// patience is how long a test waits before it calls something a hang.
const patience = time.Minute

// missing skips, or with ISOBOOTH_MUST_MIDI=1, as in the lab, fails, naming what
// is not here.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("ISOBOOTH_MUST_MIDI") == "1" {
		t.Fatalf("this machine lacks %s", what)
	}
	t.Skipf("this machine lacks %s", what)
}

// rig is a Manager that runs over ports in memory.
type rig struct {
	t      *testing.T
	driver *miditest.Driver // nil where the ports are the machine's
	m      *Manager
	cancel context.CancelFunc
	ended  chan error

	mu      sync.Mutex
	notices []string
	events  map[string][]string // by device, in hex
	block   chan struct{}       // unless nil, deliveries wait for its end
}

func newRig(t *testing.T) *rig {
	d := &miditest.Driver{}
	r := newRigOf(t, d)
	r.driver = d
	d.Changed = r.m.changes.Tell
	return r
}

func newRigOf(t *testing.T, d midi.Driver) *rig {
	r := &rig{t: t, events: map[string][]string{}}
	r.m = New(Options{
		Driver: d, Changes: NewChanges(),
		Serve: func(ctx context.Context, src *Source) error {
			return src.Run(ctx, func(e *midi.Event) {
				r.mu.Lock()
				r.events[e.Device] = append(r.events[e.Device], fmt.Sprintf("% x", e.AppendRaw(nil)))
				block := r.block
				r.mu.Unlock()
				if block != nil {
					<-block
				}
			})
		},
		Notice: func(n Notice) {
			r.mu.Lock()
			defer r.mu.Unlock()
			text := n.What + " " + n.Port.Name
			if n.Out {
				text = "out: " + text
			}
			if n.What == Waiting {
				text += strings.Join(n.Patterns, ",")
			}
			if n.Err != nil {
				text += ": " + n.Err.Error()
			}
			r.notices = append(r.notices, text)
		},
	})
	r.m.gap, r.m.patient = 0, 0
	return r
}

// globs sets the inputs.
func (r *rig) globs(patterns ...string) {
	r.t.Helper()
	if err := r.m.SetGlobs(patterns, r.m.output.pattern); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) start() {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel, r.ended = cancel, make(chan error, 1)
	go func() { r.ended <- r.m.Run(ctx) }()
	r.t.Cleanup(func() { r.stop() })
}

// stop ends the Manager, once, and returns what Run did.
func (r *rig) stop() error {
	r.t.Helper()
	if r.cancel == nil {
		return nil
	}
	r.cancel()
	r.cancel = nil
	select {
	case err := <-r.ended:
		r.m.after = time.After
		if cerr := r.m.Close(); cerr != nil {
			r.t.Error(cerr)
		}
		return err
	case <-time.After(patience):
		r.t.Fatal("Run does not end")
		return nil
	}
}

func (r *rig) told() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.notices)
}

func (r *rig) got(device string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events[device])
}

func (r *rig) eventually(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("%s: did not happen; told %q", what, r.told())
		}
	}
}

// settled waits until the Manager has looked at the ports twice more: then
// everything before has had its effect.
func (r *rig) settled() {
	r.t.Helper()
	for range 2 {
		n := r.driver.Lists()
		r.m.poke()
		r.eventually("a look at the ports", func() bool { return r.driver.Lists() > n })
	}
}

func (r *rig) isTold(notice string) {
	r.t.Helper()
	r.eventually("notice "+notice, func() bool { return slices.Contains(r.told(), notice) })
}
