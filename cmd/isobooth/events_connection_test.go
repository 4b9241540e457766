package main

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner/control"
)

func TestConnectionEvent(t *testing.T) {
	h := newTestEvents(t)
	_, r := h.subscribe(0, everything)
	c := control.Connection{UDP: true, To: netip.MustParseAddrPort("192.0.2.7:9000"), Name: "lights.lan"}
	(&session{app: &app{}, events: h}).connected("clip", c)
	(&session{app: &app{}}).connected("clip", c) // no one to tell
	e := receive(t, r.events, "an event")
	if got, want := e.text(), "connected to udp 192.0.2.7:9000 (lights.lan)"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	line, err := json.Marshal(e.Connection)
	if want := `{"udp":true,"to":"192.0.2.7:9000","name":"lights.lan"}`; err != nil || string(line) != want || e.Type != "connection" || e.Booth != "clip" {
		t.Errorf("%+v: %s, %v, want %s", e, line, err, want)
	}
}

// TestConnectEdit: the change that would allow a refused connect is a grant of
// where it would have gone, if a grant can have that.
func TestConnectEdit(t *testing.T) {
	p, err := profiles.Named("network-client")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		phase, addr, protocol string
		want                  string // "" for no grant
	}{
		{"run", "192.0.2.7:80", "tcp", "tcp://192.0.2.7:80"},
		{"run", "[2001:db8::1]:9000", "udp", "udp://[2001:db8::1]:9000"},
		{"run", "[::ffff:192.0.2.7]:80", "tcp", "tcp://192.0.2.7:80"},
		{"run", "0.0.0.0:80", "tcp", ""},
		{"run", "[fe80::1%2]:80", "tcp", ""},
		{"run", "192.0.2.7:0", "tcp", ""},
		{"run", "AF_UNIX:\"/run/x\"", "", ""},
		{"run", "192.0.2.7:80", "", ""},
		{"load", "192.0.2.7:80", "tcp", ""},
	} {
		d := &control.Denial{Call: "connect", Phase: c.phase, Decoded: []control.Argument{{Name: "fd", Value: "5"}, {Name: "addr", Value: c.addr}, {Name: "protocol", Value: c.protocol}}}
		e := newDenialEvent(d, p)
		i := slices.IndexFunc(e.Edit.Lines, func(l string) bool { return strings.HasPrefix(l, "to = ") })
		got := ""
		if i >= 0 {
			got = e.Edit.Lines[i]
		}
		if want := `to = ["` + c.want + `"]`; c.want == "" && i >= 0 || c.want != "" && got != want {
			t.Errorf("%+v: %q, want %q", c, got, want)
		}
	}
}
