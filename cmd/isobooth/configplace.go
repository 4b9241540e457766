package main

import (
	"fmt"
	"sort"
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
	mappings, err := midi.CompileAll(s.Mappings)
	if err == nil {
		return mappings, nil
	}
	// The first that is wrong ends the shortest list that is.
	n := sort.Search(len(s.Mappings), func(n int) bool {
		_, err := midi.CompileAll(s.Mappings[:n+1])
		return err != nil
	})
	if n == len(s.Mappings) {
		return nil, &configError{profiles.Position{File: s.File, Line: 1}, 0, err}
	}
	return nil, s.wrong("mappings", n, blamedKey(err), err)
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
