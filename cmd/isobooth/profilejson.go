package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/isobooth/isobooth/profiles"
)

// shownProfile is a profile for programs, with the names and values that its
// text has, each with its place.
type shownProfile struct {
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Chain       []profiles.Source `json:"chain"` // itself, then its parents
	Require     []string          `json:"require"`
	Limits      map[string]placed `json:"limits"`
	Rules       []shownRule       `json:"rules"`
	Files       []shownGrant      `json:"files"`
	Devices     []shownGrant      `json:"devices"`
	Network     []shownGrant      `json:"network"`
	Environment []shownGrant      `json:"environment"`
	Ceilings    []shownCeiling    `json:"ceilings"`
	Warnings    []string          `json:"warnings"` // where it is looser than strict
}

type placed struct {
	Value string            `json:"value"`
	At    profiles.Position `json:"at"`
}

type shownRule struct {
	Calls      []string          `json:"calls"`
	Phase      profiles.Phase    `json:"phase,omitempty"`
	When       []string          `json:"when,omitempty"`
	Action     string            `json:"action"`
	Group      string            `json:"group,omitempty"`
	Why        string            `json:"why"`
	AcceptRisk string            `json:"accept_risk,omitempty"`
	At         profiles.Position `json:"at"`
}

// shownGrant has the fields that its kind has.
type shownGrant struct {
	Path   string            `json:"path,omitempty"`
	Inside string            `json:"inside,omitempty"`
	Access profiles.Access   `json:"access,omitempty"`
	To     []string          `json:"to,omitempty"`
	Name   string            `json:"name,omitempty"`
	Why    string            `json:"why"`
	At     profiles.Position `json:"at"`
}

// shownCeiling is one ceiling: of limits.KEY, forbid, files, devices, network.
type shownCeiling struct {
	Of    string            `json:"of"`
	Value string            `json:"value"`
	At    profiles.Position `json:"at"`
}

func newShownProfile(p *profiles.Profile) *shownProfile {
	out := &shownProfile{
		Name: p.Name, Description: p.Description, Chain: p.Chain, Require: list(p.Require),
		Limits: map[string]placed{}, Rules: []shownRule{},
		Files: []shownGrant{}, Devices: []shownGrant{}, Network: []shownGrant{}, Environment: []shownGrant{},
		Ceilings: ceilings(&p.Ceilings), Warnings: list(p.Warnings()),
	}
	for _, l := range p.LimitValues() {
		out.Limits[l.Key] = placed{l.Value, l.At}
	}
	for _, r := range p.Rules {
		rule := shownRule{Calls: r.Calls, Phase: r.Phase, Action: r.ActionText(), Group: r.Group, Why: r.Why, AcceptRisk: r.AcceptRisk, At: r.At}
		if len(r.When) > 0 {
			rule.When = r.Conditions(r.Calls[0])
		}
		out.Rules = append(out.Rules, rule)
	}
	for _, g := range p.Files {
		out.Files = append(out.Files, shownGrant{Path: g.Path, Inside: g.Inside, Access: g.Access, Why: g.Why, At: g.At})
	}
	for _, g := range p.Devices {
		out.Devices = append(out.Devices, shownGrant{Path: g.Path, Access: g.Access, Why: g.Why, At: g.At})
	}
	for _, g := range p.Network {
		var to []string
		for _, d := range g.To {
			to = append(to, d.String())
		}
		out.Network = append(out.Network, shownGrant{To: to, Why: g.Why, At: g.At})
	}
	for _, g := range p.Environment {
		out.Environment = append(out.Environment, shownGrant{Name: g.Name, Why: g.Why, At: g.At})
	}
	return out
}

// list is never null in JSON.
func list(words []string) []string { return append([]string{}, words...) }

func ceilings(c *profiles.Ceilings) []shownCeiling {
	out := []shownCeiling{}
	for _, key := range slices.Sorted(maps.Keys(c.Limits)) {
		out = append(out, shownCeiling{"limits." + key, c.Limits[key].Text, c.Limits[key].At})
	}
	for _, f := range c.Forbid {
		out = append(out, shownCeiling{"forbid", f.Name, f.At})
	}
	if c.Files != nil {
		out = append(out, shownCeiling{"files", string(c.Files.Access), c.Files.At})
	}
	if c.Devices != nil {
		out = append(out, shownCeiling{"devices", string(c.Devices.Access), c.Devices.At})
	}
	if c.Network != nil {
		hosts := "none"
		if len(c.Network.Hosts) > 0 {
			hosts = strings.Join(c.Network.Hosts, ", ")
		}
		out = append(out, shownCeiling{"network", hosts, c.Network.At})
	}
	return out
}

// ceilingLines are those of a profile, for people.
func ceilingLines(c *profiles.Ceilings) []string {
	var lines []string
	for _, l := range ceilings(c) {
		lines = append(lines, fmt.Sprintf("%-18s %-10s %s", l.Of, l.Value, l.At))
	}
	return lines
}
