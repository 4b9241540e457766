package ports

import (
	"strings"
	"sync"
)

// Changes tells a Manager that ports may have come or gone. Any goroutine may
// use it.
type Changes struct {
	news chan struct{} // holds one: whoever is woken looks at everything

	mu   sync.Mutex
	gone []string
}

// NewChanges makes a Changes of which nothing has been told yet.
func NewChanges() *Changes { return &Changes{news: make(chan struct{}, 1)} }

// Tell says that something has changed, and which ports have gone meanwhile, as
// far as that is known: a port's midi.Port.ID, or with a colon at its end the
// beginning of those of all ports that have. Without it a port that went and
// came back between two looks, with the same ID, would be taken for one that
// was never away.
func (c *Changes) Tell(gone ...string) {
	c.mu.Lock()
	c.gone = append(c.gone, gone...)
	c.mu.Unlock()
	select {
	case c.news <- struct{}{}:
	default:
	}
}

// take returns what has gone since it was last called.
func (c *Changes) take() departed {
	c.mu.Lock()
	defer c.mu.Unlock()
	gone := c.gone
	c.gone = nil
	return gone
}

// departed are IDs, or beginnings of them, of ports that have gone.
type departed []string

func (d departed) has(id string) bool {
	for _, gone := range d {
		if id == gone || strings.HasSuffix(gone, ":") && strings.HasPrefix(id, gone) {
			return true
		}
	}
	return false
}
