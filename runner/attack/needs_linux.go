package attack

import (
	"net"
	"os"
)

// Values for Row.Needs.

func root(*Options) string {
	if os.Geteuid() != 0 {
		return "the control has to be root"
	}
	return ""
}

func ip6(*Options) string {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return "no IPv6: " + err.Error()
	}
	l.Close()
	return ""
}

func groups(o *Options) string {
	if o.Groups == nil {
		return "no cgroups"
	}
	return ""
}
