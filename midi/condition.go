package midi

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// condition is what must hold besides the message.
type condition struct {
	modes    []string // any of these; empty is all
	day      daySpan
	timed    bool // day is looked at
	previous span
	earlier  bool // previous is looked at
}

// holds reports whether c is fulfilled for a message that came in a view of
// the world, where the value before was previous. It does not allocate.
func (c *condition) holds(v *view, previous int32) bool {
	if len(c.modes) > 0 && !slices.Contains(c.modes, v.mode) {
		return false
	}
	if c.timed && !c.day.has(v.minute) {
		return false
	}
	return !c.earlier || previous != noValue && c.previous.has(uint16(previous))
}

// view is what was in force when something happened. What a press has begun is
// ended in its own view, whatever is in force by then.
type view struct {
	router *Router
	mode   string
	minute int16 // of the day
}

// sameAs reports whether the same mappings were in force, but for those that
// ask for the time: no gesture ends because a minute does.
func (v *view) sameAs(other *view) bool {
	return v.router == other.router && v.mode == other.mode
}

// daySpan is a part of the day, from a minute up to another, which does not
// belong to it; it may go past midnight.
type daySpan struct{ from, to int16 }

func (d daySpan) has(minute int16) bool {
	if d.from < d.to {
		return d.from <= minute && minute < d.to
	}
	return minute >= d.from || minute < d.to
}

// parseDaySpan reads "18:00-02:00".
func parseDaySpan(text string) (daySpan, error) {
	from, to, dashed := strings.Cut(text, "-")
	lo, okLo := minuteOf(strings.TrimSpace(from))
	hi, okHi := minuteOf(strings.TrimSpace(to))
	var err error
	switch {
	case !dashed || !okLo || !okHi:
		err = errors.New("not two times of day, 00:00 to 24:00, such as 18:00-02:00")
	case lo == hi:
		err = errors.New("begins and ends at the same time")
	case lo == 24*60:
		err = errors.New("begins at 24:00, which is 00:00")
	}
	if err != nil {
		return daySpan{}, fmt.Errorf("time %.64q: %w", text, err)
	}
	return daySpan{lo, hi}, nil
}

func minuteOf(text string) (int16, bool) {
	hours, minutes, ok := strings.Cut(text, ":")
	h, restH, okH := cutDigits(hours)
	m, restM, okM := cutDigits(minutes)
	if !ok || !okH || !okM || restH != "" || restM != "" || len(hours) > 2 || len(minutes) != 2 {
		return 0, false
	}
	if m > 59 || h*60+m > 24*60 {
		return 0, false
	}
	return int16(h*60 + m), true
}

// names reports whether mode is among those that c asks for by name.
func (c *condition) names(mode string) bool { return slices.Contains(c.modes, mode) }
