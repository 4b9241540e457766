package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/profiles"
	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// config is the config file, decoded exactly.
type config struct {
	TrustedKeys  string             `toml:"trusted_keys"`
	AllowMissing []string           `toml:"allow_missing"`
	Libexec      string             `toml:"libexec"`
	MIDI         midiConfig         `toml:"midi"`
	Metrics      metricsConfig      `toml:"metrics"`
	Audit        auditConfig        `toml:"audit"`
	Plugins      []pluginConfig     `toml:"plugins"`
	Mappings     []midi.MappingSpec `toml:"mappings"`
}

type midiConfig struct {
	Driver string   `toml:"driver"`
	Inputs []string `toml:"inputs"`
	Output string   `toml:"output"`
	Mode   string   `toml:"mode"` // at the start
	// Velocities are names for ranges of velocities.
	Velocities map[string]any `toml:"velocities"`
	// The rest are limits, with their units; see midiLimits.
	OutRate    string `toml:"out_rate"`
	OutBurst   string `toml:"out_burst"`
	MaxHops    int    `toml:"max_hops"`
	EchoWindow string `toml:"echo_window"`
}

// pluginConfig is what the user allows one plugin.
type pluginConfig struct {
	Name    string `toml:"name"`
	Path    string `toml:"path"`
	Profile string `toml:"profile"`
	// AllowUnsigned takes the library with this SHA256 without a signature.
	AllowUnsigned bool   `toml:"allow_unsigned"`
	SHA256        string `toml:"sha256"`
	// use, unless nil, is the profile in place of the one that is named.
	use *profiles.Profile
	// What the user gives this plugin beyond its profile, or less of.
	Limits      map[string]any    `toml:"limits"`
	Files       []fileConfig      `toml:"files"`
	Devices     []deviceConfig    `toml:"devices"`
	Network     []string          `toml:"network"`
	Environment []string          `toml:"environment"`
	At          profiles.Position `toml:"-"`
}

// setting is one single value and where it came from, for `isobooth config`.
type setting struct {
	Key    string `json:"key"`
	Value  any    `json:"value"`
	Source string `json:"source"`
}

// settings is the effective config.
type settings struct {
	config
	File    string // the file that was read, or ""
	digest  string // SHA-256 of its bytes
	text    []byte // its bytes, to say where something stands
	sources []setting

	limitsFile string      // beside it; need not exist
	saved      savedLimits // what it says

	later []string // keys that a daemon which runs does not go by
}

// Layers that a config may allow to be missing. The others have no use
// without each other.
var optionalLayers = []string{"cgroup", "landlock"}

// scalars are the keys that flags and the environment can set, with defaults.
func scalars() []setting {
	return []setting{
		{Key: "trusted_keys", Value: filepath.Join(configDir(), "trusted-keys")},
		{Key: "allow_missing", Value: []string{}},
		{Key: "libexec", Value: ""},
		{Key: "midi.driver", Value: drivers[0].Name()},
		{Key: "midi.inputs", Value: []string{"*"}},
		{Key: "midi.output", Value: ""},
		{Key: "midi.mode", Value: "default"},
		// What a MIDI cable carries: 31,250 baud, 10 for a byte (MIDI 1.0).
		{Key: "midi.out_rate", Value: "3125B/s"},
		// What ALSA keeps for a cable that is slower than we are: a page, of
		// 4 KiB on most machines (snd_rawmidi_runtime_create).
		{Key: "midi.out_burst", Value: "4KiB"},
		{Key: "midi.max_hops", Value: 4},
		// Hardly anybody strikes one key twenty times a second.
		{Key: "midi.echo_window", Value: "50ms"},
		{Key: "metrics.listen", Value: ""},
		{Key: "audit.file", Value: defaultAuditFile()},
		{Key: "audit.rotate", Value: "16MiB"},
		{Key: "audit.required", Value: false},
	}
}

// loadSettings reads the config file and puts flags and environment over it.
// With file empty the default file is read if there is one.
func loadSettings(file string, flags *pflag.FlagSet) (*settings, error) {
	explicit := file != ""
	if !explicit {
		file = filepath.Join(configDir(), "isobooth.toml")
	}
	s := &settings{}
	data, err := os.ReadFile(file)
	switch {
	case err == nil:
		s.File, s.text, s.digest = file, data, fmt.Sprintf("%x", sha256.Sum256(data))
	case explicit || !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read config: %w", err)
	}
	if err := decodeConfig(file, data, &s.config); err != nil {
		return nil, err
	}
	placePlugins(file, data, s.Plugins)
	if err := s.overlay(data, flags); err != nil {
		return nil, err
	}
	if err := s.check(file); err != nil {
		return nil, err
	}
	return s, s.loadLimits()
}

// decodeConfig takes the whole file into c; a key that c lacks is an error
// with its line. The lists come from here, not from viper, which would turn
// the names in a mapping's params into lower case.
func decodeConfig(file string, data []byte, c *config) error {
	d := toml.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err := d.Decode(c)
	if err == nil {
		return checkCase(file, data)
	}
	var unknown *toml.StrictMissingError
	var syntax *toml.DecodeError
	switch {
	case errors.As(err, &unknown) && len(unknown.Errors) > 0:
		line, column := unknown.Errors[0].Position()
		return &configError{profiles.Position{File: file, Line: line}, column, fmt.Errorf("unknown key %q", strings.Join(unknown.Errors[0].Key(), "."))}
	case errors.As(err, &syntax):
		line, column := syntax.Position()
		// The decoder's words for a value of the wrong kind name our types.
		if _, kind, ok := strings.Cut(syntax.Error(), "cannot decode TOML "); ok {
			kind, _, _ = strings.Cut(kind, " into ")
			err = fmt.Errorf("%s: a value of the kind %s does not belong here", keyBefore(syntax, data), kind)
		}
		return &configError{profiles.Position{File: file, Line: line}, column, err}
	}
	return fmt.Errorf("config %s: %w", file, err)
}

// keyBefore names the key whose value the decoder refused. Of a key in an inline
// table the decoder knows the table only.
func keyBefore(e *toml.DecodeError, data []byte) string {
	path := e.Key()
	line, column := e.Position()
	if lines := bytes.Split(data, []byte{'\n'}); line <= len(lines) && column <= len(lines[line-1])+1 {
		before, assigned := bytes.CutSuffix(bytes.TrimSpace(lines[line-1][:column-1]), []byte{'='})
		before = bytes.TrimSpace(before)
		key := string(before[bytes.LastIndexAny(before, " \t{,")+1:])
		if assigned && !strings.HasSuffix(strings.Join(path, "."), key) {
			path = append(path[:len(path):len(path)], key)
		}
	}
	return strings.Join(path, ".")
}

// checkCase refuses a key that the decoder took for one of ours in spite of
// its capitals.
func checkCase(file string, data []byte) error {
	var all map[string]any
	if err := toml.Unmarshal(data, &all); err != nil {
		return fmt.Errorf("config %s: %w", file, err)
	}
	key := folded(all)
	if key == "" {
		return nil
	}
	line := 1 + bytes.Count(data[:max(0, bytes.Index(data, []byte(key)))], []byte{'\n'})
	return &configError{profiles.Position{File: file, Line: line}, 0, fmt.Errorf("unknown key %q: keys are lower-case", key)}
}

// folded returns a key with capitals, or "". The names in params are the
// plugin's own.
func folded(v any) string {
	switch v := v.(type) {
	case map[string]any:
		for key, below := range v {
			if key != strings.ToLower(key) {
				return key
			}
			if key == "params" {
				continue
			}
			if found := folded(below); found != "" {
				return found
			}
		}
	case []any:
		for _, below := range v {
			if found := folded(below); found != "" {
				return found
			}
		}
	}
	return ""
}

// overlay settles the single values: flag over environment over file over
// default.
func (s *settings) overlay(data []byte, flags *pflag.FlagSet) error {
	v := viper.New()
	v.SetConfigType("toml")
	v.SetEnvPrefix("ISOBOOTH")
	v.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
	v.AutomaticEnv()
	if err := v.ReadConfig(bytes.NewReader(data)); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	for _, d := range scalars() {
		v.SetDefault(d.Key, d.Value)
		name := strings.NewReplacer(".", "-", "_", "-").Replace(d.Key)
		if d.Key == "midi.driver" {
			name = "driver"
		}
		flag := flags.Lookup(name)
		if flag != nil {
			if err := v.BindPFlag(d.Key, flag); err != nil {
				return err
			}
		}
		source := "default"
		env := "ISOBOOTH_" + strings.ToUpper(strings.ReplaceAll(d.Key, ".", "_"))
		switch {
		case flag != nil && flag.Changed:
			source = "flag --" + name
		case os.Getenv(env) != "":
			source = "environment " + env
		case v.InConfig(d.Key):
			source = "file " + s.File
		}
		value, err := scalar(v, d, env, source)
		if err != nil {
			return err
		}
		if text, ok := value.(string); ok && strings.HasPrefix(source, "file") && isPath(d.Key, text) {
			value = beside(s.File, text)
		}
		s.sources = append(s.sources, setting{d.Key, value, source})
		s.set(d.Key, value)
	}
	return nil
}

// scalar is the value that viper has for a key, of the kind of its default.
// env is the variable that may set it.
func scalar(v *viper.Viper, d setting, env, source string) (any, error) {
	text := v.GetString(d.Key)
	switch d.Value.(type) {
	case int:
		// viper's own GetInt makes 0 of what is no number.
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("config: %s: %q is not a whole number (%s)", d.Key, text, source)
		}
		return n, nil
	case bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return nil, fmt.Errorf("config: %s: %q is neither true nor false (%s)", d.Key, text, source)
		}
		return b, nil
	case []string:
		if strings.HasPrefix(source, "environment") {
			// viper would split at spaces, which port names have.
			return strings.Split(os.Getenv(env), ","), nil
		}
		return v.GetStringSlice(d.Key), nil
	}
	return text, nil
}

// isPath reports whether a value is a path, which a config file means beside
// itself.
func isPath(key, value string) bool {
	return key == "trusted_keys" || key == "libexec" || key == "audit.file" && value != auditOff
}

// set puts the value of one scalar into its place.
func (s *settings) set(key string, value any) {
	switch key {
	case "trusted_keys":
		s.TrustedKeys = expandHome(value.(string))
	case "allow_missing":
		s.AllowMissing = value.([]string)
	case "libexec":
		s.Libexec = expandHome(value.(string))
	case "midi.driver":
		s.MIDI.Driver = value.(string)
	case "midi.inputs":
		s.MIDI.Inputs = value.([]string)
	case "midi.output":
		s.MIDI.Output = value.(string)
	case "midi.mode":
		s.MIDI.Mode = value.(string)
	case "midi.out_rate":
		s.MIDI.OutRate = value.(string)
	case "midi.out_burst":
		s.MIDI.OutBurst = value.(string)
	case "midi.max_hops":
		s.MIDI.MaxHops = value.(int)
	case "midi.echo_window":
		s.MIDI.EchoWindow = value.(string)
	case "metrics.listen":
		s.Metrics.Listen = value.(string)
	case "audit.file":
		s.Audit.File = expandHome(value.(string))
	case "audit.rotate":
		s.Audit.Rotate = value.(string)
	case "audit.required":
		s.Audit.Required = value.(bool)
	}
}

// beside makes a path in a config file relative to that file.
func beside(file, path string) string {
	if path = expandHome(path); path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

// check looks at what decoding cannot see, and makes the paths in the file
// relative to it.
func (s *settings) check(file string) error {
	for _, l := range s.AllowMissing {
		if !slices.Contains(optionalLayers, l) {
			return s.misplaced(fmt.Errorf("config: allow_missing: %q cannot be missing, only %s can", l, strings.Join(optionalLayers, " and ")))
		}
	}
	if _, err := driverNamed(s.MIDI.Driver); err != nil {
		return s.misplaced(err)
	}
	for _, pattern := range portPatterns(s.MIDI.Inputs) {
		if _, err := midi.ParseGlob(pattern); err != nil {
			return s.misplaced(fmt.Errorf("config: midi.inputs: %q: %w", pattern, err))
		}
	}
	if _, err := midi.ParseGlob(s.MIDI.Output); err != nil {
		return s.misplaced(fmt.Errorf("config: midi.output: %q: %w", s.MIDI.Output, err))
	}
	if _, err := s.MIDI.limits(); err != nil {
		return s.misplaced(err)
	}
	if _, err := s.Metrics.address(); err != nil {
		return s.misplaced(err)
	}
	if _, err := s.Audit.size(); err != nil {
		return s.misplaced(err)
	}
	seen := map[string]bool{}
	for i := range s.Plugins {
		p := &s.Plugins[i]
		switch {
		case p.Name == "":
			return s.wrong("plugins", i, "", fmt.Errorf("plugin %d: name missing", i+1))
		case seen[p.Name]:
			return s.wrong("plugins", i, "name", fmt.Errorf("plugin %q: name used twice", p.Name))
		case p.Path == "":
			return s.wrong("plugins", i, "", fmt.Errorf("plugin %q: path missing", p.Name))
		}
		seen[p.Name] = true
		if _, err := p.unsigned(); err != nil {
			return s.wrong("plugins", i, "sha256", err)
		}
		if _, err := p.overlay(); err != nil {
			return err
		}
		p.Path = beside(file, p.Path)
		if p.Profile == "" {
			p.Profile = profiles.Default
		} else if strings.Contains(p.Profile, "/") {
			var err error
			// Absolute: it must go on to look like a path, not like a name.
			if p.Profile, err = filepath.Abs(beside(file, p.Profile)); err != nil {
				return err
			}
		}
	}
	for i, m := range s.Mappings {
		if !seen[m.Plugin] && (m.Plugin != "" || m.SetMode == "") {
			if m.Plugin == "" {
				return s.wrong("mappings", i, "", fmt.Errorf("mapping %q: needs plugin or set_mode", m.Name))
			}
			return s.wrong("mappings", i, "plugin", fmt.Errorf("mapping %q: no plugin is called %q", m.Name, m.Plugin))
		}
	}
	_, err := s.compile()
	return err
}

// mayMiss reports whether the config allows a layer to be missing.
func (s *settings) mayMiss(layer string) bool { return slices.Contains(s.AllowMissing, layer) }

// unsigned returns the digests that this plugin's files may have without a
// signature.
func (p *pluginConfig) unsigned() (map[[32]byte]bool, error) {
	if !p.AllowUnsigned {
		return nil, nil
	}
	raw, err := hex.DecodeString(p.SHA256)
	if err != nil || len(raw) != 32 {
		return nil, fmt.Errorf("config: plugin %q: allow_unsigned needs sha256, 64 hex digits; isobooth verify prints it", p.Name)
	}
	return map[[32]byte]bool{[32]byte(raw): true}, nil
}

// configDir is where the user's config is: $XDG_CONFIG_HOME/isobooth or
// ~/.config/isobooth.
func configDir() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		// Without a home there is no default file; one can be named.
		return filepath.Join(string(filepath.Separator), "etc", "isobooth")
	}
	return filepath.Join(dir, "isobooth")
}

func expandHome(path string) string {
	rest, ok := strings.CutPrefix(path, "~/")
	if !ok {
		return path
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return path
	}
	return filepath.Join(home, rest)
}
