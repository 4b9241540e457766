package midi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// MappingSpec is a mapping as the config file has it:
//
//	[[mappings]]
//	name = "pad one"
//	plugin = "transpose"
//	action = "transpose"
//	params = { semitones = 7 }
//	trigger = { note = "C1-C3", velocity = "1-127", channel = 10, device = "*Launchpad*" }
type MappingSpec struct {
	Name    string         `mapstructure:"name" toml:"name"`
	Plugin  string         `mapstructure:"plugin" toml:"plugin"`
	Action  string         `mapstructure:"action" toml:"action,omitempty"`
	Params  map[string]any `mapstructure:"params" toml:"params,omitempty"`
	Trigger TriggerSpec    `mapstructure:"trigger" toml:"trigger"`
}

// TriggerSpec is a trigger as the config file has it. Exactly one of Note,
// CC, Program, PitchBend, Aftertouch and PolyAftertouch is set.
//
// Fields of type any take a number or, where a range makes sense, also text
// such as "64-127" or a list of two, [64, 127]; both ends belong to the
// range. Keys are numbers or names with middle C, key 60, as C4 ("F#3",
// "Bb-1"). Absent means nil.
type TriggerSpec struct {
	Note           any `mapstructure:"note" toml:"note,omitempty"`                       // key or range of keys
	CC             any `mapstructure:"cc" toml:"cc,omitempty"`                           // controller, 0 to 127
	Program        any `mapstructure:"program" toml:"program,omitempty"`                 // program or range, 0 to 127
	PitchBend      any `mapstructure:"pitch_bend" toml:"pitch_bend,omitempty"`           // range, 0 to 16383
	Aftertouch     any `mapstructure:"aftertouch" toml:"aftertouch,omitempty"`           // pressure or range, 0 to 127
	PolyAftertouch any `mapstructure:"poly_aftertouch" toml:"poly_aftertouch,omitempty"` // key or range of keys

	// Velocity goes with Note. The default is 1 to 127, and for a release,
	// which may well have velocity 0, 0 to 127.
	Velocity any `mapstructure:"velocity" toml:"velocity,omitempty"`
	// Value goes with CC and PolyAftertouch; the default is 0 to 127.
	Value any `mapstructure:"value" toml:"value,omitempty"`
	// Release makes Note wait for the key to come up.
	Release bool `mapstructure:"release" toml:"release,omitempty"`

	Channel any    `mapstructure:"channel" toml:"channel,omitempty"` // 1 to 16; default all
	Device  string `mapstructure:"device" toml:"device,omitempty"`   // Glob for the port name; default all
}

// CompileAll compiles specs in order. It also refuses a name used twice.
func CompileAll(specs []MappingSpec) ([]Mapping, error) {
	mappings := make([]Mapping, 0, len(specs))
	seen := make(map[string]bool, len(specs))
	for i, s := range specs {
		if s.Name == "" {
			return nil, fmt.Errorf("mapping %d: name missing", i+1)
		}
		if seen[s.Name] {
			return nil, fmt.Errorf("mapping %q: name used twice", s.Name)
		}
		seen[s.Name] = true
		m, err := s.Compile()
		if err != nil {
			return nil, err
		}
		mappings = append(mappings, m)
	}
	return mappings, nil
}

// Compile checks s and turns it into a Mapping. Errors name the mapping and
// the field. Whether the plugin exists and knows the action is not checked
// here.
func (s MappingSpec) Compile() (Mapping, error) {
	m, err := s.compile()
	if err != nil {
		return Mapping{}, fmt.Errorf("mapping %q: %w", s.Name, err)
	}
	return m, nil
}

func (s MappingSpec) compile() (Mapping, error) {
	if s.Name == "" {
		return Mapping{}, errors.New("name missing")
	}
	if s.Plugin == "" {
		return Mapping{}, errors.New("plugin missing")
	}
	trigger, err := s.Trigger.Compile()
	if err != nil {
		return Mapping{}, fmt.Errorf("trigger: %w", err)
	}
	params, err := canonicalJSON(s.Params)
	if err != nil {
		return Mapping{}, fmt.Errorf("params: %w", err)
	}
	return Mapping{Name: s.Name, Trigger: trigger, Plugin: s.Plugin, Action: s.Action, Params: params}, nil
}

// canonicalJSON writes params with sorted keys, so that equal configs send
// equal bytes to a plugin.
func canonicalJSON(params map[string]any) (json.RawMessage, error) {
	if params == nil {
		return json.RawMessage("{}"), nil
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	// The default would turn < into an escape that plugins with a simple
	// parser of their own do not undo.
	enc.SetEscapeHTML(false)
	if err := enc.Encode(params); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// Compile checks s and turns it into a Trigger.
func (s TriggerSpec) Compile() (Trigger, error) {
	t := Trigger{
		channel: anyChannel,
		number:  span{0, 127},
		value:   span{0, 127},
	}
	what, err := s.what()
	if err != nil {
		return Trigger{}, err
	}
	if err := s.checkCompanions(what); err != nil {
		return Trigger{}, err
	}
	switch what {
	case "note":
		err = s.compileNote(&t)
	case "cc":
		t.kind = ControlChange
		err = s.compileCC(&t)
	case "program":
		t.kind = ProgramChange
		t.number, err = spanField{name: "program", max: 127}.parse(s.Program)
	case "pitch_bend":
		t.kind = PitchBend
		t.value, err = spanField{name: "pitch_bend", max: 16383}.parse(s.PitchBend)
	case "aftertouch":
		t.kind = Aftertouch
		t.value, err = spanField{name: "aftertouch", max: 127}.parse(s.Aftertouch)
	case "poly_aftertouch":
		t.kind = PolyAftertouch
		if t.number, err = (spanField{name: "poly_aftertouch key", max: 127, keys: true}).parse(s.PolyAftertouch); err == nil {
			err = s.compileValue(&t)
		}
	}
	if err == nil {
		err = s.compileOrigin(&t)
	}
	if err != nil {
		return Trigger{}, err
	}
	return t, nil
}

// what returns the name of the one field that says what to wait for.
func (s TriggerSpec) what() (string, error) {
	choices := []struct {
		name string
		v    any
	}{
		{"note", s.Note},
		{"cc", s.CC},
		{"program", s.Program},
		{"pitch_bend", s.PitchBend},
		{"aftertouch", s.Aftertouch},
		{"poly_aftertouch", s.PolyAftertouch},
	}
	var all, set []string
	for _, c := range choices {
		all = append(all, c.name)
		if c.v != nil {
			set = append(set, c.name)
		}
	}
	switch len(set) {
	case 0:
		return "", fmt.Errorf("needs one of %s", strings.Join(all, ", "))
	case 1:
		return set[0], nil
	}
	return "", fmt.Errorf("has %s, needs only one of them", strings.Join(set, " and "))
}

// checkCompanions refuses fields that would have no effect.
func (s TriggerSpec) checkCompanions(what string) error {
	switch {
	case s.Velocity != nil && what != "note":
		return fmt.Errorf("velocity does not go with %s", what)
	case s.Release && what != "note":
		return fmt.Errorf("release does not go with %s", what)
	case s.Value != nil && what != "cc" && what != "poly_aftertouch":
		return fmt.Errorf("value does not go with %s", what)
	}
	return nil
}

func (s TriggerSpec) compileNote(t *Trigger) (err error) {
	t.kind = NoteOn
	if s.Release {
		t.kind = NoteOff
	}
	if t.number, err = (spanField{name: "key", max: 127, keys: true}).parse(s.Note); err != nil {
		return err
	}
	if s.Velocity == nil {
		return nil
	}
	if t.value, err = (spanField{name: "velocity", max: 127}).parse(s.Velocity); err != nil {
		return err
	}
	if t.kind == NoteOn && t.value.hi == 0 {
		return errors.New("velocity 0 is a release: use release = true")
	}
	return nil
}

func (s TriggerSpec) compileCC(t *Trigger) (err error) {
	if t.number, err = (spanField{name: "cc", max: 127}).parse(s.CC); err != nil {
		return err
	}
	if t.number.lo != t.number.hi {
		return fmt.Errorf("cc %s: needs one controller", show(s.CC))
	}
	return s.compileValue(t)
}

func (s TriggerSpec) compileValue(t *Trigger) (err error) {
	if s.Value != nil {
		t.value, err = spanField{name: "value", max: 127}.parse(s.Value)
	}
	return err
}

// compileOrigin sets what restricts where the event came from.
func (s TriggerSpec) compileOrigin(t *Trigger) (err error) {
	if s.Channel != nil {
		c, err := spanField{name: "channel", max: 16}.parse(s.Channel)
		if err != nil {
			return err
		}
		if c.lo != c.hi || c.lo == 0 {
			return fmt.Errorf("channel %s: needs one channel, 1 to 16", show(s.Channel))
		}
		t.channel = uint8(c.lo - 1)
	}
	if s.Device != "" {
		t.named = true
		if t.device, err = ParseGlob(s.Device); err != nil {
			return fmt.Errorf("device: %w", err)
		}
	}
	return nil
}
