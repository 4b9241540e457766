package main

import (
	"fmt"
	"os"
	"time"

	"github.com/isobooth/isobooth/runner/attack"
)

// progress tells on stderr how far a self-test is: on a terminal as one line
// that changes, else as a line every few seconds.
type progress struct {
	app      *app
	label    string
	terminal bool
	silent   bool
	now      func() time.Time
	last     time.Time
	breaches int
}

const (
	progressEvery = 100 * time.Millisecond // on a terminal
	plainEvery    = 5 * time.Second
)

// newProgress is silent for a program that reads the output, unless somebody
// watches.
func (a *app) newProgress(without string, machine bool) *progress {
	label := "self-test"
	if without != "" {
		label += " without " + without
	}
	f, _ := a.stderr.(*os.File)
	p := &progress{app: a, label: label, terminal: isTerminal(f), now: time.Now}
	p.silent = machine && !p.terminal
	p.last = p.now()
	return p
}

// step is attack.Options.Progress.
func (p *progress) step(done, all int, r attack.Result) {
	if r.Verdict == attack.Breach {
		p.breaches++
	}
	every := plainEvery
	if p.terminal {
		every = progressEvery
	}
	now := p.now()
	if p.silent || now.Sub(p.last) < every {
		return
	}
	p.last = now
	text := fmt.Sprintf("%s: %d of %d, %d breaches", p.label, done, all, p.breaches)
	if p.terminal {
		// To the line's beginning, and clear it; ECMA-48.
		fmt.Fprintf(p.app.stderr, "\r\x1b[Kisobooth: %s", text)
		return
	}
	p.app.say("%s", text)
}

// end leaves an empty line to whatever comes next.
func (p *progress) end() {
	if p.terminal {
		fmt.Fprint(p.app.stderr, "\r\x1b[K")
	}
}
