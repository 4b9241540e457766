package midi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// MappingSpec is a mapping as the config file has it:
//
//	[[mappings]]
//	name = "pad one"
//	plugin = "transpose"
//	action = "transpose"
//	params = { semitones = 7 }
//	trigger = { note = "C1-C3", velocity = "1-127", channel = 10, device = "*Launchpad*" }
//
// It calls a plugin or sets the mode.
type MappingSpec struct {
	Name   string         `mapstructure:"name" toml:"name"`
	Plugin string         `mapstructure:"plugin" toml:"plugin,omitempty"`
	Action string         `mapstructure:"action" toml:"action,omitempty"`
	Params map[string]any `mapstructure:"params" toml:"params,omitempty"`
	// SetMode is the mode to set, and with Momentary only until the trigger's
	// key comes up.
	SetMode   string      `mapstructure:"set_mode" toml:"set_mode,omitempty"`
	Momentary bool        `mapstructure:"momentary" toml:"momentary,omitempty"`
	Trigger   TriggerSpec `mapstructure:"trigger" toml:"trigger"`
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
	if err := s.checkTarget(); err != nil {
		return Mapping{}, err
	}
	trigger, err := s.Trigger.Compile()
	if err != nil {
		return Mapping{}, fmt.Errorf("trigger: %w", err)
	}
	if s.Momentary && !trigger.hasKey() {
		return Mapping{}, errors.New("momentary needs a trigger with one key that comes up again: note, with or without hold or taps")
	}
	params, err := canonicalJSON(s.Params)
	if err != nil {
		return Mapping{}, fmt.Errorf("params: %w", err)
	}
	return Mapping{Name: s.Name, Trigger: trigger, Plugin: s.Plugin, Action: s.Action, Params: params, SetMode: s.SetMode, Momentary: s.Momentary}, nil
}

// checkTarget looks at what is to happen.
func (s MappingSpec) checkTarget() error {
	switch {
	case s.Plugin == "" && s.SetMode == "":
		return errors.New("plugin missing")
	case s.SetMode == "" && s.Momentary:
		return errors.New("momentary goes with set_mode only")
	case s.SetMode == "":
		return nil
	case s.Plugin != "":
		return errors.New("has plugin and set_mode, needs only one of them")
	case s.Action != "":
		return errors.New("action does not go with set_mode")
	case s.Params != nil:
		return errors.New("params does not go with set_mode")
	}
	return checkMode("set_mode", s.SetMode)
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
