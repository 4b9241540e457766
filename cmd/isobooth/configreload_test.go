package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi/miditest"
	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
)

// answers is a plugin that does nothing else; BUILD makes another of it.
const answers = `#include <isobooth/plugin.h>
static int32_t start(const struct isobooth_host *h, void **self) { *self = 0; (void)h; return 0; }
static int32_t trigger(void *self, const struct isobooth_event *ev) { (void)self; (void)ev; return 0; }
static const struct isobooth_table table = {sizeof(table), ISOBOOTH_ABI, "answers", "BUILD", start, trigger, 0};
const struct isobooth_table *isobooth_plugin(uint32_t abi) { return abi == ISOBOOTH_ABI ? &table : 0; }
`

// noStart is one that crashes while it loads.
const noStart = `__attribute__((constructor)) static void crash(void) { *(volatile int *)0 = 1; }
int isobooth_plugin(unsigned abi) { return (int)abi; }
`

// host is a daemon's session with real booths, whose config is a file, and an
// input in memory.
type host struct {
	*rig
	file string
	hub  *events

	mu      sync.Mutex
	replies map[int]int    // by the number of the trigger
	from    map[string]int // by the booth
}

// Reply counts, and passes on.
func (h *host) Reply(r *runner.Reply) {
	h.mu.Lock()
	h.replies[numberOf(r.Event.Key(), r.Event.Velocity())]++
	h.from[r.Booth]++
	h.mu.Unlock()
	h.rep.Reply(r)
}

func (h *host) answered() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.replies)
}

// A trigger's number is in its key and velocity.
const numbers = 128 * 127

func numberOf(key, velocity uint8) int { return int(key) + 128*(int(velocity)-1) }

// write puts a text in the config's place, as editors do.
func (h *host) write(text string) {
	h.t.Helper()
	next := h.file + ".next"
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	if err := os.Rename(next, h.file); err != nil {
		h.t.Fatal(err)
	}
}

func newConfigHost(t *testing.T, programs, text string) *host {
	t.Helper()
	home := t.TempDir()
	t.Setenv("XDG_STATE_HOME", filepath.Join(home, "state"))
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "config"))
	h := &host{
		rig:  &rig{t: t, cable: miditest.NewSource("cable"), feed: make(chan error, 1)},
		file: filepath.Join(home, "isobooth.toml"), replies: map[int]int{}, from: map[string]int{},
	}
	h.write(text)
	a := &app{stdout: io.Discard, stderr: h}
	read := func() (*settings, error) {
		s, err := loadSettings(h.file, a.root().PersistentFlags())
		if err == nil {
			s.Libexec, s.Audit.File = programs, auditOff
		}
		return s, err
	}
	var err error
	if a.settings, err = read(); err != nil {
		t.Fatal(err)
	}
	mappings, limits, err := a.runnable()
	if err != nil {
		t.Fatal(err)
	}
	known, err := openRecords()
	if err != nil {
		t.Fatal(err)
	}
	h.rep = a.newReporter(false, true, newOutputs(miditest.NewOut().Send, limits))
	h.hub = newEvents(time.Now, func(string) *profiles.Profile { return nil })
	rec := newRecorder(known, &publisher{h.rep, h.hub}, func(err error) { t.Error(err) })
	ctx, cancel := context.WithCancelCause(t.Context())
	if h.s, err = a.newSession(a.settings.Plugins, h.rep.outs, rec); err != nil {
		cancel(nil)
		t.Fatalf("%v\n%s", err, h.said())
	}
	h.s.rec, h.s.events = rec, h.hub
	h.stop = sync.OnceFunc(func() {
		h.cable.Close()
		cancel(nil)
		if err := h.s.close(); err != nil {
			t.Errorf("close: %v", err)
		}
		h.hub.close()
		h.rep.close()
	})
	t.Cleanup(h.stop)
	if err := h.s.start(ctx, h, cancel); err != nil {
		t.Fatalf("%v\n%s", err, h.said())
	}
	h.s.route(mappings, h.s.app.settings.MIDI.Mode, h.s.boothOf())
	h.s.config.read = read
	go func() { h.feed <- h.s.feed(ctx, h.cable) }()
	return h
}

// block is a plugin's block in a config, with more lines.
func block(name string, p pluginConfig, more ...string) string {
	return fmt.Sprintf("[[plugins]]\nname = %q\npath = %q\nallow_unsigned = true\nsha256 = %q\n%s\n", name, p.Path, p.SHA256, strings.Join(more, "\n"))
}

// notesTo maps every note to a plugin.
func notesTo(name string) string {
	return fmt.Sprintf("[[mappings]]\nname = \"notes\"\nplugin = %q\ntrigger = { note = \"0-127\" }\n", name)
}

// play sends a trigger every 2 ms until stop is closed, and returns how many.
// It waits while the booth is behind: a full queue is another matter.
func (h *host) play(stop <-chan struct{}) int {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	sent := 0
	for sent < numbers {
		select {
		case <-stop:
			return sent
		case <-tick.C:
		}
		if sent-h.answered() < runner.QueueLen/2 {
			h.cable.Push(0, 0x90, byte(sent%128), byte(1+sent/128))
			sent++
		}
	}
	return sent
}

// missing waits until no booth has anything to do, and lists the triggers that
// were not answered exactly once.
func (h *host) missing(sent int) (wrong []string) {
	h.cable.Close()
	if err := <-h.feed; err != nil {
		h.t.Error(err)
	}
	h.s.drain(context.Background())
	h.mu.Lock()
	defer h.mu.Unlock()
	for n := range sent {
		if h.replies[n] != 1 {
			wrong = append(wrong, fmt.Sprintf("trigger %d: %d replies", n, h.replies[n]))
		}
	}
	return wrong
}

// TestReloadLosesNothing: with a trigger every 2 ms, plugins come, go, are
// exchanged for another build, and get other profiles and mappings, and each
// trigger is answered once.
func TestReloadLosesNothing(t *testing.T) {
	requireBooths(t)
	root, programs := buildPrograms(t)
	first := buildPlugin(t, root, "first", answers)
	second := buildPlugin(t, root, "second", strings.Replace(answers, "BUILD", "2", 1))
	if first.SHA256 == second.SHA256 {
		t.Fatal("the two builds are one")
	}
	configs := []string{
		block("a", first) + notesTo("a"),
		block("a", first) + block("b", first) + notesTo("b"),                                   // one comes
		block("b", first) + notesTo("b"),                                                       // one goes
		block("b", second) + notesTo("b"),                                                      // another build
		block("b", second, `profile = "threads"`) + block("a", second) + notesTo("a"),          // another profile
		block("a", second, `limits = { memory = "48MiB" }`) + block("b", first) + notesTo("a"), // limits
	}

	t.Run("reload", func(t *testing.T) {
		const reloads = 50
		h := newConfigHost(t, programs, configs[0])
		stop, sent := make(chan struct{}), make(chan int, 1)
		go func() { sent <- h.play(stop) }()
		for i := range reloads {
			before := h.answered()
			h.write(configs[(i+1)%len(configs)])
			h.s.readAgain(false)
			if n := strings.Count(h.said(), " reloaded: "); n != i+1 {
				t.Fatalf("%d of %d reloads were made:\n%s", n, i+1, h.said())
			}
			h.eventually("triggers are answered between two reloads", func() bool { return h.answered() > before })
		}
		close(stop)
		n := <-sent
		if wrong := h.missing(n); len(wrong) > 0 {
			t.Errorf("%d of %d: %q", len(wrong), n, wrong[:min(10, len(wrong))])
		}
		for _, g := range h.s.plugs() {
			if s := g.booth.Stats(); s.Lost+s.Dropped+s.Expired+s.Restarts != 0 {
				t.Errorf("booth %q: %+v", g.config.Name, s)
			}
		}
		t.Logf("%d triggers over %d reloads: %v", n, reloads, h.from)
	})
	t.Run("control: a plugin that is stopped and started loses some", func(t *testing.T) {
		h := newConfigHost(t, programs, configs[0])
		stop, sent := make(chan struct{}), make(chan int, 1)
		go func() { sent <- h.play(stop) }()
		h.eventually("it runs", func() bool { return h.answered() > 10 })
		g := h.s.plugs()[0]
		g.stop()
		<-g.ended
		h.eventually("triggers find it stopped", func() bool { return g.booth.Stats().Dropped > 0 })
		ready := make(chan error, 1)
		h.s.launch(g, ready)
		if err := <-ready; err != nil {
			t.Fatal(err)
		}
		close(stop)
		if wrong := h.missing(<-sent); len(wrong) == 0 {
			t.Error("nothing was missed")
		}
	})
}

// TestReloadKeepsTheOld: what is wrong with a config changes nothing, and is
// said once with its place; then a config without it is taken.
func TestReloadKeepsTheOld(t *testing.T) {
	requireBooths(t)
	root, programs := buildPrograms(t)
	p, crash := buildPlugin(t, root, "good", answers), buildPlugin(t, root, "crash", noStart)
	good := notesTo("a") + block("a", p) + block("b", p)
	h := newConfigHost(t, programs, good)
	_, r := h.hub.subscribe(0, func(e *event) bool { return e.Type == eventReload && e.Booth == "" })
	g := h.s.plugs()[0]
	pid, routes := g.booth.About().PID, h.s.routes
	for name, c := range map[string]struct{ text, want string }{
		"syntax":                   {good + "= 1\n", "isobooth.toml:17:1: "},
		"unknown key":              {good + "pth = 1\n", "isobooth.toml:17:1: unknown key"},
		"orphan":                   {notesTo("c") + block("a", p), `isobooth.toml:3: mapping "notes": no plugin is called "c"`},
		"trigger":                  {strings.Replace(good, "0-127", "9-1", 1), `isobooth.toml:4: mapping "notes"`},
		"no plugins":               {"", "no plugins"},
		"profile":                  {block("a", p, `profile = "nosuch"`), `isobooth.toml:1: plugin "a": profile "nosuch"`},
		"unsigned":                 {good + fmt.Sprintf("[[plugins]]\nname = \"c\"\npath = %q\n", p.Path), "isobooth.toml:17: verify plugin"},
		"another digest":           {block("a", pluginConfig{Path: p.Path, SHA256: strings.Repeat("0", 64)}), "isobooth.toml:1: verify plugin"},
		"no folder":                {good + block("c", pluginConfig{Path: p.Path + "/none", SHA256: p.SHA256}), "isobooth.toml:17: "},
		"grant":                    {block("a", p, `profile = "files"`, `files = [{path = "/no/such/file", access = "read"}]`), `isobooth.toml:1: plugin "a": `},
		"new one does not start":   {good + block("c", crash), `start booth "c": `},
		"another build does not":   {block("a", p) + block("b", crash), `start booth "b": `},
		"prepared, and taken back": {block("a", p, `profile = "threads"`) + block("b", crash), `start booth "b": `},
		"limits, and taken back":   {block("a", p, `limits = { memory = "48MiB" }`) + block("b", crash) + block("c", p), `start booth "b": `},
	} {
		memory := g.booth.Plan().Limits.Group.Memory
		h.write(c.text)
		h.s.readAgain(true)
		e := receive(t, r.events, name)
		if !strings.Contains(e.Text, "the config stays as it was: ") || !strings.Contains(e.Text, c.want) {
			t.Errorf("%s: %q, want %q", name, e.Text, c.want)
		}
		if !strings.Contains(h.said(), e.Text) {
			t.Errorf("%s: not said", name)
		}
		h.s.readAgain(false)
		if now := h.s.plugs(); len(now) != 2 || now[0] != g || g.booth.About().PID != pid || h.s.routes != routes {
			t.Errorf("%s: something has changed", name)
		}
		if now := g.booth.Plan().Limits.Group.Memory; now != memory {
			t.Errorf("%s: memory %d -> %d", name, memory, now)
		}
		if n := len(h.s.outs.all()); n != 2 {
			t.Errorf("%s: %d outputs", name, n)
		}
	}
	if len(r.events) != 0 {
		t.Errorf("said again: %+v", <-r.events)
	}
	h.write(good + block("c", p))
	h.s.readAgain(false)
	if e := receive(t, r.events, "the control: a good one"); !strings.Contains(e.Text, "3 plugins (1 new, 0 changed, 0 removed)") {
		t.Errorf("control: %+v", e)
	}
}

// TestReloadPlugins: what a reload does to each plugin, as status and records
// tell it.
func TestReloadPlugins(t *testing.T) {
	requireBooths(t)
	root, programs := buildPrograms(t)
	p := buildPlugin(t, root, "one", answers)
	rebuilt := buildPlugin(t, root, "one", strings.Replace(answers, "BUILD", "2", 1))
	h := newConfigHost(t, programs, block("a", p)+block("b", p)+notesTo("a"))
	booths := func() (list []string) {
		for _, b := range h.s.stats().Booths {
			list = append(list, fmt.Sprintf("%s %s %d", b.Name, b.SHA256[:8], b.Limits.Memory>>20))
		}
		return list
	}
	pid := func(name string) int { return h.s.plugCalled(name).booth.About().PID }
	step := func(text string, want ...string) {
		t.Helper()
		h.write(text)
		h.s.readAgain(false)
		if got := booths(); !slices.Equal(got, want) {
			t.Errorf("%q, want %q\n%s", got, want, h.said())
		}
	}
	old, other := p.SHA256[:8], rebuilt.SHA256[:8]
	a, b := pid("a"), pid("b")
	step(block("a", p)+block("b", p)+notesTo("b"), "a "+old+" 64", "b "+old+" 64")
	if pid("a") != a || pid("b") != b {
		t.Error("a mapping has changed, and with it a worker")
	}
	step(block("a", p, `limits = { memory = "48MiB" }`)+block("b", rebuilt), "a "+old+" 48", "b "+other+" 64")
	if pid("a") != a || pid("b") == b {
		t.Errorf("limits: another worker %v; library: another worker %v", pid("a") != a, pid("b") != b)
	}
	if n := h.s.plugCalled("b").booth.Stats().Restarts; n != 0 {
		t.Errorf("%d restarts", n)
	}
	gone := h.s.plugCalled("a")
	step(block("c", p)+block("b", rebuilt), "c "+old+" 64", "b "+other+" 64")
	if s := gone.booth.State(); s != runner.StateStopped {
		t.Errorf("the plugin that was removed is %s", s)
	}
	if r := h.s.limit(&request{Op: opLimit, Name: "a"}); r.Known {
		t.Error("limit knows a plugin that was removed")
	}
	if r := h.s.limit(&request{Op: opLimit, Name: "c", Limits: map[string]string{"memory": "40MiB"}}); r.Error != "" || len(r.Changes) != 1 {
		t.Errorf("limit of a new plugin: %+v", r)
	}
	// What isobooth limit has set stays.
	step(block("c", rebuilt)+block("b", rebuilt), "c "+other+" 40", "b "+other+" 64")
	for _, o := range h.s.outs.all() {
		if h.s.plugCalled(o.booth) == nil {
			t.Errorf("output of %q is left", o.booth)
		}
	}

	// One that is in quarantine is not taken for one that runs.
	q := runner.History{Quarantine: &runner.Quarantine{At: time.Now(), Cause: runner.Cause{Kind: runner.CauseSignal}}}
	if err := h.s.rec.records.put("b", p.SHA256, runner.History{}, q); err != nil {
		t.Fatal(err)
	}
	step(block("c", rebuilt)+block("b", p), "c "+other+" 40", "b "+other+" 64")
	if !strings.Contains(h.said(), "this build of its plugin is in quarantine") {
		t.Errorf("said %s", h.said())
	}
}

// TestReloadMIDILimits: they hold at once; what a daemon cannot change is
// named.
func TestReloadMIDILimits(t *testing.T) {
	requireBooths(t)
	root, programs := buildPrograms(t)
	p := buildPlugin(t, root, "one", answers)
	h := newConfigHost(t, programs, block("a", p))
	h.write("[midi]\nout_rate = \"10B/s\"\nmax_hops = 9\ninputs = [\"x.mid\"]\ndriver = \"rawmidi\"\n[metrics]\nlisten = \"127.0.0.1:9464\"\n" + block("a", p))
	h.s.readAgain(false)
	if l := h.s.outs.limits.Load(); l.rate != 10 || l.hops != 9 {
		t.Errorf("limits %+v", l)
	}
	if l := h.s.plugs()[0].output.limits.Load(); l.rate != 10 {
		t.Errorf("limits of the output %+v", l)
	}
	for _, want := range []string{"midi.inputs: files and stdin take effect at the next start", "midi.driver: takes", "metrics.listen: takes effect at the next start"} {
		if !strings.Contains(h.said(), want) {
			t.Errorf("not said: %q\n%s", want, h.said())
		}
	}
	if h.s.app.settings.Metrics.Listen != "" {
		t.Error("it counts as in force")
	}
}

// TestReloadSettles: what a source still holds back for a plugin that is no
// longer in the config reaches it before it ends.
func TestReloadSettles(t *testing.T) {
	requireBooths(t)
	root, programs := buildPrograms(t)
	p := buildPlugin(t, root, "one", answers)
	slow := "[[mappings]]\nname = \"slow\"\nplugin = \"a\"\ntrigger = { cc = 7, every = \"1m\" }\n"
	h := newConfigHost(t, programs, block("a", p)+block("b", p)+slow+notesTo("b"))
	a := h.s.plugCalled("a").booth
	h.cable.Push(0, 0xb0, 7, 1)
	h.cable.Push(time.Millisecond, 0xb0, 7, 2)
	h.cable.Push(2*time.Millisecond, 0xb0, 7, 3)
	h.cable.Push(3*time.Millisecond, 0x90, 60, 1)
	h.eventually("all has come in", func() bool { return h.answered() == 2 })
	if n := a.Stats().Triggers; n != 1 {
		t.Fatalf("control: %d triggers before the reload, want 1", n)
	}
	h.write(block("b", p))
	h.s.readAgain(false)
	if s := a.Stats(); a.State() != runner.StateStopped || s.Triggers != 2 || s.Replies != 2 || s.Dropped != 0 {
		t.Errorf("the plugin that went is %s, %+v", a.State(), s)
	}
}

// TestDrainEnds: a plugin that does not answer is waited for as long as its
// booth runs, and by a reload no longer than drainMost. A daemon that ends
// meanwhile must not wait for the reload that waits for it.
func TestDrainEnds(t *testing.T) {
	requireBooths(t)
	root, programs := buildPrograms(t)
	p := buildPlugin(t, root, "busy", strings.Replace(answers, "(void)ev; return 0;", "(void)ev; for (volatile int i = 0;; i++) {}", 1))
	other := buildPlugin(t, root, "other", answers)
	h := newConfigHost(t, programs, block("a", p, `limits = { trigger_timeout = "1h" }`)+notesTo("a"))
	h.cable.Push(0, 0x90, 60, 1)
	g := h.s.plugs()[0]
	h.eventually("the plugin is busy", func() bool { return !g.booth.Idle() })

	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if g.drain(ctx); ctx.Err() == nil {
		t.Fatal("control: it was not busy")
	}
	ended := &plug{booth: g.booth, ended: make(chan struct{})}
	close(ended.ended)
	done := make(chan struct{})
	go func() {
		defer close(done)
		ended.drain(context.Background())
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Error("it waits for a booth that has ended")
	}
	// Nor does a config without the plugin wait for its answer.
	h.write(block("b", other) + notesTo("b"))
	h.s.readAgain(false)
	if g.booth.Stats().Replies != 0 {
		t.Error("the plugin has answered")
	}
	if !strings.Contains(h.said(), " reloaded: ") {
		t.Errorf("the config was not taken:\n%s", h.said())
	}
}
