// Package conductor reads the config files of Conductor, formerly MIDIMon,
// and turns what isobooth can do into plain values. The files are untrusted:
// their size and depth are bounded.
package conductor

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Bounds on a file. People write these by hand; the largest examples have
// some hundred lines.
const (
	MaxSize     = 1 << 20 // bytes
	MaxMappings = 4096    // that it becomes
	MaxModes    = 256     // each of which a mapping may have to name
	maxDepth    = 48      // of brackets, and of dots in one line
)

// ErrFormat: the file is no TOML, too large, too deep, or has no mappings.
var ErrFormat = errors.New("not a config of Conductor")

// Field is a key of a trigger with its value: an int, a string or a list.
type Field struct {
	Key   string
	Value any
}

// Mapping is what one action of the file becomes.
type Mapping struct {
	Name    string // unique
	Line    int    // of the mapping in the file
	Trigger []Field
	SetMode string // or the following
	Plugin  string
	Action  string
	Params  map[string]any
}

// Left is something that was not converted, or not wholly.
type Left struct {
	Line int
	What string // of the file; untrusted
	Why  string
}

// Result is what became of a file.
type Result struct {
	Device   string   // part of the port's name, or ""
	Modes    []string // the first is the one to begin with
	Plugins  []string // sorted
	Mappings []Mapping
	Left     []Left // by line
}

// Convert converts the text of a file. An error wraps ErrFormat.
func Convert(data []byte) (*Result, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("%w: larger than %d bytes", ErrFormat, MaxSize)
	}
	if tooDeep(data) {
		return nil, fmt.Errorf("%w: nested deeper than %d", ErrFormat, maxDepth)
	}
	var file map[string]any
	if err := toml.Unmarshal(data, &file); err != nil {
		var at *toml.DecodeError
		if errors.As(err, &at) {
			line, column := at.Position()
			return nil, fmt.Errorf("%w: line %d, column %d: %w", ErrFormat, line, column, err)
		}
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	c := &converter{out: &Result{}, lines: headings(data), names: map[string]bool{}, taken: map[string][]string{}}
	if err := c.file(file); err != nil {
		return nil, err
	}
	slices.SortStableFunc(c.out.Left, func(a, b Left) int { return a.Line - b.Line })
	slices.Sort(c.out.Plugins)
	c.out.Plugins = slices.Compact(c.out.Plugins)
	return c.out, nil
}

// converter is the work on one file.
type converter struct {
	out   *Result
	lines map[string][]int // of the headings of arrays of tables
	line  int              // of the mapping at hand
	names map[string]bool
	// taken has the modes in which a trigger belongs to a mapping already.
	taken map[string][]string

	chord, taps, hold int // default times in milliseconds
}

func (c *converter) left(what, format string, args ...any) {
	c.out.Left = append(c.out.Left, Left{c.line, what, fmt.Sprintf(format, args...)})
}

func (c *converter) file(file map[string]any) error {
	t := table{file}
	timing := t.table("advanced_settings")
	c.chord = timing.integer("chord_timeout_ms", 50)
	c.taps = timing.integer("double_tap_timeout_ms", 300)
	c.hold = timing.integer("hold_threshold_ms", 2000)
	c.out.Device = t.table("device").text("name")
	modes := t.tables("modes")
	if len(modes) > MaxModes {
		return fmt.Errorf("%w: more than %d modes", ErrFormat, MaxModes)
	}
	for _, m := range modes {
		name := m.text("name")
		if name == "" || slices.Contains(c.out.Modes, name) {
			return fmt.Errorf("%w: mode %.80q: the name is missing or used twice", ErrFormat, name)
		}
		c.out.Modes = append(c.out.Modes, name)
	}
	n := 0
	for _, m := range modes {
		for _, mapping := range m.tables("mappings") {
			c.at("modes.mappings", n)
			n++
			c.mapping(mapping, []string{m.text("name")})
		}
	}
	for i, mapping := range t.tables("global_mappings") {
		c.at("global_mappings", i)
		c.mapping(mapping, nil)
	}
	if len(modes) == 0 && len(t.tables("global_mappings")) == 0 {
		return fmt.Errorf("%w: it has neither modes nor global_mappings", ErrFormat)
	}
	if len(c.out.Mappings) > MaxMappings {
		return fmt.Errorf("%w: more than %d mappings", ErrFormat, MaxMappings)
	}
	return nil
}

// at goes to the n-th table under a heading.
func (c *converter) at(heading string, n int) {
	c.line = 1
	if lines := c.lines[heading]; n < len(lines) {
		c.line = lines[n]
	}
}

// mapping converts one mapping; modes are those it is for, nil is all.
func (c *converter) mapping(m table, modes []string) {
	about := m.text("description")
	trigger, ok := c.trigger(m)
	if !ok {
		return
	}
	key := fmt.Sprint(trigger)
	taken := c.taken[key]
	if modes == nil {
		// There a mode's own mapping goes before a global one. Here all that
		// match are called.
		if slices.Contains(taken, "") {
			c.left(about, "an earlier global mapping has the same trigger, so it was never called")
			return
		}
		if len(taken) > 0 {
			modes = without(c.out.Modes, taken)
			if len(modes) == 0 {
				c.left(about, "every mode has a mapping of its own for this trigger, so it was never called")
				return
			}
		}
		c.taken[key] = append(taken, "")
	} else {
		if slices.Contains(taken, modes[0]) {
			c.left(about, "an earlier mapping of mode %.80q has the same trigger, so it was never called", modes[0])
			return
		}
		c.taken[key] = append(taken, modes[0])
	}
	if about == "" {
		about = fmt.Sprintf("%s %v", trigger[0].Key, trigger[0].Value)
	}
	c.action(m.table("action"), about, trigger, when{modes: modes})
}

var pluginName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// put adds a mapping; of too many, only the first that is.
func (c *converter) put(m Mapping, about string, trigger []Field, w when) {
	if len(c.out.Mappings) > MaxMappings {
		return
	}
	about = strings.ToValidUTF8(about, "?")
	if runes := []rune(about); len(runes) > 60 {
		about = string(runes[:60])
	}
	m.Name, m.Line = about, c.line
	for n := 2; c.names[m.Name]; n++ {
		m.Name = fmt.Sprintf("%s %d", about, n)
	}
	c.names[m.Name] = true
	m.Trigger = slices.Concat(trigger, w.fields())
	c.out.Mappings = append(c.out.Mappings, m)
}

// without returns the elements of all that are not in some.
func without(all, some []string) []string {
	var rest []string
	for _, s := range all {
		if !slices.Contains(some, s) {
			rest = append(rest, s)
		}
	}
	return rest
}

// table is a table of the file. What is not there, or of another type, is
// empty.
type table struct{ m map[string]any }

func (t table) table(key string) table {
	m, _ := t.m[key].(map[string]any)
	return table{m}
}

func (t table) tables(key string) []table {
	list, _ := t.m[key].([]any)
	var all []table
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			all = append(all, table{m})
		}
	}
	return all
}

func (t table) text(key string) string {
	s, _ := t.m[key].(string)
	return s
}

// integer returns the first of the keys that is there as a number, else the
// default.
func (t table) integer(key string, usual int, others ...string) int {
	for _, k := range append([]string{key}, others...) {
		if n, ok := t.m[k].(int64); ok {
			return int(max(math.MinInt32, min(n, math.MaxInt32)))
		}
	}
	return usual
}
