package midi

import (
	"fmt"
	"strings"
	"testing"
)

func TestSpan(t *testing.T) {
	key := spanField{name: "key", max: 127, keys: true}
	num := spanField{name: "value", max: 127}
	for _, tc := range []struct {
		field spanField
		in    any
		want  span
	}{
		{key, "C4", span{60, 60}},
		{key, "c4", span{60, 60}},
		{key, "C-1", span{0, 0}},
		{key, "G9", span{127, 127}},
		{key, "C-1-G9", span{0, 127}},
		{key, "C#3", span{49, 49}},
		{key, "Db3", span{49, 49}},
		{key, "bb3", span{58, 58}},
		{key, "b3", span{59, 59}},
		{key, "Cb4", span{59, 59}},
		{key, "B#4", span{72, 72}},
		{key, "C3-C5", span{48, 72}},
		{key, " C3 - C5 ", span{48, 72}},
		{key, "36-51", span{36, 51}},
		{key, "36", span{36, 36}},
		{key, "C3-72", span{48, 72}},
		{key, 36, span{36, 36}},
		{key, int64(36), span{36, 36}},
		{key, float64(36), span{36, 36}},
		{key, []any{int64(36), int64(51)}, span{36, 51}},
		{key, []any{"C3", "c5"}, span{48, 72}},
		{num, "0-127", span{0, 127}},
		{spanField{name: "bend", max: 16383}, "0-16383", span{0, 16383}},
	} {
		got, err := tc.field.parse(tc.in)
		if err != nil || got != tc.want {
			t.Errorf("%s %v: got %v, %v, want %v", tc.field.name, tc.in, got, err, tc.want)
		}
	}
	for _, tc := range []struct {
		field spanField
		in    any
		want  string // whole error
	}{
		{key, "C9-C1", `key range "C9-C1": low above high`},
		{key, "G#9", `key "G#9": above 127`},
		{key, "Cb-1", `key "Cb-1": below 0`},
		{key, "C99999999999", `key "C99999999999": not a key (C-1 to G9, 0 to 127) or a range of keys`},
		{key, "H3", `key "H3": not a key (C-1 to G9, 0 to 127) or a range of keys`},
		{key, "C-C5", `key "C-C5": not a key (C-1 to G9, 0 to 127) or a range of keys`},
		{key, "C3-", `key range "C3-": not a key (C-1 to G9, 0 to 127) or a range of keys`},
		{key, "", `key "": not a key (C-1 to G9, 0 to 127) or a range of keys`},
		{key, "C3\x1b", `key "C3\x1b": not a key (C-1 to G9, 0 to 127) or a range of keys`},
		{num, "C4", `value "C4": not a number or a range of numbers`},
		{num, "128", `value "128": above 127`},
		{num, 128, `value 128: above 127`},
		{num, -1, `value -1: below 0`},
		{num, int64(-1) << 62, `value -4611686018427387904: below 0`},
		{num, int64(1) << 32, `value 4294967296: above 127`},
		{num, 1.5, `value 1.5: not a whole number`},
		{num, true, `value true: not a number or a range of numbers`},
		{num, []any{1}, `value range [1]: a list needs two entries, low and high`},
		{num, []any{2, 1}, `value range [2, 1]: low above high`},
		{num, []any{[]any{1}, 2}, `value range [[...], 2]: not a number or a range of numbers`},
		{num, map[string]any{}, `value of type map[string]interface {}: not a number or a range of numbers`},
		{num, "1-2-3", `value range "1-2-3": not a number or a range of numbers`},
	} {
		got, err := tc.field.parse(tc.in)
		if err == nil || err.Error() != tc.want {
			t.Errorf("%s %v: got %v, %v, want error %s", tc.field.name, tc.in, got, err, tc.want)
		}
	}
}

// Every key written by name, flat and sharp, and as a number is read back.
func TestSpanEveryKey(t *testing.T) {
	field := spanField{name: "key", max: 127, keys: true}
	names := []string{"C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"}
	for k := range uint16(128) {
		name := fmt.Sprintf("%s%d", names[k%12], int(k)/12-1)
		for _, in := range []any{name, strings.ToLower(name), fmt.Sprint(k), int(k), name + "-" + name} {
			if got, err := field.parse(in); err != nil || got != (span{k, k}) {
				t.Errorf("%v: got %v, %v, want %d", in, got, err, k)
			}
		}
	}
}

func FuzzSpan(f *testing.F) {
	for _, s := range []string{"C4", "C-1-G9", "36-51", "Bb3 - 127", "-", "C#", "99999", "0-0"} {
		f.Add(s, 127, true)
		f.Add(s, 16383, false)
	}
	f.Fuzz(func(t *testing.T, s string, limit int, keys bool) {
		limit = min(max(limit, 0), 16383)
		field := spanField{name: "value", max: limit, keys: keys}
		got, err := field.parse(s)
		if err != nil {
			return
		}
		if got.lo > got.hi || int(got.hi) > limit {
			t.Fatalf("%q gave %v, limit %d", s, got, limit)
		}
		// As numbers it is the same range.
		again, err := field.parse(fmt.Sprintf("%d-%d", got.lo, got.hi))
		if err != nil || again != got {
			t.Fatalf("%q gave %v, its numbers %v, %v", s, got, again, err)
		}
	})
}
