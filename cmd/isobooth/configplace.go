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

// compile makes the mappings of the config, which has been checked.
func (s *settings) compile() ([]midi.Mapping, error) {
	mappings, err := midi.CompileAll(s.Mappings)
	if err != nil {
		return nil, s.wrongMapping(err)
	}
	return mappings, nil
}

// wrongMapping places a mistake that is told as `mapping "NAME": KEY: ...`, or
// as `midi.KEY: ...`.
func (s *settings) wrongMapping(err error) error {
	text, name, n := err.Error(), "", 0
	if _, scan := fmt.Sscanf(text, "mapping %d: ", &n); scan == nil && n > 0 && n <= len(s.Mappings) {
		return s.wrong("mappings", n-1, "", err)
	}
	if _, scan := fmt.Sscanf(text, "mapping %q", &name); scan != nil {
		key, _, _ := strings.Cut(text, ":")
		return s.place(key, err)
	}
	rest := strings.TrimPrefix(text, fmt.Sprintf("mapping %q: ", name))
	key := blamedKey(rest)
	for i := len(s.Mappings) - 1; i >= 0; i-- { // the second, where a name is used twice
		if s.Mappings[i].Name == name {
			return s.wrong("mappings", i, key, err)
		}
	}
	return s.place("mappings", err)
}

// blamedKey is the path of the key that a text such as "trigger: note: ..." is
// about, as far as it names one.
func blamedKey(text string) string {
	var path []string
	for {
		key, rest, found := strings.Cut(text, ": ")
		if !found || key == "" || strings.Trim(key, "abcdefghijklmnopqrstuvwxyz_") != "" {
			return strings.Join(path, ".")
		}
		path, text = append(path, key), rest
	}
}
