package profiles

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

var hostLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func text16(n uint16) string { return strconv.FormatUint(uint64(n), 10) }

// ParseDestination reads "tcp://HOST:PORT" or "udp://HOST:PORT". HOST is a
// name, an address or a network; IPv6 stands in brackets, with its length:
// "tcp://[fd00::/8]:80".
func ParseDestination(text string) (Destination, error) {
	fail := func(format string, args ...any) (Destination, error) {
		return Destination{}, fmt.Errorf("destination %q: %w", text, fmt.Errorf(format, args...))
	}
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || Protocol(scheme) != TCP && Protocol(scheme) != UDP {
		return fail("want tcp://HOST:PORT or udp://HOST:PORT")
	}
	colon := strings.LastIndexByte(rest, ':')
	if colon < 0 || strings.HasSuffix(rest, "]") {
		return fail("the port is missing")
	}
	host, portText := rest[:colon], rest[colon+1:]
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || port == 0 || portText[0] == '0' || portText[0] == '+' {
		return fail("port %q: want 1 to 65535", portText)
	}
	inner, bracketed := strings.CutPrefix(host, "[")
	if bracketed {
		if inner, ok = strings.CutSuffix(inner, "]"); !ok || !strings.Contains(inner, ":") {
			return fail("brackets are for IPv6")
		}
	} else if strings.Contains(host, ":") {
		return fail("IPv6 stands in brackets")
	}
	if inner, err = checkHost(inner); err != nil {
		return fail("%w", err)
	}
	return Destination{Protocol(scheme), inner, uint16(port)}, nil
}

// checkHost takes a name, an address or a network and returns it in its one
// canonical form.
func checkHost(host string) (string, error) {
	if strings.Contains(host, "/") {
		prefix, err := netip.ParsePrefix(host)
		switch {
		case err != nil:
			return "", fmt.Errorf("network %q: want ADDRESS/BITS", host)
		case prefix.Addr().Is4In6():
			return "", fmt.Errorf("network %q: write it as IPv4", host)
		case prefix != prefix.Masked():
			return "", fmt.Errorf("network %q has bits beyond its length; %s has not", host, prefix.Masked())
		}
		return prefix.String(), nil
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		switch {
		case addr.Zone() != "":
			return "", fmt.Errorf("address %q: zones are not supported", host)
		case addr.Is4In6():
			return "", fmt.Errorf("address %q: write it as IPv4", host)
		case addr.IsUnspecified():
			// connect(2) takes it for this machine itself.
			return "", fmt.Errorf("address %q names no host", host)
		}
		return addr.String(), nil
	}
	return host, checkHostName(host)
}

// checkHostName takes names as RFC 1123 has them, in lower case and without
// the final dot, so that there is one spelling of each. A last label that
// looks like a number is refused: inet_aton(3) reads "127.1" and "0x7f.1" as
// addresses.
func checkHostName(name string) error {
	if name == "" || len(name) > 253 {
		return fmt.Errorf("host name %q: want 1 to 253 letters", name)
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if !hostLabel.MatchString(label) {
			return fmt.Errorf("host name %q: want labels of lower-case letters, digits and inner dashes", name)
		}
	}
	if last := labels[len(labels)-1]; last[0] >= '0' && last[0] <= '9' {
		return fmt.Errorf("host name %q: the last label must begin with a letter", name)
	}
	return nil
}

// within reports whether a ceiling's host, which may be a network, covers a
// host. A name is covered by itself alone: what it resolves to may change.
func within(host, ceiling string) bool {
	if host == ceiling {
		return true
	}
	outer, err := netip.ParsePrefix(ceiling)
	if err != nil {
		return false
	}
	if inner, err := netip.ParsePrefix(host); err == nil {
		return inner.Bits() >= outer.Bits() && outer.Contains(inner.Addr())
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && outer.Contains(addr)
}
