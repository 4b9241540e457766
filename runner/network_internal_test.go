package runner

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner/control"
)

// names is a resolver of its own.
type names map[string][]string

func (n names) LookupNetIP(ctx context.Context, network, host string) (addrs []netip.Addr, err error) {
	list, ok := n[host]
	if _, bounded := ctx.Deadline(); !bounded {
		return nil, errors.New("no deadline")
	}
	if !ok {
		return nil, errors.New("no such host")
	}
	for _, a := range list {
		addrs = append(addrs, netip.MustParseAddr(a))
	}
	return addrs, nil
}

func TestResolveNetwork(t *testing.T) {
	dns := names{
		"obs.lan":     {"::ffff:192.168.1.7", "2001:db8::1", "192.168.1.7"},
		"mixed.lan":   {"fe80::1%eth0", "192.168.1.8", "0.0.0.0"},
		"rebound.lan": {"0.0.0.0", "224.0.0.1"},
		"localhost":   {"127.0.0.1"},
	}
	at := profiles.Position{File: "mine.toml", Line: 12}
	for _, c := range []struct {
		host string
		want string // networks, or the error behind the position
	}{
		{"127.0.0.1", "127.0.0.1/32"},
		{"::1", "::1/128"},
		{"::ffff:127.0.0.1", "127.0.0.1/32"},
		{"192.168.0.0/16", "192.168.0.0/16"},
		{"169.254.169.254", "169.254.169.254/32"},
		{"obs.lan", "192.168.1.7/32 2001:db8::1/128"},
		{"OBS.lan.", "192.168.1.7/32 2001:db8::1/128"},
		{"localhost", "127.0.0.1/32"},
		{"mixed.lan", "192.168.1.8/32"},
		{"192.168.0.1/16", "error: has bits beyond its length; the network is 192.168.0.0/16"},
		{"::ffff:10.0.0.0/104", "error: an IPv4 network in an IPv6 one"},
		{"0.0.0.0", "error: cannot be granted"},
		{"::", "error: cannot be granted"},
		{"255.255.255.255", "error: cannot be granted"},
		{"224.0.0.251", "error: cannot be granted"},
		{"fe80::1", "error: cannot be granted"},
		{"fe80::1%eth0", "error: cannot be granted"},
		{"rebound.lan", "error: look up: none of its 2 addresses can be granted"},
		{"gone.lan", "error: look up: no such host"},
		{"", "error: a name has"},
		{"a..b", "error: a part of a name"},
		{"a b", "error: neither an address nor a name"},
		{"a\n127.0.0.1 b", "error: neither an address nor a name"},
		{"1.2.3.4/33", "error: "},
	} {
		grants := []profiles.NetworkGrant{{At: at, To: []profiles.Destination{{Protocol: profiles.TCP, Host: c.host, Port: 80}}}}
		all, hosts, err := resolveNetwork(dns, grants)
		if want, bad := strings.CutPrefix(c.want, "error: "); bad {
			if prefix := fmt.Sprintf("mine.toml:12: network: %q: ", c.host); err == nil || !strings.HasPrefix(err.Error(), prefix+want) {
				t.Errorf("%q: %v, want %s%s", c.host, err, prefix, want)
			}
			continue
		}
		var got []string
		for _, d := range all {
			got = append(got, d.Net.String())
			if d.Port != 80 || d.UDP {
				t.Errorf("%q: %+v", c.host, d)
			}
		}
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%q: %q, %v, want %q", c.host, got, err, c.want)
		}
		named := strings.ContainsAny(c.host, "ghijklmnopqrstuvwxyz")
		if named != (len(hosts) == len(all)) || !named && len(hosts) > 0 {
			t.Errorf("%q: hosts %v", c.host, hosts)
		}
	}
}

func TestResolveNetworkBounds(t *testing.T) {
	to := func(d ...profiles.Destination) []profiles.NetworkGrant {
		return []profiles.NetworkGrant{{To: d}}
	}
	if _, _, err := resolveNetwork(names{}, to(profiles.Destination{Protocol: profiles.TCP, Host: "127.0.0.1"})); err == nil {
		t.Error("port 0 is granted")
	}
	if _, _, err := resolveNetwork(names{}, to(profiles.Destination{Protocol: "sctp", Host: "127.0.0.1", Port: 1})); err == nil {
		t.Error("protocol sctp is granted")
	}
	var many []profiles.Destination
	for port := range uint16(maxDestinations) {
		many = append(many, profiles.Destination{Protocol: profiles.UDP, Host: "127.0.0.1", Port: port + 1})
	}
	many = append(many, many...) // the same again is no more
	all, _, err := resolveNetwork(names{}, to(many...))
	if err != nil || len(all) != maxDestinations || !all[0].UDP {
		t.Errorf("%d destinations, %v", len(all), err)
	}
	if _, _, err := resolveNetwork(names{}, to(append(many, profiles.Destination{Protocol: profiles.TCP, Host: "127.0.0.1", Port: 1})...)); err == nil {
		t.Error("one more is granted")
	}
	both, hosts, err := resolveNetwork(names{"a": {"192.0.2.1"}}, to(
		profiles.Destination{Protocol: profiles.TCP, Host: "a", Port: 1}, profiles.Destination{Protocol: profiles.UDP, Host: "a", Port: 1}))
	if err != nil || len(both) != 2 || !slices.Equal(hosts, []control.HostName{{Name: "a", Addr: netip.MustParseAddr("192.0.2.1")}}) {
		t.Errorf("%v, %v, %v", both, hosts, err)
	}
}

// TestCheckNetworkRules: each way around a grant is refused, and the same rules
// pass without one.
func TestCheckNetworkRules(t *testing.T) {
	word := func(arg int, value uint64) profiles.Compare {
		return profiles.Compare{Arg: arg, Mask: 0xffffffff, Value: value}
	}
	address := profiles.Compare{Arg: 4, Mask: ^uint64(0)}
	for _, c := range []struct {
		name string
		call string
		when []profiles.Compare
		ok   bool
	}{
		{"connect", "connect", nil, false},
		{"bind", "bind", nil, false},
		{"listen", "listen", nil, false},
		{"accept4", "accept4", nil, false},
		{"sendmsg", "sendmsg", nil, false},
		{"sendmmsg", "sendmmsg", []profiles.Compare{word(0, 5)}, false},
		{"io_uring", "io_uring_setup", nil, false},
		{"sendto", "sendto", nil, false},
		{"sendto with an address", "sendto", []profiles.Compare{word(3, 0)}, false},
		{"sendto, half of its address", "sendto", []profiles.Compare{word(4, 0)}, false},
		{"send", "sendto", []profiles.Compare{address}, true},
		{"send without flags", "sendto", []profiles.Compare{word(3, 0), address}, true},
		{"ioctl", "ioctl", nil, false},
		{"FIONBIO", "ioctl", []profiles.Compare{word(1, 0x5421)}, true},
		{"SIOCGIFCONF", "ioctl", []profiles.Compare{word(1, 0x8912)}, false},
		{"SIOCGIWNAME", "ioctl", []profiles.Compare{word(1, 0x8b01)}, false},
		{"ioctl of sound", "ioctl", []profiles.Compare{{Arg: 1, Mask: 0xff00, Value: 'A' << 8}}, true},
		{"part of a kind of ioctl", "ioctl", []profiles.Compare{{Arg: 1, Mask: 0xf00, Value: 0x900}}, false},
		{"setsockopt", "setsockopt", nil, false},
		{"TCP_NODELAY", "setsockopt", []profiles.Compare{word(1, 6), word(2, 1)}, true},
		{"SO_KEEPALIVE", "setsockopt", []profiles.Compare{word(1, 1), word(2, 9)}, true},
		{"SO_BINDTODEVICE", "setsockopt", []profiles.Compare{word(1, 1), word(2, 25)}, false},
		{"SO_LINGER", "setsockopt", []profiles.Compare{word(1, 1), word(2, 13)}, false},
		{"IP_OPTIONS", "setsockopt", []profiles.Compare{word(1, 0), word(2, 4)}, false},
		{"TCP_ULP", "setsockopt", []profiles.Compare{word(1, 6), word(2, 31)}, false},
		{"any option of sockets", "setsockopt", []profiles.Compare{word(1, 1)}, false},
		{"getsockopt", "getsockopt", nil, false},
		{"SO_ERROR", "getsockopt", []profiles.Compare{word(1, 1), word(2, 4)}, true},
		{"of IP", "getsockopt", []profiles.Compare{word(1, 0)}, false},
		{"read", "read", nil, true},
	} {
		p, err := profiles.Named("strict")
		if err != nil {
			t.Fatal(err)
		}
		p.Rules = append(p.Rules, profiles.Rule{
			Calls: []string{c.call}, Phase: profiles.PhaseRun, When: c.when, Action: profiles.Allow,
			At: profiles.Position{File: "mine.toml", Line: 7},
		})
		f, err := p.Compile()
		if err != nil {
			t.Fatal(err)
		}
		if err := checkNetworkRules(p, f); err != nil {
			t.Errorf("%s, without a grant: %v", c.name, err)
		}
		p.Network = []profiles.NetworkGrant{{}}
		err = checkNetworkRules(p, f)
		if (err == nil) != c.ok || err != nil && !strings.HasPrefix(err.Error(), fmt.Sprintf("mine.toml:7: call %q: ", c.call)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestCheckFileRules: with a file grant nothing may be allowed that reaches a
// socket by its path, unless no socket is one of those; without one it may.
func TestCheckFileRules(t *testing.T) {
	word := func(arg int, value uint64) []profiles.Compare {
		return []profiles.Compare{{Arg: arg, Mask: 0xffffffff, Value: value}}
	}
	unix, inet := word(0, 1), word(0, 2)
	for _, c := range []struct {
		name   string
		socket string
		family []profiles.Compare
		call   string
		when   []profiles.Compare
		ok     bool
	}{
		{"connect", "socket", unix, "connect", nil, false},
		{"any family", "socket", nil, "connect", nil, false},
		{"a pair", "socketpair", unix, "sendmsg", nil, false},
		{"sendmmsg", "socket", unix, "sendmmsg", nil, false},
		{"sendto", "socket", unix, "sendto", nil, false},
		{"send", "socket", unix, "sendto", []profiles.Compare{{Arg: 4, Mask: ^uint64(0)}}, true},
		{"send, half an address", "socket", unix, "sendto", word(4, 0), false},
		{"another family", "socket", inet, "connect", nil, true},
		{"no socket at all", "getppid", nil, "connect", nil, true},
		{"by a ring", "io_uring_setup", nil, "getppid", nil, false},
		{"no way to connect", "socket", unix, "read", nil, true},
	} {
		p, err := profiles.Named("strict")
		if err != nil {
			t.Fatal(err)
		}
		drop := func(r profiles.Rule) bool { return slices.Contains(r.Calls, "io_uring_setup") } // strict kills for it
		p.Rules = slices.DeleteFunc(p.Rules, drop)
		p.Rules = append(p.Rules,
			profiles.Rule{Calls: []string{c.socket}, Phase: profiles.PhaseRun, When: c.family, Action: profiles.Allow,
				At: profiles.Position{File: "mine.toml", Line: 7}},
			profiles.Rule{Calls: []string{c.call}, Phase: profiles.PhaseRun, When: c.when, Action: profiles.Allow,
				At: profiles.Position{File: "mine.toml", Line: 7}})
		f, err := p.Compile()
		if err != nil {
			t.Fatal(err)
		}
		if err := checkFileRules(p, f); err != nil {
			t.Errorf("%s, without a grant: %v", c.name, err)
		}
		p.Files = []profiles.FileGrant{{}}
		err = checkFileRules(p, f)
		if (err == nil) != c.ok || err != nil && !strings.HasPrefix(err.Error(), "mine.toml:7: call ") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for _, name := range profiles.Names() {
		p, err := profiles.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		p.Files = []profiles.FileGrant{{}}
		f, err := p.Compile()
		if err != nil {
			t.Fatal(err)
		}
		if err := checkFileRules(p, f); err != nil {
			t.Errorf("profile %s with a file: %v", name, err)
		}
	}
}

// TestCheckStandby: a profile that would wait for ever is no plan.
func TestCheckStandby(t *testing.T) {
	for _, c := range []struct {
		when []profiles.Compare
		ok   bool
	}{
		{nil, false},
		{[]profiles.Compare{{Arg: 2, Mask: 0x40, Value: 0}}, false},
		{[]profiles.Compare{{Arg: 2, Mask: 0x40000000, Value: 0}}, true},
	} {
		p, err := profiles.Named("strict")
		if err != nil {
			t.Fatal(err)
		}
		p.Rules = append(p.Rules, profiles.Rule{
			Calls: []string{"recvmsg"}, Phase: profiles.PhaseRun, When: c.when, Action: profiles.Allow,
			At: profiles.Position{File: "mine.toml", Line: 7},
		})
		f, err := p.Compile()
		if err != nil {
			t.Fatal(err)
		}
		if err := checkStandby(p, f); (err == nil) != c.ok || err != nil && !strings.HasPrefix(err.Error(), `mine.toml:7: call "recvmsg": `) {
			t.Errorf("%v: %v", c.when, err)
		}
	}
}
