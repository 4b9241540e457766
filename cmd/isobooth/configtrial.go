package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/verify"
)

// trial is a config that is not in force yet: what is to be, and what has been
// started for it. Its steps are newTrial, which only looks; prepare, which
// does what may fail beside what runs; and commit, or undo. The session's
// changing is held all the time.
type trial struct {
	session  *session
	settings *settings
	mappings []midi.Mapping
	limits   midiLimits

	plugs   []*plug // in the order of the config
	added   []*plug // of these
	changed []*change
	removed []*plug // that run, and are not in plugs

	begun []*plug // of added: their booths run
}

// change is what becomes of a plugin that stays and is not as it was. Both
// plugs have one booth.
type change struct {
	old, next   *plug
	differences []profiles.Difference // of their profiles
	rebuilt     bool                  // its library, or what is said of it, is another
	worker      bool                  // by a new one, else by other limits, if any
	prepared    *runner.Prepared
	before      *runner.Plan // of limits that have been changed
}

// errNoPlugins is a config that leaves a daemon nothing to do.
var errNoPlugins = errors.New("it has no plugins")

// newTrial checks all that a config says, as a start would, and starts nothing.
func (s *session) newTrial(set *settings) (*trial, error) {
	t := &trial{session: s, settings: set}
	if err := t.look(); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

func (t *trial) look() (err error) {
	set := t.settings
	if len(set.Plugins) == 0 {
		return fmt.Errorf("config %s: %w", set.File, errNoPlugins)
	}
	if t.mappings, err = set.compile(); err != nil {
		return err
	}
	if t.limits, err = set.MIDI.limits(); err != nil {
		return err
	}
	keys, err := verify.LoadKeys(set.TrustedKeys)
	if err != nil {
		return err
	}
	for i, c := range set.Plugins {
		if err := t.add(c, keys); err != nil {
			return set.wrong("plugins", i, "", err)
		}
	}
	for _, g := range t.session.plugs() {
		if !slices.ContainsFunc(t.plugs, func(next *plug) bool { return next.config.Name == g.config.Name }) {
			t.removed = append(t.removed, g)
		}
	}
	// Also of plugins that stay as they are: what is kept from them may be more.
	for i, g := range t.plugs {
		if err := t.session.requirements(g.current()); err != nil {
			return set.wrong("plugins", i, "profile", fmt.Errorf("plugin %q: %w", g.config.Name, err))
		}
		if g.plan, err = t.session.planAmong(set, t.plugs, g, g.current()); err != nil {
			return set.wrong("plugins", i, "", fmt.Errorf("plugin %q: %w", g.config.Name, err))
		}
	}
	return nil
}

// add checks one plugin, and what is different about it.
func (t *trial) add(c pluginConfig, keys verify.Keys) error {
	g, err := t.session.check(t.settings.saved, c, keys)
	if err != nil {
		return err
	}
	t.plugs = append(t.plugs, g)
	old := t.session.plugCalled(c.Name)
	if old == nil {
		t.added = append(t.added, g)
		return nil
	}
	g.booth, g.output, g.stop, g.ended = old.booth, old.output, old.stop, old.ended
	g.stack.commands, g.stack.sums = old.stack.commands, old.stack.sums
	profile, err := stacked(g.stack.base, g.stack.saved, g.stack.commands)
	if err != nil {
		if part := why(err); part != err {
			err = fmt.Errorf("set by isobooth limit: %w", part)
		}
		return fmt.Errorf("plugin %q: %w", c.Name, err)
	}
	g.stack.inForce.Store(profile)
	step := &change{old: old, next: g, differences: profiles.Diff(old.current(), profile)}
	if step.rebuilt = !samePlugin(old.plugin, g.plugin); !step.rebuilt {
		err := g.plugin.Close()
		if g.plugin = old.plugin; err != nil {
			return err
		}
	}
	worker, _ := needed(step.differences)
	if step.worker = worker || step.rebuilt; step.worker || len(step.differences) > 0 {
		t.changed = append(t.changed, step)
	}
	return nil
}

// samePlugin reports whether two are the same bytes from the same place, taken
// for the same reason.
func samePlugin(a, b *verify.Plugin) bool {
	same := func(x, y *verify.Image) bool { return x.Name == y.Name && x.SHA256 == y.SHA256 }
	return a.Dir == b.Dir && a.Manifest == b.Manifest && a.ABI == b.ABI && a.Entry == b.Entry &&
		a.Signature == b.Signature && same(a.Image, b.Image) && slices.EqualFunc(a.Libs, b.Libs, same)
}

// close gives back the libraries of a trial that has come to nothing.
func (t *trial) close() error {
	var errs []error
	for _, g := range t.plugs {
		if old := t.session.plugCalled(g.config.Name); old == nil || old.plugin != g.plugin {
			errs = append(errs, g.plugin.Close())
		}
	}
	return errors.Join(errs...)
}

// prepare starts the booths of new plugins, makes new workers for those that
// need one, and changes limits. With an error it has taken all of that back.
func (t *trial) prepare() error {
	err := t.begin()
	for _, c := range t.changed {
		if err == nil {
			err = t.prepareChange(c)
		}
	}
	if err != nil {
		t.undo()
	}
	return err
}

// begin starts the booths of new plugins and waits until all are ready, or
// held in quarantine.
func (t *trial) begin() error {
	s := t.session
	ready := make(chan error, len(t.added))
	for _, g := range t.added {
		var err error
		if g.plan.History, err = s.rec.records.get(g.config.Name, g.plugin.Image.Digest()); err != nil {
			return errors.Join(err, t.await(ready))
		}
		if g.booth, err = s.newBooth(g.plan); err != nil {
			return errors.Join(err, t.await(ready))
		}
		g.output = s.outs.add(g.config.Name)
		s.launch(g, ready)
		t.begun = append(t.begun, g)
	}
	return t.await(ready)
}

// await waits for those that have begun.
func (t *trial) await(ready <-chan error) error {
	var errs []error
	for range t.begun {
		errs = append(errs, <-ready)
	}
	return errors.Join(errs...)
}

func (t *trial) prepareChange(c *change) (err error) {
	g, s := c.next, t.session
	if !c.worker {
		before := g.booth.Plan()
		plan, err := before.WithLimits(&g.current().Limits)
		if err == nil {
			err = g.booth.SetLimits(plan)
		}
		if err != nil {
			return fmt.Errorf("plugin %q: limits as they were: %w", g.config.Name, err)
		}
		c.before = before
		return nil
	}
	if c.rebuilt {
		if g.plan.History, err = s.rec.records.get(g.config.Name, g.plugin.Image.Digest()); err != nil {
			return err
		}
	}
	c.prepared, err = g.booth.Prepare(g.plan)
	return err
}

// undo takes back what prepare has done.
func (t *trial) undo() {
	for _, c := range t.changed {
		if c.prepared != nil {
			c.prepared.Withdraw()
		}
		if c.before != nil {
			if err := c.next.booth.SetLimits(c.before); err != nil {
				t.session.app.say("warning: plugin %q: its limits could not be taken back: %v", c.next.config.Name, err)
			}
		}
	}
	for _, g := range t.begun {
		t.session.endPlug(g)
	}
}
