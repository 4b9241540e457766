package profiles

import (
	"fmt"
	"strconv"
	"strings"
)

// TOML is the profile as one text that extends nothing and means the same:
// what was inherited, removed and brought by groups is written out.
func (p *Profile) TOML() string {
	lines := []string{
		"name = " + quoted(p.Name),
		"description = " + quoted(p.Description),
	}
	if len(p.Require) > 0 {
		lines = append(lines, "require = "+quotedList(p.Require))
	}
	lines = append(lines, "", "[limits]")
	for i := range limitKeys {
		lines = append(lines, limitKeys[i].name+" = "+limitKeys[i].toml(limitKeys[i].text(&p.Limits)))
	}
	lines = append(lines, p.Ceilings.toml()...)
	for i := range p.Rules {
		lines = append(lines, ruleLines(&p.Rules[i])...)
	}
	for _, g := range p.Files {
		lines = append(lines, "", "[[files]]", "path = "+quoted(g.Path), "inside = "+quoted(g.Inside),
			fmt.Sprintf("access = %q", g.Access), "why = "+quoted(g.Why))
	}
	for _, g := range p.Devices {
		lines = append(lines, "", "[[devices]]", "path = "+quoted(g.Path), fmt.Sprintf("access = %q", g.Access), "why = "+quoted(g.Why))
	}
	for _, g := range p.Network {
		var to []string
		for _, d := range g.To {
			to = append(to, d.String())
		}
		lines = append(lines, "", "[[network]]", "to = "+quotedList(to), "why = "+quoted(g.Why))
	}
	for _, g := range p.Environment {
		lines = append(lines, "", "[[environment]]", "names = "+quotedList([]string{g.Name}), "why = "+quoted(g.Why))
	}
	return strings.Join(lines, "\n") + "\n"
}

func (k *limitKey) toml(text string) string {
	if k.whole {
		return text
	}
	return quoted(text)
}

func (c *Ceilings) toml() []string {
	var lines []string
	var limits []string
	for i := range limitKeys {
		if ceiling, ok := c.Limits[limitKeys[i].name]; ok {
			limits = append(limits, limitKeys[i].name+" = "+limitKeys[i].toml(ceiling.Text))
		}
	}
	if limits != nil {
		lines = append(lines, "limits = { "+strings.Join(limits, ", ")+" }")
	}
	if len(c.Forbid) > 0 {
		var names []string
		for _, f := range c.Forbid {
			names = append(names, f.Name)
		}
		lines = append(lines, "forbid = "+quotedList(names))
	}
	if c.Files != nil {
		lines = append(lines, "files = "+strconv.Quote(string(c.Files.Access)))
	}
	if c.Devices != nil {
		lines = append(lines, "devices = "+strconv.Quote(string(c.Devices.Access)))
	}
	if c.Network != nil {
		lines = append(lines, "network = "+quotedList(c.Network.Hosts))
	}
	if lines == nil {
		return nil
	}
	return append([]string{"", "[ceilings]"}, lines...)
}

// ruleLines is a rule as TOML, after an empty line.
func ruleLines(r *Rule) []string {
	lines := []string{"", "[[rules]]", "calls = " + quotedList(r.Calls)}
	if r.Action == Allow {
		lines = append(lines, fmt.Sprintf("phase = %q", r.Phase))
	}
	if len(r.When) > 0 {
		var when []string
		for _, c := range r.When {
			when = append(when, c.textOf(r.Calls))
		}
		lines = append(lines, "when = "+quotedList(when))
	}
	lines = append(lines, fmt.Sprintf("action = %q", r.ActionText()), "why = "+quoted(r.Why))
	if r.AcceptRisk != "" {
		lines = append(lines, "accept_risk = "+quoted(r.AcceptRisk))
	}
	return lines
}

// textOf is the condition for several calls, by a name that all of them have
// for the argument, else by its place.
func (c Compare) textOf(calls []string) string {
	text := c.text(calls[0])
	for _, call := range calls[1:] {
		if have, err := parseCompare(call, text); err != nil || have != c {
			return fmt.Sprintf("arg%d & %#x == %#x", c.Arg, c.Mask, c.Value)
		}
	}
	return text
}

// ActionText is the action as a profile has it.
func (r *Rule) ActionText() string {
	if r.Action == Errno {
		return string(Errno) + ":" + errnoName(r.Errno)
	}
	return string(r.Action)
}

// quoted is a basic string of TOML. Its escapes are Go's but for \x, \a and
// \v, which it does not have; \u does for all.
func quoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func quotedList(texts []string) string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = quoted(t)
	}
	return "[" + strings.Join(out, ", ") + "]"
}
