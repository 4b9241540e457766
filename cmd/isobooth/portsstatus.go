package main

import (
	"fmt"
	"io"

	"github.com/isobooth/isobooth/midi/ports"
)

// portStates are those of a daemon's ports; none for what is no daemon.
func (s *session) portStates() []ports.State {
	if s.ports == nil {
		return []ports.State{}
	}
	return s.ports.States()
}

// printPorts is the table of `ps --ports`.
func printPorts(w io.Writer, all []daemonStatus) {
	fmt.Fprintf(w, "%-3s %-7s %10s %8s %8s  %-19s  %s\n", "DIR", "STATE", "MESSAGES", "LOST", "AWAY", "SINCE", "PORT")
	for _, d := range all {
		for _, p := range d.Ports {
			state, since := "open", p.Since.Local().Format("2006-01-02 15:04:05")
			if !p.Open {
				state, since = "closed", "-"
			}
			text := fmt.Sprintf("%q", p.Name)
			if p.Error != "" {
				text += fmt.Sprintf(": %q", p.Error)
			}
			fmt.Fprintf(w, "%-3s %-7s %10d %8d %8d  %-19s  %s\n", p.Direction, state, p.Messages, p.Overflows+p.SysExDropped, p.Away, since, text)
		}
	}
}
