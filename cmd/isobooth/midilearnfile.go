package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/isobooth/isobooth/midi/recognize"
	"github.com/spf13/pflag"
)

// errNoSuchPlugin is a plugin that the config does not have.
var errNoSuchPlugin = errors.New("the config has no such plugin")

// newMapping is what midi learn adds to the config, but for the trigger.
type newMapping struct {
	o      *learnGesture
	params string // an inline table, or ""
	file   string // of the config, no symbolic link
	text   []byte // what it has in it
	names  []string
}

// newMapping checks what can be checked before anybody plays; nil without
// --plugin.
func (a *app) newMapping(o *learnGesture) (*newMapping, error) {
	if o.plugin == "" {
		return nil, nil
	}
	m := &newMapping{o: o}
	var plugins []string
	for i := range a.settings.Plugins {
		plugins = append(plugins, a.settings.Plugins[i].Name)
	}
	switch {
	case a.settings.File == "":
		return nil, fmt.Errorf("plugin %q: %w: there is no config, isobooth init writes one", o.plugin, errNoSuchPlugin)
	case len(plugins) == 0:
		return nil, fmt.Errorf("plugin %q: %w, nor any other: each takes a [[plugins]] block", o.plugin, errNoSuchPlugin)
	case !slices.Contains(plugins, o.plugin):
		return nil, fmt.Errorf("plugin %q: %w, which has %q", o.plugin, errNoSuchPlugin, plugins)
	}
	for _, have := range a.settings.Mappings {
		m.names = append(m.names, have.Name)
	}
	if slices.Contains(m.names, o.name) {
		return nil, fmt.Errorf("mapping %q: there is one of this name; %q is free", o.name, m.free(o.name))
	}
	if o.params != "" {
		params, err := parseParams(o.params)
		if err == nil {
			m.params, err = tomlValue(params)
		}
		if err != nil {
			return nil, usageError{fmt.Errorf("--params: %w", err)}
		}
	}
	var err error
	// The file that a symbolic link stands for is replaced, not the link.
	if m.file, err = filepath.EvalSymlinks(a.settings.File); err != nil {
		return nil, err
	}
	m.text, err = os.ReadFile(m.file)
	return m, err
}

// free is a name that no mapping has.
func (m *newMapping) free(name string) string {
	for n := 2; slices.Contains(m.names, name); n++ {
		if next := fmt.Sprintf("%s %d", name, n); !slices.Contains(m.names, next) {
			return next
		}
	}
	return name
}

// add puts the mapping at the end of the config file, unless the file would
// then not be a config any more, and says so in out.
func (m *newMapping) add(a *app, flags *pflag.FlagSet, g *recognize.Gesture, trigger string, out *learnedJSON) error {
	out.Mapping = m.o.name
	if out.Mapping == "" {
		out.Mapping = m.free(mappingName(g))
	}
	out.File, out.TOML = m.file, m.block(out.Mapping, out.Heard, trigger)
	next, line := appended(m.text, out.TOML)
	out.Line = line
	s, err := settingsOf(a.settings.File, next, flags)
	if err != nil {
		return fmt.Errorf("%w; nothing was written", err)
	}
	last := len(s.Mappings) - 1
	for _, have := range s.Mappings[:last] {
		if reflect.DeepEqual(have.Trigger, s.Mappings[last].Trigger) {
			out.Same = append(out.Same, have.Name)
		}
	}
	if len(out.Same) > 0 {
		a.say("mappings %q have the same trigger; it will call all of them", out.Same)
	}
	if m.o.dryRun {
		a.say("would add to %s, from line %d:", m.file, line)
		return nil
	}
	info, err := os.Stat(m.file)
	if err != nil {
		return err
	}
	if now, err := os.ReadFile(m.file); err != nil || !bytes.Equal(now, m.text) {
		return errors.Join(err, fmt.Errorf("%s was changed meanwhile and stays as it is; learn again", m.file))
	}
	if err := replaceFile(m.file, next, info.Mode().Perm()); err != nil {
		return err
	}
	out.Written = true
	a.say("added mapping %q to %s, from line %d:", out.Mapping, m.file, line)
	return nil
}

// block is the text of the mapping.
func (m *newMapping) block(name, heard, trigger string) string {
	text := "# Learned from " + heard + ".\n[[mappings]]\nname = " + tomlString(name) + "\nplugin = " + tomlString(m.o.plugin) + "\n"
	if m.o.action != "" {
		text += "action = " + tomlString(m.o.action) + "\n"
	}
	if m.params != "" {
		text += "params = " + m.params + "\n"
	}
	return text + "trigger = " + trigger + "\n"
}

// appended is a file with a block at its end, after an empty line, in the
// line endings of the file; line is where the block begins.
func appended(file []byte, block string) (next []byte, line int) {
	end := []byte("\n")
	if bytes.Contains(file, []byte("\r\n")) {
		end = []byte("\r\n")
	}
	next = bytes.Clone(file)
	if len(next) > 0 {
		if !bytes.HasSuffix(next, []byte("\n")) {
			next = append(next, end...)
		}
		next = append(next, end...)
	}
	line = 1 + bytes.Count(next, []byte("\n"))
	return append(next, bytes.ReplaceAll([]byte(block), []byte("\n"), end)...), line
}

// settingsOf is what a config file with this text would be.
func settingsOf(file string, data []byte, flags *pflag.FlagSet) (*settings, error) {
	s := &settings{File: file}
	if err := decodeConfig(file, data, &s.config); err != nil {
		return nil, err
	}
	placePlugins(file, data, s.Plugins)
	if err := s.overlay(data, flags); err != nil {
		return nil, err
	}
	return s, s.check(file)
}
