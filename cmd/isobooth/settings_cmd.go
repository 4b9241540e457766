package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
)

// sampleConfig is what isobooth init writes; a test loads it.
//
//go:embed sample.toml
var sampleConfig []byte

func (a *app) configCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "config", Short: "Print the effective config and where each value came from", Args: a.args(0, 0),
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.load(c); err != nil {
				return err
			}
			s := a.settings
			if asJSON {
				writeJSON(a.stdout, struct {
					File     string         `json:"file"`
					Values   []setting      `json:"values"`
					Plugins  []pluginConfig `json:"plugins"`
					Mappings any            `json:"mappings"`
					// Limits are those of limits.toml, by plugin and key.
					Limits map[string]map[string]setting `json:"limits"`
				}{s.File, s.sources, s.Plugins, s.Mappings, s.saved.settings()})
				return nil
			}
			for _, v := range s.sources {
				text := fmt.Sprintf("%q", v.Value)
				switch v.Value.(type) {
				case int, bool:
					text = fmt.Sprint(v.Value)
				}
				fmt.Fprintf(a.stdout, "%-16s = %-40s # %s\n", v.Key, text, v.Source)
			}
			for _, p := range s.Plugins {
				fmt.Fprintf(a.stdout, "plugin %q: path %q, profile %q # file %s\n", p.Name, p.Path, p.Profile, s.File)
				for _, grant := range p.grants() {
					fmt.Fprintf(a.stdout, "plugin %q: %s # %v\n", p.Name, grant, p.At)
				}
				for _, key := range slices.Sorted(maps.Keys(s.saved[p.Name])) {
					l := s.saved[p.Name][key]
					fmt.Fprintf(a.stdout, "plugin %q: limits.%s = %s # %v\n", p.Name, key, l.value, l.at)
				}
			}
			for _, m := range s.Mappings {
				what, name := "plugin", m.Plugin
				if m.SetMode != "" {
					what, name = "sets mode", m.SetMode
				}
				fmt.Fprintf(a.stdout, "mapping %q: %s %q # file %s\n", m.Name, what, name, s.File)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.AddCommand(a.configCheckCmd())
	return cmd
}

func (a *app) initCmd() *cobra.Command {
	return &cobra.Command{
		Use: "init", Short: "Write a commented config file and its folders", Args: a.args(0, 0),
		Long: `Init writes isobooth.toml with every key explained, and makes the folders for
trusted keys and plugins beside it. It never overwrites a file.`,
		RunE: func(c *cobra.Command, args []string) error {
			file := a.configFile
			if file == "" {
				file = filepath.Join(configDir(), "isobooth.toml")
			}
			dir := filepath.Dir(file)
			for _, d := range []string{dir, filepath.Join(dir, "trusted-keys"), filepath.Join(dir, "plugins")} {
				if err := os.MkdirAll(d, 0o700); err != nil {
					return err
				}
			}
			f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if errors.Is(err, fs.ErrExist) {
				a.say("%s is there already and stays as it is", file)
				return &shownError{err}
			}
			if err != nil {
				return err
			}
			if _, err := f.Write(sampleConfig); err != nil {
				f.Close()
				return err
			}
			a.say("wrote %s; next: put a plugin into %s and its author's key into %s", file, filepath.Join(dir, "plugins"), filepath.Join(dir, "trusted-keys"))
			return f.Close()
		},
	}
}
