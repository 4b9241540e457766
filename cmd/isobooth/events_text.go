package main

import (
	"fmt"
	"io"
	"strings"
)

// eventPrinter prints events for people: when, who, what, and once for each
// change of a profile how to make it.
type eventPrinter struct {
	w     io.Writer
	shown map[string]bool // changes, by what is printed; bounded
}

func newEventPrinter(w io.Writer) *eventPrinter {
	return &eventPrinter{w: w, shown: map[string]bool{}}
}

func (p *eventPrinter) print(e *event) {
	at := e.Time.Local().Format("15:04:05")
	who := "isobooth"
	if e.Booth != "" {
		who = e.Booth
	}
	p.line(fmt.Sprintf("%s %s: %s", at, who, e.text()))
	if e.Denial == nil || e.Denial.Edit == nil {
		return
	}
	lines := e.Denial.Edit.below(strings.Repeat(" ", len(at)+1))
	key := e.Booth + "\n" + strings.Join(lines, "\n")
	switch {
	case p.shown[key]:
		return
	case len(p.shown) < 256:
		p.shown[key] = true
	}
	for _, l := range lines {
		p.line(l)
	}
}

// line prints one line, whatever is in it. What plugins say was quoted before;
// this is for the rest.
func (p *eventPrinter) line(text string) {
	fmt.Fprintln(p.w, printable(text))
}

func (e *event) text() string {
	switch {
	case e.Denial != nil:
		return e.Denial.text()
	case e.Type == eventState && e.Cause != nil:
		text := fmt.Sprintf("%s; now %s", e.Cause.Text, e.State)
		if e.Text != "" {
			text += "; " + e.Text
		}
		return text
	case e.Type == eventState:
		return string(e.State)
	case e.Type == eventMode:
		return fmt.Sprintf("mode %q", e.Mode)
	case e.Type == eventLost:
		return fmt.Sprintf("%d events are missing here: %s", e.Lost, e.Text)
	case e.Text != "":
		return e.Text
	}
	return e.Type
}
