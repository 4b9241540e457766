package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner/control"
)

const (
	// loggedDenials is how many denials of one booth the log names in a minute.
	loggedDenials = 10
	// keptDenials is how many the summary of a session knows.
	keptDenials = 256
)

// denialLog picks the denials that a log names, and keeps them for a summary.
// Not safe for concurrent use.
type denialLog struct {
	all    string // where those are that the log does not name
	kept   []keptDenial
	index  map[string]int // of kept, by booth, phase and call
	more   uint64         // messages about others, which are only counted
	logged map[string]*loggedMinute
}

type keptDenial struct {
	booth string
	control.Denial
}

// loggedMinute is one booth's part of the log.
type loggedMinute struct {
	from    time.Time
	lines   int
	skipped int
}

func newDenialLog(all string) *denialLog {
	return &denialLog{all: all, index: map[string]int{}, logged: map[string]*loggedMinute{}}
}

// add takes a denial and returns what to log about it.
func (l *denialLog) add(now time.Time, booth string, d control.Denial) (lines []string) {
	l.keep(booth, d)
	if d.Count != 1 {
		return nil
	}
	m := l.logged[booth]
	if m == nil {
		m = &loggedMinute{from: now}
		l.logged[booth] = m
	}
	if now.Sub(m.from) >= time.Minute {
		lines = l.skipped(booth, m)
		*m = loggedMinute{from: now}
	}
	if m.lines == loggedDenials {
		if m.skipped++; m.skipped == 1 {
			lines = append(lines, fmt.Sprintf("booth %q: more of them within this minute are only counted; %s", booth, l.all))
		}
		return lines
	}
	m.lines++
	return append(lines, fmt.Sprintf("booth %q: %s", booth, newDenialEvent(&d, nil).text()))
}

// rest returns what is left to log at the end.
func (l *denialLog) rest() (lines []string) {
	for booth, m := range l.logged {
		lines = append(lines, l.skipped(booth, m)...)
		m.skipped = 0
	}
	return lines
}

func (l *denialLog) skipped(booth string, m *loggedMinute) []string {
	if m.skipped == 0 {
		return nil
	}
	return []string{fmt.Sprintf("booth %q: and %d more; %s", booth, m.skipped, l.all)}
}

func (l *denialLog) keep(booth string, d control.Denial) {
	key := denialName(booth, &d)
	i, ok := l.index[key]
	switch {
	case ok:
		l.kept[i].Count = max(l.kept[i].Count, d.Count)
	case len(l.kept) < keptDenials:
		l.index[key] = len(l.kept)
		l.kept = append(l.kept, keptDenial{booth, d})
	default:
		l.more++
	}
}

func denialName(booth string, d *control.Denial) string {
	return fmt.Sprintf("%s: %s (%s phase)", booth, callText(d.Call, d.Decoded), d.Phase)
}

// counts are the denials by name.
func (l *denialLog) counts() map[string]uint64 {
	counts := map[string]uint64{}
	for i := range l.kept {
		counts[denialName(l.kept[i].booth, &l.kept[i].Denial)] = l.kept[i].Count
	}
	return counts
}

// explained are the denials as events.
func (l *denialLog) explained(p *profiles.Profile) []*denialEvent {
	all := []*denialEvent{}
	for i := range l.kept {
		d := newDenialEvent(&l.kept[i].Denial, p)
		d.least = true
		all = append(all, d)
	}
	return all
}

// print lists the denials, each change of the profile once.
func (l *denialLog) print(w io.Writer, p *profiles.Profile) {
	shown := map[string]bool{}
	for _, d := range l.explained(p) {
		fmt.Fprintf(w, "  %s\n", d.text())
		if d.Edit == nil {
			continue
		}
		lines := strings.Join(d.Edit.below("    "), "\n")
		if !shown[lines] {
			fmt.Fprintln(w, lines)
		}
		shown[lines] = true
	}
	if l.more > 0 {
		fmt.Fprintln(w, "  and others")
	}
}
