package midi

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// span is an inclusive range of MIDI numbers.
type span struct{ lo, hi uint16 }

func (s span) has(n uint16) bool { return s.lo <= n && n <= s.hi }

// spanField says how one config field is read.
type spanField struct {
	name string
	max  int  // largest number allowed; the smallest is 0
	keys bool // key names are allowed besides numbers
}

// parse reads v as it comes from a TOML, YAML or JSON decoder: a number,
// text ("64", "64-127", "C3-C5") or a list of two of these. Text in errors
// is quoted: it is not ours.
func (f spanField) parse(v any) (span, error) {
	lo, hi, ranged, err := f.ends(v)
	name := f.name
	if ranged {
		name += " range"
	}
	if err == nil {
		err = f.check(lo, hi)
	}
	if err != nil {
		return span{}, fmt.Errorf("%s %s: %w", name, show(v), err)
	}
	return span{uint16(lo), uint16(hi)}, nil
}

// show prints a config value for an error: text quoted and cut, lists one
// level deep.
func show(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("%.64q", v)
	case int, int64, float64, bool:
		return fmt.Sprint(v)
	case []any:
		shown := make([]string, 0, 3)
		for _, e := range v {
			if len(shown) == 3 {
				shown = append(shown, "...")
				break
			}
			if _, list := e.([]any); list {
				shown = append(shown, "[...]")
				continue
			}
			shown = append(shown, show(e))
		}
		return "[" + strings.Join(shown, ", ") + "]"
	}
	return fmt.Sprintf("of type %T", v)
}

func (f spanField) check(lo, hi int) error {
	switch {
	case lo < 0 || hi < 0:
		return errors.New("below 0")
	case lo > f.max || hi > f.max:
		return fmt.Errorf("above %d", f.max)
	case lo > hi:
		return errors.New("low above high")
	}
	return nil
}

func (f spanField) ends(v any) (lo, hi int, ranged bool, err error) {
	switch v := v.(type) {
	case string:
		return f.endsText(v)
	case []any:
		if len(v) != 2 {
			return 0, 0, true, errors.New("a list needs two entries, low and high")
		}
		if lo, err = f.end(v[0]); err == nil {
			hi, err = f.end(v[1])
		}
		return lo, hi, true, err
	}
	lo, err = f.end(v)
	return lo, lo, false, err
}

// end reads one end of a range.
func (f spanField) end(v any) (int, error) {
	switch v := v.(type) {
	case int:
		return v, nil
	case int64:
		// A clamp keeps the sign, and with it the message.
		return int(max(math.MinInt32, min(v, math.MaxInt32))), nil
	case float64: // JSON has no other numbers
		if v != math.Trunc(v) || math.Abs(v) > math.MaxInt32 {
			return 0, errors.New("not a whole number")
		}
		return int(v), nil
	case string:
		n, rest, ok := f.cut(strings.TrimSpace(v))
		if !ok || rest != "" {
			return 0, f.errShape()
		}
		return n, nil
	}
	return 0, f.errShape()
}

func (f spanField) endsText(s string) (lo, hi int, ranged bool, err error) {
	lo, rest, ok := f.cut(strings.TrimSpace(s))
	rest = strings.TrimSpace(rest)
	if !ok {
		return 0, 0, false, f.errShape()
	}
	if rest == "" {
		return lo, lo, false, nil
	}
	// The dash is looked for only after a whole number or key: that of
	// "C-1" belongs to the octave.
	after, dashed := strings.CutPrefix(rest, "-")
	if !dashed {
		return 0, 0, false, f.errShape()
	}
	hi, rest, ok = f.cut(strings.TrimSpace(after))
	if !ok || rest != "" {
		return 0, 0, true, f.errShape()
	}
	return lo, hi, true, nil
}

func (f spanField) errShape() error {
	if f.keys {
		return errors.New("not a key (C-1 to G9, 0 to 127) or a range of keys")
	}
	return errors.New("not a number or a range of numbers")
}

// cut takes one number or key name off the front of s.
func (f spanField) cut(s string) (n int, rest string, ok bool) {
	if n, rest, ok = cutDigits(s); ok || !f.keys {
		return n, rest, ok
	}
	return cutKey(s)
}

// cutDigits takes up to five digits off the front of s; more than that is
// over every limit here, and refused as trailing text.
func cutDigits(s string) (n int, rest string, ok bool) {
	i := 0
	for ; i < len(s) && i < 5 && '0' <= s[i] && s[i] <= '9'; i++ {
		n = n*10 + int(s[i]-'0')
	}
	return n, s[i:], i > 0
}
