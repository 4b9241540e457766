package midi

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// What taps and chords wait for when within is not given.
const (
	defaultTapWithin   = 300 * time.Millisecond
	defaultChordWithin = 50 * time.Millisecond
)

// maxTaps is the highest number of taps: beyond it people miscount.
const maxTaps = 4

// maxChord is how many keys a chord has at most: as many as fingers.
const maxChord = 10

// checkCompanions refuses fields that would have no effect.
func (s *TriggerSpec) checkCompanions(what string) error {
	for _, c := range []struct {
		field
		with []string
	}{
		{field{"velocity", s.Velocity != nil}, ofKeys},
		{field{"value", s.Value != nil}, []string{"cc", "poly_aftertouch"}},
		{field{"release", s.Release}, ofKeys[:1]},
		{field{"hold", s.Hold != ""}, ofKeys[:1]},
		{field{"taps", s.Taps != nil}, ofKeys[:1]},
		{field{"within", s.Within != ""}, ofKeys},
		{field{"encoder", s.Encoder != ""}, []string{"cc"}},
		{field{"crosses", s.Crosses != nil}, ofValues},
		{field{"direction", s.Direction != ""}, ofValues},
		{field{"steps", s.Steps != nil}, []string{"cc"}},
		{field{"every", s.Every != ""}, append([]string{"song_position"}, ofValues...)},
		{field{"channel", s.Channel != nil}, ofChannels},
		{field{"previous", s.Previous != nil}, ofNumbers},
	} {
		if c.set && !slices.Contains(c.with, what) {
			return fmt.Errorf("%s does not go with %s", c.name, what)
		}
	}
	for _, pair := range [][2]field{
		{{"hold", s.Hold != ""}, {"release", s.Release}},
		{{"taps", s.Taps != nil}, {"release", s.Release}},
		{{"taps", s.Taps != nil}, {"hold", s.Hold != ""}},
		{{"value", s.Value != nil}, {"encoder", s.Encoder != ""}},
		{{"value", s.Value != nil}, {"crosses", s.Crosses != nil}},
		{{"crosses", s.Crosses != nil}, {"encoder", s.Encoder != ""}},
		{{"every", s.Every != ""}, {"encoder", s.Encoder != ""}},
		{{"previous", s.Previous != nil}, {"encoder", s.Encoder != ""}},
		{{"previous", s.Previous != nil}, {"crosses", s.Crosses != nil}},
	} {
		if pair[0].set && pair[1].set {
			return fmt.Errorf("%s does not go with %s", pair[0].name, pair[1].name)
		}
	}
	switch {
	case s.Within != "" && what == "note" && s.Taps == nil:
		return errors.New("within needs taps or chord")
	case s.Steps != nil && s.Encoder == "":
		return errors.New("steps needs encoder")
	case s.Direction != "" && s.Encoder == "" && s.Crosses == nil:
		return errors.New("direction needs encoder or crosses")
	}
	return nil
}

func (s *TriggerSpec) compileTaps(t *Trigger) error {
	n, err := parseCount("taps", s.Taps, 2, maxTaps)
	if err != nil {
		return err
	}
	t.gesture, t.taps, t.within = GestureTaps, uint8(n), defaultTapWithin
	if s.Within != "" {
		t.within, err = parseTime("within", s.Within, minWithin, maxWithin)
	}
	return err
}

func (s *TriggerSpec) compileChord(t *Trigger) (err error) {
	t.kind, t.gesture, t.within = NoteOn, GestureChord, defaultChordWithin
	if n := len(s.Chord); n < 2 || n > maxChord {
		return fmt.Errorf("chord: want 2 to %d keys, have %d", maxChord, n)
	}
	for _, v := range s.Chord {
		key, err := spanField{name: "chord key", max: 127, keys: true}.parse(v)
		switch {
		case err != nil:
			return err
		case key.lo != key.hi:
			return fmt.Errorf("chord key %s: needs one key", show(v))
		case t.keys.Has(uint8(key.lo)):
			return fmt.Errorf("chord key %s: is there twice", show(v))
		}
		t.keys = t.keys.with(uint8(key.lo))
	}
	if s.Within != "" {
		if t.within, err = parseTime("within", s.Within, minWithin, maxWithin); err != nil {
			return err
		}
	}
	return s.compileVelocity(t)
}

// compileMoves sets what is asked of how a value changes.
func (s *TriggerSpec) compileMoves(t *Trigger) (err error) {
	if s.Direction != "" {
		var ok bool
		if t.direction, ok = directions[s.Direction]; !ok {
			return fmt.Errorf("direction %.64q: want up, down or any", s.Direction)
		}
	}
	if s.Encoder != "" {
		t.gesture, t.steps = GestureTurn, 1
		var ok bool
		if t.encoding, ok = encodings[s.Encoder]; !ok {
			return fmt.Errorf("encoder %.64q: want absolute, twos_complement, signed_bit or binary_offset", s.Encoder)
		}
		if s.Steps != nil {
			if t.steps, err = parseCount("steps", s.Steps, 1, 127); err != nil {
				return err
			}
		}
	}
	if s.Crosses != nil {
		if err := s.compileCrossing(t); err != nil {
			return err
		}
	}
	if s.Every != "" {
		t.every, err = parseTime("every", s.Every, minEvery, maxEvery)
	}
	return err
}

func (s *TriggerSpec) compileCrossing(t *Trigger) error {
	most := 127
	if t.kind == PitchBend {
		most = 16383
	}
	n, err := parseCount("crosses", s.Crosses, 1, most)
	if err != nil {
		return err
	}
	t.gesture, t.threshold = GestureCrossing, uint16(n)
	if over, under := t.value.hi >= t.threshold, t.value.lo < t.threshold; t.direction != down && !over || t.direction != up && !under {
		return fmt.Errorf("crosses %s: the range of values lies on one side of it", show(s.Crosses))
	}
	return nil
}

// hasKey reports whether the trigger is one of a key that comes up again.
func (t *Trigger) hasKey() bool { return t.kind == NoteOn && t.gesture != GestureChord }

// compileOrigin sets what restricts where the event came from.
func (s *TriggerSpec) compileOrigin(t *Trigger) (err error) {
	if s.Channel != nil {
		if t.channels, err = parseChannels(s.Channel); err != nil {
			return err
		}
	}
	if s.Device != "" {
		t.named = true
		if t.device, err = ParseGlob(s.Device); err != nil {
			return fmt.Errorf("device: %w", err)
		}
	}
	return nil
}

// parseChannels reads one channel, 1 to 16, a range, or a list of both.
func parseChannels(v any) (mask uint16, err error) {
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	if len(list) == 0 {
		return 0, errors.New("channel []: names none")
	}
	for _, v := range list {
		c, err := spanField{name: "channel", max: 16}.parse(v)
		if err != nil {
			return 0, err
		}
		if c.lo == 0 {
			return 0, fmt.Errorf("channel %s: channels are 1 to 16", show(v))
		}
		for n := c.lo; n <= c.hi; n++ {
			mask |= 1 << (n - 1)
		}
	}
	return mask, nil
}

// compileConditions sets what must hold besides.
func (s *TriggerSpec) compileConditions(t *Trigger) (err error) {
	var c condition
	if s.Mode != nil {
		if c.modes, err = parseModes(s.Mode); err != nil {
			return err
		}
	}
	if s.Time != "" {
		c.timed = true
		if c.day, err = parseDaySpan(s.Time); err != nil {
			return err
		}
	}
	if s.Previous != nil {
		c.earlier = true
		most := 127
		if t.kind == PitchBend || t.kind == System {
			most = 16383
		}
		if c.previous, err = (spanField{name: "previous", max: most}).parse(s.Previous); err != nil {
			return err
		}
	}
	if len(c.modes) > 0 || c.timed || c.earlier {
		t.when = &c
	}
	return nil
}

func parseModes(v any) ([]string, error) {
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	if len(list) == 0 {
		return nil, errors.New("mode []: names none")
	}
	var modes []string
	for _, v := range list {
		name, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("mode %s: not a name", show(v))
		}
		if err := checkMode("mode", name); err != nil {
			return nil, err
		}
		modes = append(modes, name)
	}
	return modes, nil
}

// checkMode looks at the name of a mode: it is shown, and handed to plugins.
func checkMode(field, name string) error {
	if name == "" || len(name) > 64 || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }) {
		return fmt.Errorf("%s %.80q: want 1 to 64 bytes without control characters", field, name)
	}
	return nil
}
