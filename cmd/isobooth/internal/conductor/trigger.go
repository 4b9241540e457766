package conductor

import (
	"fmt"
	"slices"
	"strings"
)

// trigger converts a trigger. Times and bounds have one name in the program
// and another in its documents; both are taken.
func (c *converter) trigger(m table) ([]Field, bool) {
	t := m.table("trigger")
	kind := t.text("type")
	if _, short := m.m["note"]; t.m == nil && short {
		t, kind = m, "Note"
	}
	refuse := func(format string, args ...any) ([]Field, bool) {
		c.left("trigger "+kind, format, args...)
		return nil, false
	}
	bad := ""
	// number reads one that must lie in 0 to most.
	number := func(most, usual int, keys ...string) int {
		n := t.integer(keys[0], usual, keys[1:]...)
		if n < 0 || n > most {
			bad = fmt.Sprintf("%s is not within 0 to %d", keys[0], most)
		}
		return n
	}
	span := func(low, high, most int) string {
		if low > high || high > most {
			bad = fmt.Sprintf("%d-%d is no range", low, high)
		}
		return fmt.Sprintf("%d-%d", low, high)
	}
	millis := func(usual int, keys ...string) string {
		n := t.integer(keys[0], usual, keys[1:]...)
		if n < 1 || n > 10_000 {
			bad = fmt.Sprintf("%s is not within 1 to 10000", keys[0])
		}
		return fmt.Sprintf("%dms", n)
	}
	var fields []Field
	switch kind {
	case "Note":
		fields = []Field{{"note", number(127, -1, "note")}}
		if low := number(127, 1, "velocity_min"); low > 1 {
			fields = append(fields, Field{"velocity", span(low, 127, 127)})
		}
	case "VelocityRange":
		_, lower := t.m["min_velocity"]
		_, upper := t.m["max_velocity"]
		if !lower && !upper {
			return refuse("it does not say which velocities are meant")
		}
		fields = []Field{{"note", number(127, -1, "note")}, {"velocity", span(max(1, number(127, 1, "min_velocity")), number(127, 127, "max_velocity"), 127)}}
	case "LongPress":
		fields = []Field{{"note", number(127, -1, "note")}, {"hold", millis(c.hold, "duration_ms", "min_duration_ms")}}
	case "DoubleTap":
		fields = []Field{{"note", number(127, -1, "note")}, {"taps", 2}, {"within", millis(c.taps, "timeout_ms", "max_interval_ms")}}
	case "NoteChord":
		keys, ok := chordKeys(t.m["notes"])
		if !ok {
			return refuse("a chord needs 2 to 16 different notes, each 0 to 127")
		}
		fields = []Field{{"chord", keys}, {"within", millis(c.chord, "timeout_ms", "max_interval_ms")}}
	case "EncoderTurn":
		direction, ok := map[string]string{"": "any", "clockwise": "up", "counterclockwise": "down"}[strings.ToLower(t.text("direction"))]
		if !ok {
			return refuse("its direction is neither Clockwise nor CounterClockwise")
		}
		fields = []Field{{"cc", number(127, -1, "cc")}, {"encoder", "absolute"}, {"direction", direction}}
	case "Aftertouch":
		pressure := span(number(127, 0, "pressure_min", "min_pressure"), number(127, 127, "max_pressure"), 127)
		fields = []Field{{"aftertouch", pressure}}
		if _, poly := t.m["note"]; poly {
			fields = []Field{{"poly_aftertouch", number(127, -1, "note")}, {"value", pressure}}
		}
	case "PitchBend":
		if _, dead := t.m["center_deadzone"]; dead {
			return refuse("a dead zone around the centre is not possible; two mappings, one for each side, do the same")
		}
		fields = []Field{{"pitch_bend", span(number(16383, 0, "value_min", "min_value"), number(16383, 16383, "value_max", "max_value"), 16383)}}
	case "CC":
		fields = []Field{{"cc", number(127, -1, "cc")}, {"value", span(number(127, 0, "value_min"), number(127, 127, "value_max"), 127)}}
	case "":
		return refuse("the mapping has no trigger with a type")
	default:
		if strings.HasPrefix(kind, "Gamepad") {
			return refuse("there is no input from game controllers")
		}
		return refuse("this type of trigger is not known")
	}
	if bad != "" {
		return refuse("%s", bad)
	}
	return fields, true
}

func chordKeys(v any) (keys []any, ok bool) {
	list, _ := v.([]any)
	var seen []int64
	for _, e := range list {
		n, isNumber := e.(int64)
		if !isNumber || n < 0 || n > 127 || slices.Contains(seen, n) || len(seen) == 16 {
			return nil, false
		}
		seen = append(seen, n)
		keys = append(keys, int(n))
	}
	return keys, len(keys) > 1
}
