package profiles

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// maxSize bounds the text of a profile, in bytes; strict has about 5 KiB.
const maxSize = 256 << 10

var profileName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// Profile is what a booth may do: limits, rules over system calls, and what
// is handed to it. It is a plain value; nothing in it changes once it is made.
type Profile struct {
	Name        string
	Description string
	// Chain is this profile and then its parents, nearest first.
	Chain    []Source
	Limits   Limits
	LimitsAt map[string]Position // by key: where the value in force stands
	Rules    []Rule
	Removed  []Removal // what [[remove]] took away, of the whole chain

	Files       []FileGrant
	Devices     []DeviceGrant
	Network     []NetworkGrant
	Environment []EnvironmentGrant

	// Require names layers, as isobooth doctor does, without which no booth
	// of this profile starts, even where the config allows them to be missing.
	Require []string

	Ceilings Ceilings

	lines int // of its own text
}

// document is the text of a profile before anything in it is understood.
type document struct {
	Name        string                `toml:"name"`
	Description string                `toml:"description"`
	Extends     string                `toml:"extends"`
	Require     []string              `toml:"require"`
	Limits      map[string]any        `toml:"limits"`
	Ceilings    ceilingsDocument      `toml:"ceilings"`
	Remove      []removeDocument      `toml:"remove"`
	Rules       []ruleDocument        `toml:"rules"`
	Files       []fileDocument        `toml:"files"`
	Devices     []deviceDocument      `toml:"devices"`
	Network     []networkDocument     `toml:"network"`
	Environment []environmentDocument `toml:"environment"`
}

// ParseProfile reads the text of a profile; file is only its name in errors.
// It may extend embedded profiles; a Library finds others. Every key must be
// one this package knows, and every call, constant and errno must have a
// meaning. An error wraps ErrInvalid and starts with file:line.
func ParseProfile(file string, data []byte) (*Profile, error) {
	return resolve(&source{file: file, data: data, origin: FromFile}, builtIn{})
}

// parser turns one document into its part of a Profile; it knows where each
// key stands.
type parser struct {
	file  string
	pos   positions
	doc   document
	lines int
}

func newParser(file string, data []byte) (*parser, error) {
	if len(data) > maxSize {
		return nil, &parseError{file: file, line: 1, err: fmt.Errorf("more than %d bytes", maxSize)}
	}
	p := &parser{file: file, lines: lineCount(data)}
	dec := toml.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p.doc); err != nil {
		return nil, tomlError(file, err)
	}
	var err error
	if p.pos, err = locate(data); err != nil {
		return nil, &parseError{file: file, line: 1, err: err}
	}
	// The decoder folds case, so it takes "Memory" for "memory".
	if path, ok := p.pos.foldedKey(); ok {
		return nil, p.fail(path, fmt.Errorf("unknown key %q", path))
	}
	return p, p.head()
}

// head checks what must be right before parents are looked for.
func (p *parser) head() error {
	if !profileName.MatchString(p.doc.Name) {
		return p.fail("name", fmt.Errorf("name %q: want a lower-case word", p.doc.Name))
	}
	if err := oneLine("description", p.doc.Description); err != nil {
		return p.fail("description", err)
	}
	if _, here := p.pos["extends"]; here && p.doc.Extends == "" {
		return p.fail("extends", errors.New("extends is empty"))
	}
	return nil
}

// apply changes profile, which holds what the parents gave, by this document.
func (p *parser) apply(profile *Profile) error {
	profile.Name, profile.Description = p.doc.Name, p.doc.Description
	profile.Chain = append([]Source{{Name: p.doc.Name, At: p.at("name")}}, profile.Chain...)
	for _, step := range []func(*Profile) error{p.require, p.limits, p.removals, p.rules, p.grants, p.ceilings} {
		if err := step(profile); err != nil {
			return err
		}
	}
	if len(profile.Rules) == 0 {
		return p.fail("rules", errors.New("no rules"))
	}
	return p.underCeilings(profile)
}

// fail is an error about the value at path, such as "rules[2].calls[0]".
func (p *parser) fail(path string, err error) error {
	return &parseError{file: p.file, line: p.pos.line(path), err: err}
}

func (p *parser) at(path string) Position { return Position{File: p.file, Line: p.pos.line(path)} }

// oneLine refuses text for people that is missing or would break a listing.
func oneLine(what, text string) error {
	if text == "" {
		return fmt.Errorf("%s is missing", what)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("%s %q: want one line", what, text)
	}
	return nil
}

// parseError says where the text of a profile is wrong. It wraps ErrInvalid.
type parseError struct {
	file string
	line int
	err  error
}

func (e *parseError) Error() string {
	return fmt.Sprintf("%s:%d: %v: %v", e.file, e.line, ErrInvalid, e.err)
}

func (e *parseError) Unwrap() []error { return []error{ErrInvalid, e.err} }

// tomlError gives the decoder's error a file and a line.
func tomlError(file string, err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		first := strict.Errors[0]
		line, _ := first.Position()
		return &parseError{file: file, line: line, err: fmt.Errorf("unknown key %q", dotted(first.Key()))}
	}
	line := 1
	var syntax *toml.DecodeError
	if errors.As(err, &syntax) {
		line, _ = syntax.Position()
		// The decoder's words for a value of the wrong kind name our types.
		if _, kind, ok := strings.Cut(syntax.Error(), "cannot decode TOML "); ok {
			kind, _, _ = strings.Cut(kind, " into ")
			err = fmt.Errorf("%s: a value of the kind %s does not belong here", dotted(syntax.Key()), kind)
		}
	}
	return &parseError{file: file, line: line, err: err}
}
