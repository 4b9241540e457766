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
	e := p.editForGrant([]string{"[[network]]", "to = " + quotedList([]string{to.String()})},
		"whatever the plugin has read, it can send there")
	if !p.allowsAny("socket") {
		e.Text += `; a rule with calls = ["@network-client"] must let it make sockets, too`
	}
	return e
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
	e := p.editForGrant(lines, risk)
	if !p.allowsAny(openCalls...) {
		e.Text += `; a rule with calls = ["@files-read"] must let it open files, too`
	}
	return e
}

func (p *Profile) editForGrant(lines []string, risk string) Edit {
	e := Edit{Lines: append(append([]string{""}, lines...), "why = "+quoted(unreasoned))}
	e.Text = p.place(&e) + "; risk: " + risk
	return e
}
