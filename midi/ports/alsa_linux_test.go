package ports

import (
	"testing"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/portmidi"
	"github.com/isobooth/isobooth/midi/rtmidi"
)

// TestHotPlugOnSequencer: the port of another program is opened when it appears
// and closed when that ends, again and again, by each driver that uses the
// sequencer.
func TestHotPlugOnSequencer(t *testing.T) {
	f, _ := sequencerClient(t) // there is a sequencer
	f.Close()                  // and no port of that name
	for _, d := range []midi.Driver{portmidi.Driver{}, rtmidi.Driver{}} {
		t.Run(d.Name(), func(t *testing.T) {
			r := newRigOf(t, d)
			r.globs("isobooth test*")
			stop, err := Watch(r.m.changes)
			if err != nil {
				t.Fatal(err)
			}
			defer stop()
			r.start()
			count := func(what string) (n int) {
				for _, notice := range r.told() {
					if notice == what {
						n++
					}
				}
				return n
			}
			for round := range 3 {
				_, end := otherProgram(t)
				r.eventually("opened", func() bool { return count("opened isobooth test") == round+1 })
				end()
				r.eventually("gone", func() bool { return count("gone isobooth test") == round+1 })
			}
			if err := r.stop(); err != nil {
				t.Error(err)
			}
			if got := r.told(); len(got) != 10 { // each with a waiting before
				t.Errorf("told %q", got)
			}
		})
	}
}
