package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"sync"
	"time"
)

// clients are those who are connected to a daemon's socket. None of them
// holds up another for long, whatever it sends, leaves unread or never says.
type clients struct {
	session *session
	all     chan struct{} // one for each
	streams chan struct{} // one for each that reads events
	one     sync.Mutex    // requests are answered one at a time
}

func newClients(s *session) *clients {
	return &clients{session: s, all: make(chan struct{}, maxClients), streams: make(chan struct{}, maxStreams)}
}

// serve answers one client on a goroutine of its own. It waits while there are
// too many: all but those who read events are gone within seconds.
func (c *clients) serve(conn net.Conn) {
	c.all <- struct{}{}
	go func() {
		defer func() { conn.Close(); <-c.all }()
		_ = conn.SetDeadline(time.Now().Add(time.Second))
		var r request
		if json.NewDecoder(io.LimitReader(conn, 4096)).Decode(&r) != nil {
			return
		}
		r.by = peer(conn)
		if r.Op == opEvents && r.Events != nil {
			c.stream(conn, r.Events)
			return
		}
		c.one.Lock()
		var reply bytes.Buffer
		c.session.answer(&reply, &r)
		c.one.Unlock()
		// One that does not read it has had it.
		_ = conn.SetDeadline(time.Now().Add(time.Second))
		_, _ = conn.Write(reply.Bytes())
	}()
}

func (c *clients) stream(conn net.Conn, r *eventsRequest) {
	select {
	case c.streams <- struct{}{}:
		defer func() { <-c.streams }()
		c.session.events.stream(conn, r)
	default:
		writeJSON(conn, event{Time: time.Now(), Type: eventError, Text: "too many read its events already"})
	}
}
