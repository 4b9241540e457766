package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/verify"
	"github.com/spf13/cobra"
)

// errConfig is a config that has mistakes.
var errConfig = errors.New("the config has mistakes")

// configReport is `isobooth config check --json`.
type configReport struct {
	File     string    `json:"file"`
	OK       bool      `json:"ok"`
	Plugins  int       `json:"plugins"`
	Mappings int       `json:"mappings"`
	Mistakes []mistake `json:"mistakes"`
}

// mistake is one, with where it stands; File is "" where no line of the config
// is to blame.
type mistake struct {
	profiles.Position
	Text string `json:"text"`
}

func (a *app) configCheckCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "check [FILE]", Short: "Look for mistakes in a config without running anything", Args: a.args(0, 1),
		Long: `Check reads a config, the user's own unless FILE or --config names one, as run
would: keys, values, mappings and limits.toml, then for each plugin its profile
and the signature or digest of its library. It prints a line for each mistake,
with FILE:LINE, and exits with 2 if there is one. Files, devices and hosts that
the config grants are looked for when the daemon starts or reads it again.`,
		RunE: func(c *cobra.Command, args []string) error {
			file := a.configFile
			if len(args) == 1 {
				file = args[0]
			}
			r := configReport{File: file, Mistakes: []mistake{}}
			settings, err := loadSettings(file, c.Flags())
			if errors.Is(err, fs.ErrNotExist) { // of the file itself: all else is placed
				return err
			}
			if err == nil {
				a.settings = settings
				r.File, r.Plugins, r.Mappings = settings.File, len(settings.Plugins), len(settings.Mappings)
				r.Mistakes = a.checkPlugins()
			} else {
				r.Mistakes = append(r.Mistakes, mistakeOf(err))
			}
			r.OK = len(r.Mistakes) == 0
			return a.printMistakes(&r, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// checkPlugins looks at all plugins of the config.
func (a *app) checkPlugins() []mistake {
	list := []mistake{}
	keys, err := verify.LoadKeys(a.settings.TrustedKeys)
	if err != nil {
		return append(list, mistake{Text: err.Error()})
	}
	for i := range a.settings.Plugins {
		c := &a.settings.Plugins[i]
		if _, err := a.configured(c); err != nil {
			list = append(list, mistakeOf(a.settings.wrong("plugins", i, "profile", err)))
		}
		p, err := c.open(keys)
		if err != nil {
			list = append(list, mistakeOf(a.settings.wrong("plugins", i, "path", fmt.Errorf("plugin %q: %w", c.Name, err))))
			continue
		}
		p.Close()
	}
	return list
}

// open checks a plugin's folder and returns what to load.
func (p *pluginConfig) open(keys verify.Keys) (*verify.Plugin, error) {
	unsigned, err := p.unsigned()
	if err != nil {
		return nil, err
	}
	return verify.Open(p.Path, verify.Options{Keys: keys, AllowUnsigned: unsigned, Provided: runner.Provided()})
}

// mistakeOf takes an error apart.
func mistakeOf(err error) mistake {
	var placed *configError
	if errors.As(err, &placed) {
		return mistake{placed.at, strings.TrimPrefix(placed.err.Error(), "config: ")}
	}
	return mistake{Text: err.Error()}
}

func (a *app) printMistakes(r *configReport, asJSON bool) error {
	switch {
	case asJSON:
		writeJSON(a.stdout, r)
	case r.OK && r.File == "":
		a.say("there is no config: the defaults hold")
	case r.OK:
		a.say("nothing found in %s: %d plugins, %d mappings", r.File, r.Plugins, r.Mappings)
	}
	if r.OK {
		return nil
	}
	if !asJSON {
		for _, m := range r.Mistakes {
			if m.File == "" {
				fmt.Fprintln(a.stdout, m.Text)
				continue
			}
			fmt.Fprintf(a.stdout, "%v: %s\n", m.Position, m.Text)
		}
	}
	return &shownError{errConfig}
}
