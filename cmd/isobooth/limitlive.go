package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
)

// limitCommand stands, as a Position's file, for `isobooth limit`.
const limitCommand = "limit command"

// whence says where a limit in force was set.
func whence(at profiles.Position) string {
	if at.File == limitCommand {
		return limitCommand
	}
	return at.String()
}

// profileStack is what a plugin's profile in force is made of, lowest first.
// The session's changing guards all but the two that are atomic.
type profileStack struct {
	base     *profiles.Profile      // the files, with what the config adds
	saved    map[string]placedLimit // limits.toml
	commands map[string]placedLimit // isobooth limit, until the daemon ends
	inForce  atomic.Pointer[profiles.Profile]

	coming    atomic.Pointer[coming]
	complaint string            // about the last reload, which failed
	sums      map[string]string // SHA-256 of the files, as they were read last
}

// coming is the profile of a plan that is not in force yet.
type coming struct {
	plan    *runner.Plan
	profile *profiles.Profile
}

// profileOf is the one that a plan was made from.
func (g *plug) profileOf(plan *runner.Plan) *profiles.Profile {
	if c := g.stack.coming.Load(); c != nil && c.plan == plan {
		return c.profile
	}
	return g.current()
}

// stacked returns the profile that is made of these.
func stacked(base *profiles.Profile, saved, commands map[string]placedLimit) (*profiles.Profile, error) {
	p, err := lay(base, saved)
	if err != nil {
		return nil, err
	}
	return lay(p, commands)
}

// current is the profile in force.
func (g *plug) current() *profiles.Profile { return g.stack.inForce.Load() }

// limitReply is what a daemon answers to opLimit.
type limitReply struct {
	PID     int    `json:"pid"`
	Known   bool   `json:"known"` // this daemon has a plugin of that name
	Error   string `json:"error,omitempty"`
	Pending bool   `json:"pending,omitempty"` // it is not done yet, and will be
	// Changes are the limits that have another value now; Limits all in force.
	Changes []changedLimit `json:"changes"`
	Limits  []limitInForce `json:"limits"`
	Saved   string         `json:"saved,omitempty"` // the file that has them, too
}

type changedLimit struct {
	Key    string `json:"key"`
	Old    string `json:"old"`
	New    string `json:"new"`
	AtOnce bool   `json:"at_once"` // else from the plugin's next start on
}

type limitInForce struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Source string `json:"source"` // FILE:LINE, or "limit command"
}

// limitPatience is how long a request waits for its change. One that comes
// while a worker is being replaced has to wait for that, and other requests
// wait for this one.
const limitPatience = 700 * time.Millisecond

// limit changes limits of a plugin that runs, and tells those in force; with nothing to change it tells them only.
func (s *session) limit(r *request) limitReply {
	g := s.plugCalled(r.Name)
	if g == nil {
		return limitReply{PID: os.Getpid()}
	}
	if len(r.Limits) == 0 {
		return limitReply{PID: os.Getpid(), Known: true, Limits: inForce(g.current())}
	}
	done := make(chan limitReply, 1)
	changes, persist, by := r.Limits, r.Persist, r.by
	go func() { done <- s.changeLimits(g, changes, persist, by) }()
	select {
	case reply := <-done:
		return reply
	case <-time.After(limitPatience):
		return limitReply{PID: os.Getpid(), Known: true, Pending: true}
	}
}

func (s *session) plugCalled(name string) *plug {
	for _, g := range s.plugs() {
		if g.config.Name == name {
			return g
		}
	}
	return nil
}

func inForce(p *profiles.Profile) []limitInForce {
	all := []limitInForce{}
	for _, key := range profiles.LimitNames() {
		all = append(all, limitInForce{key, p.Limits.Text(key), whence(p.LimitsAt[key])})
	}
	return all
}

// changeLimits does so: first for the booth, then for the file. An error
// changes nothing, but for one of the file, which says so.
func (s *session) changeLimits(g *plug, changes map[string]string, persist bool, by string) limitReply {
	s.changing.Lock()
	defer s.changing.Unlock()
	if g = s.plugCalled(g.config.Name); g == nil { // a reload came first
		return limitReply{PID: os.Getpid()}
	}
	r := limitReply{PID: os.Getpid(), Known: true}
	saved, commands := g.stack.saved, laid(g.stack.commands, changes, profiles.Position{File: limitCommand})
	if persist {
		file := s.app.settings.limitsFile
		saved = laid(saved, changes, profiles.Position{File: file, Line: 1})
		commands = maps.Clone(g.stack.commands)
		for key := range changes {
			delete(commands, key)
		}
	}
	next, err := stacked(g.stack.base, saved, commands)
	if err != nil {
		r.Error = fmt.Sprintf("plugin %q: %v", g.config.Name, why(err))
		return r
	}
	old := g.current()
	if err := s.apply(g, next); err != nil {
		r.Error = err.Error()
		return r
	}
	g.stack.saved, g.stack.commands = saved, commands
	r.Changes = changed(old, next, g.booth.State())
	r.Limits = inForce(next)
	for _, c := range r.Changes {
		s.tell(g, eventChange, "%s %s -> %s by isobooth limit, %s", c.Key, c.Old, c.New, c.when())
	}
	s.app.audit.limitsChanged(g.config.Name, by, auditChanges(r.Changes), persist)
	if !persist {
		return r
	}
	if err := saveLimits(s.app.settings.limitsFile, g.config.Name, changes); err != nil {
		r.Error = fmt.Sprintf("plugin %q: the limits are in force, but not saved: %v", g.config.Name, err)
		return r
	}
	r.Saved = s.app.settings.limitsFile
	if all, err := readLimits(r.Saved); err == nil { // now with their lines
		g.stack.saved = all[g.config.Name]
		if p, err := stacked(g.stack.base, g.stack.saved, commands); err == nil {
			g.stack.inForce.Store(p)
			r.Limits = inForce(p)
		}
	}
	return r
}

// Types of events that changes are told by.
const (
	eventChange = "change" // isobooth limit changed a limit of a booth
	eventReload = "reload" // a profile was read again, or could not be
)

// tell says what has changed, or why not, and publishes it.
func (s *session) tell(g *plug, kind, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.app.say("plugin %q: %s", g.config.Name, text)
	s.events.publish(event{Type: kind, Booth: g.config.Name, Text: text})
}

// apply has a booth go by other limits of its profile.
func (s *session) apply(g *plug, next *profiles.Profile) error {
	plan, err := g.booth.Plan().WithLimits(&next.Limits)
	if err == nil {
		err = g.booth.SetLimits(plan)
	}
	if err != nil {
		return fmt.Errorf("plugin %q: limits as they were: %w", g.config.Name, err)
	}
	g.stack.inForce.Store(next)
	return nil
}

// why is an error of an overlay without the place of a command, which is none.
func why(err error) error {
	if !strings.HasPrefix(err.Error(), limitCommand+":") {
		return err
	}
	var parts interface{ Unwrap() []error }
	if errors.As(err, &parts) {
		if all := parts.Unwrap(); len(all) > 0 {
			return all[len(all)-1]
		}
	}
	return err
}

// changed lists the limits that differ. With no worker there is nothing that
// could hold at once.
func changed(old, next *profiles.Profile, state runner.State) []changedLimit {
	runs := slices.Contains([]runner.State{runner.StateLoading, runner.StateReady}, state)
	list := []changedLimit{}
	for _, key := range profiles.LimitNames() {
		if a, b := old.Limits.Text(key), next.Limits.Text(key); a != b {
			list = append(list, changedLimit{key, a, b, runs && !runner.NeedsWorker(key)})
		}
	}
	return list
}

func auditChanges(changes []changedLimit) (list []limitChange) {
	for _, c := range changes {
		list = append(list, limitChange{c.Key, c.Old, c.New})
	}
	return list
}

func (c *changedLimit) when() string {
	if c.AtOnce {
		return "at once"
	}
	return "from the next start"
}
