package main

import (
	"fmt"
	"strings"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/profiles"
)

// configError is a mistake in a config, and where it stands.
type configError struct {
	at     profiles.Position
	column int // from 1; 0 where it is not known
	err    error
}

func (e *configError) Error() string {
	at := e.at.String()
	if e.column > 0 {
		at += fmt.Sprintf(":%d", e.column)
	}
	return fmt.Sprintf("config %s: %s", at, strings.TrimPrefix(e.err.Error(), "config: "))
}
func (e *configError) Unwrap() error { return e.err }

// wrong places a mistake in the block of that number, from 0, of [[plugins]]
// or [[mappings]]: at a key, or where that is missing at the block.
func (s *settings) wrong(list string, block int, key string, err error) error {
	return s.place(fmt.Sprintf("%s[%d].%s", list, block, key), err)
}

func (s *settings) place(path string, err error) error {
	return &configError{profiles.Position{File: s.File, Line: profiles.LineOf(s.text, path)}, 0, err}
}

// misplaced places a mistake in a single value whose key its text begins with,
// if it is the file that sets it.
func (s *settings) misplaced(err error) error {
	key, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "config: "), ":")
	for _, v := range s.sources {
		if v.Key == key && strings.HasPrefix(v.Source, "file") {
			return s.place(key, err)
		}
	}
	return err
}

// compile makes the mappings of the config.
func (s *settings) compile() ([]midi.Mapping, error) {
	velocities, err := midi.ParseVelocities(s.MIDI.Velocities)
	if err != nil {
		return nil, s.place("midi.velocities", fmt.Errorf("midi.%w", err))
	}
	// Names become ranges, which mean the same wherever they are compiled again.
	if err := velocities.Resolve(s.Mappings); err != nil {
		return nil, s.blame(err)
	}
	mappings, err := midi.CompileAll(s.Mappings)
	if err == nil {
		err = midi.CheckModes(mappings, s.MIDI.Mode)
	}
	if err != nil {
		return nil, s.blame(err)
	}
	return mappings, nil
}

// blame places an error of a mapping, whose text begins with its name. Of two
// of the same name the second is to blame.
func (s *settings) blame(err error) error {
	for i := len(s.Mappings) - 1; i >= 0; i-- {
		if m := &s.Mappings[i]; strings.HasPrefix(err.Error(), fmt.Sprintf("mapping %q: ", m.Name)) {
			return s.wrong("mappings", i, blamedKey(err), err)
		}
	}
	return s.misplaced(&configError{profiles.Position{File: s.File, Line: 1}, 0, err})
}

// blamedKey is the key that an error of a mapping is about, which its text names
// as `mapping "NAME": trigger: note: ...`; "" when it names none.
func blamedKey(err error) string {
	var path []string
	text := err.Error()
	if i := strings.Index(text, `": `); i >= 0 {
		text = text[i+3:]
	}
	for {
		key, rest, found := strings.Cut(text, ": ")
		if !found || key == "" || strings.Trim(key, "abcdefghijklmnopqrstuvwxyz_") != "" {
			return strings.Join(path, ".")
		}
		path, text = append(path, key), rest
	}
}
