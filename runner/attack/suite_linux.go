package attack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/isobooth/isobooth/cgroups"
	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/control"
	"github.com/isobooth/isobooth/verify"
)

// Programs are the parts of an installation that a suite uses.
type Programs struct {
	Jailer  string // isobooth-jail
	Worker  string // isobooth-worker
	Control string // isobooth-control
	Plugins string // folder with FAMILY.so
}

// Options say what to attack.
type Options struct {
	Programs Programs
	Profile  *profiles.Profile
	// Learn, unless nil, has booths learn: Plan.Learn says what that allows.
	Learn *profiles.Profile
	// Groups is where booths and controls get their cgroups; nil does
	// without. The caller closes it after the suite.
	Groups *cgroups.Tree
	// Landlock is false where the kernel lacks it and the user allows that.
	Landlock bool
	// KnockOut names layers to leave out; control.Removable lists them.
	KnockOut []string
	// Shown, unless nil, says of which attacks the control has worked in the
	// same run of the self-test, with other layers: theirs is not made again.
	Shown func(*Row, Phase) bool
	// Only are patterns as Select takes them; none is the whole table.
	Only []string
	// Phases picks of a row's phases those to attack at; nil takes all. A row
	// of which it takes none is left out.
	Phases func([]Phase) []Phase
	// Dir is the folder that the suite makes for canaries and hostile
	// libraries, and removes; "" is one with a name of its own among the
	// system's temporary files. Libraries in it must be loadable.
	Dir string
	// Parallel is how many booths there are at a time; 0 is 2.
	Parallel int
	// Progress, unless nil, is called for every result as it comes, by
	// several goroutines, one at a time.
	Progress func(done, all int, r Result)
}

// Suite is one host with booths that come and go, and canaries around them.
type Suite struct {
	o     Options
	dir   string
	host  *runner.Host
	slots chan *slot
	all   []*slot

	mu     sync.Mutex
	probes map[string]*probe // by their booth's name
	count  int
}

// Open starts a host and shows that a harmless plugin works in it.
func Open(o Options) (*Suite, error) {
	if o.Parallel == 0 {
		o.Parallel = 2
	}
	s := &Suite{o: o, slots: make(chan *slot, o.Parallel), probes: map[string]*probe{}}
	err := s.open()
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Suite) open() (err error) {
	if s.o.Dir == "" {
		s.dir, err = os.MkdirTemp("", "isobooth-selftest-")
	} else if err = os.Mkdir(s.o.Dir, 0o711); err == nil {
		s.dir = s.o.Dir
	}
	if err != nil {
		return err
	}
	// Booths of the host's root reach the canaries through it.
	if err := os.Chmod(s.dir, 0o711); err != nil {
		return err
	}
	dir := filepath.Join(s.dir, "host")
	if err := os.Mkdir(dir, 0o711); err != nil {
		return err
	}
	s.host, err = runner.NewHost(runner.HostOptions{
		Jailer: s.o.Programs.Jailer, Worker: s.o.Programs.Worker, Dir: dir, Groups: s.o.Groups,
		Landlock: s.o.Landlock, Observer: s, Prepared: s.prepared, KnockOut: s.o.KnockOut,
	})
	if err != nil {
		return err
	}
	for i := range s.o.Parallel {
		slot, err := s.newSlot(i)
		if err != nil {
			return err
		}
		s.all = append(s.all, slot)
		s.slots <- slot
	}
	return s.harmless()
}

// harmless runs a plugin that attacks nothing: where that fails, no verdict
// would mean anything.
func (s *Suite) harmless() error {
	row := Row{ID: "harmless", Family: "load", Attack: "nothing", Evidence: []Evidence{Worker, Host}}
	slot := <-s.slots
	defer func() { s.slots <- slot }()
	return slot.do(&row, Trigger, func(p *probe, lane *runner.Lane) error {
		if err := errors.Join(p.arm(), p.inBooth(context.Background(), lane)); err != nil {
			return err
		}
		found, err := p.sprung(true)
		if err == nil && (found != "" || p.cause != nil || !p.alive || p.report == nil || p.report.done != 1 || len(p.denials) > 0) {
			err = fmt.Errorf("self-test: a harmless plugin does not work in its booth: %q, end %v, report %v, refused %v",
				found, p.cause, p.report, p.denials)
		}
		return errors.Join(err, p.close())
	})
}

// Close ends the host and removes what the suite made.
func (s *Suite) Close() error {
	var errs []error
	for _, slot := range s.all {
		errs = append(errs, slot.close())
	}
	if s.host != nil {
		errs = append(errs, s.host.Close())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

// Probe makes one attack at one phase, in a booth and without. It waits for
// one of the suite's booths to be free.
func (s *Suite) Probe(ctx context.Context, row *Row, phase Phase) Result {
	slot := <-s.slots
	defer func() { s.slots <- slot }()
	return slot.probe(ctx, row, phase)
}

// Run makes every attack that o selects at all its phases. The error is that
// of a machine on which nothing could be tried; breaches are in the results,
// which come in the table's order. When ctx ends, it returns the results there
// are by then, and the reason.
func Run(ctx context.Context, o Options) ([]Result, error) {
	rows, err := Select(o.Only...)
	if err != nil {
		return nil, err
	}
	s, err := Open(o)
	if err != nil {
		return nil, err
	}
	var results []Result
	var at []func(*Result)
	for i := range rows {
		row := &rows[i]
		if !row.automated() {
			results = append(results, s.skip(row))
			at = append(at, nil)
			continue
		}
		phases := row.Phases
		if o.Phases != nil {
			phases = o.Phases(phases)
		}
		for _, phase := range phases {
			results = append(results, Result{})
			at = append(at, func(r *Result) {
				got := s.Probe(ctx, row, phase)
				// What was cut short says nothing but what came of it.
				if ctx.Err() == nil || got.Verdict == Breach {
					*r = got
				}
			})
		}
	}
	var running sync.WaitGroup
	var mu sync.Mutex
	done := 0
	next := make(chan int)
	for range cap(s.slots) {
		running.Go(func() {
			for i := range next {
				if at[i] != nil {
					at[i](&results[i])
				}
				mu.Lock()
				if results[i].Verdict != "" {
					done++
					if o.Progress != nil {
						o.Progress(done, len(results), results[i])
					}
				}
				mu.Unlock()
			}
		})
	}
	for i := range results {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	running.Wait()
	results = slices.DeleteFunc(results, func(r Result) bool { return r.Verdict == "" })
	return results, errors.Join(ctx.Err(), s.Close())
}

func (s *Suite) skip(row *Row) Result {
	r := Result{ID: row.ID, Title: row.Title, Severity: row.Severity, Verdict: NotRun, Without: s.o.KnockOut, Detail: row.Manual}
	if row.Elsewhere != "" {
		r.Detail = "tested by " + row.Elsewhere
	}
	return r
}

// plan is the one place where the plans of booths under attack are made. A work
// folder that the profile grants is the booth's own, and new.
func (s *Suite) plan(p *probe, name string, plugin *verify.Plugin) (*runner.Plan, error) {
	at := runner.ThisUser()
	if runner.UsesWork(s.o.Profile) {
		var err error
		if at.Work, err = os.MkdirTemp(p.folder, "work"); err != nil {
			return nil, err
		}
	}
	plan, err := runner.NewPlanAt(at, name, plugin, s.o.Profile)
	if err == nil {
		// One worker for each probe: the sentinel takes that one's user. What
		// ends is not started again.
		plan.Standby = false
		plan.Limits.RestartFree, plan.Limits.RestartPause, plan.Limits.RestartPauseMax = 0, time.Hour, time.Hour
	}
	if err == nil && s.o.Learn != nil {
		err = plan.Learn(s.o.Learn)
	}
	return plan, err
}

func (s *Suite) add(p *probe) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	name := fmt.Sprintf("%s-%s-%d", strings.ToLower(strings.ReplaceAll(p.row.ID, "/", "-")), p.phase, s.count)
	s.probes[name] = p
	return name
}

func (s *Suite) remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.probes, name)
}

func (s *Suite) of(name string) *probe {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.probes[name]
}

// Trouble is the Observer's.
func (s *Suite) Trouble(name, text string) {
	if p := s.of(name); p != nil {
		p.trouble(text)
	}
}

// State is the Observer's.
func (s *Suite) State(booth string, _ runner.State, cause *runner.Cause) {
	if p := s.of(booth); p != nil && cause != nil {
		p.ended(*cause)
	}
}

// Denied is the Observer's. What a booth learns was not refused.
func (s *Suite) Denied(booth string, d control.Denial) {
	if p := s.of(booth); p != nil && !d.Learned {
		p.denied(d)
	}
}

// Limited is the Observer's. How a booth ended says what matters.
func (s *Suite) Limited(string, runner.Limit) {}

func (s *Suite) prepared(booth string, pid int) {
	if p := s.of(booth); p != nil {
		p.isPrepared(pid)
	}
}
