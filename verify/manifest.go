package verify

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

const (
	manifestName = "plugin.toml"
	maxManifest  = 64 << 10 // bytes
	maxText      = 1024     // bytes in one text value
	maxName      = 64       // characters in the plugin's name
)

// Capabilities are what a manifest says its plugin wants. They grant nothing:
// they are shown to the user, who decides.
type Capabilities struct {
	Network       bool `toml:"network" json:"network"`
	Filesystem    bool `toml:"filesystem" json:"filesystem"`
	Audio         bool `toml:"audio" json:"audio"`
	MIDI          bool `toml:"midi" json:"midi"`
	Subprocess    bool `toml:"subprocess" json:"subprocess"`
	SystemControl bool `toml:"system_control" json:"system_control"`
}

// Manifest is the [plugin] table of plugin.toml, the format of the MIDIMon and
// Conductor hosts plus the key abi.
type Manifest struct {
	// Name is 1 to 64 of a-z, 0-9, dot, dash and underscore, and starts
	// with a letter or digit. Capitals are refused: names become keys and
	// file names in places that ignore case.
	Name        string `toml:"name" json:"name"`
	Version     string `toml:"version" json:"version"`
	Description string `toml:"description" json:"description,omitempty"`
	Author      string `toml:"author" json:"author,omitempty"`
	Homepage    string `toml:"homepage" json:"homepage,omitempty"`
	License     string `toml:"license" json:"license,omitempty"`
	// Type is "action", also when the file says nothing, or "trigger".
	Type string `toml:"type" json:"type"`
	// Binary is the library's file name in the manifest's own folder.
	Binary string `toml:"binary" json:"binary"`
	// ABI is one of the ABI constants, or empty: detect it.
	ABI          string       `toml:"abi" json:"abi,omitempty"`
	Capabilities Capabilities `toml:"capabilities" json:"capabilities"`
}

// ParseManifest decodes plugin.toml. file is its name for error texts. Keys
// are matched exactly, capitals included; an unknown one is an error with
// line and column. All errors wrap ErrManifest.
func ParseManifest(file string, data []byte) (Manifest, error) {
	bad := func(format string, a ...any) (Manifest, error) {
		return Manifest{}, fmt.Errorf("%w: %q: %w", ErrManifest, file, fmt.Errorf(format, a...))
	}
	if len(data) > maxManifest {
		return bad("larger than %d bytes", maxManifest)
	}
	var doc struct {
		Plugin *Manifest `toml:"plugin"`
	}
	if err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(&doc); err != nil {
		return Manifest{}, fmt.Errorf("%w: %w", ErrManifest, located(file, err))
	}
	if err := exactKeys(file, data); err != nil {
		return Manifest{}, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	if doc.Plugin == nil {
		return bad("no [plugin] table")
	}
	m := *doc.Plugin
	if m.Type == "" {
		m.Type = "action"
	}
	if err := m.check(); err != nil {
		return bad("%w", err)
	}
	return m, nil
}

// located turns the decoder's error into file:line:column and a reason.
func located(file string, err error) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		first := unknown.Errors[0]
		row, col := first.Position()
		return fmt.Errorf("%q:%d:%d: unknown key %q", file, row, col, strings.Join(first.Key(), "."))
	}
	var wrong *toml.DecodeError
	if errors.As(err, &wrong) {
		row, col := wrong.Position()
		// The decoder quotes the document in places, hence %q.
		return fmt.Errorf("%q:%d:%d: %q", file, row, col, strings.TrimPrefix(wrong.Error(), "toml: "))
	}
	return fmt.Errorf("%q: %q", file, err.Error())
}

// exactKeys refuses a key with a capital in it. The decoder falls back to
// matching keys without regard to case, so that "Name" and "name" would both
// count as the name; every key we know is lower case.
func exactKeys(file string, data []byte) error {
	var p unstable.Parser
	p.Reset(data)
	for p.NextExpression() {
		if err := exactKey(file, &p, p.Expression()); err != nil {
			return err
		}
	}
	return p.Error()
}

func exactKey(file string, p *unstable.Parser, n *unstable.Node) error {
	switch n.Kind {
	case unstable.KeyValue, unstable.Table, unstable.ArrayTable:
		for it := n.Key(); it.Next(); {
			part := it.Node()
			if key := string(part.Data); key != strings.ToLower(key) {
				at := p.Shape(part.Raw).Start
				return fmt.Errorf("%q:%d:%d: unknown key %q", file, at.Line, at.Column, key)
			}
		}
	}
	for it := n.Children(); it.Next(); {
		if child := it.Node(); child.Kind != unstable.Key {
			if err := exactKey(file, p, child); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m Manifest) check() error {
	for _, t := range []struct {
		key, value string
		must       bool
	}{
		{"name", m.Name, true},
		{"version", m.Version, true},
		{"binary", m.Binary, true},
		{"description", m.Description, false},
		{"author", m.Author, false},
		{"homepage", m.Homepage, false},
		{"license", m.License, false},
	} {
		if t.must && strings.TrimSpace(t.value) == "" {
			return fmt.Errorf("key %q is missing or empty", t.key)
		}
		if err := checkText(t.value, t.key == "description"); err != nil {
			return fmt.Errorf("key %q: %w", t.key, err)
		}
	}
	if err := checkName(m.Name); err != nil {
		return fmt.Errorf("key %q: %w", "name", err)
	}
	if err := checkFileName(m.Binary); err != nil {
		return fmt.Errorf("key %q: %w", "binary", err)
	}
	switch m.Type {
	case "action", "trigger":
	default:
		return fmt.Errorf("key %q: %q is neither \"action\" nor \"trigger\"", "type", m.Type)
	}
	if _, ok := entryOf(m.ABI); !ok && m.ABI != "" {
		return fmt.Errorf("key %q: %q is none of %s", "abi", m.ABI, abiNames())
	}
	return nil
}

// checkText keeps terminal escapes and line breaks out of what listings show.
func checkText(s string, lines bool) error {
	if len(s) > maxText {
		return fmt.Errorf("longer than %d bytes", maxText)
	}
	for _, r := range s {
		if lines && (r == '\n' || r == '\t') {
			continue
		}
		if unicode.IsControl(r) {
			return fmt.Errorf("control character %q", r)
		}
	}
	return nil
}

func checkName(s string) error {
	if len(s) > maxName {
		return fmt.Errorf("longer than %d characters", maxName)
	}
	for i, r := range s {
		lower := r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
		if !lower && (i == 0 || !strings.ContainsRune("._-", r)) {
			return fmt.Errorf("%q: a name is of a-z, 0-9, \".\", \"_\" and \"-\", and starts with a letter or digit", s)
		}
	}
	return nil
}

// checkFileName says why s is no plain file name, or nil. It also serves for
// library names out of an ELF file, so s may be any bytes.
func checkFileName(s string) error {
	switch {
	case s == "" || s == "." || s == "..":
		return fmt.Errorf("%q is no file name", s)
	case len(s) > 255: // NAME_MAX
		return fmt.Errorf("file name of %d bytes, the limit is 255", len(s))
	case strings.ContainsAny(s, `/\`):
		return fmt.Errorf("%q is a path, not a file name", s)
	case !utf8.ValidString(s):
		return fmt.Errorf("file name %q is not UTF-8", s)
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return fmt.Errorf("file name %q has a control character", s)
		}
	}
	return nil
}
