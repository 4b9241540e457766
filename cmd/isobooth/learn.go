package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/spf13/cobra"
)

// permissiveProfile says what a booth that learns lets continue.
const permissiveProfile = "legacy"

// learnRounds is how often the plugin is run again with what it was refused
// under the profile so far: one that could not go on may need more.
const learnRounds = 3

type learnOptions struct {
	play  playOptions // plugin, action, params
	midi  string
	base  string
	name  string
	out   string
	force bool
}

func (a *app) learnCmd() *cobra.Command {
	var o learnOptions
	cmd := &cobra.Command{
		Use:   "learn PLUGIN --midi FILE.mid",
		Short: "Write the smallest profile under which a plugin is refused nothing",
		Long: `Learn plays a MIDI file into a plugin in a booth that lets it make the calls it
wants, as far as the profile "` + permissiveProfile + `" would and the ceilings of --base
allow, and notes them. The booth is the usual one otherwise: no rights, and of
files and network only what --base and the config grant the plugin. It then
writes a profile that extends --base with what was seen, runs the plugin under
it, and says whether anything was refused.

PLUGIN is a folder, or a plugin's name in the config, whose mappings then hold.
Dangerous calls are never granted; they are in the profile as comments, and
isobooth ends with code 5. Play everything the plugin can do: what was not seen
is not allowed.`,
		Example:           "  isobooth profile learn ./clip --midi song.mid\n  isobooth profile learn ./clip --midi song.mid --base threads --out -",
		Args:              a.args(1, 1),
		ValidArgsFunction: a.completePlugins(cobra.ShellCompDirectiveDefault),
		RunE: func(c *cobra.Command, args []string) error {
			o.play.plugin = args[0]
			if o.midi == "" {
				return a.usage(c, errors.New("--midi is missing"))
			}
			if err := a.load(c); err != nil {
				return err
			}
			return a.learn(c.Context(), &o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.midi, "midi", "m", "", "play this `FILE`, a MIDI file or - for raw bytes from stdin")
	f.StringVar(&o.base, "base", profiles.Default, "the `PROFILE` to extend: a name, or a path")
	f.StringVar(&o.name, "name", "", "`NAME` of the profile (default: that of the plugin)")
	f.StringVarP(&o.out, "out", "o", "", "write to `FILE`, or - for stdout (default: your profiles folder)")
	f.BoolVar(&o.force, "force", false, "replace the file if it is there")
	f.StringVar(&o.play.action, "action", "", "`ACTION` of the triggers that no mapping describes")
	f.StringVar(&o.play.params, "params", "{}", "parameters of those triggers, a `JSON` object")
	f.BoolVar(&o.play.allowUnsigned, "allow-unsigned", false, "take the unsigned library whose digest --sha256 gives")
	f.StringVar(&o.play.sha256, "sha256", "", "the `DIGEST` that --allow-unsigned means")
	_ = cmd.MarkFlagFilename("midi", "mid", "midi")
	_ = cmd.RegisterFlagCompletionFunc("base", a.completeProfiles(0))
	return cmd
}

// learn runs the plugin, writes the profile, and runs it again.
func (a *app) learn(ctx context.Context, o *learnOptions) error {
	chosen, mappings, err := o.play.choose(a.settings)
	if err != nil {
		return err
	}
	if _, err := os.Stat(chosen.Path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("plugin folder: %w", err)
	}
	if o.midi == "-" {
		return usageError{errors.New("learn plays its input more than once: give --midi a file")}
	}
	base, err := a.library().Load(o.base)
	if err != nil {
		return err
	}
	permissive, err := profiles.Named(permissiveProfile)
	if err != nil {
		return err
	}
	if o.name == "" {
		o.name = profileNameFor(chosen)
	}
	if err := o.destination(); err != nil {
		return err
	}
	l := &learning{app: a, o: o, chosen: chosen, mappings: mappings, base: base, permissive: permissive.Under(base)}
	text, err := l.run(ctx)
	if err != nil {
		return err
	}
	if err := o.write(a, text); err != nil {
		return err
	}
	return l.verdict()
}

// learning is one use of the command.
type learning struct {
	app        *app
	o          *learnOptions
	chosen     pluginConfig
	mappings   []midi.Mapping
	base       *profiles.Profile
	permissive *profiles.Profile

	seen    []profiles.Seen
	limits  []profiles.NeededLimit
	refused []profiles.Seen // what is not granted
	left    []profiles.Seen // what was refused in the last run, beyond that
	ends    int             // in the last run, unasked
}

// run learns, and checks what was learned, until nothing is refused any more
// that can be granted.
func (l *learning) run(ctx context.Context) ([]byte, error) {
	l.app.say("learning what the plugin needs, in a booth that lets it")
	granted, err := l.granted(l.base)
	if err != nil {
		return nil, err
	}
	took, err := l.play(ctx, withRoom(granted), l.permissive)
	if err != nil {
		return nil, err
	}
	if took.ends > 0 {
		l.app.say("warning: the plugin ended %d times by itself while it was watched; the profile may lack what it had needed next", took.ends)
	}
	l.seen, l.limits = took.seen, took.peaks.needs(l.base)
	base, err := l.extends()
	if err != nil {
		return nil, err
	}
	for range learnRounds {
		learned, err := profiles.Learn(l.o.name, l.description(), base, l.permissive, l.seen, l.limits)
		if err != nil {
			return nil, err
		}
		l.refused = learned.Refused
		text := append([]byte(l.heading()), learned.Text...)
		profile, err := l.parse(text)
		if err != nil {
			return nil, err
		}
		if profile, err = l.granted(profile); err != nil {
			return nil, err
		}
		l.app.say("running it under the profile that was learned")
		took, err := l.play(ctx, profile, nil)
		if err != nil {
			return nil, err
		}
		l.left, l.ends = took.beyond(l.refused, l.permissive), took.ends
		if len(l.left) == 0 {
			return text, nil
		}
		l.app.say("it made %d more calls; once again", len(l.left))
		l.seen = append(l.seen, l.left...)
	}
	return nil, fmt.Errorf("after %d runs the plugin still makes calls it had not made before, %s last: play more, or extend the profile by hand", learnRounds, l.left[0].Call)
}

// granted is a profile with what the config grants the plugin. The config's
// limits are left out: what it needs is what is to be found.
func (l *learning) granted(p *profiles.Profile) (*profiles.Profile, error) {
	o, err := l.chosen.overlay()
	if err != nil {
		return nil, err
	}
	o.Limits = nil
	if p, err = p.Overlay(o); err != nil {
		return nil, fmt.Errorf("plugin %q: %w", l.chosen.Name, err)
	}
	return p, nil
}

// play runs the plugin once.
func (l *learning) play(ctx context.Context, profile, learn *profiles.Profile) (*watched, error) {
	src, err := l.app.openSource(l.o.midi)
	if err != nil {
		return nil, err
	}
	limits, err := l.app.settings.MIDI.limits()
	if err != nil {
		return nil, err
	}
	runCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := newWatcher(l.app)
	chosen := l.chosen
	chosen.use = profile
	outs := newOutputs(nil, limits)
	s, err := l.app.newSession([]pluginConfig{chosen}, outs, w)
	if err != nil {
		return nil, err
	}
	s.learn = learn
	err = s.start(runCtx, w, cancel)
	if err == nil {
		booth := s.plugs()[0].booth
		stop := w.measure(booth)
		s.route(l.mappings, s.app.settings.MIDI.Mode, func(*midi.Mapping) *runner.Booth { return booth })
		err = s.feed(runCtx, src)
		s.drain(runCtx)
		stop()
		if cause := context.Cause(runCtx); cause != nil {
			err = cause
		}
	}
	cancel(nil)
	if err = errors.Join(err, s.close()); err != nil {
		return nil, err
	}
	return w.done(), nil
}

// parse reads the profile as it will be read from its file.
func (l *learning) parse(text []byte) (*profiles.Profile, error) {
	file := l.o.out
	if file == "-" {
		file = l.o.name + ".toml"
	}
	p, err := l.app.library().Parse(file, l.o.name, text)
	if err != nil {
		return nil, fmt.Errorf("internal error: what was learned is no profile: %w", err)
	}
	return p, nil
}

func (l *learning) heading() string {
	return fmt.Sprintf("# Written by isobooth profile learn on %s, from what %q did with %q.\n# What it did not do then is not allowed.\n\n",
		time.Now().Format(time.DateOnly), filepath.Base(l.chosen.Path), filepath.Base(l.o.midi))
}

func (l *learning) description() string {
	return fmt.Sprintf("What %s was seen to need beyond %s", l.o.name, l.base.Name)
}

// verdict says how it went. Calls that were not granted are an error.
func (l *learning) verdict() error {
	if l.ends > 0 {
		l.app.say("warning: under the profile the plugin ended %d times by itself", l.ends)
	}
	if len(l.refused) == 0 {
		l.app.say("under the profile nothing was refused")
		return nil
	}
	for _, s := range l.refused {
		l.app.say("not granted: %s(%s), at least %d times", s.Call, s.Detail, s.Count)
	}
	l.app.hint("they are comments in the profile; a plugin that copes without them needs nothing")
	return fmt.Errorf("plugin %q made %d calls that learn does not grant: %w", l.o.name, len(l.refused), errNotGranted)
}

// profileNameFor makes a profile's name of a plugin's.
func profileNameFor(p pluginConfig) string {
	name := p.Name
	if name == "" {
		name = filepath.Base(filepath.Clean(p.Path))
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, name)
	name = strings.TrimLeft(name, "-0123456789")
	if name == "" {
		name = "plugin"
	}
	return name[:min(len(name), 63)]
}
