package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/control"
	"github.com/isobooth/isobooth/runner/wire"
)

// Sizes of what one reply may take in the reporter's memory.
const (
	reportText  = 512
	reportMIDI  = 8 // messages
	reportQueue = 1024
)

// report is a copy of one reply, of fixed size, so that the event path can
// hand it over without allocating; or, without a mapping, a mode that is now in
// force.
type report struct {
	booth   string
	mapping *midi.Mapping
	event   midi.Event
	gesture midi.Gesture
	mode    string
	latency time.Duration
	queued  bool
	status  int32
	text    [reportText]byte    // result, then log lines
	result  int                 // bytes of text that are the result
	logs    int                 // bytes after it that are log lines
	out     [reportMIDI][3]byte // the beginning of each
	outLen  [reportMIDI]int
	outs    int // messages; those beyond reportMIDI are only counted
	late    int // messages dropped for their rate
}

// line is what a report looks like as JSON.
type line struct {
	Type      string  `json:"type"` // "reply"
	Seconds   float64 `json:"seconds"`
	Plugin    string  `json:"plugin"`
	Mapping   string  `json:"mapping"`
	Kind      string  `json:"kind"`
	Channel   int     `json:"channel"` // 1 to 16, 0 when there is none
	MIDI      string  `json:"midi"`    // as received, hexadecimal
	Gesture   string  `json:"gesture"`
	Taps      uint8   `json:"taps,omitempty"`
	Steps     int32   `json:"steps,omitempty"`
	Keys      []int   `json:"keys,omitempty"` // of a chord
	Duration  int64   `json:"duration_us,omitempty"`
	Mode      string  `json:"mode"` // that was in force
	Status    int32   `json:"status"`
	Result    string  `json:"result,omitempty"`
	Log       string  `json:"log,omitempty"`
	Out       string  `json:"out,omitempty"`
	Dropped   int     `json:"out_dropped,omitempty"` // MIDI messages over the rate
	LatencyUS float64 `json:"latency_us"`
	Queued    bool    `json:"queued,omitempty"`
}

// reporter is the Sink and Observer of a session: it takes replies on the
// event path and prints them on a goroutine of its own.
type reporter struct {
	app     *app
	json    bool
	quiet   bool // no line for each reply
	daemon  bool // a quarantine outlives it
	outs    *outputs
	queue   chan report
	notes   chan string   // messages about booths
	dropped atomic.Uint64 // lines not printed because the terminal was slow
	done    sync.WaitGroup

	mu        sync.Mutex // guards what follows; never held while printing
	closed    bool
	latencies []time.Duration
	denials   *denialLog
	limits    map[limitKey]runner.Limit
	ends      int // booths that ended unasked
	attacks   int // of these, for a call its profile kills for, or too many refused ones

	down map[string]bool // booths that ended, or are held, and were not ready since
}

type limitKey struct{ booth, name string }

// newReporter makes a reporter; outs takes what plugins send.
func (a *app) newReporter(asJSON, quiet bool, outs *outputs) *reporter {
	r := &reporter{app: a, json: asJSON, quiet: quiet, outs: outs, queue: make(chan report, reportQueue), notes: make(chan string, reportQueue), denials: newDenialLog("isobooth events shows all"), limits: map[limitKey]runner.Limit{}, down: map[string]bool{}}
	r.done.Go(func() {
		queue, notes := r.queue, r.notes
		for queue != nil || notes != nil {
			select {
			case rep, ok := <-queue:
				if !ok {
					queue = nil
					continue
				}
				r.print(&rep)
			case text, ok := <-notes:
				if !ok {
					notes = nil
					continue
				}
				r.app.say("%s", text)
			case <-outs.news:
				outs.tell(r.app.say)
			}
		}
		outs.tell(r.app.say)
	})
	return r
}

// close prints what is left. No booth may be running any more; the jailer may
// still tell of one.
func (r *reporter) close() {
	r.mu.Lock()
	for _, line := range r.denials.rest() {
		r.note("%s", line)
	}
	r.closed = true
	close(r.queue)
	close(r.notes)
	r.mu.Unlock()
	r.done.Wait()
}

// note has a message printed; the caller holds mu. Whoever calls it waits for
// no terminal.
func (r *reporter) note(format string, args ...any) {
	if r.closed {
		return
	}
	select {
	case r.notes <- fmt.Sprintf(format, args...):
	default:
		r.dropped.Add(1)
	}
}

// Reply is on the event path: it sends MIDI on, copies, and returns.
func (r *reporter) Reply(rep *runner.Reply) {
	c := report{booth: rep.Booth, mapping: rep.Mapping, event: rep.Event, gesture: rep.Gesture, latency: rep.Latency, queued: rep.Queued, status: rep.Answer.Status}
	out := r.outs.of(rep.Booth)
	// The result goes first, and comes last.
	for i := range rep.Answer.Items {
		if i.Kind == wire.ItemResult {
			c.result = copy(c.text[:], i.Data)
		}
	}
	for i := range rep.Answer.Items {
		switch i.Kind {
		case wire.ItemLog:
			c.logs += copy(c.text[c.result+c.logs:], i.Data)
			c.logs += copy(c.text[c.result+c.logs:], "\n")
		case wire.ItemMIDI:
			c.midi(out.send(i.Data, rep.Event.Hop), i.Data)
		}
	}
	select {
	case r.queue <- c:
	default:
		r.dropped.Add(1)
	}
}

// mode is called with a mode that is now in force, on the event path.
func (r *reporter) mode(mode string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.quiet {
		return
	}
	select {
	case r.queue <- report{mode: mode}:
	default:
		r.dropped.Add(1)
	}
}

// modeLine is what a change of the mode looks like as JSON.
type modeLine struct {
	Type string `json:"type"` // "mode"
	Mode string `json:"mode"`
}

// midi notes what became of a message that the plugin wanted sent.
func (c *report) midi(err error, b []byte) {
	switch {
	case err == errOverRate:
		c.late++
	case err != nil: // counted by its output
	default:
		if c.outs < reportMIDI {
			c.outLen[c.outs] = len(b)
			copy(c.out[c.outs][:], b)
		}
		c.outs++
	}
}

func (r *reporter) print(c *report) {
	switch {
	case c.mapping != nil:
	case r.json:
		writeJSON(r.app.stdout, modeLine{"mode", c.mode})
		return
	default:
		r.app.say("mode %q", c.mode)
		return
	}
	l := c.line()
	r.mu.Lock()
	if len(r.latencies) < 1<<20 {
		r.latencies = append(r.latencies, c.latency)
	}
	r.mu.Unlock()
	switch {
	case r.quiet:
	case r.json:
		writeJSON(r.app.stdout, l)
	default:
		fmt.Fprintln(r.app.stdout, l.text(c))
	}
}

func (c *report) line() line {
	l := line{
		Type: "reply", Seconds: c.event.Time.Seconds(), Plugin: c.booth, Mapping: c.mapping.Name,
		Kind: c.event.Kind().String(), MIDI: hexBytes(c.event.AppendRaw(nil)),
		Status: c.status, LatencyUS: float64(c.latency) / 1e3, Queued: c.queued,
		Result: clean(c.text[:c.result]), Log: clean(c.text[c.result : c.result+c.logs]),
	}
	g := &c.gesture
	l.Gesture, l.Taps, l.Steps, l.Mode = g.Kind.String(), g.Taps, g.Steps, g.Mode
	l.Duration = int64(max(0, g.Duration) / time.Microsecond)
	if g.Kind == midi.GestureChord {
		l.Keys = chordKeys(g)
	}
	if k := c.event.Kind(); k != midi.SysEx && k != midi.System {
		l.Channel = int(c.event.Channel()) + 1
	}
	var out []string
	for i := range min(c.outs, reportMIDI) {
		if n := c.outLen[i]; n <= len(c.out[i]) {
			out = append(out, hexBytes(c.out[i][:n]))
		} else {
			out = append(out, fmt.Sprintf("sysex of %d bytes", n))
		}
	}
	l.Out, l.Dropped = strings.Join(out, ", "), c.late
	return l
}

func (l *line) text(c *report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%7.3fs  %-31s  %s", l.Seconds, describe(&c.event), l.Plugin)
	if g := describeGesture(&c.gesture); g != "" {
		b.WriteString("  " + g)
	}
	if l.Status != 0 {
		fmt.Fprintf(&b, "  failed with %d", l.Status)
	}
	if l.Result != "" {
		fmt.Fprintf(&b, "  %q", l.Result)
	}
	if l.Out != "" {
		fmt.Fprintf(&b, "  out %s", l.Out)
	}
	if l.Dropped > 0 {
		fmt.Fprintf(&b, "  %d dropped", l.Dropped)
	}
	if l.Log != "" {
		fmt.Fprintf(&b, "  log %q", l.Log)
	}
	fmt.Fprintf(&b, "  %.1f µs", l.LatencyUS)
	if l.Queued {
		b.WriteString(" (queued)")
	}
	return b.String()
}

// describe is an event in a musician's words; channels count from 1.
func describe(e *midi.Event) string {
	ch := int(e.Channel()) + 1
	switch k := e.Kind(); k {
	case midi.NoteOn, midi.NoteOff:
		return fmt.Sprintf("%-10s ch %-2d key %-3d vel %d", k, ch, e.Key(), e.Velocity())
	case midi.PolyAftertouch:
		return fmt.Sprintf("%-10s ch %-2d key %-3d val %d", k, ch, e.Key(), e.Value())
	case midi.ControlChange:
		return fmt.Sprintf("%-10s ch %-2d cc  %-3d val %d", k, ch, e.Controller(), e.Value())
	case midi.ProgramChange, midi.Aftertouch:
		return fmt.Sprintf("%-10s ch %-2d val %d", k, ch, e.Value())
	case midi.PitchBend:
		return fmt.Sprintf("%-10s ch %-2d bend %d", k, ch, e.Bend()-midi.BendCentre)
	default:
		return describeSystem(e)
	}
}

// describeSystem is a message without a channel.
func describeSystem(e *midi.Event) string {
	raw := e.AppendRaw(nil)
	if name := systemNames[raw[0]]; name != "" && e.Len() == 1 {
		return name
	}
	if raw[0] == 0xf2 {
		return fmt.Sprintf("song position %d", e.SongPosition())
	}
	return fmt.Sprintf("%s %d bytes", e.Kind(), e.Len())
}

// systemNames are those of messages that triggers may wait for, by their byte.
var systemNames = map[byte]string{0xf8: "clock", 0xfa: "start", 0xfb: "continue", 0xfc: "stop"}

// describeGesture says what a trigger was beyond its message; "" when it was
// nothing more.
func describeGesture(g *midi.Gesture) string {
	switch g.Kind {
	case midi.GestureHold:
		return fmt.Sprintf("hold %v", max(0, g.Duration).Round(time.Millisecond))
	case midi.GestureTaps:
		return fmt.Sprintf("taps %d", g.Taps)
	case midi.GestureChord:
		return fmt.Sprintf("chord %d", chordKeys(g))
	case midi.GestureTurn:
		return fmt.Sprintf("turn %+d", g.Steps)
	case midi.GestureClock:
		return fmt.Sprintf("clock %d", g.Steps)
	case midi.GestureMessage:
		return ""
	}
	return g.Kind.String()
}

func chordKeys(g *midi.Gesture) []int {
	var keys []int
	for _, key := range g.Keys.Append(nil) {
		keys = append(keys, int(key))
	}
	return keys
}

// afterwards is what follows the end of a worker, by the state that it led to.
var afterwards = map[runner.State]string{
	runner.StateStandby:     "restarting",
	runner.StateBackingOff:  "restarting after a pause",
	runner.StateQuarantined: "it is quarantined",
}

// State is called by booths when they change.
func (r *reporter) State(booth string, s runner.State, cause *runner.Cause) {
	// At every end, and harmless in between; with a cause also before the state
	// that follows at once.
	if s != runner.StateReady || cause != nil {
		r.outs.of(booth).release()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if cause != nil && cause.Kind == runner.CauseStopped {
		r.note("booth %q: %v", booth, cause)
	} else if cause != nil {
		r.ends++
		if cause.Signal == syscall.SIGSYS || cause.Kind == runner.CauseDenials {
			r.attacks++
		}
		r.note("booth %q: %v; %s", booth, cause, afterwards[s])
		if cause.Signal == syscall.SIGSYS {
			r.note("hint: isobooth profile show lists the calls that its profile kills for")
		}
		switch {
		case s != runner.StateQuarantined:
		case r.daemon:
			r.note("hint: isobooth release %s lets it start again; isobooth profile show lists its quotas", booth)
		default:
			r.note("hint: isobooth profile show lists its quotas")
		}
	} else if s == runner.StateReady && r.down[booth] {
		r.note("booth %q: ready again", booth)
	}
	if s == runner.StateReady {
		delete(r.down, booth)
	} else if cause != nil || s == runner.StateQuarantined {
		r.down[booth] = true
	}
}

// Denied is called when a system call was refused the 1st, 2nd, 4th ... time.
func (r *reporter) Denied(booth string, d control.Denial) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range r.denials.add(time.Now(), booth, d) {
		r.note("%s", line)
	}
}

// Trouble is called with what went wrong beside a booth's life.
func (r *reporter) Trouble(booth, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note("warning: booth %q: %s", booth, text)
}

// Limited is called when a limit was reached the 1st, 2nd, 4th ... time. Most
// booths that reach a limit once do so for good; one message is enough.
func (r *reporter) Limited(booth string, l runner.Limit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := limitKey{booth, l.Name}
	_, again := r.limits[key]
	r.limits[key] = l
	if !again {
		r.note("booth %q: reached its %v", booth, l)
		r.note("hint: raise %s in its profile if the plugin is meant to need more", l.Name)
	}
}

// reached lists the limits that a booth reached, by name.
func (r *reporter) reached(booth string) []runner.Limit {
	r.mu.Lock()
	defer r.mu.Unlock()
	reached := []runner.Limit{}
	for key, l := range r.limits {
		if key.booth == booth {
			reached = append(reached, l)
		}
	}
	slices.SortFunc(reached, func(a, b runner.Limit) int { return strings.Compare(a.Name, b.Name) })
	return reached
}

// refusals reports whether any system call was refused.
func (r *reporter) refusals() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.denials.kept) > 0
}

// quantiles returns the median, the 99th percentile and the largest latency.
func (r *reporter) quantiles() (p50, p99, most time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.latencies)
	if n == 0 {
		return 0, 0, 0
	}
	sort.Slice(r.latencies, func(i, j int) bool { return r.latencies[i] < r.latencies[j] })
	return r.latencies[n/2], r.latencies[n*99/100], r.latencies[n-1]
}

// clean makes hostile bytes valid UTF-8; printing escapes the rest.
func clean(b []byte) string {
	s := strings.TrimRight(string(b), "\n")
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

func hexBytes(b []byte) string { return fmt.Sprintf("% x", b) }

// writeJSON prints v in one line.
func writeJSON(w io.Writer, v any) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	// What is printed is made of strings and numbers; a full disk or a closed
	// pipe is the reader's own doing.
	_ = e.Encode(v)
	_, _ = w.Write(printableJSON(text.Bytes()))
}

// printableJSON escapes what encoding/json leaves as it is and a terminal may
// take for orders all the same: DEL, the controls U+0080 to U+009F, and those
// that turn the direction of text. They occur in strings only.
func printableJSON(text []byte) []byte {
	plain := func(r rune) bool { return r == '\n' || unicode.IsPrint(r) }
	if !bytes.ContainsFunc(text, func(r rune) bool { return !plain(r) }) {
		return text
	}
	var b []byte
	for _, r := range string(text) {
		if plain(r) {
			b = utf8.AppendRune(b, r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			b = fmt.Appendf(b, "\\u%04x", unit)
		}
	}
	return b
}
