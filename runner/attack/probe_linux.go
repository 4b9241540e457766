package attack

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/control"
	"github.com/isobooth/isobooth/runner/wire"
	"github.com/isobooth/isobooth/verify"
)

// box bounds what one attack may take in its booth, beyond the profile's own
// deadlines, and without.
const box = 30 * time.Second

// probe is one attack at one phase.
type probe struct {
	slot  *slot
	row   *Row
	phase Phase

	nonce      string // names what belongs to this probe
	secret     string // must not leave the booth
	folder     string // where canaries are; anyone may write there
	parameters parameters
	library    string // the patched copy
	traps      []trap
	// prepared are called with the worker before foreign code is in it.
	prepared []func(snapshot) error

	before, ready, after snapshot // nil where there was no worker to see
	alive                bool     // the booth did a harmless thing
	report               *report  // of the attack, its own words; nil for none
	refused              bool     // the booth had no thread, or no handler, for it
	replies              chan []byte

	mu      sync.Mutex
	words   []byte // all that left
	denials []control.Denial
	cause   *runner.Cause
	end     chan struct{} // closed when cause is set
	err     error         // of the host: no verdict
}

// run makes the attack and judges it.
func (p *probe) run(ctx context.Context, lane *runner.Lane) Result {
	r := Result{ID: p.row.ID, Title: p.row.Title, Severity: p.row.Severity, Phase: p.phase,
		Expected: p.row.expected(p.phase), Without: p.slot.suite.o.KnockOut}
	if p.row.Needs != nil {
		if lacks := p.row.Needs(&p.slot.suite.o); lacks != "" {
			r.Verdict, r.Detail = Unsupported, lacks
			return r
		}
	}
	v, err := p.verdict(ctx, lane)
	if err = errors.Join(err, p.close()); err != nil && v.verdict != Breach {
		v = verdict{verdict: Inconclusive, detail: err.Error(), control: v.control}
	}
	r.Verdict, r.Layer, r.Detail, r.Control = v.verdict, v.layer, v.detail, v.control
	if p.refused {
		r.Expected = Seccomp
	}
	return r
}

// verdict is the part of a result that a probe finds out.
type verdict struct {
	verdict         Verdict
	layer           Layer
	detail, control string
}

func (p *probe) verdict(ctx context.Context, lane *runner.Lane) (verdict, error) {
	if err := p.arm(); err != nil {
		return verdict{}, err
	}
	if err := p.inBooth(ctx, lane); err != nil {
		return verdict{}, err
	}
	found, err := p.sprung(true)
	if found != "" {
		return verdict{verdict: Breach, detail: found}, nil
	}
	if err != nil { // whether it came about is not known
		return verdict{}, err
	}
	v := p.judge()
	if shown := p.slot.suite.o.Shown; shown != nil && shown(p.row, p.phase) {
		v.control = "shown to work before"
		return v, nil
	}
	for _, t := range p.traps {
		if err := t.reset(); err != nil {
			return v, err
		}
	}
	control := p.outside
	if p.row.Proof == ByRules {
		control = func(ctx context.Context) (*controlled, error) { return p.behaved(ctx, lane) }
	}
	c, err := control(ctx)
	if err != nil {
		return v, err
	}
	return c.confirm(p.row, v), nil
}

// arm makes the evidence and the library that is told of it.
func (p *probe) arm() error {
	var err error
	if p.folder, err = os.MkdirTemp(p.slot.suite.dir, "p"); err != nil {
		return err
	}
	p.library = filepath.Join(p.folder, "plugin", "p.so")
	if err := os.Mkdir(filepath.Dir(p.library), 0o700); err != nil {
		return err
	}
	if err := os.Chmod(p.folder, 0o777); err != nil {
		return err
	}
	if err := p.fill(); err != nil {
		return err
	}
	for _, e := range p.row.Evidence {
		t, err := e(p)
		if t != nil {
			p.traps = append(p.traps, t)
		}
		if err != nil {
			return fmt.Errorf("evidence: %w", err)
		}
	}
	data, err := os.ReadFile(filepath.Join(p.slot.suite.o.Programs.Plugins, p.row.Family+".so"))
	if err != nil {
		return err
	}
	if data, err = patch(data, p.parameters); err != nil {
		return err
	}
	return os.WriteFile(p.library, data, 0o644)
}

func (p *probe) fill() error {
	q := &p.parameters
	q.Phase, q.Arg, q.Host = p.phase, p.row.Arg, int32(os.Getpid())
	return errors.Join(put(q.Attack[:], p.row.Attack), put(q.Nonce[:], p.nonce), put(q.Folder[:], p.folder), put(q.Text[:], p.row.Text))
}

func (p *probe) close() error {
	var errs []error
	for _, t := range p.traps {
		errs = append(errs, t.close())
	}
	if p.folder != "" {
		errs = append(errs, os.RemoveAll(p.folder))
	}
	return errors.Join(errs...)
}

// sprung asks the traps; in a booth all of them, else those outside.
func (p *probe) sprung(inBooth bool) (string, error) {
	var found []string
	var errs []error
	for _, t := range p.traps {
		if _, ok := t.(inside); ok && !inBooth {
			continue
		}
		text, err := t.sprung()
		errs = append(errs, err)
		if text != "" {
			found = append(found, text)
		}
	}
	return strings.Join(found, "; "), errors.Join(errs...)
}

// open allows the patched library by its digest.
func (p *probe) open() (*verify.Plugin, error) {
	manifest := "[plugin]\nname = \"attack\"\nversion = \"1\"\nbinary = \"p.so\"\n"
	dir := filepath.Dir(p.library)
	if err := os.WriteFile(filepath.Join(dir, "plugin.toml"), []byte(manifest), 0o644); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(p.library)
	if err != nil {
		return nil, err
	}
	return verify.Open(dir, verify.Options{Provided: runner.Provided(), AllowUnsigned: map[[32]byte]bool{sha256.Sum256(data): true}})
}

// inBooth runs the library in a booth from its start to its end. An error is
// of the host; whatever the library does is no error.
func (p *probe) inBooth(ctx context.Context, lane *runner.Lane) error {
	s := p.slot.suite
	plugin, err := p.open()
	if err != nil {
		return err
	}
	defer plugin.Close()
	name := s.add(p)
	defer s.remove(name)
	plan, err := s.plan(p, name, plugin)
	if err != nil {
		return err
	}
	p.end, p.replies = make(chan struct{}), make(chan []byte, 4)
	b, err := s.host.NewBooth(plan, p, -1)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, box)
	defer cancel()
	ready, gone := make(chan struct{}), make(chan error, 1)
	go func() { gone <- b.Run(ctx, func() { close(ready) }) }()
	select {
	case <-ready:
		err = p.serve(ctx, lane, b)
		cancel()
		err = errors.Join(err, <-gone)
	case err = <-gone:
		err = p.notStarted(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return errors.Join(err, p.err)
}

// notStarted is what Run returned before the booth was ready.
func (p *probe) notStarted(err error) error {
	var start *runner.StartError
	if !errors.As(err, &start) {
		return err
	}
	if start.Cause.Kind == runner.CauseStart {
		return err // the booth was never there
	}
	p.ended(start.Cause)
	return nil
}

// serve asks for something harmless and then for the attack, or for what came
// of it, and looks at the worker before and after.
func (p *probe) serve(ctx context.Context, lane *runner.Lane, b *runner.Booth) (err error) {
	pid := b.About().PID
	p.hear([]byte(b.About().Name + b.About().Version + b.About().StartLog))
	if p.ready, err = take(pid); err != nil {
		return p.unless(err)
	}
	text, err := p.trigger(ctx, lane, b, "harmless")
	if err != nil || text == nil {
		return err
	}
	p.alive = string(text) == p.nonce
	if text, err = p.trigger(ctx, lane, b, "attack"); err != nil {
		return err
	}
	if text == nil {
		if p.phase == Destructor { // it has no other way to tell
			p.report = parseReport(unquoted(p.cause.Text), p.nonce)
		}
		return nil
	}
	p.report = parseReport(string(text), p.nonce)
	p.refused = p.report != nil && p.report.refused
	p.after, err = take(pid)
	return p.unless(err)
}

// unless drops an error that the worker's end explains.
func (p *probe) unless(err error) error {
	if err == nil {
		return nil
	}
	select {
	case <-p.end:
		return nil
	case <-time.After(time.Second):
		return err
	}
}

// trigger returns the result, or nil when the booth ended instead.
func (p *probe) trigger(ctx context.Context, lane *runner.Lane, b *runner.Booth, action string) ([]byte, error) {
	event, err := midi.FromMessage([]byte{0x90, 60, 100}, 0, "self-test")
	if err != nil {
		return nil, err
	}
	err = lane.Send(b, runner.Trigger{Event: &event, Mapping: &midi.Mapping{Name: "self-test", Action: action, Params: []byte("{}")}})
	if err != nil && !errors.Is(err, runner.ErrNotReady) {
		return nil, err
	}
	select {
	case text := <-p.replies:
		return text, nil
	case <-p.end:
		// A reply that came first is the one to take.
		select {
		case text := <-p.replies:
			return text, nil
		default:
			return nil, nil
		}
	case <-ctx.Done():
		return nil, fmt.Errorf("no reply to %q within %v", action, box)
	}
}

// Reply is the Sink's.
func (p *probe) Reply(r *runner.Reply) {
	text := []byte{}
	for item := range r.Answer.Items {
		p.hear(item.Data)
		if item.Kind == wire.ItemResult {
			text = append(text, item.Data...)
		}
	}
	select {
	case p.replies <- text:
	default: // more than was asked for; heard all the same
	}
}

func (p *probe) hear(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.words = append(p.words, b...)
}

func (p *probe) heard() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.words
}

// ended takes how the first of the booth's workers ended.
func (p *probe) ended(c runner.Cause) {
	p.hear([]byte(unquoted(c.Text)))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cause != nil || c.Kind == runner.CauseStopped {
		return
	}
	p.cause = &c
	close(p.end)
}

// unquoted is a cause's text with the end of the log, which it quotes, as the
// library wrote it.
func unquoted(text string) string {
	cause, log, _ := strings.Cut(text, "its log ends ")
	if log, err := strconv.Unquote(log); err == nil {
		return cause + log
	}
	return text
}

func (p *probe) trouble(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = errors.Join(p.err, errors.New(text))
}

func (p *probe) denied(d control.Denial) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.denials = append(p.denials, d)
}

// isPrepared looks at a worker that no foreign code is in yet.
func (p *probe) isPrepared(pid int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.before != nil || p.err != nil {
		return // a restart; the first worker counts
	}
	p.before, p.err = take(pid)
	for _, f := range p.prepared {
		if p.err == nil {
			p.err = f(p.before)
		}
	}
}

// report is what the library says of its attack: colour, and never the reason
// for a verdict but against it.
type report struct {
	done    int  // times the attack has returned
	refused bool // no thread, or no handler, to attack from
	result  int64
	said    string
}

var reportLine = regexp.MustCompile(`isobooth-attack ([0-9a-f]{32}) done=(\d+) refused=(\d) result=(-?\d+)`)

// parseReport finds the report in a result, or among other text.
func parseReport(text, nonce string) *report {
	at := reportLine.FindStringSubmatchIndex(text)
	if at == nil || text[at[2]:at[3]] != nonce {
		return nil
	}
	r := &report{refused: text[at[6]:at[7]] == "1", said: strings.TrimPrefix(text[at[1]:], "\n")}
	var err1, err2 error
	r.done, err1 = strconv.Atoi(text[at[4]:at[5]])
	r.result, err2 = strconv.ParseInt(text[at[8]:at[9]], 10, 64)
	if err1 != nil || err2 != nil {
		return nil
	}
	return r
}
