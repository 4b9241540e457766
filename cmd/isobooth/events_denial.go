package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner/control"
)

// denialEvent is a refused system call, with the line of the profile that
// decides it and the change that would allow it.
type denialEvent struct {
	Call      string             `json:"call"`
	Nr        int                `json:"nr"`
	Phase     string             `json:"phase"`
	Arguments []control.Argument `json:"arguments"`
	// Count is how often this call was refused with these arguments in this
	// phase by this worker: 1, 2, 4, 8 and so on.
	Count   uint64   `json:"count"`
	Errno   int      `json:"errno,omitempty"`
	Learned bool     `json:"learned,omitempty"` // it was let through
	Quota   bool     `json:"quota,omitempty"`   // it used up the quota
	Profile string   `json:"profile,omitempty"`
	Rules   []string `json:"rules"` // FILE:LINE of each that names the call
	Why     string   `json:"why,omitempty"`
	Edit    *edit    `json:"edit,omitempty"`

	least bool // there may have been more than Count
}

// edit is a change of a profile.
type edit struct {
	File  string   `json:"file"`            // "" when none is proposed
	New   bool     `json:"new,omitempty"`   // the file is yet to be made, of these lines
	After int      `json:"after,omitempty"` // the line behind which they go
	Lines []string `json:"lines"`
	Text  string   `json:"text"`
}

// newDenialEvent explains a denial by the profile in force, which may be nil.
func newDenialEvent(d *control.Denial, p *profiles.Profile) *denialEvent {
	e := &denialEvent{
		Call: d.Call, Nr: d.Nr, Phase: d.Phase, Arguments: d.Decoded, Count: d.Count, Errno: d.Errno, Learned: d.Learned, Quota: d.Quota,
		Rules: []string{},
	}
	if e.Arguments == nil {
		e.Arguments = []control.Argument{}
	}
	if p == nil {
		return e
	}
	e.Profile = p.Name
	phase := profiles.Phase(d.Phase)
	x := p.Explain(d.Call, phase, &d.Args)
	e.Why = x.Text
	for i := range p.Rules {
		if r := &p.Rules[i]; slices.Contains(r.Calls, d.Call) && r.At.File != "" {
			e.Rules = append(e.Rules, r.At.String())
		}
	}
	to, connects := destinationOf(d)
	switch {
	case d.Learned:
	case connects:
		e.Edit = newEdit(p.EditForDestination(to))
	default:
		e.Edit = newEdit(p.EditFor(d.Call, phase, &d.Args))
	}
	return e
}

// killers names the calls that a profile kills for. The kernel tells nobody
// which of them it was.
func killers(p *profiles.Profile) string {
	var calls []string
	for i := range p.Rules {
		if p.Rules[i].Action == profiles.Kill {
			calls = append(calls, p.Rules[i].Calls...)
		}
	}
	return "the kernel does not tell which call it was, of " + strings.Join(calls, ", ")
}

// newEdit gives a profile that is yet to be made a place among the user's.
func newEdit(p profiles.Edit) *edit {
	e := &edit{File: p.File, After: p.After, Lines: p.Lines, Text: p.Text, New: p.File != "" && p.After == 0}
	if e.Lines == nil {
		e.Lines = []string{}
	}
	if e.New {
		e.File = filepath.Join(configDir(), "profiles.d", e.File)
	}
	return e
}

// call is the call as a person reads it. The jailer has quoted what came out
// of the plugin's memory.
func (d *denialEvent) call() string { return callText(d.Call, d.Arguments) }

func callText(call string, args []control.Argument) string {
	var all []string
	for _, a := range args {
		all = append(all, a.Name+" "+a.Value)
	}
	return call + "(" + strings.Join(all, ", ") + ")"
}

// text is the denial in words.
func (d *denialEvent) text() string {
	verb := "refused"
	if d.Learned {
		verb = "let through, to learn,"
	}
	text := fmt.Sprintf("%s %s in the %s phase", verb, d.call(), d.Phase)
	switch {
	case d.least:
		text += fmt.Sprintf(", at least %d times", d.Count)
	case d.Count > 1:
		text += fmt.Sprintf(", %d times", d.Count)
	}
	if d.Quota {
		text += ", which used up its quota"
	}
	if d.Why != "" {
		text += ": " + d.Why
	}
	return text
}

// text says how to make the change: what to write where, or which command
// writes it.
func (e *edit) text() []string {
	switch {
	case e.File == "":
		return []string{e.Text}
	case e.New:
		// With -C an existing file is not overwritten.
		lines := []string{fmt.Sprintf("# to allow it: %s", e.Text),
			fmt.Sprintf("mkdir -p -m 700 %s && (set -C; cat >%s) <<'END'", shellQuote(filepath.Dir(e.File)), shellQuote(e.File))}
		return append(append(lines, e.Lines...), "END")
	}
	lines := []string{fmt.Sprintf("to allow it: %s, after line %d: %s", e.File, e.After, e.Text)}
	for _, l := range e.Lines {
		if l != "" {
			lines = append(lines, "  "+l)
		}
	}
	return lines
}

// below is text, indented under what was refused; not where it is a command to
// copy.
func (e *edit) below(indent string) []string {
	lines := e.text()
	if e.New {
		return lines
	}
	for i := range lines {
		lines[i] = indent + lines[i]
	}
	return lines
}

// shellQuote makes one word for a shell of any text.
func shellQuote(word string) string {
	special := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("/._-+:@%", r)
	}
	if word != "" && !strings.ContainsFunc(word, special) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
