package main

import (
	"net/netip"
	"testing"

	"github.com/isobooth/isobooth/runner/control"
)

// TestAuditConnections: each destination is recorded at powers of two, and
// however many there are, the table and the log stay small.
func TestAuditConnections(t *testing.T) {
	log := &fakeLog{}
	l := newAuditor(log, false, (&said{}).say)
	obs := control.Connection{To: netip.MustParseAddrPort("192.0.2.1:4455"), Name: "obs.lan"}
	for range 9 {
		l.connected("b", obs)
	}
	l.connected("other", obs)
	l.connected("b", control.Connection{UDP: true, To: obs.To})
	l.close(nil)
	var counts []uint64
	for _, e := range log.entries {
		if f, ok := e.Data.(connectionFacts); ok && e.Booth == "b" && f.Protocol == "tcp" && f.To == "192.0.2.1:4455" && f.Name == "obs.lan" {
			counts = append(counts, f.Count)
		}
	}
	if len(counts) != 4 || counts[3] != 8 || len(log.entries) != 4+1+1+1 {
		t.Errorf("%v, %+v", counts, log.entries)
	}

	log = &fakeLog{}
	l = newAuditor(log, false, (&said{}).say)
	addr := netip.MustParseAddr("10.0.0.0")
	const many = 10 * auditDestinations
	for range many {
		l.connected("b", control.Connection{To: netip.AddrPortFrom(addr, 80)})
		addr = addr.Next()
		if len(l.connections.counts) > auditDestinations+1 {
			t.Fatalf("%d destinations are kept", len(l.connections.counts))
		}
	}
	l.close(nil)
	records := uint64(0)
	for _, e := range log.entries {
		switch f := e.Data.(type) {
		case connectionFacts:
			records++
		case map[string]uint64: // "lost": the queue is shorter than this loop
			records += f["records"]
		}
	}
	// Of those without a place, 1, 2, 4 ... 8192 of 9216.
	others := l.connections.counts[connectionKey{booth: "b"}]
	if records != auditDestinations+14 || others != many-auditDestinations {
		t.Errorf("%d records, %d others", records, others)
	}
}
