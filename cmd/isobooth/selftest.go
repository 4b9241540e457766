package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner/attack"
	"github.com/isobooth/isobooth/runner/control"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

type selftestOptions struct {
	profile                            string
	only, phases, knockOut             []string
	json, verbose, list, yes, markdown bool
}

func (a *app) selftestCmd() *cobra.Command {
	var o selftestOptions
	cmd := &cobra.Command{
		Use: "selftest", Short: "Attack booths on this machine and say what stops each attack", Args: a.args(0, 0),
		Long: `Selftest loads hostile plugins into booths of this installation and lets them
attack: at every moment of a plugin's life, and once more without a booth,
where the attack must work. The host looks for itself at what came of it.

It exits with 0 only when no attack got through and every one that was made
has a verdict: 1 for a breach or an inconclusive attack, 4 when a layer is
missing and not declared so. Attacks that this machine lacks the means for
are named, and do not fail it.

With --knock-out each attack is made again without one layer, for each of the
named layers in turn, and the matrix of attacks and layers is printed. Breaches
are expected there; the exit code is that of the attacks with all layers.
Unless --phase says otherwise, attacks are then made at two phases, one before
the seal and one after it.`,
		Example: `  isobooth selftest                        # every attack, under strict
  isobooth selftest --only 'A01,C*'        # those whose ID matches
  isobooth selftest --profile ./mine.toml  # under a profile of your own
  isobooth selftest --knock-out root       # with all layers, then without one
  isobooth selftest --knock-out all --yes  # each layer in turn, without a question
  isobooth selftest --list                 # the attacks, without making any`,
		RunE: func(c *cobra.Command, args []string) error {
			rows, err := o.check()
			if err != nil {
				return a.usage(c, err)
			}
			if o.list {
				return a.listAttacks(rows, o.json)
			}
			if err := a.load(c); err != nil {
				return err
			}
			return a.selftest(c.Context(), rows, &o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.profile, "profile", profiles.Default, "`PROFILE` of the booths: a name, or a path")
	f.StringSliceVar(&o.only, "only", nil, "make the attacks whose `ID` matches one of these patterns")
	f.StringSliceVar(&o.phases, "phase", nil, "attack at this `PHASE` only: ifunc, constructor, start, trigger, thread, signal, destructor; all; few")
	f.StringSliceVar(&o.knockOut, "knock-out", nil, "repeat it without this `LAYER`, or without each in turn: all")
	f.BoolVar(&o.yes, "yes", false, "do not ask before a layer is left out")
	f.BoolVar(&o.markdown, "markdown", false, "print the matrix of --knock-out as Markdown")
	f.BoolVar(&o.list, "list", false, "list the attacks and make none")
	f.BoolVar(&o.json, "json", false, "print one JSON document")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "print every phase by itself, and what the attack did without a booth")
	a.completeSelftest(cmd)
	return cmd
}

// phasesOf take the place of names in --phase.
const (
	allPhases = "all"
	fewPhases = "few" // attack.Few
	allLayers = "all" // in --knock-out
)

func (a *app) completeSelftest(cmd *cobra.Command) {
	values := func(list []string) cobra.CompletionFunc {
		return cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp)
	}
	var ids, phases []string
	for _, r := range attack.Rows() {
		ids = append(ids, cobra.CompletionWithDesc(r.ID, r.Title))
	}
	for _, p := range attack.Everywhere() {
		phases = append(phases, p.String())
	}
	for flag, complete := range map[string]cobra.CompletionFunc{
		"only":      values(ids),
		"phase":     values(append(phases, allPhases, fewPhases)),
		"knock-out": values(append(control.Removable(), allLayers)),
		// A file, too.
		"profile": cobra.FixedCompletions(profiles.Names(), cobra.ShellCompDirectiveDefault),
	} {
		// Fails for a flag that does not exist, which a test would see.
		_ = cmd.RegisterFlagCompletionFunc(flag, complete)
	}
}

// check is what can be wrong with the flags; it returns what they select.
func (o *selftestOptions) check() ([]attack.Row, error) {
	for _, pattern := range o.only {
		switch rows, err := attack.Select(pattern); {
		case err != nil:
			return nil, fmt.Errorf("--only %q: %w", pattern, err)
		case len(rows) == 0:
			return nil, fmt.Errorf("--only %q matches no attack; isobooth selftest --list has them", pattern)
		}
	}
	for _, name := range o.phases {
		if _, err := attack.ParsePhase(name); err != nil && name != allPhases && name != fewPhases {
			return nil, fmt.Errorf("--phase: %w", err)
		}
	}
	for _, layer := range o.knockOut {
		if layer != allLayers && !slices.Contains(control.Removable(), layer) {
			return nil, fmt.Errorf("--knock-out: layer %q is none that can be left out: %s, all", layer, strings.Join(control.Removable(), ", "))
		}
	}
	if o.markdown && o.json {
		return nil, errors.New("--markdown and --json exclude each other")
	}
	if o.markdown && len(o.knockOut) == 0 {
		return nil, errors.New("--markdown needs --knock-out")
	}
	return attack.Select(o.only...)
}

// pick is --phase as the suite takes it.
func (o *selftestOptions) pick(phases []attack.Phase) []attack.Phase {
	want := o.phaseNames()
	var picked []attack.Phase
	for _, p := range phases {
		if slices.Contains(want, p.String()) || slices.Contains(want, allPhases) ||
			slices.Contains(want, fewPhases) && slices.Contains(attack.Few(phases), p) {
			picked = append(picked, p)
		}
	}
	return picked
}

func (o *selftestOptions) phaseNames() []string {
	switch {
	case len(o.phases) > 0:
		return o.phases
	case len(o.knockOut) > 0:
		return []string{fewPhases}
	}
	return []string{allPhases}
}

// layers are those to leave out, in the order in which they are shown.
func (o *selftestOptions) layers() []string {
	if slices.Contains(o.knockOut, allLayers) {
		return control.Removable()
	}
	return slices.DeleteFunc(control.Removable(), func(l string) bool { return !slices.Contains(o.knockOut, l) })
}

// errNoAttacks is an installation without the hostile plugins.
var errNoAttacks = errors.New("the self-test is not installed")

// attackPrograms finds what attacks, beside the jailer.
func (a *app) attackPrograms(rows []attack.Row) (p attack.Programs, err error) {
	if p.Jailer, err = findProgram("isobooth-jail", a.settings.Libexec); err != nil {
		return p, err
	}
	if p.Worker, err = findProgram("isobooth-worker", a.settings.Libexec); err != nil {
		return p, err
	}
	p.Plugins = filepath.Join(filepath.Dir(p.Jailer), "selftest")
	if p.Control, err = findProgram("isobooth-control", p.Plugins); err != nil {
		return p, fmt.Errorf("%w: %w", errNoAttacks, err)
	}
	for _, r := range rows {
		if r.Family != "" {
			if _, err := findProgram(r.Family+".so", p.Plugins); err != nil {
				return p, fmt.Errorf("%w: %w", errNoAttacks, err)
			}
		}
	}
	return p, nil
}

// selftest makes the attacks, with all layers and then without those that are
// to be left out.
func (a *app) selftest(ctx context.Context, rows []attack.Row, o *selftestOptions) (err error) {
	profile, err := a.findProfile(o.profile)
	if err != nil {
		return err
	}
	programs, err := a.attackPrograms(rows)
	if err != nil {
		return err
	}
	if len(o.knockOut) > 0 {
		if err := a.confirmKnockOut(ctx, o); err != nil {
			return err
		}
	}
	s := &session{app: a}
	if s.name, err = daemonName(); err != nil {
		return err
	}
	dir, err := a.selftestDir(s.name)
	if err != nil {
		return err
	}
	if err := s.openTree(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	landlock, err := s.landlock()
	if err != nil {
		return err
	}
	report := newSelftestReport(profile, o)
	if s.tree == nil {
		report.Missing = append(report.Missing, control.LayerCgroup)
	}
	if !landlock {
		report.Missing = append(report.Missing, control.LayerLandlock)
	}
	run := func(without ...string) ([]attack.Result, error) {
		p := a.newProgress(strings.Join(without, ", "), o.json || o.markdown)
		defer p.end()
		return attack.Run(ctx, attack.Options{
			Programs: programs, Profile: profile, Groups: s.tree, Landlock: landlock, KnockOut: without,
			Only: o.only, Phases: o.pick, Dir: dir, Progress: p.step, Shown: report.shown,
			Parallel: min(max(2, runtime.NumCPU()), 8),
		})
	}
	results, err := run()
	report.take(results)
	for _, layer := range o.layers() {
		if err != nil {
			break
		}
		if why := report.inseparable(layer); why != "" {
			report.NotKnockedOut[layer] = why
			continue
		}
		if results, err = run(layer); err == nil {
			report.KnockOuts = append(report.KnockOuts, knockOut{layer, results, attack.Cover(results)})
		}
	}
	report.Interrupted = ctx.Err() != nil
	if err != nil && !report.Interrupted {
		if len(report.Results) > 0 { // what failed after them does not make them wrong
			a.show(report, o)
		}
		return errors.Join(err, report.failure())
	}
	a.show(report, o)
	if report.Interrupted {
		a.say("interrupted after %d results with all layers and %d of %d knock-outs; nothing was left behind",
			len(report.Results), len(report.KnockOuts), len(o.layers()))
		if err.Error() != ctx.Err().Error() {
			a.say("%v", err)
		}
		return &shownError{ctx.Err()}
	}
	return report.failure()
}

// selftestDir names the folder for canaries and removes those of self-tests
// that were killed.
func (a *app) selftestDir(name string) (string, error) {
	const prefix = "isobooth-selftest-"
	temp, err := filepath.Abs(os.TempDir())
	if err != nil {
		return "", err
	}
	if err := passable(temp); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(temp)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), prefix)
		if !ours || daemonAlive(daemonPrefix+rest) {
			continue
		}
		// Anyone may make such a name in a folder for temporary files.
		st, err := e.Info()
		if err != nil || !st.IsDir() || int(st.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() {
			continue
		}
		if err := os.RemoveAll(filepath.Join(temp, e.Name())); err != nil {
			a.say("warning: remove what a self-test left: %v", err)
		}
	}
	return filepath.Join(temp, prefix+strings.TrimPrefix(name, daemonPrefix)), nil
}

// passable checks that booths, which are other users when we are root, can get
// through dir to what an attack is after. Else it would be this that stops it.
func passable(dir string) error {
	for ; os.Geteuid() == 0; dir = filepath.Dir(dir) {
		st, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if st.Mode()&0o001 == 0 {
			return fmt.Errorf("folder for temporary files: users of booths cannot pass through %s; set TMPDIR to one that all can pass through", dir)
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return nil
}

// confirmKnockOut warns, and asks where somebody can answer.
func (a *app) confirmKnockOut(ctx context.Context, o *selftestOptions) error {
	a.say("warning: this runs hostile code in booths that lack one layer each: %s. Every attack is bounded, in what it takes and in what it would change, and never are two layers left out at a time; still, do not do it where a mistake of ours would be dear", strings.Join(o.layers(), ", "))
	if o.yes {
		return nil
	}
	if !isTerminal(a.stdin) {
		return usageError{errors.New("--knock-out asks first, which takes a terminal; --yes goes on without")}
	}
	fmt.Fprint(a.stderr, "isobooth: go on? [y/N] ")
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.stdin).ReadString('\n') // the end of input is no yes
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case text := <-answer:
		if text != "y" && text != "yes" {
			return errors.New("nothing was done")
		}
	}
	return nil
}

// isTerminal is whether somebody may be looking; f may be nil.
func isTerminal(f *os.File) bool {
	if f == nil {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
