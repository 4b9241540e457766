//go:build linux

package runner_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/isobooth/isobooth/runner/control"
	"golang.org/x/sys/unix"
)

// TestNetworkNames: libc finds the granted names, and no others, and a client
// as people write it reaches them.
func TestNetworkNames(t *testing.T) {
	tcp, _ := samePort(t, "127.0.0.1", "127.0.0.2")
	first, second := tcp[0], tcp[1]
	first.Close() // so that a client goes on to the second
	plan := newPlan(t, "network", build(t, "network", "-pthread"), client(t, fmt.Sprintf("tcp://127.0.0.1:%d", first.port), fmt.Sprintf("tcp://127.0.0.2:%d", first.port)))
	for _, ip := range []string{"127.0.0.1", "127.0.0.2"} {
		plan.Grants.Hosts = append(plan.Grants.Hosts, control.HostName{Name: "two.example", Addr: netip.MustParseAddr(ip)})
	}
	h := newHost(t)
	b, stop, err := h.run(plan)
	if err != nil {
		t.Fatal(err)
	}
	d := &dialer{b, newLane(t, h)}
	if n, text := d.say("resolve two.example %d", first.port); n != 0 || text != "127.0.0.1 127.0.0.2" {
		t.Errorf("resolve: %d, %q", n, text)
	}
	if n, text := d.say("resolve localhost 80"); n != 0 || text != "127.0.0.1" {
		t.Errorf("resolve localhost: %d, %q", n, text)
	}
	if n, text := d.say("resolve example.org 80"); n == 0 {
		t.Errorf("resolve a name that is not granted: %q", text)
	}
	if fd, _ := d.say("call two.example %d", first.port); fd < 5 {
		t.Errorf("call: %d", fd)
	}
	if n := second.reached(t); n != 1 {
		t.Errorf("reached %d times, want once", n)
	}
	want := fmt.Sprintf("tcp 127.0.0.2:%d (two.example)", first.port)
	eventually(t, "the connection is reported", func() bool { return len(d.connections()) > 0 })
	if got := d.connections(); len(got) != 1 || got[0].String() != want {
		t.Errorf("told of %v, want %s", got, want)
	}
	d.expect(no, "socket %d %d 0", unix.AF_UNIX, unix.SOCK_STREAM)
	d.expect(no, "socket %d %d %d", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER)
	sockets := func() (domains []uint64) {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, r := range d.records {
			if r.Call == "socket" {
				domains = append(domains, r.Args[0])
			}
		}
		return domains
	}
	// Denials come in order. Those of libc's other ways of asking are not there,
	// but perhaps for the machine's name, asked for once.
	eventually(t, "a refused socket is reported", func() bool { return slices.Contains(sockets(), unix.AF_NETLINK) })
	if got := sockets(); !slices.Equal(got, []uint64{unix.AF_UNIX, unix.AF_NETLINK}) {
		t.Errorf("sockets of families %d were refused", got)
	}
	for _, call := range d.refused("run") {
		if call != "run uname" && call != "run socket" {
			t.Errorf("refused: %q", call)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
