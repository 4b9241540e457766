package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/verify"
	"github.com/spf13/cobra"
)

// plain is what a plugin, or any plugin of a profile, may do, for people.
type plain struct {
	Plugin  string            `json:"plugin,omitempty"`
	Path    string            `json:"path,omitempty"`
	Trust   string            `json:"trust,omitempty"`
	Refused bool              `json:"refused,omitempty"` // it would not be loaded
	Asks    []string          `json:"asks,omitempty"`    // what its manifest asks for, which grants nothing
	Profile string            `json:"profile"`
	Chain   []profiles.Source `json:"chain"`
	May     []string          `json:"may"`
	MayNot  []string          `json:"may_not"`
	Grants  []grantJSON       `json:"grants"`
	Limits  []limitSays       `json:"limits"`
	Looser  []string          `json:"looser"`
	Machine []string          `json:"machine"` // what is missing here
}

type grantJSON struct {
	Kind string            `json:"kind"`
	Name string            `json:"name"`
	Text string            `json:"text"`
	Why  string            `json:"why"`
	At   profiles.Position `json:"at"`
}

type limitSays struct {
	Limit string            `json:"limit"`
	Value string            `json:"value"`
	At    profiles.Position `json:"at"`
	Says  string            `json:"says"`
}

// explainOne is about a whole profile or plugin, whichever the word is.
func (a *app) explainOne(c *cobra.Command, word string, o *explainOptions) error {
	plugin, profile, err := a.whichever(c, word, o)
	switch {
	case err != nil:
		return err
	case plugin != nil:
		return a.explainPlugin(plugin, o)
	}
	return a.printPlain(a.plainly(profile), o)
}

// profileCalled is the profile of that name, or that of the plugin of that name.
func (a *app) profileCalled(c *cobra.Command, word string, o *explainOptions) (*profiles.Profile, error) {
	plugin, profile, err := a.whichever(c, word, o)
	if plugin == nil || err != nil {
		return profile, err
	}
	return a.configured(plugin)
}

// whichever finds out what a word names: a plugin or a profile.
func (a *app) whichever(c *cobra.Command, word string, o *explainOptions) (*pluginConfig, *profiles.Profile, error) {
	if o.profile && o.plugin {
		return nil, nil, a.usage(c, errors.New("--profile and --plugin contradict each other"))
	}
	if err := a.load(c); err != nil {
		return nil, nil, err
	}
	var plugin *pluginConfig
	if !o.profile {
		plugin = a.findPlugin(word)
	}
	if o.plugin {
		if plugin == nil {
			return nil, nil, fmt.Errorf("no plugin of the config is called %q, and it is no folder with a plugin.toml: %w", word, fs.ErrNotExist)
		}
		return plugin, nil, nil
	}
	profile, err := a.openProfile(word)
	unknown := errors.Is(err, profiles.ErrUnknown)
	folder := plugin != nil && strings.Contains(word, "/")
	switch {
	case plugin != nil && (unknown || folder):
		return plugin, nil, nil
	case plugin != nil:
		return nil, nil, a.usage(c, fmt.Errorf("%q is a profile and a plugin; add --profile or --plugin", word))
	case unknown && !o.profile:
		return nil, nil, fmt.Errorf("%q is no profile, no plugin of the config and no folder with a plugin.toml: %w", word, fs.ErrNotExist)
	}
	return nil, profile, err
}

// findPlugin returns what the config says of a plugin, by its name or folder,
// or what a folder gets that the config does not name; else nil.
func (a *app) findPlugin(word string) *pluginConfig {
	for i := range a.settings.Plugins {
		if p := &a.settings.Plugins[i]; p.Name == word || sameFolder(p.Path, word) {
			return p
		}
	}
	if _, err := os.Stat(filepath.Join(word, "plugin.toml")); err == nil {
		return &pluginConfig{Path: word, Profile: profiles.Default}
	}
	return nil
}

func (a *app) explainPlugin(c *pluginConfig, o *explainOptions) error {
	profile, err := a.configured(c)
	if err != nil {
		return err
	}
	keys, err := verify.LoadKeys(a.settings.TrustedKeys)
	if err != nil {
		return err
	}
	unsigned, err := c.unsigned()
	if err != nil {
		return err
	}
	r := verify.Examine(c.Path, verify.Options{Keys: keys, AllowUnsigned: unsigned, Provided: runner.Provided()})
	e := a.plainly(profile)
	e.Plugin, e.Path = c.Name, c.Path
	if m := r.Manifest; m != nil {
		if e.Plugin == "" {
			e.Plugin = m.Name
		}
		e.Asks = asks(&m.Capabilities)
	}
	e.Trust, e.Refused = trust(&r), r.Err != nil
	return a.printPlain(e, o)
}

// trust says why the plugin's bytes are taken, or why not.
func trust(r *verify.Report) string {
	switch {
	case r.Err != nil:
		return fmt.Sprintf("it would not be loaded: %v", r.Err)
	case r.Signature != nil && r.Signature.Signed:
		return fmt.Sprintf("signed by key %s (%s)", r.Signature.KeyID, r.Signature.KeyFile)
	}
	return "UNSIGNED; the config allows its sha256"
}

// asks are what a manifest says its plugin wants.
func asks(c *verify.Capabilities) []string {
	var out []string
	for _, x := range []struct {
		on   bool
		name string
	}{{c.Network, "network"}, {c.Filesystem, "filesystem"}, {c.Audio, "audio"}, {c.MIDI, "midi"}, {c.Subprocess, "subprocess"}, {c.SystemControl, "system_control"}} {
		if x.on {
			out = append(out, x.name)
		}
	}
	return out
}

// plainly says what a profile allows on this machine.
func (a *app) plainly(p *profiles.Profile) *plain {
	e := &plain{Profile: p.Name, Chain: p.Chain, May: []string{"compute, read its triggers and answer them with MIDI and text"}, MayNot: []string{},
		Grants: []grantJSON{}, Limits: []limitSays{}, Looser: append([]string{}, p.Warnings()...), Machine: a.lacks(p)}
	for _, ability := range p.Abilities() {
		if ability.May {
			e.May = append(e.May, ability.Text)
		} else {
			e.MayNot = append(e.MayNot, ability.Text)
		}
	}
	for _, g := range p.Grants() {
		e.Grants = append(e.Grants, grantJSON(g))
	}
	for _, l := range p.LimitValues() {
		e.Limits = append(e.Limits, limitSays{l.Key, forPeople(l.Value), l.At, l.Says})
	}
	return e
}

// forPeople puts a space between a number and its unit.
func forPeople(value string) string {
	for _, unit := range []string{"KiB", "MiB", "GiB", "B", "%"} {
		if n, ok := strings.CutSuffix(value, unit); ok && strings.Trim(n, "0123456789.") == "" {
			return n + " " + unit
		}
	}
	return value
}

// lacks lists what this machine does not have of what a booth is made of, and
// what becomes of the plugin for it.
func (a *app) lacks(p *profiles.Profile) []string {
	out := []string{}
	for _, f := range []finding{checkKernel(), a.checkUserNamespaces(), checkSeccomp(), a.checkLandlock(), checkMemfd(), a.checkCgroups()} {
		switch {
		case f.OK:
		case slices.Contains(p.Require, f.Name):
			out = append(out, fmt.Sprintf("%s: %s; the profile requires it, so nothing starts", f.Name, f.Detail))
		case f.Required:
			out = append(out, fmt.Sprintf("%s: %s; nothing starts without it", f.Name, f.Detail))
		default:
			out = append(out, fmt.Sprintf("%s: %s; the config allows it to be missing, and nothing takes its place", f.Name, f.Detail))
		}
	}
	return out
}

func (a *app) printPlain(e *plain, o *explainOptions) error {
	if o.asJSON {
		writeJSON(a.stdout, e)
		return nil
	}
	w := a.stdout
	if e.Path != "" {
		fmt.Fprintf(w, "Plugin %q in %s\n", e.Plugin, e.Path)
		fmt.Fprintf(w, "  trust: %s\n", e.Trust)
		if len(e.Asks) > 0 {
			fmt.Fprintf(w, "  its manifest asks for %s, which grants nothing: the profile decides\n", strings.Join(e.Asks, ", "))
		}
	}
	fmt.Fprintf(w, "Profile %s", e.Profile)
	for _, s := range e.Chain[min(1, len(e.Chain)):] {
		fmt.Fprintf(w, ", which extends %s", s.Name)
	}
	fmt.Fprintln(w)
	if len(e.Chain) > 0 {
		fmt.Fprintf(w, "  in %s\n", e.Chain[0].At.File)
	}
	section(w, "It may", e.May)
	section(w, "It may not", e.MayNot)
	e.printGrants(w)
	fmt.Fprintln(w, "\nLimits, and what happens at them:")
	for _, l := range e.Limits {
		fmt.Fprintf(w, "  %-18s %-10s %s\n", l.Limit, l.Value, l.Says)
	}
	if len(e.Looser) == 0 {
		fmt.Fprintln(w, "\nIt is nowhere looser than strict.")
	} else {
		section(w, fmt.Sprintf("It is looser than strict in %d points", len(e.Looser)), e.Looser)
	}
	if len(e.Machine) == 0 {
		fmt.Fprintln(w, "\nThis machine has every layer of a booth.")
	} else {
		section(w, "This machine lacks", e.Machine)
	}
	return nil
}

func (e *plain) printGrants(w io.Writer) {
	fmt.Fprintln(w, "\nOf the machine it reaches:")
	for _, kind := range []struct{ kind, title, none string }{
		{"file", "files", "none but its own library and those it needs, read-only"},
		{"network", "network", "none; it has a network of its own with nothing in it"},
		{"device", "devices", "none but /dev/null, zero, random and urandom"},
		{"environment", "environment", "no variable of the host"},
	} {
		found := false
		for _, g := range e.Grants {
			if g.Kind != kind.kind {
				continue
			}
			found = true
			fmt.Fprintf(w, "  %-12s %s: %s (%s)\n", kind.title, g.Name, g.Text, g.Why)
		}
		if !found {
			fmt.Fprintf(w, "  %-12s %s\n", kind.title, kind.none)
		}
	}
}

func section(w io.Writer, title string, lines []string) {
	fmt.Fprintf(w, "\n%s:\n", title)
	for _, line := range lines {
		fmt.Fprintf(w, "  %s\n", line)
	}
}
