package main

import (
	"sync"

	"github.com/isobooth/isobooth/runner/control"
)

// auditDestinations bounds the table of connections that were counted; those
// beyond it are counted together. Grants of networks have many addresses.
const auditDestinations = 1024

// connections counts the connections of booths, so that each is recorded at
// its 1st, 2nd, 4th, 8th ... time. A plugin makes a hundred a second.
type connections struct {
	mu     sync.Mutex
	counts map[connectionKey]uint64
}

// connectionKey is one destination of one booth; a booth alone stands for all
// that have no place in the table.
type connectionKey struct {
	booth string
	to    control.Connection
}

// add counts one, and returns the count when it is to be recorded, else 0;
// other is true when it is that of all destinations without a place.
func (c *connections) add(booth string, to control.Connection) (count uint64, other bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[connectionKey]uint64{}
	}
	k := connectionKey{booth, to}
	if c.counts[k] == 0 && len(c.counts) >= auditDestinations {
		k, other = connectionKey{booth: booth}, true
	}
	c.counts[k]++
	n := c.counts[k]
	if n&(n-1) != 0 {
		return 0, other
	}
	return n, other
}

// connectionFacts is the data of a "connection".
type connectionFacts struct {
	Protocol string `json:"protocol"`
	To       string `json:"to"`             // address and port
	Name     string `json:"name,omitempty"` // as the grant has it
	Count    uint64 `json:"count"`
	// Others: the count is that of all of the booth's destinations beyond the
	// first auditDestinations, of which To is the latest.
	Others bool `json:"others,omitempty"`
}

// connected records a connection that was made for a plugin.
func (l *auditor) connected(booth string, c control.Connection) {
	if l == nil {
		return
	}
	n, others := l.connections.add(booth, c)
	if n == 0 {
		return
	}
	facts := connectionFacts{"tcp", c.To.String(), c.Name, n, others}
	if c.UDP {
		facts.Protocol = "udp"
	}
	l.add("connection", booth, facts)
}
