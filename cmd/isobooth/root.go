package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// version is set by the Makefile.
var version = "0.1.0-dev"

func (a *app) root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "isobooth",
		Short: "Run native plugins in sandboxes, triggered from MIDI",
		Long: `isobooth runs native action plugins (.so), each in a sandbox of its own: an
isolation booth. A MIDI gesture triggers a plugin; whatever the plugin does,
it stays in its booth. Nothing is loaded whose signature was not checked.`,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs, // needsCommand has its own word for unknown ones
		RunE:          needsCommand,
	}
	cmd.SetVersionTemplate("isobooth {{.Version}}\n")
	f := cmd.PersistentFlags()
	f.StringVarP(&a.configFile, "config", "c", "", "read this config `FILE` instead of the user's")
	f.String("trusted-keys", "", "`FOLDER` of minisign public keys to trust")
	f.StringSlice("allow-missing", nil, "run without this sandbox `LAYER`: cgroup or landlock")
	f.String("libexec", "", "`FOLDER` of isobooth-jail and isobooth-worker")
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return a.usage(c, err) })
	cmd.AddCommand(a.playCmd(), a.runCmd(), a.verifyCmd(), a.midiCmd(), a.importCmd(), a.psCmd(), a.statsCmd(), a.topCmd(), a.eventsCmd(), a.releaseCmd(), a.limitCmd(), a.auditCmd(), a.doctorCmd(),
		a.configCmd(), a.initCmd(), a.keyCmd(), a.signCmd(), a.profileCmd(), a.selftestCmd(), a.manCmd())
	return cmd
}

// usage prints how a command is called and makes err one that exits with 2.
func (a *app) usage(c *cobra.Command, err error) error {
	fmt.Fprintln(a.stderr, c.UsageString())
	return usageError{err}
}

func needsCommand(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unknown command %q; %s --help lists them", args[0], c.CommandPath())}
	}
	return c.Help()
}

// args checks the number of arguments.
func (a *app) args(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return a.usage(c, fmt.Errorf("%s takes %s, not %d", c.CommandPath(), plural(least, most), len(args)))
		}
		return nil
	}
}

func plural(least, most int) string {
	switch {
	case most == 0:
		return "no arguments"
	case least == most && most == 1:
		return "one argument"
	case least == most:
		return fmt.Sprintf("%d arguments", most)
	}
	return fmt.Sprintf("%d to %d arguments", least, most)
}

// load reads the config for a command that needs it.
func (a *app) load(c *cobra.Command) (err error) {
	a.settings, err = loadSettings(a.configFile, c.Flags())
	return err
}
