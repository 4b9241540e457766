package profiles

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"regexp"

	"github.com/pelletier/go-toml/v2"
)

// maxSize bounds the text of a profile, in bytes; strict has about 5 KiB.
const maxSize = 256 << 10

var profileName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// Profile is what a booth may do: limits, and rules over system calls.
// It is a plain value; nothing in it changes after ParseProfile.
type Profile struct {
	Name        string
	Description string
	// Chain is this profile and then its parents, nearest first.
	Chain    []Source
	Limits   Limits
	LimitsAt map[string]Position // by key: where the value in force stands
	Rules    []Rule

	Files       []FileGrant
	Devices     []DeviceGrant
	Network     []NetworkGrant
	Environment []EnvironmentGrant

	// Require names layers, as isobooth doctor does, without which no booth
	// of this profile starts, even where the config allows them to be missing.
	Require []string

	lines int // of its own text
}

// document is the text of a profile before anything in it is understood.
type document struct {
	Name        string         `toml:"name"`
	Description string         `toml:"description"`
	Limits      limitsDocument `toml:"limits"`
	Rules       []ruleDocument `toml:"rules"`
}

// ParseProfile reads the text of a profile; file is only its name in errors.
// Every key and every limit must be one this package knows, every limit must
// be there, and every call, constant and errno must have a meaning. An error
// wraps ErrInvalid and starts with file:line.
func ParseProfile(file string, data []byte) (*Profile, error) {
	if len(data) > maxSize {
		return nil, &parseError{file: file, line: 1, err: fmt.Errorf("more than %d bytes", maxSize)}
	}
	var doc document
	dec := toml.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return nil, tomlError(file, err)
	}
	pos, err := locate(data)
	if err != nil {
		return nil, &parseError{file: file, line: 1, err: err}
	}
	p := &parser{file: file, pos: pos}
	profile, err := p.profile(&doc)
	if err != nil {
		return nil, err
	}
	profile.lines = lineCount(data)
	return profile, nil
}

// Read reads the profile in the file at path.
func Read(path string) (*Profile, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read profile: %w", err)
	}
	return ParseProfile(path, data)
}

// parser turns a document into a Profile; it knows where each key stands.
type parser struct {
	file string
	pos  positions
}

// fail is an error about the value at path, such as "rules[2].calls[0]".
func (p *parser) fail(path string, err error) error {
	return &parseError{file: p.file, line: p.pos.line(path), err: err}
}

func (p *parser) profile(doc *document) (*Profile, error) {
	// The decoder folds case, so it takes "Memory" for "memory".
	if path, ok := p.pos.foldedKey(); ok {
		return nil, p.fail(path, fmt.Errorf("unknown key %q", path))
	}
	if !profileName.MatchString(doc.Name) {
		return nil, p.fail("name", fmt.Errorf("name %q: want a lower-case word", doc.Name))
	}
	if doc.Description == "" {
		return nil, p.fail("description", errors.New("description is missing"))
	}
	limits, err := p.limits(&doc.Limits)
	if err != nil {
		return nil, err
	}
	rules, err := p.rules(doc.Rules)
	if err != nil {
		return nil, err
	}
	return &Profile{Name: doc.Name, Description: doc.Description, Limits: limits, Rules: rules}, nil
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
	}
	return &parseError{file: file, line: line, err: err}
}
