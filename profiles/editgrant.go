package profiles

import (
	"fmt"
	"strings"
)

// EditForDestination returns the grant that would let the plugin connect to a
// destination. It has no Lines where a ceiling forbids it.
func (p *Profile) EditForDestination(to Destination) Edit {
	if c := p.Ceilings.Network; c != nil && !c.covers(to.Host) {
		return Edit{Text: fmt.Sprintf("no change of this profile can grant %s: it is not within the ceiling at %s", to, c.At)}
	}
	return p.editForGrant([]string{"[[network]]", "to = " + quotedList([]string{to.String()})},
		"whatever the plugin has read, it can send there", "@network-client", "socket")
}

// editForPath returns the grant of a device, or of a file under its own name.
func (p *Profile) editForPath(name string) Edit {
	lines := []string{"[[files]]", "path = " + quoted(name), fmt.Sprintf("access = %q", AccessRead)}
	ceiling, risk := p.Ceilings.Files, "the plugin reads what is there now and later; with access = \"write\" it changes it, too"
	if strings.HasPrefix(name, "/dev/") {
		lines[0] = "[[devices]]"
		ceiling, risk = p.Ceilings.Devices, "the driver of the device is a part of the kernel that the plugin then reaches"
	}
	if ceiling != nil && AccessRead.above(ceiling.Access) {
		return Edit{Text: fmt.Sprintf("no change of this profile can grant %s: the ceiling at %s forbids it", name, ceiling.At)}
	}
	return p.editForGrant(lines, risk, "@files-read", openCalls...)
}

// editForGrant adds to a grant, where none of the calls that use it is allowed
// yet, the group that has them.
func (p *Profile) editForGrant(lines []string, risk, group string, users ...string) Edit {
	e := Edit{Lines: append(append([]string{""}, lines...), "why = "+quoted(unreasoned))}
	text := ""
	if len(users) > 0 && !p.allowsAny(users...) {
		if p.mayHave(group) {
			e.Lines = append(e.Lines, "", "[[rules]]", "calls = "+quotedList([]string{group}), `phase = "run"`, `action = "allow"`, "why = "+quoted(unreasoned))
		} else {
			text = fmt.Sprintf("; the plugin needs the calls of %s, too, some of which this profile fails, kills for or forbids", group)
		}
	}
	e.Text = p.place(&e) + "; risk: " + risk + text
	return e
}

// mayHave reports whether a rule that allows a group can stand in this profile
// or in one that extends it.
func (p *Profile) mayHave(name string) bool {
	group, err := findGroup(name)
	if err != nil {
		return false
	}
	for _, rule := range group.Allow {
		for _, call := range rule.Calls {
			if v := p.meaning(call, PhaseRun).verdict; v == VerdictErrno || v == VerdictKill {
				return false
			}
		}
		rule.Phase = PhaseRun
		if p.forbids(&rule) != nil {
			return false
		}
	}
	return true
}
