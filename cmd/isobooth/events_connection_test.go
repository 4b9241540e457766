package main

import (
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/isobooth/isobooth/runner/control"
)

func TestConnectionEvent(t *testing.T) {
	h := newTestEvents(t)
	_, r := h.subscribe(0, everything)
	c := control.Connection{UDP: true, To: netip.MustParseAddrPort("192.0.2.7:9000"), Name: "lights.lan"}
	(&session{events: h}).connected("clip", c)
	(&session{}).connected("clip", c) // no one to tell
	e := receive(t, r.events, "an event")
	if got, want := e.text(), "connected to udp 192.0.2.7:9000 (lights.lan)"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	line, err := json.Marshal(e.Connection)
	if want := `{"udp":true,"to":"192.0.2.7:9000","name":"lights.lan"}`; err != nil || string(line) != want || e.Type != "connection" || e.Booth != "clip" {
		t.Errorf("%+v: %s, %v, want %s", e, line, err, want)
	}
}
