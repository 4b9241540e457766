package main

import (
	"io"
	"net"
	"time"
)

const (
	opEvents = "events"
	// maxStreams is how many readers of events a daemon has at once.
	maxStreams = 16
	// streamPatience is how long a reader of events may take nothing at all.
	streamPatience = time.Minute
)

// eventsRequest is what a reader of events wants; "" and 0 are everything of
// their kind and nothing of the past.
type eventsRequest struct {
	Past   int    `json:"past,omitempty"` // events that have been
	Follow bool   `json:"follow,omitempty"`
	Booth  string `json:"booth,omitempty"`
	Type   string `json:"type,omitempty"`
}

func (r *eventsRequest) want(e *event) bool {
	return (r.Booth == "" || r.Booth == e.Booth) && (r.Type == "" || r.Type == e.Type)
}

// stream writes events as JSON lines until the reader hangs up, takes nothing
// for too long, or the hub ends. Only its own goroutine waits for the reader.
func (h *events) stream(c net.Conn, r *eventsRequest) {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return
	}
	h.streams.Add(1)
	h.mu.Unlock()
	defer h.streams.Done()
	past, reader := h.subscribe(r.Past, r.want)
	defer h.leave(reader)
	write := func(e event) bool {
		_ = c.SetWriteDeadline(time.Now().Add(streamPatience))
		w := &errWriter{w: c}
		writeJSON(w, e)
		return w.err == nil
	}
	for _, e := range past {
		if !write(e) {
			return
		}
	}
	if !r.Follow {
		return
	}
	gone := make(chan struct{})
	go func() {
		// It has nothing more to say; the end of what it says is its end.
		_ = c.SetReadDeadline(time.Time{})
		_, _ = c.Read(make([]byte, 1))
		close(gone)
	}()
	for {
		select {
		case e, ok := <-reader.events:
			if !ok || !write(e) {
				return
			}
		case <-gone:
			return
		}
	}
}

// errWriter remembers that a write failed.
type errWriter struct {
	w   io.Writer
	err error
}

func (w *errWriter) Write(b []byte) (int, error) {
	n, err := w.w.Write(b)
	if err != nil {
		w.err = err
	}
	return n, err
}
