package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/isobooth/isobooth/profiles"
	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// limitsFile is beside the config. `isobooth limit --persist` writes it; a
// table for each plugin, by its name in the config:
//
//	[transpose]
//	memory = "128MiB"
const limitsFile = "limits.toml"

// maxLimitsFile bounds it, in bytes.
const maxLimitsFile = 256 << 10

// placedLimit is one limit of one plugin, and where it was set.
type placedLimit struct {
	value string
	at    profiles.Position
}

// savedLimits are those of the file, by plugin and key.
type savedLimits map[string]map[string]placedLimit

// parseLimits reads the text of a limits.toml; file is its name in errors,
// which say FILE:LINE. Whether a value means anything is seen when it is laid
// on a profile.
func parseLimits(file string, data []byte) (savedLimits, error) {
	// The decoder knows what may not be there twice; the parser below it knows
	// lines.
	var all map[string]map[string]any
	if err := toml.Unmarshal(data, &all); err != nil {
		line := 1
		var syntax *toml.DecodeError
		if errors.As(err, &syntax) {
			line, _ = syntax.Position()
		}
		return nil, fmt.Errorf("%s:%d: %w", file, line, err)
	}
	saved := savedLimits{}
	var p unstable.Parser
	p.Reset(data)
	plugin, inside := "", false
	for p.NextExpression() {
		node := p.Expression()
		if node.Kind == unstable.Comment {
			continue
		}
		it := node.Key()
		var names []string
		line := 1
		for it.Next() {
			if len(names) == 0 {
				line = p.Shape(it.Node().Raw).Start.Line
			}
			names = append(names, string(it.Node().Data))
		}
		at := profiles.Position{File: file, Line: line}
		switch {
		case len(names) != 1 || node.Kind == unstable.ArrayTable || node.Kind == unstable.KeyValue && !inside:
			return nil, fmt.Errorf("%v: unknown key %q: want [PLUGIN] and limits below it", at, strings.Join(names, "."))
		case node.Kind == unstable.Table:
			plugin, inside = names[0], true
			if saved[plugin] == nil {
				saved[plugin] = map[string]placedLimit{}
			}
			continue
		case !slices.Contains(profiles.LimitNames(), names[0]):
			return nil, fmt.Errorf("%v: plugin %q: unknown limit %q", at, plugin, names[0])
		}
		value := node.Value()
		if value.Kind != unstable.String && value.Kind != unstable.Integer {
			return nil, fmt.Errorf("%v: plugin %q: %s: want text or a whole number", at, plugin, names[0])
		}
		saved[plugin][names[0]] = placedLimit{fmt.Sprint(all[plugin][names[0]]), at}
	}
	return saved, p.Error()
}

// readLimits reads a limits.toml. One that is not there has no limits. What
// others could write decides nothing: it and its folder must be root's or
// ours.
func readLimits(file string) (savedLimits, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return savedLimits{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read limits: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read limits: %w", err)
	}
	dir, err := os.Stat(filepath.Dir(file))
	if err != nil {
		return nil, fmt.Errorf("read limits: %w", err)
	}
	switch {
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("read limits: %s is no file", file)
	case !onlyOurs(st):
		return nil, fmt.Errorf("read limits: %s can be written by others; chmod go-w it, or remove it", file)
	case !onlyOurs(dir):
		return nil, fmt.Errorf("read limits: the folder of %s can be written by others; chmod go-w it", file)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxLimitsFile+1))
	if err != nil {
		return nil, fmt.Errorf("read limits: %w", err)
	}
	if len(data) > maxLimitsFile {
		return nil, fmt.Errorf("read limits: %s has more than %d bytes", file, maxLimitsFile)
	}
	return parseLimits(file, data)
}

// saveLimits changes limits of one plugin in a limits.toml; an empty value
// takes one out. Other daemons of this user may do so at the same time.
func saveLimits(file, plugin string, changes map[string]string) error {
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return fmt.Errorf("save limits: %w", err)
	}
	defer dir.Close() // and with it the lock
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("save limits: lock %s: %w", dir.Name(), err)
	}
	saved, err := readLimits(file)
	if err != nil {
		return err
	}
	text, err := saved.with(plugin, changes).text()
	if err != nil {
		return fmt.Errorf("save limits: %w", err)
	}
	if err := replaceFile(file, text, 0o644); err != nil {
		return fmt.Errorf("save limits: %w", err)
	}
	return nil
}

// with returns the limits with changes of one plugin; without places.
func (l savedLimits) with(plugin string, changes map[string]string) savedLimits {
	all := maps.Clone(l)
	all[plugin] = laid(l[plugin], changes, profiles.Position{})
	return all
}

// laid returns limits with others, all from one place, on top; an empty value
// takes a limit out.
func laid(below map[string]placedLimit, changes map[string]string, at profiles.Position) map[string]placedLimit {
	all := maps.Clone(below)
	if all == nil {
		all = map[string]placedLimit{}
	}
	for key, value := range changes {
		if value == "" {
			delete(all, key)
			continue
		}
		all[key] = placedLimit{value, at}
	}
	return all
}

func (l savedLimits) text() ([]byte, error) {
	plain := map[string]map[string]string{}
	for plugin, limits := range l {
		for key, limit := range limits {
			if plain[plugin] == nil {
				plain[plugin] = map[string]string{}
			}
			plain[plugin][key] = limit.value
		}
	}
	var b bytes.Buffer
	b.WriteString("# Written by isobooth limit --persist. Beyond profiles and config; a limit for each\n# plugin by its name.\n\n")
	err := toml.NewEncoder(&b).Encode(plain)
	return b.Bytes(), err
}

// lay returns a profile with limits on top, each with its own place. An error
// is about the first that cannot be by itself, else about all together.
func lay(p *profiles.Profile, limits map[string]placedLimit) (*profiles.Profile, error) {
	if len(limits) == 0 {
		return p, nil
	}
	together := profiles.Overlay{Limits: map[string]string{}}
	var alone error
	for _, key := range slices.Sorted(maps.Keys(limits)) {
		l := limits[key]
		together.Limits[key], together.Source = l.value, l.at
		if _, err := p.Overlay(profiles.Overlay{Source: l.at, Limits: map[string]string{key: l.value}}); alone == nil {
			alone = err
		}
	}
	q, err := p.Overlay(together)
	switch {
	case err != nil && alone != nil:
		return nil, alone
	case err != nil:
		return nil, err
	}
	for key, l := range limits {
		q.LimitsAt[key] = l.at
	}
	return q, nil
}

// settings are the limits with where each stands, for `isobooth config`.
func (l savedLimits) settings() map[string]map[string]setting {
	all := map[string]map[string]setting{}
	for plugin, limits := range l {
		all[plugin] = map[string]setting{}
		for key, limit := range limits {
			all[plugin][key] = setting{key, limit.value, limit.at.String()}
		}
	}
	return all
}
