package ports

import (
	"time"

	"github.com/isobooth/isobooth/midi"
)

// State is what a port is and has done. Its JSON is for users.
type State struct {
	Name      string    `json:"name"`
	ID        string    `json:"id"`        // the driver's, which tells ports of one name apart
	Direction string    `json:"direction"` // "in" is one we read
	Open      bool      `json:"open"`
	Since     time.Time `json:"since,omitzero"` // when it was opened
	// Messages came in, or were sent.
	Messages     uint64 `json:"messages"`
	Skipped      uint64 `json:"skipped_bytes"`   // bytes outside any complete message
	SysExDropped uint64 `json:"sysex_dropped"`   // system exclusive messages that were too long
	Overflows    uint64 `json:"overflows"`       // times that a buffer before us was full
	Away         uint64 `json:"sent_away"`       // messages to the output while it was not there
	Error        string `json:"error,omitempty"` // why it is not open
}

// States lists the in ports that are open, were open or should be, and the
// output, if there is to be one. Counts go on when a port of the same name
// comes back. Any goroutine may call it.
func (m *Manager) States() []State {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := []State{}
	for _, s := range m.slots {
		st := State{Name: s.port.Name, ID: s.port.ID, Direction: "in", Open: s.src != nil}
		if st.Open {
			st.Since = s.since
		} else {
			st.Error = reason(s.retry.err)
		}
		var lost midi.Lost
		st.Messages, lost = s.counts()
		st.Skipped, st.SysExDropped, st.Overflows = lost.Skipped, lost.SysExDropped, lost.Overflows
		list = append(list, st)
	}
	if o := &m.output; o.pattern != "" || o.port.Name != "" {
		st := State{
			Name: o.port.Name, ID: o.port.ID, Direction: "out", Error: reason(o.retry.err),
			Messages: o.sent.Load(), Away: o.away.Load(),
		}
		if st.Open = o.now.Load() != nil; st.Open {
			st.Since = o.since
		}
		list = append(list, st)
	}
	return list
}

func reason(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
