package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"
)

func (a *app) releaseCmd() *cobra.Command {
	return &cobra.Command{
		Use: "release PLUGIN", Short: "Let a quarantined plugin start again", Args: a.args(1, 1),
		ValidArgsFunction: a.completePlugins(cobra.ShellCompDirectiveNoFileComp),
		Long: `Release lifts the quarantine of a plugin, by its name in the config, and
forgets what put it there. In a running daemon the plugin starts at once; one
that pauses between two starts does, too. Without a daemon the next run starts
it.`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.load(c); err != nil {
				return err
			}
			return a.release(args[0])
		},
	}
}

func (a *app) release(name string) error {
	daemons, err := daemonSockets()
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range daemons {
		var r releaseReply
		switch err := ask(path, request{Op: opRelease, Name: name}, &r); {
		case errors.Is(err, errEnding):
		case err != nil:
			errs = append(errs, err)
		case r.Released:
			a.say("plugin %q: released; it starts now", name)
			return nil
		case r.Known:
			errs = append(errs, fmt.Errorf("plugin %q is %s: nothing to release", name, r.State))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	known, err := openRecords()
	if err != nil {
		return err
	}
	held, err := known.release(name)
	if err != nil {
		return err
	}
	if !held {
		return fmt.Errorf("release: no plugin called %q is in quarantine: %w", name, fs.ErrNotExist)
	}
	if err := a.auditRelease(name); err != nil && !errors.Is(err, errNoAudit) {
		a.say("warning: this release is not in the audit log: %v", err)
	}
	a.say("plugin %q: released; the next start of the daemon starts it", name)
	return nil
}
