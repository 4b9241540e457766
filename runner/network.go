package runner

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner/control"
)

const (
	// resolveTime bounds the look-up of all the names of a profile.
	resolveTime = 5 * time.Second
	// maxDestinations is how many addresses and networks one plugin may have,
	// names resolved.
	maxDestinations = 256
)

// resolver finds the addresses of a name; *net.Resolver is one.
type resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// resolveNetwork turns the network grants of a profile into addresses. A name
// is looked up now, with the host's own resolver, and keeps these addresses
// for as long as the plan is used: whoever answers for it later cannot move
// it. An error starts with the file and line of the grant.
func resolveNetwork(r resolver, grants []profiles.NetworkGrant) ([]control.Destination, []control.HostName, error) {
	ctx, cancel := context.WithTimeout(context.Background(), resolveTime)
	defer cancel()
	var all []control.Destination
	var hosts []control.HostName
	known := map[string][]netip.Addr{}
	for i := range grants {
		g := &grants[i]
		for _, to := range g.To {
			nets, name, err := resolveHost(ctx, r, known, to.Host)
			if err == nil {
				err = checkDestination(&to, nets)
			}
			if err != nil {
				return nil, nil, fmt.Errorf("%s: network: %q: %w", g.At, to.Host, err)
			}
			for _, n := range nets {
				d := control.Destination{UDP: to.Protocol == profiles.UDP, Net: n, Port: to.Port}
				if !slices.Contains(all, d) {
					all = append(all, d)
				}
				if h := (control.HostName{Name: name, Addr: n.Addr()}); name != "" && !slices.Contains(hosts, h) {
					hosts = append(hosts, h)
				}
			}
			if len(all) > maxDestinations {
				return nil, nil, fmt.Errorf("%s: network: more than %d destinations", g.At, maxDestinations)
			}
		}
	}
	return all, hosts, nil
}

// resolveHost reads an address or a network, or looks up a name, which it
// then returns as well.
func resolveHost(ctx context.Context, r resolver, known map[string][]netip.Addr, host string) (nets []netip.Prefix, name string, err error) {
	if strings.Contains(host, "/") {
		n, err := netip.ParsePrefix(host)
		if err == nil && n != n.Masked() {
			err = fmt.Errorf("has bits beyond its length; the network is %s", n.Masked())
		}
		return []netip.Prefix{n}, "", err
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Prefix{single(addr.Unmap())}, "", nil
	}
	name = strings.ToLower(strings.TrimSuffix(host, "."))
	if err := checkName(name); err != nil {
		return nil, "", err
	}
	addrs, ok := known[name]
	if !ok {
		if addrs, err = lookUp(ctx, r, name); err != nil {
			return nil, "", err
		}
		known[name] = addrs
	}
	for _, a := range addrs {
		nets = append(nets, single(a))
	}
	return nets, name, nil
}

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// lookUp returns the addresses of a name that can be granted, sorted, so that
// the same answer gives the same plan.
func lookUp(ctx context.Context, r resolver, name string) ([]netip.Addr, error) {
	found, err := r.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return nil, fmt.Errorf("look up: %w", err)
	}
	var addrs []netip.Addr
	for _, a := range found {
		if a = a.Unmap(); control.Reachable(a) {
			addrs = append(addrs, a)
		}
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("look up: none of its %d addresses can be granted", len(found))
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return slices.Compact(addrs), nil
}

func checkDestination(to *profiles.Destination, nets []netip.Prefix) error {
	if to.Port == 0 {
		return errors.New("port 0 is none")
	}
	if to.Protocol != profiles.TCP && to.Protocol != profiles.UDP {
		return fmt.Errorf("protocol %q: want tcp or udp", to.Protocol)
	}
	for _, n := range nets {
		if n.Addr().Is4In6() {
			return errors.New("an IPv4 network in an IPv6 one: write it as IPv4")
		}
		if n.IsSingleIP() && !control.Reachable(n.Addr()) {
			return errors.New("cannot be granted: no address of one machine that is the same on all interfaces")
		}
	}
	return nil
}

// checkName lets no more into a booth's /etc/hosts than RFC 1123 has in a
// name, and underscores.
func checkName(name string) error {
	if name == "" || len(name) > 253 {
		return errors.New("a name has 1 to 253 characters")
	}
	for _, label := range strings.Split(name, ".") {
		if label == "" || len(label) > 63 {
			return errors.New("a part of a name has 1 to 63 characters")
		}
	}
	if i := strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	}); i >= 0 {
		return errors.New("neither an address nor a name")
	}
	return nil
}
