package midi

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// TriggerSpec is a trigger as the config file has it. Exactly one of the first
// group of fields is set; docs/triggers.md says what each means.
//
// Fields of type any take a number or, where a range makes sense, also text
// such as "64-127" or a list of two, [64, 127]; both ends belong to the
// range. Keys are numbers or names with middle C, key 60, as C4 ("F#3",
// "Bb-1"). Absent means nil, and "" for text.
type TriggerSpec struct {
	Note           any    `mapstructure:"note" toml:"note,omitempty"`                       // key or range of keys
	Chord          []any  `mapstructure:"chord" toml:"chord,omitempty"`                     // two to ten keys
	CC             any    `mapstructure:"cc" toml:"cc,omitempty"`                           // controller, 0 to 127
	Program        any    `mapstructure:"program" toml:"program,omitempty"`                 // program or range, 0 to 127
	PitchBend      any    `mapstructure:"pitch_bend" toml:"pitch_bend,omitempty"`           // range, 0 to 16383
	Aftertouch     any    `mapstructure:"aftertouch" toml:"aftertouch,omitempty"`           // pressure or range, 0 to 127
	PolyAftertouch any    `mapstructure:"poly_aftertouch" toml:"poly_aftertouch,omitempty"` // key or range of keys
	SysEx          string `mapstructure:"sysex" toml:"sysex,omitempty"`                     // pattern
	Transport      string `mapstructure:"transport" toml:"transport,omitempty"`             // start, stop or continue
	SongPosition   any    `mapstructure:"song_position" toml:"song_position,omitempty"`     // range, 0 to 16383
	Clock          any    `mapstructure:"clock" toml:"clock,omitempty"`                     // every so many ticks

	// Velocity goes with Note and Chord. The default is 1 to 127, and for a
	// release, which may well have velocity 0, 0 to 127.
	Velocity any `mapstructure:"velocity" toml:"velocity,omitempty"`
	// Value goes with CC and PolyAftertouch; the default is 0 to 127.
	Value any `mapstructure:"value" toml:"value,omitempty"`
	// Release makes Note wait for the key to come up, Hold for it to be held
	// so long, and Taps for so many strokes.
	Release bool   `mapstructure:"release" toml:"release,omitempty"`
	Hold    string `mapstructure:"hold" toml:"hold,omitempty"`
	Taps    any    `mapstructure:"taps" toml:"taps,omitempty"`
	// Within goes with Taps and Chord.
	Within string `mapstructure:"within" toml:"within,omitempty"`
	// Encoder is how CC says by how much it was turned, Crosses a threshold
	// that a value must pass; Direction goes with both, Steps with Encoder.
	Encoder   string `mapstructure:"encoder" toml:"encoder,omitempty"`
	Crosses   any    `mapstructure:"crosses" toml:"crosses,omitempty"`
	Direction string `mapstructure:"direction" toml:"direction,omitempty"`
	Steps     any    `mapstructure:"steps" toml:"steps,omitempty"`
	// Every lets a trigger through at most once in that time.
	Every string `mapstructure:"every" toml:"every,omitempty"`

	Channel any    `mapstructure:"channel" toml:"channel,omitempty"` // 1 to 16, range or list; default all
	Device  string `mapstructure:"device" toml:"device,omitempty"`   // Glob for the port name; default all

	Mode     any    `mapstructure:"mode" toml:"mode,omitempty"`         // name or list of names
	Time     string `mapstructure:"time" toml:"time,omitempty"`         // of day, "18:00-02:00"
	Previous any    `mapstructure:"previous" toml:"previous,omitempty"` // value before, or range
}

// Kinds of triggers by what they are made of, for the fields that go with
// them.
var (
	ofKeys     = []string{"note", "chord"}
	ofValues   = []string{"cc", "aftertouch", "poly_aftertouch", "pitch_bend"}
	ofNumbers  = append([]string{"program", "song_position"}, ofValues...)
	ofChannels = append([]string{"program"}, append(ofKeys, ofValues...)...)
)

// what returns the name of the one field that says what to wait for.
func (s *TriggerSpec) what() (string, error) {
	choices := []field{
		{"note", s.Note != nil},
		{"chord", s.Chord != nil},
		{"cc", s.CC != nil},
		{"program", s.Program != nil},
		{"pitch_bend", s.PitchBend != nil},
		{"aftertouch", s.Aftertouch != nil},
		{"poly_aftertouch", s.PolyAftertouch != nil},
		{"sysex", s.SysEx != ""},
		{"transport", s.Transport != ""},
		{"song_position", s.SongPosition != nil},
		{"clock", s.Clock != nil},
	}
	var all, set []string
	for _, c := range choices {
		all = append(all, c.name)
		if c.set {
			set = append(set, c.name)
		}
	}
	switch len(set) {
	case 0:
		return "", fmt.Errorf("needs one of %s", strings.Join(all, ", "))
	case 1:
		return set[0], nil
	}
	return "", fmt.Errorf("has %s, needs only one of them", strings.Join(set, " and "))
}

type field struct {
	name string
	set  bool
}

// Compile checks s and turns it into a Trigger.
func (s TriggerSpec) Compile() (Trigger, error) {
	t := Trigger{channels: allChannels, number: span{0, 127}, value: span{0, 127}}
	what, err := s.what()
	if err != nil {
		return Trigger{}, err
	}
	if err := s.checkCompanions(what); err != nil {
		return Trigger{}, err
	}
	switch what {
	case "note":
		err = s.compileNote(&t)
	case "chord":
		err = s.compileChord(&t)
	case "cc":
		t.kind = ControlChange
		err = s.compileCC(&t)
	case "program":
		t.kind = ProgramChange
		t.number, err = spanField{name: "program", max: 127}.parse(s.Program)
	case "pitch_bend":
		t.kind = PitchBend
		t.value, err = spanField{name: "pitch_bend", max: 16383}.parse(s.PitchBend)
	case "aftertouch":
		t.kind = Aftertouch
		t.value, err = spanField{name: "aftertouch", max: 127}.parse(s.Aftertouch)
	case "poly_aftertouch":
		t.kind = PolyAftertouch
		if t.number, err = (spanField{name: "poly_aftertouch key", max: 127, keys: true}).parse(s.PolyAftertouch); err == nil {
			err = s.compileValue(&t)
		}
	case "sysex":
		t.kind = SysEx
		t.pattern, err = parsePattern(s.SysEx)
	default:
		t.kind = System
		err = s.compileSystem(&t, what)
	}
	for _, step := range []func(*Trigger) error{s.compileMoves, s.compileOrigin, s.compileConditions} {
		if err == nil {
			err = step(&t)
		}
	}
	if err != nil {
		return Trigger{}, err
	}
	return t, nil
}

func (s *TriggerSpec) compileNote(t *Trigger) (err error) {
	t.kind = NoteOn
	if s.Release {
		t.kind = NoteOff
	}
	if t.number, err = (spanField{name: "key", max: 127, keys: true}).parse(s.Note); err != nil {
		return err
	}
	if s.Hold != "" {
		t.gesture = GestureHold
		if t.hold, err = parseTime("hold", s.Hold, minHold, maxHold); err != nil {
			return err
		}
	}
	if s.Taps != nil {
		if err := s.compileTaps(t); err != nil {
			return err
		}
	}
	return s.compileVelocity(t)
}

func (s *TriggerSpec) compileVelocity(t *Trigger) (err error) {
	if s.Velocity == nil {
		return nil
	}
	if t.value, err = DefaultVelocities().span(s.Velocity); err != nil {
		return err
	}
	if t.kind == NoteOn && t.value.hi == 0 {
		return errors.New("velocity 0 is a release: use release = true")
	}
	return nil
}

func (s *TriggerSpec) compileCC(t *Trigger) (err error) {
	if t.number, err = (spanField{name: "cc", max: 127}).parse(s.CC); err != nil {
		return err
	}
	if t.number.lo != t.number.hi {
		return fmt.Errorf("cc %s: needs one controller", show(s.CC))
	}
	return s.compileValue(t)
}

func (s *TriggerSpec) compileValue(t *Trigger) (err error) {
	if s.Value != nil {
		t.value, err = spanField{name: "value", max: 127}.parse(s.Value)
	}
	return err
}

func (s *TriggerSpec) compileSystem(t *Trigger, what string) (err error) {
	status := uint16(songPosition)
	switch what {
	case "song_position":
		t.value, err = spanField{name: "song_position", max: 16383}.parse(s.SongPosition)
	case "clock":
		status, t.gesture = clockTick, GestureClock
		t.steps, err = parseCount("clock", s.Clock, 1, maxTicks)
	case "transport":
		switch s.Transport {
		case "start":
			status = transStart
		case "continue":
			status = transGoOn
		case "stop":
			status = transStop
		default:
			return fmt.Errorf("transport %.64q: want start, stop or continue", s.Transport)
		}
	}
	t.number = span{status, status}
	return err
}

// Bounds of what triggers wait for: below, messages of one gesture could not
// follow each other; above, nobody waits for it.
const (
	minHold, maxHold     = 10 * time.Millisecond, time.Minute
	minWithin, maxWithin = time.Millisecond, 10 * time.Second
	minEvery, maxEvery   = time.Millisecond, time.Minute
	maxTicks             = 9999
)

// parseTime reads a length of time of lo to hi.
func parseTime(name, text string, lo, hi time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%s %.64q: not a time such as 500ms", name, text)
	}
	if d < lo || d > hi {
		return 0, fmt.Errorf("%s %.64q: want %v to %v", name, text, lo, hi)
	}
	return d, nil
}

// parseCount reads one whole number of lo to hi.
func parseCount(name string, v any, lo, hi int) (int32, error) {
	n, err := spanField{name: name, max: hi}.parse(v)
	if err != nil {
		return 0, err
	}
	if n.lo != n.hi || int(n.lo) < lo {
		return 0, fmt.Errorf("%s %s: want one number, %d to %d", name, show(v), lo, hi)
	}
	return int32(n.lo), nil
}
