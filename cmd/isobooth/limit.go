package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/isobooth/isobooth/profiles"
	"github.com/spf13/cobra"
)

type limitOptions struct {
	persist, json bool
	pid           int
}

func (a *app) limitCmd() *cobra.Command {
	var o limitOptions
	cmd := &cobra.Command{
		Use: "limit PLUGIN [KEY=VALUE ...]", Short: "List or change the limits of a plugin that runs", Args: a.args(1, 1+len(profiles.LimitNames())),
		ValidArgsFunction: a.completeLimit,
		Long: `Limit changes limits of a plugin in the daemon that runs it, and prints which
hold at once and which from the plugin's next start on. Without KEY=VALUE it
lists the limits in force, and where each was set. Keys and values are those of
a profile's [limits]; a ceiling of the profile cannot be exceeded. KEY= goes
back to what profile and config say.

The change lasts until the daemon ends. With --persist it is also written into
limits.toml beside the config, where the next start of the daemon finds it;
without a daemon it is written there only.`,
		Example: "  isobooth limit transpose memory=128MiB cpu=80%\n  isobooth limit transpose memory= --persist",
		RunE: func(c *cobra.Command, args []string) error {
			changes, err := parseChanges(args[1:])
			if err != nil {
				return a.usage(c, err)
			}
			if o.persist && len(changes) == 0 {
				return a.usage(c, errors.New("--persist: nothing to write: KEY=VALUE is missing"))
			}
			return a.limit(c, args[0], changes, &o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.persist, "persist", false, "also for the next start of the daemon")
	f.BoolVar(&o.json, "json", false, "print JSON")
	f.IntVar(&o.pid, "pid", 0, "in the daemon with this `PID`, where several have the plugin")
	return cmd
}

// parseChanges reads KEY=VALUE words.
func parseChanges(words []string) (map[string]string, error) {
	changes := map[string]string{}
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		_, twice := changes[key]
		switch {
		case !ok:
			return nil, fmt.Errorf("%q: want KEY=VALUE", word)
		case !slices.Contains(profiles.LimitNames(), key):
			return nil, fmt.Errorf("unknown limit %q; there are %s", key, strings.Join(profiles.LimitNames(), ", "))
		case twice:
			return nil, fmt.Errorf("limit %s: given twice", key)
		}
		changes[key] = value
	}
	return changes, nil
}

func (a *app) limit(c *cobra.Command, name string, changes map[string]string, o *limitOptions) error {
	path, err := daemonWith(name, o.pid)
	if err != nil {
		return err
	}
	if path == "" {
		return a.limitOffline(c, name, changes, o)
	}
	var r limitReply
	if err := ask(path, request{Op: opLimit, Name: name, Limits: changes, Persist: o.persist}, &r); err != nil {
		return err
	}
	if o.json {
		writeJSON(a.stdout, r)
	} else {
		a.printLimits(&r, len(changes) > 0)
	}
	switch {
	case r.Error != "":
		return errors.New(r.Error)
	case r.Pending:
		a.say("plugin %q: the daemon is still at it", name)
		a.hint("isobooth limit %s shows what is in force", name)
	case r.Saved != "":
		a.say("plugin %q: saved in %s", name, r.Saved)
	}
	return nil
}

func (a *app) printLimits(r *limitReply, change bool) {
	if !change {
		for _, l := range r.Limits {
			fmt.Fprintf(a.stdout, "%-18s %-12s %s\n", l.Key, l.Value, l.Source)
		}
		return
	}
	for _, c := range r.Changes {
		fmt.Fprintf(a.stdout, "%-18s %s -> %s  %s\n", c.Key, c.Old, c.New, c.when())
	}
	if len(r.Changes) == 0 && r.Error == "" && !r.Pending {
		a.say("nothing changes: these are its limits already")
	}
}

// daemonWith returns the socket of the one daemon that has a plugin of that
// name, "" when none has.
func daemonWith(name string, pid int) (string, error) {
	daemons, err := daemonSockets()
	if err != nil {
		return "", err
	}
	var found []string
	var pids []int
	var errs []error
	for _, path := range daemons {
		var r limitReply
		switch err := ask(path, request{Op: opLimit, Name: name}, &r); {
		case errors.Is(err, errEnding), errors.Is(err, io.EOF): // of another version, it knows no limits
		case err != nil:
			errs = append(errs, err)
		case r.Known && (pid == 0 || r.PID == pid):
			found, pids = append(found, path), append(pids, r.PID)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", fmt.Errorf("plugin %q runs in several daemons, %v: --pid says in which", name, pids)
	case pid != 0 && len(errs) == 0:
		return "", fmt.Errorf("limit: no daemon %d has a plugin called %q: %w", pid, name, fs.ErrNotExist)
	}
	return "", errors.Join(errs...)
}

// limitOffline is for a plugin that no daemon runs.
func (a *app) limitOffline(c *cobra.Command, name string, changes map[string]string, o *limitOptions) error {
	if !o.persist {
		return fmt.Errorf("limit: no daemon has a plugin called %q; isobooth ps lists them: %w", name, fs.ErrNotExist)
	}
	if err := a.load(c); err != nil {
		return err
	}
	s := a.settings
	i := slices.IndexFunc(s.Plugins, func(p pluginConfig) bool { return p.Name == name })
	if i < 0 {
		return fmt.Errorf("limit: no daemon and no config has a plugin called %q: %w", name, fs.ErrNotExist)
	}
	base, err := a.pluginProfile(&s.Plugins[i])
	if err != nil {
		return err
	}
	old, err := lay(base, s.saved[name])
	if err != nil {
		return err
	}
	next, err := lay(base, laid(s.saved[name], changes, profiles.Position{File: limitCommand}))
	if err != nil {
		return fmt.Errorf("plugin %q: %w", name, why(err))
	}
	if err := saveLimits(s.limitsFile, name, changes); err != nil {
		return err
	}
	r := limitReply{Changes: changed(old, next, ""), Limits: inForce(next), Saved: s.limitsFile}
	if o.json {
		writeJSON(a.stdout, r)
	} else {
		a.printLimits(&r, true)
	}
	a.say("plugin %q: saved in %s; the next start of the daemon has it", name, s.limitsFile)
	return nil
}

// loadLimits reads the limits.toml beside the config.
func (s *settings) loadLimits() (err error) {
	dir := configDir()
	if s.File != "" {
		dir = filepath.Dir(s.File)
	}
	s.limitsFile = filepath.Join(dir, limitsFile)
	if s.saved, err = readLimits(s.limitsFile); err != nil {
		return err
	}
	return s.saved.known(s.Plugins)
}

// known checks that every table is a plugin's.
func (l savedLimits) known(plugins []pluginConfig) error {
	for name, limits := range l {
		if slices.ContainsFunc(plugins, func(p pluginConfig) bool { return p.Name == name }) {
			continue
		}
		for _, limit := range limits {
			return fmt.Errorf("%v: no plugin is called %q; remove its table", limit.at, name)
		}
	}
	return nil
}
