package ports

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/miditest"
)

// burstLen is how many events each of three ports sends at once.
const burstLen = 10_000

// Three bursts at once: every event is delivered in its port's order, or, where
// the driver has a queue that is too short, counted.
func TestBursts(t *testing.T) {
	for _, queue := range []int{0, 256} {
		t.Run(fmt.Sprintf("queue %d", queue), func(t *testing.T) {
			r := newRig(t)
			r.driver.Queue = queue
			var ins []*miditest.DriverIn
			for i := range 3 {
				ins = append(ins, r.driver.Plug(fmt.Sprintf("Pad %d", i)))
			}
			r.globs("Pad *")
			r.start()
			r.eventually("open", func() bool { return ins[0].Open() && ins[1].Open() && ins[2].Open() })
			var burst sync.WaitGroup
			for _, in := range ins {
				burst.Go(func() {
					for i := range burstLen {
						in.Push(time.Duration(i), 0x90|byte(i>>14), byte(i>>7&127), byte(i&127))
					}
				})
			}
			burst.Wait()
			r.eventually("all delivered or counted", func() bool {
				for _, st := range r.m.States() {
					if st.Messages+st.Overflows != burstLen {
						return false
					}
				}
				return true
			})
			for i, st := range r.m.States() {
				got := r.got(ins[i].Port().Name)
				if uint64(len(got)) != st.Messages || queue == 0 && len(got) != burstLen {
					t.Errorf("%s: %d delivered, %d counted, %d lost", st.Name, len(got), st.Messages, st.Overflows)
				}
				last := ""
				for _, e := range got { // hex sorts as the numbers do
					if e <= last {
						t.Fatalf("%s: %s after %s", st.Name, e, last)
					}
					last = e
				}
			}
		})
	}
}

// stub is a midi.In of which only the name is used, for events. To be asked for
// more, losses above all, which a driver may have to read from a file, makes it
// panic.
type stub struct{ midi.In }

func (stub) Name() string { return "stub" }

// What stands between the driver and the engine does not allocate, nor ask the
// driver for anything.
func TestSourceDoesNotAllocate(t *testing.T) {
	m := New(Options{})
	s := newSource(stub{}, m.came)
	events := make([]midi.Event, 0, 3)
	for _, raw := range [][]byte{{0x90, 60, 1}, {0xf8}, {0xf0, 1, 2, 3, 4, 5, 0xf7}} {
		e, err := midi.FromMessage(raw, 0, "stub")
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	for i := range events {
		if n := testing.AllocsPerRun(100, func() { s.note(&events[i]) }); n != 0 {
			t.Errorf("% x: %v allocations", events[i].AppendRaw(nil), n)
		}
	}
}
