package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/isobooth/isobooth/runner"
)

// configFile is the config of a daemon, as far as it is read again.
type configFile struct {
	path      string // "" when there is none
	tried     string // SHA-256 of what was read last, in force or not
	complaint string // about that
	// read reads it as the start did, with the same flags; nil: never again.
	read func() (*settings, error)
}

// reloadConfig brings the config into force as it is now, as a whole or not at
// all; one that was tried already only if the user asks. The caller holds
// changing.
func (s *session) reloadConfig(asked bool) {
	if s.config.read == nil || s.config.path == "" {
		return
	}
	digest := ""
	if data, err := os.ReadFile(s.config.path); err == nil {
		digest = fmt.Sprintf("%x", sha256.Sum256(data))
	}
	if digest == s.config.tried && !asked {
		return
	}
	before, old := s.app.settings, s.config.tried
	t, err := s.tryConfig()
	s.config.tried = digest
	if asked {
		s.config.complaint = ""
	}
	if complains(&s.config.complaint, err) {
		s.announce("the config stays as it was: %v", err)
	}
	if old != digest || err != nil {
		s.app.audit.reloaded("", s.config.path, old, digest, err)
	}
	if err != nil {
		return
	}
	t.tell(before)
}

// announce says something about the daemon as a whole, and publishes it.
func (s *session) announce(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.app.say("%s", text)
	s.events.publish(event{Type: eventReload, Text: text})
}

// tryConfig reads the config, tries it and brings it into force.
func (s *session) tryConfig() (*trial, error) {
	set, err := s.config.read()
	if err != nil {
		return nil, err
	}
	t, err := s.newTrial(set)
	if err != nil {
		return nil, err
	}
	s.trying.set(t.plugs) // so that their launches are known
	defer s.trying.set(nil)
	if err := t.prepare(); err != nil {
		return nil, errors.Join(err, t.close())
	}
	t.commit()
	return t, nil
}

// drainMost is how long a plugin that is not in the config any more may take
// for the triggers it has. Meanwhile no other change is made.
const drainMost = 5 * time.Second

// commit brings the config into force: workers first, each between two of its
// triggers, then the mappings, between two events, then what is left over ends.
func (t *trial) commit() {
	s := t.session
	s.rec.during(func() []*plug {
		for _, c := range t.changed {
			t.exchange(c)
		}
		s.running.set(t.plugs)
		s.route(t.mappings, t.settings.MIDI.Mode, s.boothOf())
		return append(t.plugs[:len(t.plugs):len(t.plugs)], t.removed...)
	})
	t.settings.keep(s.app.settings)
	s.app.settings = t.settings
	s.outs.setLimits(t.limits)
	for _, g := range t.removed {
		ctx, cancel := context.WithTimeout(context.Background(), drainMost)
		g.drain(ctx)
		cancel()
		s.endPlug(g)
		s.closePlugin(g)
	}
}

// exchange has a plugin that stays go on as the config has it now.
func (t *trial) exchange(c *change) {
	if c.prepared == nil {
		return
	}
	if err := c.prepared.Commit(); err != nil { // its worker has just ended, or the booth has
		for i := range t.plugs {
			if t.plugs[i] == c.next {
				t.plugs[i] = c.old
			}
		}
		t.session.tell(c.next, eventReload, "it stays as it was, and SIGHUP tries again: %v", err)
		if c.rebuilt {
			t.session.closePlugin(c.next)
		}
		c.differences, c.rebuilt, c.next = nil, false, c.old
		return
	}
	if c.rebuilt {
		c.next.output.release() // what the build before has left sounding
		t.session.closePlugin(c.old)
	}
}

// endPlug ends a plugin's booth, writes down what it has done, and takes its
// output away.
func (s *session) endPlug(g *plug) {
	g.stop()
	<-g.ended
	s.rec.leave(g)
	s.outs.remove(g.output)
}

func (s *session) closePlugin(g *plug) {
	if err := g.plugin.Close(); err != nil {
		s.app.say("warning: plugin %q: %v", g.config.Name, err)
	}
}

// tell says what is in force now; before is what was.
func (t *trial) tell(before *settings) {
	s := t.session
	for _, g := range t.added {
		s.introduce(g)
		g.stack.sums = s.sums(g)
		s.tell(g, eventReload, "new in the config: it is %s", g.booth.State())
		if g.booth.State() == runner.StateQuarantined {
			s.app.hint("isobooth release %s lets it start again", g.config.Name)
		}
	}
	for _, c := range t.changed {
		c.tell(s)
	}
	for _, g := range t.removed {
		s.tell(g, eventReload, "no longer in the config: stopped")
	}
	s.inputsChanged(before.MIDI, t.settings.MIDI)
	if len(t.settings.later) > 0 {
		s.announce("%s: takes effect at the next start", strings.Join(t.settings.later, ", "))
	}
	s.announce("config %s reloaded: %d plugins (%d new, %d changed, %d removed), %d mappings",
		s.config.path, len(t.plugs), len(t.added), len(t.changed), len(t.removed), len(t.mappings))
}

func (c *change) tell(s *session) {
	g := c.next
	s.auditReload(g, nil)
	switch {
	case c.rebuilt:
		s.introduce(g)
		s.tell(g, eventReload, "its folder has another build, sha256 %s, in force %s", g.plugin.Image.Digest(), byWorker)
	case len(c.differences) > 0:
		how := byWorker
		if !c.worker {
			how = byNothing
			if _, limits := needed(c.differences); limits {
				how = howLimits(c.differences)
			}
		}
		s.tell(g, eventReload, "profile %s reloaded, %s: %s", g.current().Name, how, inShort(c.differences))
		s.app.warnLooser(&g.config, g.current())
	}
}

// keep has settings go on with those values of a running daemon that can only
// be chosen at its start, and notes which of them the config has otherwise.
func (s *settings) keep(old *settings) {
	for _, v := range []struct {
		key       string
		have, was any
	}{
		{"libexec", s.Libexec, old.Libexec}, {"allow_missing", s.AllowMissing, old.AllowMissing},
		{"metrics.listen", s.Metrics.Listen, old.Metrics.Listen}, {"audit.file", s.Audit.File, old.Audit.File},
		{"audit.rotate", s.Audit.Rotate, old.Audit.Rotate}, {"audit.required", s.Audit.Required, old.Audit.Required},
	} {
		if !reflect.DeepEqual(v.have, v.was) {
			s.later = append(s.later, v.key)
		}
	}
	s.Libexec, s.AllowMissing, s.Metrics, s.Audit = old.Libexec, old.AllowMissing, old.Metrics, old.Audit
}

// inputsChanged brings the ports in a config that is now in force into use.
func (s *session) inputsChanged(old, next midiConfig) {
	if old.Driver != next.Driver {
		s.announce("midi.driver: takes effect at the next start")
	}
	others := func(inputs []string) []string { return slices.DeleteFunc(slices.Clone(inputs), isPort) }
	if !slices.Equal(others(old.Inputs), others(next.Inputs)) {
		s.announce("midi.inputs: files and stdin take effect at the next start")
	}
	if s.ports == nil {
		return
	}
	if err := s.ports.SetGlobs(portPatterns(next.Inputs), next.Output); err != nil { // which check has seen
		s.announce("midi.inputs and midi.output stay as they were: %v", err)
	}
}
