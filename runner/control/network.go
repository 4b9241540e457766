package control

import "net/netip"

// Connection is one that the jailer has made for a plugin.
type Connection struct {
	UDP bool           `json:"udp,omitempty"` // else TCP
	To  netip.AddrPort `json:"to"`
	// Name is the granted name that To belongs to, or empty.
	Name string `json:"name,omitempty"`
}

// String is "tcp 192.0.2.1:80", with the name behind it if there is one.
func (c Connection) String() string {
	text := "tcp "
	if c.UDP {
		text = "udp "
	}
	text += c.To.String()
	if c.Name != "" {
		text += " (" + c.Name + ")"
	}
	return text
}

var (
	thisNetwork = netip.MustParsePrefix("0.0.0.0/8")
	broadcast   = netip.MustParseAddr("255.255.255.255")
)

// Reachable reports whether an address can be granted at all: it names one
// machine, and needs no interface to be named with it. 0.0.0.0 and :: do not,
// connect(2) takes them for this machine; nor do multicast and broadcast
// addresses, IPv6 addresses on a link, and any that are IPv4 in IPv6.
func Reachable(a netip.Addr) bool {
	switch {
	case !a.IsValid(), a.Zone() != "", a.Is4In6(), a.IsUnspecified(), a.IsMulticast():
		return false
	case a.Is6() && a.IsLinkLocalUnicast():
		return false
	}
	return a != broadcast && !thisNetwork.Contains(a)
}
