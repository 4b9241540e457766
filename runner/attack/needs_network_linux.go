package attack

import "net"

// rootIP6 is root and ip6.
func rootIP6(o *Options) string {
	if lacks := root(o); lacks != "" {
		return lacks
	}
	return ip6(o)
}

// wayOut is for attacks on addresses that only a default route leads to.
// Connecting a datagram socket sends nothing.
func wayOut(*Options) string {
	c, err := net.Dial("udp4", "169.254.169.254:80")
	if err != nil {
		return "no route out of this machine: " + err.Error()
	}
	c.Close()
	return ""
}

// wayOut6 is for attacks on neighbours.
func wayOut6(*Options) string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return err.Error()
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() == nil && n.IP.IsLinkLocalUnicast() {
			return ""
		}
	}
	return "no IPv6 on any link"
}
