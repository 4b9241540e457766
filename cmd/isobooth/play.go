package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/runner"
	"github.com/spf13/cobra"
)

// source is where MIDI events come from. Run calls deliver on its own
// goroutine and returns nil when there is nothing more to come.
type source interface {
	Run(ctx context.Context, deliver func(*midi.Event)) error
}

type playOptions struct {
	plugin, profile, action, params, output string
	json, quiet, allowUnsigned              bool
	sha256                                  string
}

func (a *app) playCmd() *cobra.Command {
	var o playOptions
	cmd := &cobra.Command{
		Use:   "play FILE.mid|- --plugin FOLDER",
		Short: "Play a MIDI file, or raw MIDI bytes from stdin, into one plugin",
		Long: `Play reads a Standard MIDI File in real time, or raw MIDI bytes from standard
input when FILE is "-", and triggers one plugin in its booth.

The mappings are those of the config file (--config) whose plugin is this
one; without any, every note, control change, program change, pitch bend and
aftertouch is a trigger, with --action and --params.`,
		Example: "  isobooth play song.mid --plugin ./transpose --params '{\"semitones\":7}'\n  amidi -d | xxd -r -p | isobooth play - --plugin ./transpose",
		Args:    a.args(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if o.plugin == "" {
				return a.usage(c, errors.New("--plugin is missing"))
			}
			if err := a.load(c); err != nil {
				return err
			}
			return a.play(c, args[0], &o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.plugin, "plugin", "p", "", "`FOLDER` of the plugin, or its name in the config")
	f.StringVar(&o.profile, "profile", "", "`PROFILE` of the booth: a name, or a path (default strict)")
	f.StringVar(&o.action, "action", "", "`ACTION` of the triggers that no mapping describes")
	f.StringVar(&o.params, "params", "{}", "parameters of those triggers, a `JSON` object")
	f.StringVar(&o.output, "out", "", "send the plugin's MIDI to the port this `GLOB` matches")
	driverFlag(cmd)
	f.BoolVar(&o.allowUnsigned, "allow-unsigned", false, "take the unsigned library whose digest --sha256 gives")
	f.StringVar(&o.sha256, "sha256", "", "the `DIGEST` that --allow-unsigned means")
	f.BoolVar(&o.json, "json", false, "print JSON lines")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print the summary only")
	_ = cmd.RegisterFlagCompletionFunc("plugin", a.completePluginFlag(cobra.ShellCompDirectiveDefault))
	_ = cmd.RegisterFlagCompletionFunc("profile", a.completeProfiles(0))
	return cmd
}

// choose finds the plugin and its mappings.
func (o *playOptions) choose(s *settings) (pluginConfig, []midi.Mapping, error) {
	p := pluginConfig{Path: o.plugin, Profile: "strict", AllowUnsigned: o.allowUnsigned, SHA256: o.sha256}
	for _, have := range s.Plugins {
		if have.Name == o.plugin || sameFolder(have.Path, o.plugin) {
			p = have
			if o.allowUnsigned {
				p.AllowUnsigned, p.SHA256 = true, o.sha256
			}
		}
	}
	if o.profile != "" {
		p.Profile = o.profile
	}
	var specs []midi.MappingSpec
	found := false
	for _, m := range s.Mappings {
		mine := p.Name != "" && m.Plugin == p.Name
		found = found || mine
		if mine || m.SetMode != "" {
			specs = append(specs, m)
		}
	}
	if found {
		if o.action != "" || o.params != "{}" {
			return p, nil, usageError{fmt.Errorf("--action and --params have no effect: the config has mappings for plugin %q", p.Name)}
		}
		m, err := midi.CompileAll(specs)
		return p, m, err
	}
	m, err := o.everything()
	return p, m, err
}

func sameFolder(a, b string) bool {
	sa, erra := os.Stat(a)
	sb, errb := os.Stat(b)
	return erra == nil && errb == nil && os.SameFile(sa, sb)
}

// everything maps every channel message.
func (o *playOptions) everything() ([]midi.Mapping, error) {
	var params map[string]any
	if err := json.Unmarshal([]byte(o.params), &params); err != nil {
		return nil, usageError{fmt.Errorf("--params: not a JSON object: %w", err)}
	}
	var specs []midi.MappingSpec
	for name, t := range map[string]midi.TriggerSpec{
		"note": {Note: "0-127"}, "release": {Note: "0-127", Release: true}, "program": {Program: "0-127"},
		"pitch bend": {PitchBend: "0-16383"}, "aftertouch": {Aftertouch: "0-127"}, "poly aftertouch": {PolyAftertouch: "0-127"},
	} {
		specs = append(specs, midi.MappingSpec{Name: name, Action: o.action, Params: params, Trigger: t, Plugin: "it"})
	}
	for cc := range 128 {
		specs = append(specs, midi.MappingSpec{Name: fmt.Sprintf("cc %d", cc), Action: o.action, Params: params, Trigger: midi.TriggerSpec{CC: cc}, Plugin: "it"})
	}
	return midi.CompileAll(specs)
}

func (a *app) openSource(file string) (source, error) {
	if file == "-" {
		return midi.NewStream(a.stdin, "stdin"), nil
	}
	smf, err := midi.OpenSMF(file)
	if err != nil {
		return nil, err
	}
	a.say("playing %s: %d events, %v", file, smf.Len(), smf.Duration().Round(100*time.Millisecond))
	return smf, nil
}

// play is the main job: source, booth, replies, summary.
func (a *app) play(c *cobra.Command, file string, o *playOptions) (err error) {
	chosen, mappings, err := o.choose(a.settings)
	if err != nil {
		return err
	}
	if _, err := os.Stat(chosen.Path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("plugin folder: %w", err)
	}
	src, err := a.openSource(file)
	if err != nil {
		return err
	}
	limits, err := a.settings.MIDI.limits()
	if err != nil {
		return err
	}
	send, closeOut, err := a.openOut(o.output)
	if err != nil {
		return err
	}
	defer closeOut()

	ctx, cancel := context.WithCancelCause(c.Context())
	rep := a.newReporter(o.json, o.quiet, newOutputs(send, limits))
	rep.denials.all = "the summary lists them"
	s, err := a.newSession([]pluginConfig{chosen}, rep.outs, rep)
	if err != nil {
		cancel(nil)
		rep.close()
		return err
	}
	defer func() {
		cancel(nil)
		err = errors.Join(err, s.close())
	}()
	if err := s.start(ctx, rep, cancel); err != nil {
		rep.close()
		if rep.refusals() {
			a.hint("the plugin was refused the calls above; --profile threads suits plugins that start threads, as Go's do")
		}
		return err
	}
	g := s.plugs()[0]
	about := g.booth.About()
	a.say("booth %q is ready: pid %d, profile %s", g.config.Name, about.PID, g.current().Name)
	if about.StartLog != "" {
		a.say("booth %q: log %q", g.config.Name, about.StartLog)
	}

	layers := about.Layers
	s.moded = rep.mode
	s.route(mappings, a.settings.MIDI.Mode, func(*midi.Mapping) *runner.Booth { return g.booth })
	runErr := s.feed(ctx, src)
	s.drain(ctx)
	cause := context.Cause(ctx)
	cancel(nil)
	s.end.Wait() // after which everything is counted
	rep.close()
	a.summary(s, g, layers, rep, o.json)
	switch {
	case c.Context().Err() != nil:
		a.say("interrupted")
		return &shownError{c.Context().Err()}
	case cause != nil:
		return cause
	case runErr != nil:
		return runErr
	case rep.attacks > 0:
		return fmt.Errorf("plugin %q: %w", g.config.Name, errPolicy)
	case rep.ends > 0:
		return fmt.Errorf("plugin %q ended %d times by itself", g.config.Name, rep.ends)
	}
	return nil
}

// summaryJSON is the last line of `play --json`.
type summaryJSON struct {
	Type    string            `json:"type"` // "summary"
	Plugin  string            `json:"plugin"`
	Profile string            `json:"profile"`
	SHA256  string            `json:"sha256"`
	Layers  any               `json:"layers"`
	Stats   runner.Stats      `json:"stats"`
	MIDI    outputStats       `json:"midi"`
	Denials map[string]uint64 `json:"denials"`
	Refused []*denialEvent    `json:"refused"` // the same, explained
	Limits  []runner.Limit    `json:"limits"`  // those that were reached
	Ends    int               `json:"ends"`
	P50US   float64           `json:"latency_p50_us"`
	P99US   float64           `json:"latency_p99_us"`
	MaxUS   float64           `json:"latency_max_us"`
}

func (a *app) summary(s *session, g *plug, layers []controlLayer, rep *reporter, asJSON bool) {
	st := g.booth.Stats()
	p50, p99, most := rep.quantiles()
	layers = append(layers, s.ownLayers(g)...)
	if asJSON {
		writeJSON(a.stdout, summaryJSON{
			Type: "summary", Plugin: g.config.Name, Profile: g.current().Name, SHA256: g.plugin.Image.Digest(),
			Layers: layers, Stats: st, MIDI: g.output.stats(), Denials: rep.denials.counts(), Refused: rep.denials.explained(g.current()), Limits: rep.reached(g.config.Name), Ends: rep.ends,
			P50US: float64(p50) / 1e3, P99US: float64(p99) / 1e3, MaxUS: float64(most) / 1e3,
		})
		return
	}
	w := a.stdout
	fmt.Fprintf(w, "\nThe booth of %q enforced:\n", g.config.Name)
	for _, l := range layers {
		fmt.Fprintf(w, "  %-14s %s\n", l.Name, l.Detail)
	}
	if rep.refusals() {
		fmt.Fprintln(w, "Refused system calls:")
		rep.denials.print(w, g.current())
	}
	if reached := rep.reached(g.config.Name); len(reached) > 0 {
		fmt.Fprintln(w, "Limits reached:")
		for _, l := range reached {
			fmt.Fprintf(w, "  %v, at least %d times\n", l, l.Count)
		}
	}
	fmt.Fprintf(w, "%d triggers, %d replies, %d failed, %d lost, %d dropped, %d restarts\n", st.Triggers, st.Replies, st.Failed, st.Lost, st.Dropped+st.Expired, st.Restarts)
	if st.Replies > 0 {
		fmt.Fprintf(w, "latency: median %v, 99%% %v, most %v\n", p50, p99, most)
	}
	g.output.stats().print(w)
	if n := rep.dropped.Load(); n > 0 {
		fmt.Fprintf(w, "%d lines were not printed: the output was too slow\n", n)
	}
}
