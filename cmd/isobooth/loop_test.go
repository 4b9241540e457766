package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/miditest"
)

// flooder sends as many notes as one reply holds, for each trigger.
const flooder = `#include <isobooth/plugin.h>
static const struct isobooth_host *host;
static int32_t start(const struct isobooth_host *h, void **self) { *self = 0; host = h; return 0; }
static int32_t trigger(void *self, const struct isobooth_event *ev)
{
	(void)self; (void)ev;
	for (int i = 0; i < 3000; i++) {
		const uint8_t on[] = {0x90, (uint8_t)(i % 128), (uint8_t)(i / 128 + 1)};
		if (host->midi_out(on, sizeof(on)) != ISOBOOTH_OK)
			return 1;
	}
	return 0;
}
static const struct isobooth_table table = {sizeof(table), ISOBOOTH_ABI, "flooder", "1", start, trigger, 0};
const struct isobooth_table *isobooth_plugin(uint32_t abi) { return abi == ISOBOOTH_ABI ? &table : 0; }
`

// dropper begins a note and a pedal with key 60 and crashes with key 61.
const dropper = `#include <isobooth/plugin.h>
static const struct isobooth_host *host;
static int32_t start(const struct isobooth_host *h, void **self) { *self = 0; host = h; return 0; }
static int32_t trigger(void *self, const struct isobooth_event *ev)
{
	static const uint8_t on[] = {0x93, 72, 100}, down[] = {0xb3, 64, 127};
	(void)self;
	if (ev->key == 61)
		*(volatile int *)0 = 1;
	host->midi_out(on, sizeof(on));
	host->midi_out(down, sizeof(down));
	return 0;
}
static const struct isobooth_table table = {sizeof(table), ISOBOOTH_ABI, "dropper", "1", start, trigger, 0};
const struct isobooth_table *isobooth_plugin(uint32_t abi) { return abi == ISOBOOTH_ABI ? &table : 0; }
`

// rig is a session with real booths and a port in memory.
type rig struct {
	t     *testing.T
	s     *session
	cable *miditest.Source
	rep   *reporter
	feed  chan error
	stop  func()

	mu     sync.Mutex
	stderr bytes.Buffer
}

// Write takes what the app says.
func (r *rig) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stderr.Write(b)
}

func (r *rig) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stderr.String()
}

func (r *rig) eventually(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("%s: did not happen\n%s", what, r.said())
		}
	}
}

// buildPlugin compiles C text, or the file it names, to a folder that a
// config can name.
func buildPlugin(t *testing.T, root, name, source string) pluginConfig {
	t.Helper()
	dir := t.TempDir()
	lib := filepath.Join(dir, "p.so")
	if !strings.HasSuffix(source, ".c") {
		text := source
		source = filepath.Join(dir, "p.c")
		if err := os.WriteFile(source, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	include := filepath.Join(root, "runner/worker/include")
	if out, err := exec.Command("cc", "-shared", "-fPIC", "-I", include, "-o", lib, source).CombinedOutput(); err != nil {
		t.Fatalf("cc: %v\n%s", err, out)
	}
	manifest := fmt.Sprintf("[plugin]\nname = %q\nversion = \"1\"\nbinary = \"p.so\"\n", name)
	if err := os.WriteFile(filepath.Join(dir, "plugin.toml"), []byte(manifest), 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(lib)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	return pluginConfig{Name: name, Path: dir, Profile: "strict", AllowUnsigned: true, SHA256: hex.EncodeToString(sum[:])}
}

// newRig starts a booth for each plugin, all of which get every note and every
// release that comes from the cable; what they send goes to port.
func newRig(t *testing.T, programs string, outs *outputs, plugins ...pluginConfig) *rig {
	t.Helper()
	r := &rig{t: t, cable: miditest.NewSource("cable"), feed: make(chan error, 1)}
	a := &app{stdout: io.Discard, stderr: r, settings: &settings{config: config{
		TrustedKeys: filepath.Join(t.TempDir(), "none"), Libexec: programs,
	}}}
	var specs []midi.MappingSpec
	for _, p := range plugins {
		for name, release := range map[string]bool{" on": false, " off": true} {
			specs = append(specs, midi.MappingSpec{Name: p.Name + name, Plugin: p.Name,
				Params: map[string]any{"semitones": 0}, Trigger: midi.TriggerSpec{Note: "0-127", Release: release}})
		}
	}
	mappings, err := midi.CompileAll(specs)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	r.rep = a.newReporter(false, true, outs)
	if r.s, err = a.newSession(plugins, r.rep.outs, r.rep); err != nil {
		cancel(nil)
		t.Fatalf("%v\n%s", err, r.said())
	}
	r.stop = sync.OnceFunc(func() {
		r.cable.Close()
		cancel(nil)
		if err := r.s.close(); err != nil {
			t.Errorf("close: %v", err)
		}
		r.rep.close()
	})
	t.Cleanup(r.stop)
	if err := r.s.start(ctx, r.rep, cancel); err != nil {
		t.Fatalf("%v\n%s", err, r.said())
	}
	r.s.route(mappings, r.s.app.settings.MIDI.Mode, r.s.boothOf())
	go func() { r.feed <- r.s.feed(ctx, r.cable) }()
	return r
}

// TestLoopDiesOut: a real plugin that answers a note with itself, and whose
// output leads back to its input, is cut off; without the limit it goes on for
// as long as the cable holds.
func TestLoopDiesOut(t *testing.T) {
	requireBooths(t)
	root, programs := buildPrograms(t)
	plugin := buildPlugin(t, root, "itself", filepath.Join(root, "examples/plugins/transpose/transpose.c"))
	limits := midiLimits{rate: 1 << 20, burst: 1 << 20, hops: 4, window: maxEchoWindow}

	t.Run("cut", func(t *testing.T) {
		var r *rig
		outs := newOutputs(func(msg []byte) error { r.cable.Push(0, msg...); return nil }, limits)
		r = newRig(t, programs, outs, plugin)
		o, booth := r.s.plugs()[0].output, r.s.plugs()[0].booth
		r.cable.Push(0, 0x90, 60, 100)
		r.eventually("the note's loop is cut", func() bool { return o.stats().LoopsCut == 1 })
		r.cable.Push(0, 0x80, 60, 64)
		r.eventually("its release's loop is cut", func() bool { return o.stats().LoopsCut == 2 })
		// The player once and four echoes, down and up.
		if got, want := o.stats(), (outputStats{Sent: 10, LoopsCut: 2}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		if n := booth.Stats().Triggers; n != 10 {
			t.Errorf("%d triggers, want 10", n)
		}
		// Another key is not held up by it.
		r.cable.Push(0, 0x90, 62, 100)
		r.eventually("another note's loop is cut", func() bool { return o.stats().LoopsCut == 3 })
		status, err := json.Marshal(r.s.status())
		if err != nil || !strings.Contains(string(status), `"midi":{"sent":15,"released":0,"dropped":0,"refused":0,"away":0,"loops_cut":3}`) {
			t.Errorf("status %s, %v", status, err)
		}
		r.eventually("a message", func() bool { return strings.Contains(r.said(), `booth "itself": MIDI loop cut`) })
		r.stop()
		if n := o.stats().Released; n != 1 { // key 62 was never let go
			t.Errorf("%d notes released at the end, want 1", n)
		}
	})
	t.Run("control: goes on without the limit", func(t *testing.T) {
		const rounds = 200
		free := limits
		free.window = 0
		var r *rig
		n := 0 // the one booth's
		outs := newOutputs(func(msg []byte) error {
			if n++; n >= rounds {
				r.cable.Close()
				return nil
			}
			r.cable.Push(0, msg...)
			return nil
		}, free)
		r = newRig(t, programs, outs, plugin)
		r.cable.Push(0, 0x90, 60, 100)
		select {
		case err := <-r.feed:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(patience):
			t.Fatalf("the loop has ended by itself: %+v", r.s.plugs()[0].output.stats())
		}
		if got := r.s.plugs()[0].output.stats(); got.Sent != rounds || got.LoopsCut != 0 {
			t.Errorf("%+v", got)
		}
	})
}

// TestLoopOfTwoDiesOut: two booths that trigger each other grow with every
// round; the hops count across booths.
func TestLoopOfTwoDiesOut(t *testing.T) {
	requireBooths(t)
	root, programs := buildPrograms(t)
	source := filepath.Join(root, "examples/plugins/transpose/transpose.c")
	var r *rig
	outs := newOutputs(func(msg []byte) error { r.cable.Push(0, msg...); return nil },
		midiLimits{rate: 1 << 20, burst: 1 << 20, hops: 4, window: maxEchoWindow})
	r = newRig(t, programs, outs, buildPlugin(t, root, "one", source), buildPlugin(t, root, "two", source))
	r.cable.Push(0, 0x90, 60, 100)
	// Each event makes two. A message that both send with different hops has
	// the higher one, so the end may come before the last of 2+4+8+16+32.
	total := func() (sent, cut uint64) {
		for _, o := range outs.all() {
			sent, cut = sent+o.stats().Sent, cut+o.stats().LoopsCut
		}
		return sent, cut
	}
	// Everything that was sent came back: it was a trigger of both, or cut.
	r.eventually("the loop is over", func() bool {
		sent, cut := total()
		return cut > 0 && sent == 2*(1+sent-cut)
	})
	if sent, _ := total(); sent > 62 {
		t.Errorf("%d messages sent, want 62 at most", sent)
	}
}

// TestFloodIsLimited: a plugin that sends thousands of notes for one trigger
// gets its burst and no more, while what its neighbour sends goes out.
func TestFloodIsLimited(t *testing.T) {
	requireBooths(t)
	root, programs := buildPrograms(t)
	flood := buildPlugin(t, root, "flood", flooder)
	neighbour := buildPlugin(t, root, "neighbour", filepath.Join(root, "examples/plugins/transpose/transpose.c"))
	for name, tc := range map[string]struct {
		burst         int
		sent, dropped uint64
	}{
		"limited":                      {300, 100, 2900},
		"control: all without a limit": {maxOutBurst, 3000, 0},
	} {
		t.Run(name, func(t *testing.T) {
			out := miditest.NewOut()
			outs := newOutputs(out.Send, midiLimits{rate: 3125, burst: tc.burst, hops: 4, window: time.Second})
			outs.now = func() time.Duration { return 0 } // no credit comes back
			r := newRig(t, programs, outs, flood, neighbour)
			r.cable.Push(0, 0x90, 60, 100)
			for _, g := range r.s.plugs() {
				r.eventually(g.config.Name+" has answered", func() bool { return g.booth.Stats().Replies == 1 && g.booth.Idle() })
			}
			if got, want := outs.of("flood").stats(), (outputStats{Sent: tc.sent, Dropped: tc.dropped}); got != want {
				t.Errorf("flood: %+v, want %+v", got, want)
			}
			if got, want := outs.of("neighbour").stats(), (outputStats{Sent: 1}); got != want {
				t.Errorf("neighbour: %+v, want %+v", got, want)
			}
			told := strings.Contains(r.said(), `booth "flood": `)
			if tc.dropped > 0 {
				r.eventually("a message", func() bool { return strings.Contains(r.said(), `booth "flood": `) })
			} else if told {
				t.Errorf("said %s", r.said())
			}
		})
	}
}

// TestCrashEndsNotes: what a plugin has left sounding ends when it crashes,
// and when the session does.
func TestCrashEndsNotes(t *testing.T) {
	requireBooths(t)
	root, programs := buildPrograms(t)
	out := miditest.NewOut()
	outs := newOutputs(out.Send, testLimits)
	r := newRig(t, programs, outs,
		buildPlugin(t, root, "drop", dropper),
		buildPlugin(t, root, "neighbour", filepath.Join(root, "examples/plugins/transpose/transpose.c")))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	wait := func(n int) (sent []string) {
		t.Helper()
		all, err := out.Wait(ctx, n)
		if err != nil {
			t.Fatalf("%d messages, want %d: %x\n%s", len(all), n, all, r.said())
		}
		for _, m := range all {
			sent = append(sent, fmt.Sprintf("% x", m))
		}
		slices.Sort(sent) // two booths answer in any order
		return sent
	}
	r.cable.Push(0, 0x90, 60, 100)
	if got, want := wait(3), []string{"90 3c 64", "93 48 64", "b3 40 7f"}; !slices.Equal(got, want) {
		t.Fatalf("sent %q, want %q", got, want)
	}
	r.cable.Push(0, 0x90, 61, 100)
	got := wait(6)
	if want := []string{"83 48 40", "90 3c 64", "90 3d 64", "93 48 64", "b3 40 00", "b3 40 7f"}; !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
	// The last message is there before it is counted.
	r.eventually("drop: 4 sent, 2 of them releases", func() bool {
		return outs.of("drop").stats() == outputStats{Sent: 4, Released: 2}
	})
	if got := outs.of("neighbour").stats().Released; got != 0 {
		t.Errorf("%d notes of the neighbour ended with it", got)
	}
	r.stop()
	if got := outs.of("neighbour").stats().Released; got != 2 {
		t.Errorf("%d notes ended with the session, want 2", got)
	}
}
