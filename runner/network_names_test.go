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
	first := listen(t, "127.0.0.1:0")
	second := listen(t, fmt.Sprintf("127.0.0.2:%d", first.port))
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
	if got := d.connections(); len(got) != 1 || got[0].Name != "two.example" {
		t.Errorf("told of %+v", got)
	}
	if n := d.denied("run connect"); n != 0 {
		t.Errorf("%d connects were refused", n)
	}
	// Neither do libc's other ways of asking count, but for the machine's name,
	// asked for once. What is no such way does.
	if calls := d.refused("run"); !slices.Equal(calls, []string{"run uname"}) {
		t.Errorf("refused: %q", calls)
	}
	d.expect(no, "socket %d %d 0", unix.AF_UNIX, unix.SOCK_STREAM)
	d.expect(no, "socket %d %d %d", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER)
	if n := d.denied("run socket"); n != 2 {
		t.Errorf("%d sockets were refused, want 2", n)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
