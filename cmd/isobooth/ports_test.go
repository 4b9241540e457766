package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/miditest"
	"github.com/isobooth/isobooth/midi/ports"
	"github.com/isobooth/isobooth/profiles"
)

// portsRig is a rig whose booths listen to ports in memory as those of a daemon
// do.
type portsRig struct {
	*rig
	driver *miditest.Driver
	in     *inputs
	end    func() // ends listening, once, and waits for that
}

// newPortsRig has one booth, of the plugin transpose, which gets every note and
// every release.
func newPortsRig(t *testing.T, inputs []string, output string) *portsRig {
	t.Helper()
	requireBooths(t)
	root, programs := buildPrograms(t)
	r := &portsRig{driver: &miditest.Driver{}}
	var said rig // what is said before there is a booth
	a := &app{stderr: &said}
	var err error
	if r.in, err = a.newInputs(r.driver, inputs, output); err != nil {
		t.Fatal(err)
	}
	r.driver.Changed = r.in.changes.Tell
	limits := testLimits
	limits.rate, limits.burst = maxOutRate, maxOutBurst
	outs := newOutputs(r.in.manager.Send, limits)
	outs.wanted = r.in.manager.HasOutput
	r.rig = newRig(t, programs, outs, buildPlugin(t, root, "itself", filepath.Join(root, "examples/plugins/transpose/transpose.c")))
	a.stderr = r.rig
	r.s.ports = r.in.manager
	r.s.events = newEvents(time.Now, func(string) *profiles.Profile { return nil })
	t.Cleanup(r.s.events.close)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.s.listen(ctx, r.in, func(err error) { t.Error(err) })
	}()
	r.end = sync.OnceFunc(func() {
		cancel()
		select {
		case <-ended:
		case <-time.After(patience):
			t.Errorf("listening does not end\n%s", r.said())
		}
		r.in.close()
	})
	t.Cleanup(r.end)
	return r
}

// TestPortsReachBooths: ports that come, go and hold a key; the booth gets what
// was played, and the release that was not.
func TestPortsReachBooths(t *testing.T) {
	r := newPortsRig(t, []string{"Pad*"}, "Synth")
	r.eventually("waiting", func() bool {
		return strings.Contains(r.said(), `waiting for a MIDI port that matches "Pad*": no MIDI ports`) &&
			strings.Contains(r.said(), `waiting for a MIDI output that matches "Synth"; what is sent until then is dropped`)
	})
	one, two := r.driver.Plug("Pad 1"), r.driver.Plug("Pad 2")
	r.eventually("open", func() bool { return one.Open() && two.Open() })
	booth, out := r.s.plugs()[0].booth, r.s.plugs()[0].output
	one.Push(0, 0x90, 60, 100)
	two.Push(0, 0x90, 62, 100)
	r.eventually("two triggers", func() bool { return booth.Stats().Replies == 2 })
	if got := out.stats(); got != (outputStats{Away: 2}) {
		t.Errorf("without the output: %+v", got)
	}
	synth := r.driver.PlugOut("Synth")
	r.eventually("the output open", synth.Open)
	one.Vanish()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	sent, err := synth.Wait(ctx, 1)
	if err != nil || !bytes.Equal(sent[0], []byte{0x80, 60, 64}) {
		t.Errorf("sent % x, %v, want the release of what the vanished port held", sent, err)
	}
	r.eventually("told", func() bool { return strings.Contains(r.said(), `MIDI port "Pad 1" is gone`) })
	if got := booth.Stats().Triggers; got != 3 {
		t.Errorf("%d triggers, want 3: the other port holds its key", got)
	}

	// What a user is shown of it.
	var text bytes.Buffer
	st := r.s.status()
	printPorts(&text, []daemonStatus{st})
	for _, want := range []string{`in  closed           2        0        0  -                    "Pad 1"`, `in  open             1 `, `out open             1        0        2`} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	data, err := json.Marshal(st)
	if err != nil || !bytes.Contains(data, []byte(`"ports":[{"name":"Pad 1","id":"16:0","direction":"in","open":false,"messages":2,`)) {
		t.Errorf("%s, %v", data, err)
	}
	r.end()
	if two.Open() || synth.Open() {
		t.Error("a port is open at the end")
	}
}

// TestPortBursts: 10,000 notes from each of three ports at once; every one
// reaches the booth or is counted by it.
func TestPortBursts(t *testing.T) {
	const notes = 10_000
	r := newPortsRig(t, []string{"*"}, "")
	var pads []*miditest.DriverIn
	for i := range 3 {
		pads = append(pads, r.driver.Plug(fmt.Sprintf("Pad %d", i)))
	}
	r.eventually("open", func() bool { return pads[0].Open() && pads[1].Open() && pads[2].Open() })
	var burst sync.WaitGroup
	for _, p := range pads {
		burst.Go(func() {
			for i := range notes {
				p.Push(0, 0x90|byte(i%16), byte(i%128), 1)
			}
		})
	}
	burst.Wait()
	booth := r.s.plugs()[0].booth
	r.eventually("every note is accounted for", func() bool {
		st := booth.Stats()
		return st.Triggers+st.Dropped+st.Expired == 3*notes && booth.Idle()
	})
	for _, p := range r.in.manager.States() {
		if p.Messages != notes || p.Overflows != 0 {
			t.Errorf("%+v", p)
		}
	}
	st := booth.Stats()
	t.Logf("%d written, %d dropped, %d expired", st.Triggers, st.Dropped, st.Expired)
	if st.Triggers == 0 {
		t.Error("no note has reached the plugin")
	}
}

// TestReloadPorts: other patterns hold at once. What matches before and after
// stays open.
func TestReloadPorts(t *testing.T) {
	r := newPortsRig(t, []string{"Pad*", "Keys"}, "")
	pad, keys, other := r.driver.Plug("Pad"), r.driver.Plug("Keys"), r.driver.Plug("Other")
	synth := r.driver.PlugOut("Synth")
	r.eventually("open", func() bool { return pad.Open() && keys.Open() })
	old := midiConfig{Driver: "portmidi", Inputs: []string{"Pad*", "Keys"}}
	next := midiConfig{Driver: "other", Inputs: []string{"Keys", "Other", "-"}, Output: "Synth"}
	r.s.inputsChanged(old, next)
	r.eventually("changed over", func() bool { return !pad.Open() && other.Open() && synth.Open() })
	if n := keys.Opened(); n != 1 {
		t.Errorf("what stays was opened %d times", n)
	}
	for _, want := range []string{"midi.driver: takes effect at the next start", "midi.inputs: files and stdin take effect at the next start"} {
		if !strings.Contains(r.said(), want) {
			t.Errorf("not said: %q\n%s", want, r.said())
		}
	}
	other.Push(0, 0x90, 60, 100)
	r.eventually("an answer", func() bool { return r.s.plugs()[0].output.stats().Sent == 1 })
}

// TestInputsKinds: what is a port and what is not, and what fails at once.
func TestInputsKinds(t *testing.T) {
	for name, want := range map[string]bool{"*": true, "-": false, "a.mid": false, "A.MIDI": false, "mid": true, "--": true} {
		if isPort(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
	a := &app{stderr: new(bytes.Buffer)}
	if _, err := a.newInputs(&miditest.Driver{}, []string{"[a"}, ""); !errors.Is(err, midi.ErrGlob) {
		t.Errorf("a malformed input: %v", err)
	}
	if _, err := a.newInputs(&miditest.Driver{}, nil, "[a"); !errors.Is(err, midi.ErrGlob) {
		t.Errorf("a malformed output: %v", err)
	}
	unsupported := &miditest.Driver{}
	unsupported.Break(fmt.Errorf("no cgo: %w", errors.ErrUnsupported))
	if _, err := a.newInputs(unsupported, []string{"*"}, ""); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a driver that never works: %v", err)
	}
	if _, err := a.newInputs(unsupported, nil, ""); err != nil {
		t.Errorf("without any port: %v", err)
	}
}

// TestPortNotices: every kind of notice is said, with names that may be
// anything.
func TestPortNotices(t *testing.T) {
	p := midi.Port{Name: hostileText}
	for _, n := range []ports.Notice{
		{What: ports.Opened, Port: p}, {What: ports.Opened, Port: p, Out: true}, {What: ports.Gone, Port: p}, {What: ports.Closed, Port: p},
		{What: ports.Failed, Port: p, Err: midi.ErrGone, Retry: time.Second}, {What: ports.Blind, Err: midi.ErrGone},
		{What: ports.Losing, Port: p, Lost: midi.Lost{Overflows: 3}}, {What: ports.Waiting, Patterns: []string{hostileText, "b"}},
	} {
		var said bytes.Buffer
		(&app{stderr: &said}).tellPort(n)
		if said.Len() == 0 || !harmless(said.String()) {
			t.Errorf("%s: said %q", n.What, said.String())
		}
	}
}
