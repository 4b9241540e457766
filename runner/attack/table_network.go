package attack

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// networkRows are the rows of section 5: network and IPC. A socket that no
// filter refused would be in a network namespace with nothing in it; but for
// some families there is no such namespace.
func networkRows() []Row {
	rows := []Row{
		{ID: "E01/tcp4", Title: "connects to 127.0.0.1", Severity: High,
			Family: "network", Attack: "tcp4", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket", "connect"}, Evidence: []Evidence{TCP4, Worker}},
		{ID: "E01/tcp6", Title: "connects to ::1", Severity: High,
			Family: "network", Attack: "tcp6", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket", "connect"}, Evidence: []Evidence{TCP6, Worker}, Needs: ip6},
		{ID: "E01/udp4", Title: "sends to 127.0.0.1", Severity: High,
			Family: "network", Attack: "udp4", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket", "connect"}, Evidence: []Evidence{UDP, Worker}},

		// A datagram socket that is connected has a route, and nothing is sent.
		{ID: "E02/metadata", Title: "has a route to a cloud's metadata service", Severity: High,
			Family: "network", Attack: "route4", Arg: 169<<24 | 254<<16 | 169<<8 | 254, Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket", "connect"}, Evidence: []Evidence{Worker}, Proof: ByResult, Needs: wayOut},
		{ID: "E02/private", Title: "has a route to a private network", Severity: High,
			Family: "network", Attack: "route4", Arg: 10<<24 | 255<<16 | 255<<8 | 1, Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket", "connect"}, Evidence: []Evidence{Worker}, Proof: ByResult, Needs: wayOut},
		{ID: "E02/link6", Title: "has a route to its neighbours on a link", Severity: High,
			Family: "network", Attack: "route_link6", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket", "connect"}, Evidence: []Evidence{Worker}, Proof: ByResult, Needs: wayOut6,
			// There is no interface of any number.
			Errnos: map[syscall.Errno][]Layer{unix.ENODEV: {Net}, unix.EINVAL: {Net}}},

		{ID: "E03", Title: "tells a name server a secret, as a name", Severity: High,
			Family: "network", Attack: "dns_query", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket", "sendto"}, Evidence: []Evidence{UDP, Worker}},

		{ID: "E05/path", Title: "connects to a socket by its path", Severity: Critical,
			Family: "network", Attack: "unix_path", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket", "connect"}, Evidence: []Evidence{UnixPath, Worker}},
		{ID: "E05/abstract", Title: "connects to an abstract socket", Severity: Critical,
			Family: "network", Attack: "unix_abstract", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket", "connect"}, Evidence: []Evidence{Abstract, Worker},
			// Linux 6.12, landlock(7): such sockets of others are out of its scope.
			Errnos: map[syscall.Errno][]Layer{unix.EPERM: {Landlock}}},

		{ID: "E06/packet", Title: "listens to all packets", Severity: High,
			Family: "network", Attack: "packet", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket"}, Evidence: []Evidence{Worker}, Proof: ByResult, Harmless: Net, Needs: root},
		{ID: "E06/raw4", Title: "writes the header of a datagram itself", Severity: High,
			Family: "network", Attack: "raw4", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket"}, Evidence: []Evidence{UDP, Worker}, Needs: root},
		{ID: "E06/raw6", Title: "opens a raw IPv6 socket", Severity: High,
			Family: "network", Attack: "raw6", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket"}, Evidence: []Evidence{Worker}, Proof: ByResult, Harmless: Net, Needs: rootIP6},
		{ID: "E06/ping", Title: "opens a ping socket", Severity: High,
			Family: "network", Attack: "ping", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket"}, Evidence: []Evidence{Worker}, Proof: ByResult, Harmless: Net,
			Reached: []syscall.Errno{unix.EACCES}}, // icmp(7), ping_group_range

		{ID: "E09", Title: "opens a socket of every other family", Severity: High,
			Elsewhere: "runner TestSweepFamilies: families 0 to 46, stream, datagram and raw, sockets and pairs"},
		{ID: "E09/alg", Title: "uses the kernel's ciphers", Severity: High,
			Family: "network", Attack: "alg", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "E09/vsock", Title: "opens a socket to outside a virtual machine", Severity: High,
			Family: "network", Attack: "vsock", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "E09/unix", Title: "makes a pair of sockets", Severity: High,
			Family: "network", Attack: "pair", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socketpair"}, AllowedBy: []string{"socketpair"}, Evidence: []Evidence{Worker}, Proof: ByResult},

		{ID: "E11", Title: "evades a list of allowed addresses", Severity: High,
			Elsewhere: "runner TestNetworkGrant, TestNetworkGrantUDP, TestNetworkSocketStays, TestNetworkAddressChanges, TestNetworkDescriptorChanges"},

		{ID: "E12/any", Title: "listens at every address", Severity: Medium,
			Family: "network", Attack: "serve4", Arg: 0, Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket", "bind"}, Evidence: []Evidence{Port, Worker},
			Errnos: map[syscall.Errno][]Layer{unix.ETIMEDOUT: {Net}}}, // nobody came
		{ID: "E12/loopback", Title: "listens at 127.0.0.1", Severity: Medium,
			Family: "network", Attack: "serve4", Arg: 127<<24 | 1, Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket", "bind"}, Evidence: []Evidence{Port, Worker},
			Errnos: map[syscall.Errno][]Layer{unix.ETIMEDOUT: {Net}}},
		{ID: "E12/low", Title: "listens at a port of the system's", Severity: Medium,
			Family: "network", Attack: "serve4", Arg: 0, Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket", "bind"}, Evidence: []Evidence{PortLow, Worker}, Needs: root,
			Errnos: map[syscall.Errno][]Layer{unix.ETIMEDOUT: {Net}, unix.EACCES: {Capabilities, User, Net}}},

		{ID: "E13", Title: "uses another booth's way to a proxy", Severity: High,
			Elsewhere: "runner TestNetworkTwoBooths: there is no proxy; the jailer knows whose call it holds"},
		{ID: "E14", Title: "signals to another booth by what both notice", Severity: Low,
			Manual: "a side channel has a rate, no end: docs/threat-model.md says what remains"},
	}
	for _, n := range []struct {
		name, title string
		protocol    int64
	}{
		{"route", "listens to changes of interfaces", unix.NETLINK_ROUTE},
		{"audit", "reaches the audit system", unix.NETLINK_AUDIT},
		{"netfilter", "reaches the packet filter", unix.NETLINK_NETFILTER},
		{"uevent", "listens to changes of devices", unix.NETLINK_KOBJECT_UEVENT},
		{"diag", "could ask for everybody's connections", unix.NETLINK_SOCK_DIAG},
	} {
		rows = append(rows, Row{ID: "E07/" + n.name, Title: n.title, Severity: Critical,
			Family: "network", Attack: "netlink", Arg: n.protocol, Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket"}, Evidence: []Evidence{Worker}, Proof: ByResult, Harmless: Net})
	}
	return rows
}
