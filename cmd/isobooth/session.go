package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/isobooth/isobooth/cgroups"
	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/ports"
	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/control"
	"github.com/isobooth/isobooth/verify"
)

// session is a running host with its booths: what play and run share.
type session struct {
	app  *app
	name string // unique on this machine
	dir  string // removed at the end
	tree *cgroups.Tree
	host *runner.Host
	cpu  int
	// hasLandlock is false when the config allows it to be missing, and it is.
	hasLandlock bool
	running     snapshot[*plug] // set with changing held, once start has begun
	trying      snapshot[*plug] // of a config that is not in force yet
	rec         *recorder       // of a daemon; nil for play, which neither asks nor tells
	// events are those of a daemon, which closes them; nil for play.
	events *events
	outs   *outputs
	ports  *ports.Manager    // of a daemon; else nil
	learn  *profiles.Profile // what booths that learn may do all the same; else nil
	// feeding guards what events go by, and who feeds.
	feeding sync.Mutex
	routes  *routes
	feeders map[*feeder]bool
	modes   *midi.Modes       // from the first route on
	moded   func(mode string) // called with each new mode, on the event path; or nil
	end     sync.WaitGroup    // booths that run
	// changing is held by who changes what is in force.
	changing  sync.Mutex
	complaint string // about limits.toml, as it was read last
	config    configFile

	// Set by start: newBooth makes a booth, launch has it run.
	newBooth func(*runner.Plan) (*runner.Booth, error)
	launch   func(g *plug, ready chan<- error)
}

// plug is one plugin with its booth.
type plug struct {
	config pluginConfig
	plugin *verify.Plugin
	stack  profileStack // current is what it comes to
	booth  *runner.Booth
	output *output
	stop   context.CancelFunc // ends its booth
	ended  chan struct{}      // closed when that has ended
	plan   *runner.Plan       // while it is tried
}

// plugs are the plugins that run, as they are now.
func (s *session) plugs() []*plug { return s.running.all() }

// newSession checks every plugin before anything is started, then starts the
// jailer, and adds each booth to outs. Close it also after an error of a later
// step.
func (a *app) newSession(plugins []pluginConfig, outs *outputs, o runner.Observer) (*session, error) {
	s := &session{app: a, cpu: -1, outs: outs, config: configFile{path: a.settings.File, tried: a.settings.digest}}
	if err := s.open(plugins, o); err != nil {
		return nil, errors.Join(err, s.close())
	}
	for _, g := range s.plugs() {
		g.output = s.outs.add(g.config.Name)
	}
	return s, nil
}

func (s *session) open(plugins []pluginConfig, o runner.Observer) error {
	keys, err := verify.LoadKeys(s.app.settings.TrustedKeys)
	if err != nil {
		return err
	}
	for _, c := range plugins {
		if err := s.verify(c, keys); err != nil {
			return err
		}
	}
	jailer, err := findProgram("isobooth-jail", s.app.settings.Libexec)
	if err != nil {
		return err
	}
	worker, err := findProgram("isobooth-worker", s.app.settings.Libexec)
	if err != nil {
		return err
	}
	if s.name, err = daemonName(); err != nil {
		return err
	}
	if err := s.makeDir(); err != nil {
		return err
	}
	if err := s.openTree(); err != nil {
		return err
	}
	if s.hasLandlock, err = s.landlock(); err != nil {
		return err
	}
	if s.cpu, err = runner.LastCPU(); err != nil {
		return err
	}
	s.host, err = runner.NewHost(runner.HostOptions{
		Jailer: jailer, Worker: worker, Dir: s.dir, Groups: s.tree, Landlock: s.hasLandlock, Observer: o, Launch: s.launching,
		Connected: func(booth string, c control.Connection) {
			s.app.audit.connected(booth, c)
			s.connected(booth, c)
		},
	})
	return err
}

// verify opens one plugin and says what was found, in any case its digest.
func (s *session) verify(c pluginConfig, keys verify.Keys) error {
	g, err := s.check(s.app.settings.saved, c, keys)
	if err != nil {
		return err
	}
	s.introduce(g)
	s.running.add(g)
	return nil
}

// check opens one plugin, and makes its profile. Of one that is refused it
// says the digest.
func (s *session) check(saved savedLimits, c pluginConfig, keys verify.Keys) (*plug, error) {
	base := c.use
	if base == nil {
		var err error
		if base, err = s.app.pluginProfile(&c); err != nil {
			return nil, err
		}
	}
	var own map[string]placedLimit
	if c.Name != "" && c.use == nil {
		own = saved[c.Name]
	}
	profile, err := lay(base, own)
	if err != nil {
		return nil, fmt.Errorf("plugin %q: %w", c.Name, err)
	}
	p, err := c.open(keys)
	var refused *verify.RefusedError
	digest := ""
	if errors.As(err, &refused) {
		digest = refused.Digest()
		s.app.say("plugin %s: sha256 %s", c.Path, digest)
	}
	if err != nil {
		s.app.audit.refused(&c, digest, err)
		return nil, err
	}
	if c.Name == "" {
		c.Name = p.Manifest.Name
	}
	g := &plug{config: c, plugin: p, stack: profileStack{base: base, saved: own}}
	g.stack.inForce.Store(profile)
	return g, nil
}

// introduce says what a plugin is and why it is taken.
func (s *session) introduce(g *plug) {
	c, p := &g.config, g.plugin
	s.app.say("plugin %q %q: sha256 %s", c.Name, p.Manifest.Version, p.Image.Digest())
	if p.Signature.Signed {
		s.app.say("plugin %q: signed by key %s (%s)", c.Name, p.Signature.KeyID, p.Signature.KeyFile)
	} else {
		s.app.say("warning: plugin %q is UNSIGNED; the config allows its sha256", c.Name)
	}
	if c.use == nil {
		s.app.warnLooser(c, g.current())
	}
}

func (s *session) makeDir() error {
	parent, err := runtimeDir()
	if err != nil {
		return err
	}
	swept, err := sweepRuntime(parent)
	if len(swept) > 0 {
		s.app.say("removed folders of dead daemons: %q", swept)
	}
	if err != nil {
		s.app.say("warning: remove what a dead daemon left in %s: %v", parent, err)
	}
	dir := filepath.Join(parent, s.name)
	// Others may pass through, to nothing they can list: in a booth the files
	// below are another user's.
	if err := os.Mkdir(dir, 0o711); err != nil {
		return err
	}
	s.dir = dir
	return nil
}

func (s *session) openTree() error {
	swept, err := cgroups.Sweep(daemonPrefix, daemonAlive)
	if len(swept) > 0 {
		s.app.say("removed cgroups of dead daemons: %q", swept)
	}
	if err == nil {
		s.tree, err = cgroups.Open(s.name)
	}
	if err == nil {
		return nil
	}
	if err := s.missingLayer("cgroup", err); err != nil {
		return err
	}
	s.app.say("warning: layer cgroup is MISSING (%v): nothing limits memory, CPU and tasks of all booths; the config allows it", err)
	return nil
}

// landlock reports whether booths get Landlock.
func (s *session) landlock() (bool, error) {
	_, err := landlockABI()
	if err == nil {
		return true, nil
	}
	if err := s.missingLayer("landlock", err); err != nil {
		return false, err
	}
	s.app.say("warning: layer landlock is MISSING (%v); the config allows it", err)
	return false, nil
}

// start runs every booth and waits until all are ready. With the first that
// does not come up, or when ctx ends, it returns; close ends the others.
// failed is called when a running booth's host is gone. A daemon's plugin that
// does not come up by its own fault is reported and left to its booth.
func (s *session) start(ctx context.Context, sink runner.Sink, failed func(error)) error {
	s.newBooth = func(plan *runner.Plan) (*runner.Booth, error) { return s.host.NewBooth(plan, sink, s.cpu) }
	s.launch = func(g *plug, ready chan<- error) { s.run(ctx, g, ready, failed) }
	plugs := s.plugs()
	ready := make(chan error, len(plugs))
	for _, g := range plugs {
		plan, err := s.plan(g, g.current())
		if err != nil {
			return err
		}
		if s.learn != nil {
			if err := plan.Learn(s.learn); err != nil {
				return err
			}
		}
		if s.rec != nil {
			// One plugin that fails at its start is no reason to stop the show.
			plan.KeepTrying = true
			if plan.History, err = s.rec.records.get(plan.Name, g.plugin.Image.Digest()); err != nil {
				return err
			}
		}
		if g.booth, err = s.newBooth(plan); err != nil {
			return err
		}
	}
	if s.rec != nil {
		s.rec.begin(plugs)
	}
	for _, g := range plugs {
		s.launch(g, ready)
	}
	var errs []error
	for range plugs {
		errs = append(errs, <-ready)
	}
	return errors.Join(errs...)
}

// run keeps a booth alive until ctx ends or the plugin is stopped. ready gets
// one answer: nil when the first start has settled, or why there was none.
func (s *session) run(ctx context.Context, g *plug, ready chan<- error, failed func(error)) {
	ctx, g.stop = context.WithCancel(ctx)
	g.ended = make(chan struct{})
	s.end.Go(func() {
		defer close(g.ended)
		started := false
		err := g.booth.Run(ctx, func() { started = true; ready <- nil })
		switch {
		case !started && err == nil:
			ready <- context.Cause(ctx)
		case !started:
			ready <- err
		case err != nil:
			failed(err)
		}
	})
}

// profileOf is the profile of a plugin that is in force, or tried, by its name,
// or nil.
func (s *session) profileOf(name string) *profiles.Profile {
	if g := s.plugCalled(name); g != nil {
		return g.current()
	}
	for _, g := range s.trying.all() {
		if g.config.Name == name {
			return g.current()
		}
	}
	return nil
}

// close ends everything and leaves nothing behind. The context of start must
// have ended.
func (s *session) close() error {
	s.end.Wait()
	if s.rec != nil {
		s.rec.close()
	}
	var errs []error
	if s.host != nil {
		errs = append(errs, s.host.Close())
	}
	if s.tree != nil {
		errs = append(errs, s.tree.Close())
	}
	if s.dir != "" {
		if err := os.RemoveAll(s.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("remove %s: %w", s.dir, err))
		}
	}
	for _, g := range s.plugs() {
		errs = append(errs, g.plugin.Close())
	}
	return errors.Join(errs...)
}
