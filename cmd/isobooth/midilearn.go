package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/isobooth/isobooth/midi/recognize"
	"github.com/spf13/cobra"
)

// learnGesture is a call of midi learn.
type learnGesture struct {
	plugin, action, params, name string
	kind                         string
	inputs                       []string
	anyDevice, dryRun, json      bool
}

func (a *app) midiLearnCmd() *cobra.Command {
	var o learnGesture
	cmd := &cobra.Command{
		Use: "learn", Short: "Write the mapping for the next gesture", Args: a.args(0, 0),
		Long: `Learn waits for the next gesture on the inputs, says what it heard, and adds a
mapping of it to the config file: a press, long press, double tap or chord, an
encoder, knob, fader or button, pitch bend, aftertouch, a program change, a
system exclusive message, or transport. The rest of the file stays as it is,
and a daemon that runs takes the mapping at once.

A gesture ends when nothing was heard for ` + recognize.Quiet.String() + `. Where it does not tell what a
control is, learn asks to turn it both ways. Without --plugin the trigger is
printed, and nothing written. --kind takes gestures of one kind only, and takes
them as that: ` + kindList() + `.`,
		Example: "  isobooth midi learn --plugin transpose --params '{\"semitones\":7}'\n  isobooth midi learn --input '*Launchpad*'",
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return a.usage(c, err)
			}
			if err := a.load(c); err != nil {
				return err
			}
			return a.learnMapping(c, &o)
		},
	}
	f := cmd.Flags()
	driverFlag(cmd)
	f.StringVarP(&o.plugin, "plugin", "p", "", "the mapping calls this `PLUGIN` of the config")
	f.StringVar(&o.action, "action", "", "`ACTION` to ask of the plugin")
	f.StringVar(&o.params, "params", "", "parameters for the plugin, a `JSON` object")
	f.StringVar(&o.name, "name", "", "`NAME` of the mapping (default: one that says what the gesture is)")
	f.StringArrayVarP(&o.inputs, "input", "i", nil, "listen to this `INPUT` instead of the config's: a port's glob, FILE.mid or -")
	f.StringVar(&o.kind, "kind", "", "take gestures of this `KIND` only")
	f.BoolVar(&o.anyDevice, "any-device", false, "take the gesture from every port, not from this one alone")
	f.BoolVar(&o.dryRun, "dry-run", false, "print what would be added, and write nothing")
	f.BoolVar(&o.json, "json", false, "print JSON")
	// Both fail for a flag that does not exist, which a test would see.
	_ = cmd.RegisterFlagCompletionFunc("plugin", a.completePluginFlag(cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(kindNames(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func kindNames() []string {
	var names []string
	for _, k := range recognize.Kinds {
		names = append(names, string(k))
	}
	return names
}

// kindList is what help prints of the kinds, in lines of its width.
func kindList() string {
	names := kindNames()
	return strings.Join(names[:6], ", ") + ",\n" + strings.Join(names[6:], ", ")
}

// check looks at the flags alone.
func (o *learnGesture) check() error {
	if o.kind != "" && !slices.Contains(recognize.Kinds, recognize.Kind(o.kind)) {
		return fmt.Errorf("--kind %q: there are %s", o.kind, strings.Join(kindNames(), ", "))
	}
	if o.plugin == "" && (o.action != "" || o.params != "" || o.name != "") {
		return errors.New("--action, --params and --name need --plugin")
	}
	if len(o.inputs) > 1 && slices.ContainsFunc(o.inputs, notAPort) {
		return errors.New("--input: a file, or -, is the only input")
	}
	return nil
}

// learnedJSON is what midi learn --json prints.
type learnedJSON struct {
	Kind    string         `json:"kind"`
	Heard   string         `json:"heard"` // in words
	Device  string         `json:"device"`
	Channel int            `json:"channel"` // 1 to 16, 0 when there is none
	Ignored int            `json:"ignored"` // messages of other controls
	Trigger map[string]any `json:"trigger"`
	TOML    string         `json:"toml"`
	Mapping string         `json:"mapping,omitempty"`
	File    string         `json:"file,omitempty"`
	Line    int            `json:"line,omitempty"` // of the file, where toml begins
	Written bool           `json:"written"`
	Same    []string       `json:"same,omitempty"` // mappings that have this trigger already
}

// learnMapping waits for a gesture, and writes or prints what it makes.
func (a *app) learnMapping(c *cobra.Command, o *learnGesture) error {
	m, err := a.newMapping(o)
	if err != nil {
		return err
	}
	if len(o.inputs) == 0 {
		o.inputs = a.settings.MIDI.Inputs
	}
	g, port, err := a.hearGesture(c.Context(), recognize.Kind(o.kind), o.inputs)
	if err != nil {
		return err
	}
	device := ""
	if port && !o.anyDevice {
		device = deviceGlob(g.Device)
	}
	trigger := triggerOf(g, device)
	line, err := tomlTable(trigger)
	if err != nil {
		return fmt.Errorf("internal error: trigger: %w", err)
	}
	out := learnedJSON{Kind: string(g.Kind), Heard: wordsFor(g), Device: g.Device, Channel: g.Channel + 1, Ignored: g.Ignored, Trigger: map[string]any{}}
	for _, f := range trigger {
		out.Trigger[f.key] = f.value
	}
	a.say("heard %s", out.Heard)
	if g.Ignored > 0 {
		a.say("%d messages of other controls, or after it, were left out; --kind chooses what is heard", g.Ignored)
	}
	if m == nil {
		out.TOML = "trigger = " + line + "\n"
	} else if err := m.add(a, c.Flags(), g, line, &out); err != nil {
		return err
	}
	if o.json {
		writeJSON(a.stdout, out)
	} else {
		fmt.Fprint(a.stdout, out.TOML)
	}
	return nil
}
