package midi

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// maxLayers is how many keys can hold a mode at the same time.
const maxLayers = 16

// Modes is the mode that mappings may ask for, and what has set it. There is a
// mode to return to, and on top of it one for each momentary key that is down;
// the last of these is in force. Any goroutine may use it.
type Modes struct {
	// Changed, unless nil, is called with each new mode, on the goroutine of
	// the event. It must not wait, nor call anything of Modes but Current. Set it
	// before events come.
	Changed func(mode string)

	current atomic.Pointer[string]

	mu     sync.Mutex
	base   *string
	layers [maxLayers]layer
	n      int
}

// layer is a mode that holds while a key of one source is down.
type layer struct {
	mode         *string
	source       *Gestures
	channel, key uint8
}

// NewModes makes Modes with start in force.
func NewModes(start string) *Modes {
	m := &Modes{base: &start}
	m.current.Store(&start)
	return m
}

// Current returns the mode in force.
func (m *Modes) Current() string { return *m.current.Load() }

// Adopt makes sure that the mode to return to is one that mappings know: if
// none of them asks for it or sets it, it becomes start.
func (m *Modes) Adopt(mappings []Mapping, start string) {
	m.mu.Lock()
	known := *m.base == start
	for i := range mappings {
		t := &mappings[i].Trigger
		known = known || mappings[i].SetMode == *m.base || t.when != nil && t.when.names(*m.base)
	}
	if !known {
		m.base = &start
	}
	m.settle()
}

// CheckModes refuses mappings that ask for a mode that nothing sets, and a mode
// to start with that cannot be one.
func CheckModes(mappings []Mapping, start string) error {
	if err := checkMode("midi.mode", start); err != nil {
		return err
	}
	sets := map[string]bool{start: true}
	for i := range mappings {
		sets[mappings[i].SetMode] = true
	}
	for i := range mappings {
		when := mappings[i].Trigger.when
		if when == nil {
			continue
		}
		for _, mode := range when.modes {
			if !sets[mode] {
				return fmt.Errorf("mapping %q: trigger: mode %q: no mapping sets it", mappings[i].Name, mode)
			}
		}
	}
	return nil
}

// set makes mode the one to return to.
func (m *Modes) set(mode *string) {
	m.mu.Lock()
	m.base = mode
	m.settle()
}

// push has mode in force until pop. It reports whether there was room.
func (m *Modes) push(mode *string, source *Gestures, channel, key uint8) bool {
	m.mu.Lock()
	ok := m.n < maxLayers
	if ok {
		m.layers[m.n] = layer{mode, source, channel, key}
		m.n++
	}
	m.settle()
	return ok
}

// pop ends what a key has pushed; one key may have pushed several.
func (m *Modes) pop(source *Gestures, channel, key uint8) {
	m.drop(func(l *layer) bool { return l.source == source && l.channel == channel && l.key == key })
}

// popAll ends what all keys of a source have pushed.
func (m *Modes) popAll(source *Gestures) {
	m.drop(func(l *layer) bool { return l.source == source })
}

func (m *Modes) drop(which func(*layer) bool) {
	m.mu.Lock()
	kept := 0
	for i := range m.layers[:m.n] {
		if !which(&m.layers[i]) {
			m.layers[kept] = m.layers[i]
			kept++
		}
	}
	clear(m.layers[kept:m.n])
	m.n = kept
	m.settle()
}

// settle puts the right mode into force. It unlocks mu.
func (m *Modes) settle() {
	mode := m.base
	if m.n > 0 {
		mode = m.layers[m.n-1].mode
	}
	before := m.current.Swap(mode)
	if *before != *mode && m.Changed != nil {
		m.Changed(*mode) // with mu held: what is told is in the order of what was
	}
	m.mu.Unlock()
}
