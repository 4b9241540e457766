package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/portmidi"
	"github.com/isobooth/isobooth/midi/ports"
	"github.com/isobooth/isobooth/midi/rawmidi"
	"github.com/isobooth/isobooth/midi/rtmidi"
	"github.com/spf13/cobra"
)

// drivers are the ways to MIDI ports that midi.driver can name; the first is
// the default.
var drivers = []midi.Driver{portmidi.Driver{}, rtmidi.Driver{}, rawmidi.Driver{}}

// driverNamed finds a driver.
func driverNamed(name string) (midi.Driver, error) {
	var names []string
	for _, d := range drivers {
		if d.Name() == name {
			return d, nil
		}
		names = append(names, d.Name())
	}
	return nil, fmt.Errorf("config: midi.driver: %q: want one of %s", name, strings.Join(names, ", "))
}

// driverFlag adds the flag --driver to a command that uses ports.
func driverFlag(cmd *cobra.Command) {
	var names []string
	for _, d := range drivers {
		names = append(names, d.Name())
	}
	cmd.Flags().String("driver", drivers[0].Name(), "reach MIDI ports through this `DRIVER`: "+strings.Join(names, ", "))
	_ = cmd.RegisterFlagCompletionFunc("driver", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
}

// isPort reports whether an input is a port's pattern, and not a file or stdin.
func isPort(input string) bool {
	lower := strings.ToLower(input)
	return input != "-" && !strings.HasSuffix(lower, ".mid") && !strings.HasSuffix(lower, ".midi")
}

// portPatterns are those inputs that mean ports.
func portPatterns(inputs []string) []string {
	return slices.DeleteFunc(slices.Clone(inputs), func(name string) bool { return !isPort(name) })
}

// openInput opens a MIDI file by its ending, stdin, or the first port that
// matches a pattern; a port that is not there is an error.
func (a *app) openInput(name string) (source, func(), error) {
	if !isPort(name) {
		src, err := a.openSource(name)
		return src, func() {}, err
	}
	d, err := driverNamed(a.settings.MIDI.Driver)
	if err != nil {
		return nil, nil, err
	}
	list, _, err := d.Ports()
	if err != nil {
		return nil, nil, err
	}
	port, err := ports.Find(list, name, "in")
	if err != nil {
		return nil, nil, err
	}
	in, err := d.OpenIn(port)
	if err != nil {
		return nil, nil, err
	}
	a.say("listening to MIDI port %q", in.Name())
	return in, func() { in.Close() }, nil
}

// openOut opens the first port that a pattern matches, if there is a pattern.
func (a *app) openOut(pattern string) (send func([]byte) error, done func(), err error) {
	if pattern == "" {
		return nil, func() {}, nil
	}
	d, err := driverNamed(a.settings.MIDI.Driver)
	if err != nil {
		return nil, nil, err
	}
	_, list, err := d.Ports()
	if err != nil {
		return nil, nil, err
	}
	port, err := ports.Find(list, pattern, "out")
	if err != nil {
		return nil, nil, err
	}
	out, err := d.OpenOut(port)
	if err != nil {
		return nil, nil, err
	}
	return out.Send, func() { out.Close() }, nil
}

// inputs are what a daemon listens to: files and stdin, each once, and every
// port that a pattern matches, at any time; and its output.
type inputs struct {
	app     *app
	names   []string // of sources
	sources []source
	changes *ports.Changes
	manager *ports.Manager
	serve   func(context.Context, *ports.Source) error // set before manager runs
}

// openInputs opens files and stdin. Ports need not be there, and are opened by
// listen; but the driver must exist.
func (a *app) openInputs(names []string, output string) (*inputs, error) {
	d, err := driverNamed(a.settings.MIDI.Driver)
	if err != nil {
		return nil, err
	}
	return a.newInputs(d, names, output)
}

// newInputs is openInputs with a driver.
func (a *app) newInputs(d midi.Driver, names []string, output string) (*inputs, error) {
	in := &inputs{app: a, changes: ports.NewChanges()}
	in.manager = ports.New(ports.Options{
		Driver: d, Changes: in.changes, Notice: a.tellPort,
		Serve: func(ctx context.Context, src *ports.Source) error { return in.serve(ctx, src) },
	})
	patterns := portPatterns(names)
	for _, name := range names {
		if isPort(name) {
			continue
		}
		src, err := a.openSource(name)
		if err != nil {
			return nil, err
		}
		in.names, in.sources = append(in.names, name), append(in.sources, src)
	}
	if err := in.manager.SetGlobs(patterns, output); err != nil {
		return nil, err
	}
	if len(patterns) > 0 || output != "" {
		// What will never work is said before any booth is started.
		if _, _, err := d.Ports(); errors.Is(err, errors.ErrUnsupported) {
			return nil, err
		}
	}
	return in, nil
}

// listen sends what comes from all inputs to the booths, until files and stdin
// have ended and no pattern is left to wait for, or until ctx ends. failed is
// called with the error of each file that fails. The output stays open until
// in is closed.
func (s *session) listen(ctx context.Context, in *inputs, failed func(error)) {
	stop, err := ports.Watch(in.changes)
	if err != nil {
		s.app.say("warning: MIDI ports that come and go are noticed after up to two seconds: %v", err)
	}
	defer stop()
	in.serve = func(ctx context.Context, src *ports.Source) error { return s.feed(ctx, src) }
	listening, end := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- in.manager.Run(listening) }()
	s.feedAll(ctx, in.names, in.sources, failed)
	if in.manager.HasInputs() {
		<-ctx.Done() // ports never end: another one may be plugged in
	}
	end()
	if err := <-ended; err != nil {
		s.app.say("warning: %v", err)
	}
}

// close closes the output.
func (in *inputs) close() {
	if err := in.manager.Close(); err != nil {
		in.app.say("warning: %v", err)
	}
}
