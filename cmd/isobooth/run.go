package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/spf13/cobra"
)

func (a *app) runCmd() *cobra.Command {
	var inputs []string
	var asJSON, verbose bool
	cmd := &cobra.Command{
		Use: "run", Short: "Run the daemon: every plugin and mapping of the config", Args: a.args(0, 0),
		Long: `Run starts a booth for every plugin in the config file and sends it the MIDI
events that its mappings match, until it is interrupted. A plugin that
crashes is restarted; the others go on. isobooth ps shows what runs. A config
that changes is read again, as a whole or not at all; SIGHUP asks for that.`,
		RunE: func(c *cobra.Command, args []string) error {
			read := func() (*settings, error) {
				s, err := loadSettings(a.configFile, c.Flags())
				if err == nil && len(inputs) > 0 {
					s.MIDI.Inputs = inputs
				}
				return s, err
			}
			var err error
			if a.settings, err = read(); err != nil {
				return err
			}
			return a.run(c, read, asJSON, verbose)
		},
	}
	f := cmd.Flags()
	f.StringSliceVarP(&inputs, "input", "i", nil, "read this `INPUT` instead of the config's: a port's glob, FILE.mid or -")
	f.BoolVar(&asJSON, "json", false, "print every reply as a JSON line")
	f.BoolVarP(&verbose, "verbose", "v", false, "print every reply")
	driverFlag(cmd)
	f.String("metrics-listen", "", "serve metrics to Prometheus at this `ADDRESS`: unix:/PATH or 127.0.0.1:PORT")
	return cmd
}

// run is the whole life of a daemon; read reads its config again.
func (a *app) run(c *cobra.Command, read func() (*settings, error), asJSON, verbose bool) (err error) {
	inputs := a.settings.MIDI.Inputs
	mappings, limits, err := a.runnable()
	if err != nil {
		return err
	}
	metrics, err := a.openMetrics()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, metrics.close()) }()
	in, err := a.openInputs(inputs, a.settings.MIDI.Output)
	if err != nil {
		return err
	}
	defer in.close()

	ctx, cancel := context.WithCancelCause(c.Context())
	known, err := openRecords()
	if err != nil {
		cancel(nil)
		return err
	}
	if a.audit, err = a.openAudit(); err != nil {
		cancel(nil)
		return err
	}
	defer func() { a.audit.close(err) }()
	rep := a.newReporter(asJSON, !asJSON && !verbose, newOutputs(in.manager.Send, limits))
	rep.outs.wanted = in.manager.HasOutput
	rep.daemon = true
	var s *session // nothing happens in it before start
	hub := newEvents(time.Now, func(booth string) *profiles.Profile { return s.profileOf(booth) })
	rec := newRecorder(known, a.audit.observe(&publisher{rep, hub}), func(err error) { a.say("warning: %v", err) })
	s, err = a.newSession(a.settings.Plugins, rep.outs, rec)
	if err != nil {
		cancel(nil)
		hub.close()
		rep.close()
		return err
	}
	defer func() {
		cancel(nil)
		err = errors.Join(err, s.close())
		hub.close()
		rep.close()
	}()
	s.rec, s.events, s.ports = rec, hub, in.manager
	s.moded = func(mode string) {
		hub.publish(event{Type: eventMode, Mode: mode})
		rep.mode(mode)
	}
	if err := s.start(ctx, rep, cancel); err != nil {
		return err
	}
	s.route(mappings, s.app.settings.MIDI.Mode, s.boothOf())
	s.config.read = read
	stop, err := s.attend(ctx, metrics, cancel)
	if err != nil {
		return err
	}
	defer stop()
	readiness := s.readiness()
	a.say("ready: %s, %d mappings; Ctrl-C ends it", readiness, len(mappings))
	a.readyForManager(readiness)
	defer a.stoppingForManager()

	s.listen(ctx, in, cancel)
	s.drain(ctx)
	if cause := context.Cause(ctx); cause != nil && c.Context().Err() == nil {
		return cause
	}
	a.say("stopping")
	return nil
}

// runnable says what a daemon goes by, and why there is nothing to run.
func (a *app) runnable() (mappings []midi.Mapping, limits midiLimits, err error) {
	switch {
	case len(a.settings.Plugins) > 0:
	case a.settings.File == "":
		return nil, limits, errors.New("there is no config: isobooth init writes one to begin with")
	default:
		return nil, limits, fmt.Errorf("no plugins in the config %q: each takes a [[plugins]] block, of which isobooth init writes an example", a.settings.File)
	}
	if mappings, err = a.settings.compile(); err != nil {
		return nil, limits, err
	}
	limits, err = a.settings.MIDI.limits()
	return mappings, limits, err
}

// attend has a daemon that has started answer other commands, serve metrics,
// and read its files again when they change, until stop is called.
func (s *session) attend(ctx context.Context, metrics *metricsServer, cancel func(error)) (stop func(), err error) {
	status, err := s.serveStatus()
	if err != nil {
		return nil, err
	}
	metrics.serve(s.stats)
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	unwatch := s.watchFiles(reloadsOf(ctx, hangups, cancel))
	return func() {
		unwatch()
		signal.Stop(hangups)
		status.Close()
	}, nil
}

// readiness counts the booths that are ready, and says why others are not
// even tried.
func (s *session) readiness() string {
	ready, plugs := 0, s.plugs()
	for _, g := range plugs {
		switch g.booth.State() {
		case runner.StateReady:
			ready++
		case runner.StateQuarantined:
			if q := g.booth.History().Quarantine; q != nil {
				s.app.say("warning: booth %q is in quarantine since %s: %v", g.config.Name, q.At.Local().Format(time.DateTime), q.Cause)
				s.app.hint("isobooth release %s lets it start again", g.config.Name)
			}
		}
	}
	if ready == len(plugs) {
		return fmt.Sprintf("%d booths", ready)
	}
	return fmt.Sprintf("%d of %d booths", ready, len(plugs))
}
