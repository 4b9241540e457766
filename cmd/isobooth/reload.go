package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
)

const (
	// quietTime is how long nothing must have happened to a file before it is
	// read: editors write one in several steps.
	quietTime = 200 * time.Millisecond
	// restlessTime is how long that is waited for at most.
	restlessTime = 2 * time.Second
)

// reloader has files read again when they change, or when the user says so.
type reloader struct {
	events <-chan fsnotify.Event
	errors <-chan error // of the kernel's queue: something was missed
	asked  <-chan os.Signal
	after  func(time.Duration) <-chan time.Time
	// concerns reports whether a file is one that is read; read reads all, and
	// is told whether the user asked for it.
	concerns func(file string) bool
	read     func(asked bool)
}

// run goes on until ctx ends.
func (r *reloader) run(ctx context.Context) {
	var quiet, restless <-chan time.Time
	for {
		asked := false
		select {
		case <-ctx.Done():
			return
		case e := <-r.events:
			if !r.concerns(e.Name) {
				continue
			}
			quiet = r.after(quietTime)
			if restless == nil {
				restless = r.after(restlessTime)
			}
			continue
		case <-r.errors:
		case <-r.asked:
			asked = true
		case <-quiet:
		case <-restless:
		}
		quiet, restless = nil, nil
		r.read(asked)
	}
}

// watchFiles reads config, profiles and limits again when one of their files
// changes, and on each signal. stop ends that. Folders are watched, not files:
// an editor puts a new file in the old one's place.
func (s *session) watchFiles(asked <-chan os.Signal) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	r := &reloader{asked: asked, after: time.After, concerns: s.concerns, read: s.readAgain}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		s.app.say("warning: changes of config and profiles are not noticed: %v", err)
		s.app.hint("kill -HUP %d has them read again", os.Getpid())
	} else {
		r.events, r.errors = w.Events, w.Errors
		r.read = func(asked bool) {
			s.readAgain(asked)
			s.watchFolders(w) // there may be other parents now
		}
		s.watchFolders(w)
	}
	s.changing.Lock()
	for _, g := range s.plugs() {
		g.stack.sums = s.sums(g)
	}
	s.changing.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.run(ctx)
	}()
	return func() {
		cancel()
		<-done
		if w != nil {
			w.Close()
		}
	}
}

// watchFolders watches those that exist; watching one twice does no harm.
func (s *session) watchFolders(w *fsnotify.Watcher) {
	var dirs []string
	for _, file := range s.watched() {
		dirs = append(dirs, filepath.Dir(file))
	}
	slices.Sort(dirs)
	for _, dir := range append(slices.Compact(dirs), libraryFolders()...) {
		if err := w.Add(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			s.app.say("warning: changes in %s are not noticed: %v", dir, err)
		}
	}
}

// watched lists the files that the profiles in force come from, limits.toml
// and the config, with absolute paths.
func (s *session) watched() []string {
	files := []string{absolute(s.app.settings.limitsFile)}
	if s.config.path != "" {
		files = append(files, absolute(s.config.path))
	}
	for _, g := range s.plugs() {
		for _, source := range g.current().Chain {
			if file := source.At.File; file != "" && !strings.HasPrefix(file, "embedded:") {
				files = append(files, absolute(file))
			}
		}
	}
	return files
}

// libraryFolders are those that profiles are looked for in by name: a second
// one of the same name makes a profile unusable.
func libraryFolders() []string {
	return []string{absolute(systemProfiles), absolute(filepath.Join(configDir(), "profiles.d"))}
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

func (s *session) concerns(file string) bool {
	file = absolute(file)
	return slices.Contains(s.watched(), file) ||
		slices.Contains(libraryFolders(), filepath.Dir(file)) && filepath.Ext(file) == ".toml"
}

// readAgain brings into force what the files say now: first the config with
// all that it names, if it is another or the user asks; then, each for itself,
// the profiles of the plugins there are.
func (s *session) readAgain(asked bool) {
	defer s.app.reloadingForManager()()
	s.changing.Lock()
	defer s.changing.Unlock()
	s.reloadConfig(asked)
	s.reloadProfiles()
}

// reloadProfiles has each plugin go by its profile as its files are now. What
// cannot be read, or does not work, changes nothing, and is said once.
func (s *session) reloadProfiles() {
	file := s.app.settings.limitsFile
	all, err := readLimits(file)
	if err == nil {
		err = all.known(s.app.settings.Plugins)
	}
	if complains(&s.complaint, err) {
		s.app.say("saved limits stay as they were: %v", err)
		s.events.publish(event{Type: eventReload, Text: fmt.Sprintf("saved limits stay as they were: %v", err)})
	}
	for _, g := range s.plugs() {
		saved := g.stack.saved
		if err == nil {
			saved = all[g.config.Name]
		}
		s.reloadPlug(g, saved)
	}
}

// complains reports whether an error is another than the one before.
func complains(last *string, err error) bool {
	text := ""
	if err != nil {
		text = err.Error()
	}
	again := text == *last
	*last = text
	return err != nil && !again
}

func (s *session) reloadPlug(g *plug, saved map[string]placedLimit) {
	old := g.current()
	base, err := s.app.pluginProfile(&g.config)
	var next *profiles.Profile
	if err == nil {
		next, err = stacked(base, saved, g.stack.commands)
	}
	if err == nil {
		err = s.requirements(next)
	}
	var how string
	var differences []profiles.Difference
	if err == nil {
		differences = profiles.Diff(old, next)
		how, err = s.exchange(g, next, differences)
	}
	if err == nil {
		g.stack.base, g.stack.saved = base, saved
	} else if part := why(err); part != err {
		err = fmt.Errorf("set by isobooth limit: %w", part)
	}
	s.auditReload(g, err)
	if complains(&g.stack.complaint, err) {
		s.tell(g, eventReload, "its profile stays as it was: %v", err)
	}
	if err == nil && len(differences) > 0 {
		s.tell(g, eventReload, "profile %s reloaded, %s: %s", next.Name, how, inShort(differences))
		s.app.warnLooser(&g.config, next)
	}
}

// How a change comes into force, beside howLimits.
const (
	byWorker  = "by a new worker"
	byNothing = "nothing to change in the booth"
)

// needed is what differences between two profiles call for: a new worker, or
// other limits for the one there is.
func needed(differences []profiles.Difference) (worker, limits bool) {
	for _, d := range differences {
		switch d.Kind {
		case "limit":
			limits = true
		case "require": // has been looked at; booths differ in nothing
		default:
			worker = true
		}
	}
	return worker, limits
}

// exchange brings a profile into force, as gently as what is different allows,
// and says how.
func (s *session) exchange(g *plug, next *profiles.Profile, differences []profiles.Difference) (how string, err error) {
	worker, limits := needed(differences)
	switch {
	case worker:
		plan, err := s.plan(g, next)
		if err != nil {
			return "", err
		}
		g.stack.coming.Store(&coming{plan, next})
		defer g.stack.coming.Store(nil)
		if err := g.booth.Replace(plan); err != nil {
			return "", err
		}
		how = byWorker
	case limits:
		if err := s.apply(g, next); err != nil {
			return "", err
		}
		how = howLimits(differences)
	default:
		how = byNothing
	}
	g.stack.inForce.Store(next) // also for where things stand
	return how, nil
}

// howLimits says from when on changed limits hold.
func howLimits(differences []profiles.Difference) string {
	var later []string
	for _, d := range differences {
		if runner.NeedsWorker(d.Name) {
			later = append(later, d.Name)
		}
	}
	if len(later) == 0 {
		return "at once"
	}
	return "at once, but from the next start: " + strings.Join(later, ", ")
}

// inShort is what has changed in meaning, in one line.
func inShort(differences []profiles.Difference) string {
	const most = 3
	var parts []string
	for i := range differences[:min(most, len(differences))] {
		parts = append(parts, differences[i].Text())
	}
	text := strings.Join(parts, "; ")
	if n := len(differences) - most; n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	}
	return text
}

// errHungUp is the end of the terminal that the daemon was started from.
var errHungUp = errors.New("the terminal has gone")

// reloadsOf passes on the hang-up signals that mean "read again". The kernel
// sends the same when the terminal of a daemon in the foreground goes away,
// credentials(7); that ends it, as it always did.
func reloadsOf(ctx context.Context, hangups <-chan os.Signal, end func(error)) <-chan os.Signal {
	had := hasTerminal()
	reloads := make(chan os.Signal, 1)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case sig := <-hangups:
				if had && !hasTerminal() {
					end(errHungUp)
					return
				}
				select {
				case reloads <- sig:
				default: // one that is yet to be read will do
				}
			}
		}
	}()
	return reloads
}

// hasTerminal reports whether this process has a controlling terminal, tty(4).
func hasTerminal() bool {
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	tty.Close()
	return true
}

// auditReload records each file that is not what it was when it was read last.
func (s *session) auditReload(g *plug, err error) {
	sums := s.sums(g)
	for file, sum := range sums {
		if before, known := g.stack.sums[file]; known && before != sum {
			s.app.audit.reloaded(g.config.Name, file, before, sum, err)
		}
	}
	g.stack.sums = sums
}

// sums are the SHA-256 of the files that a plugin's profile comes from; empty
// for one that is not there.
func (s *session) sums(g *plug) map[string]string {
	sums := map[string]string{}
	for _, f := range append(chainFacts(g.current()), fileFacts(limitsFile, s.app.settings.limitsFile)) {
		sums[f.File] = f.SHA256
	}
	return sums
}
