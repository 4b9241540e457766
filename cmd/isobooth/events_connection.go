package main

import (
	"net/netip"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner/control"
)

// connected publishes a connection that was made for a plugin. Without a hub,
// as in play, nobody asks.
func (s *session) connected(booth string, c control.Connection) {
	if s.events != nil {
		s.events.publish(event{Type: eventConnection, Booth: booth, Connection: &c, Text: "connected to " + c.String()})
	}
}

// destinationOf is where a refused connect would have gone, as a grant has it.
// The address came out of the plugin's memory: only one that a grant can have
// is taken.
func destinationOf(d *control.Denial) (to profiles.Destination, ok bool) {
	if d.Call != "connect" || d.Phase != string(profiles.PhaseRun) {
		return to, false
	}
	var addr netip.AddrPort
	for _, a := range d.Decoded {
		switch a.Name {
		case "addr":
			addr, _ = netip.ParseAddrPort(a.Value) // else it is not valid
		case "protocol":
			to.Protocol = profiles.Protocol(a.Value)
		}
	}
	ip := addr.Addr().Unmap()
	to.Host, to.Port = ip.String(), addr.Port()
	return to, control.Reachable(ip) && to.Port != 0 && (to.Protocol == profiles.TCP || to.Protocol == profiles.UDP)
}
