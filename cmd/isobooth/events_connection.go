package main

import "github.com/isobooth/isobooth/runner/control"

// connected publishes a connection that was made for a plugin. Without a hub,
// as in play, nobody asks.
func (s *session) connected(booth string, c control.Connection) {
	s.app.audit.connected(booth, c)
	if s.events != nil {
		s.events.publish(event{Type: eventConnection, Booth: booth, Connection: &c, Text: "connected to " + c.String()})
	}
}
