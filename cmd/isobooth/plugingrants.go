package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
)

// fileConfig is a file or folder that the user grants one plugin.
type fileConfig struct {
	Path   string `toml:"path"`
	Inside string `toml:"inside"`
	Access string `toml:"access"`
}

// deviceConfig is likewise.
type deviceConfig struct {
	Path   string `toml:"path"`
	Access string `toml:"access"`
}

// loosened reports whether the config says more of a plugin's booth than its
// profile does.
func (p *pluginConfig) loosened() bool {
	return len(p.Limits)+len(p.Files)+len(p.Devices)+len(p.Network)+len(p.Environment) > 0
}

// overlay is what the config adds to a plugin's profile; p.At is where.
func (p *pluginConfig) overlay() (profiles.Overlay, error) {
	o := profiles.Overlay{Source: p.At, Limits: map[string]string{}}
	for name, v := range p.Limits {
		switch v := v.(type) {
		case string:
			o.Limits[name] = v
		case int64:
			o.Limits[name] = strconv.FormatInt(v, 10)
		default:
			return o, fmt.Errorf("config %v: plugin %q: limits.%s: want text or a whole number", p.At, p.Name, name)
		}
	}
	for _, f := range p.Files {
		o.Files = append(o.Files, profiles.FileGrant{Path: f.Path, Inside: f.Inside, Access: profiles.Access(f.Access), At: p.At})
	}
	for _, d := range p.Devices {
		o.Devices = append(o.Devices, profiles.DeviceGrant{Path: d.Path, Access: profiles.Access(d.Access), At: p.At})
	}
	for _, text := range p.Network {
		to, err := profiles.ParseDestination(text)
		if err != nil {
			return o, fmt.Errorf("config %v: plugin %q: network: %w", p.At, p.Name, err)
		}
		o.Network = append(o.Network, profiles.NetworkGrant{To: []profiles.Destination{to}, At: p.At})
	}
	for _, name := range p.Environment {
		o.Environment = append(o.Environment, profiles.EnvironmentGrant{Name: name, At: p.At})
	}
	return o, nil
}

// pluginProfile is a plugin's profile with what the config adds to it.
func (a *app) pluginProfile(c *pluginConfig) (*profiles.Profile, error) {
	p, err := a.findProfile(c.Profile)
	if err != nil && c.Name != "" {
		return nil, fmt.Errorf("plugin %q: %w", c.Name, err)
	}
	if err != nil || !c.loosened() {
		return p, err
	}
	o, err := c.overlay()
	if err != nil {
		return nil, err
	}
	if p, err = p.Overlay(o); err != nil {
		return nil, fmt.Errorf("plugin %q: %w", c.Name, err)
	}
	return p, nil
}

// configured is a plugin's profile as its next start has it: with what the
// config adds to it, and limits.toml.
func (a *app) configured(c *pluginConfig) (*profiles.Profile, error) {
	p, err := a.pluginProfile(c)
	if err != nil {
		return nil, err
	}
	if p, err = lay(p, a.settings.saved[c.Name]); err != nil {
		return nil, fmt.Errorf("plugin %q: %w", c.Name, err)
	}
	return p, nil
}

// warnLooser says that a plugin has more than strict gives, and what lists it.
func (a *app) warnLooser(c *pluginConfig, p *profiles.Profile) {
	n := len(p.Warnings())
	switch {
	case n == 0:
	case c.loosened() || len(a.settings.saved[c.Name]) > 0:
		a.say("warning: plugin %q: profile %q with what the config adds is looser than strict in %d points; isobooth profile explain --plugin %s lists them", c.Name, p.Name, n, c.Name)
	default:
		a.say("warning: plugin %q: profile %q is looser than strict in %d points; isobooth profile show %s lists them", c.Name, p.Name, n, c.Profile)
	}
}

// grants lists what the config adds, for people.
func (p *pluginConfig) grants() []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(p.Limits)) {
		list = append(list, fmt.Sprintf("limits.%s = %v", name, p.Limits[name]))
	}
	for _, f := range p.Files {
		if f.Inside == "" || f.Inside == f.Path {
			list = append(list, fmt.Sprintf("file %q: %s", f.Path, f.Access))
		} else {
			list = append(list, fmt.Sprintf("file %q, inside %q: %s", f.Path, f.Inside, f.Access))
		}
	}
	for _, d := range p.Devices {
		list = append(list, fmt.Sprintf("device %q: %s", d.Path, d.Access))
	}
	for _, to := range p.Network {
		list = append(list, fmt.Sprintf("network %q", to))
	}
	for _, name := range p.Environment {
		list = append(list, fmt.Sprintf("environment %q", name))
	}
	return list
}

// placePlugins notes where each [[plugins]] table of a config stands.
func placePlugins(file string, data []byte, plugins []pluginConfig) {
	n, i := 0, 0
	for line := range bytes.Lines(data) {
		n++
		head, _, _ := strings.Cut(string(line), "#")
		if strings.Join(strings.Fields(head), "") == "[[plugins]]" && i < len(plugins) {
			plugins[i].At = profiles.Position{File: file, Line: n}
			i++
		}
	}
	for ; i < len(plugins); i++ { // written in one line, or in a way of its own
		plugins[i].At = profiles.Position{File: file, Line: 1}
	}
}

// plan resolves what a profile grants a plugin, and makes its work folder.
func (s *session) plan(g *plug, profile *profiles.Profile) (*runner.Plan, error) {
	return s.planAmong(s.app.settings, s.plugs(), g, profile)
}

// planAmong is plan for a config, and its plugins, that need not be in force.
func (s *session) planAmong(set *settings, plugs []*plug, g *plug, profile *profiles.Profile) (*runner.Plan, error) {
	at := runner.ThisUser()
	state, err := stateDir()
	if err != nil {
		return nil, err
	}
	if at.Keep, err = s.keeps(set, g, profile); err != nil {
		return nil, err
	}
	at.Keep = append(at.Keep, state)
	if runner.UsesWork(profile) {
		if at.Work, err = workFolder(state, g.config.Name); err != nil {
			return nil, err
		}
	}
	for _, other := range plugs {
		if its := other.current(); other != g && its != nil {
			at.Writable = append(at.Writable, at.Writes(its)...) // a work folder is nobody else's
		}
	}
	at.Writable = append(at.Writable, at.Writes(profile)...)
	return runner.NewPlanAt(at, g.config.Name, g.plugin, profile)
}

// keeps lists what decides about plugins: programs, config, profiles, keys,
// and the plugins themselves.
func (s *session) keeps(set *settings, g *plug, profile *profiles.Profile) ([]string, error) {
	keep := []string{configDir(), filepath.Dir(systemProfiles), libexecDir, filepath.Dir(s.dir), set.TrustedKeys, g.config.Path}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	jailer, err := findProgram("isobooth-jail", set.Libexec)
	if err != nil {
		return nil, err
	}
	files := []string{set.File, set.limitsFile, self, jailer}
	if log := set.Audit.File; log != auditOff {
		files = append(files, log)
	}
	for _, other := range set.Plugins {
		files = append(files, other.Path)
	}
	for _, source := range profile.Chain {
		if !strings.HasPrefix(source.At.File, "embedded:") {
			files = append(files, source.At.File)
		}
	}
	for _, f := range files {
		if f == "" {
			continue
		}
		if f, err = filepath.Abs(f); err != nil {
			return nil, err
		}
		keep = append(keep, f)
	}
	return keep, nil
}

// workFolder makes the folder of one plugin: it outlives the plugin and every
// daemon, and nobody but this user may look into it.
func workFolder(state, plugin string) (string, error) {
	if plugin == "" || len(plugin) > 200 || plugin[0] == '.' || strings.ContainsAny(plugin, "/\x00") {
		return "", fmt.Errorf("work folder of plugin %q: its name cannot be a folder's: give it another one in the config", plugin)
	}
	dir := filepath.Join(state, "work", plugin)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("work folder: %w", err)
	}
	for _, d := range []string{filepath.Dir(dir), dir} {
		st, err := os.Lstat(d) // no links: these are ours alone
		if err == nil {
			err = checkOurs(d, st)
		}
		if err != nil {
			return "", fmt.Errorf("work folder: %w", err)
		}
	}
	return dir, nil
}
