package main

import (
	"slices"
	"time"
)

// topModel is what `isobooth top` shows and where in it the user is. It is a
// value: update returns the next one, and nothing in it is changed in place.
type topModel struct {
	interval      time.Duration
	width, height int
	sort          topSort
	rows          []topRow // sorted
	selected      boothID  // one of rows, if there are any
	details       bool     // of the selected booth, instead of the list
	scroll        int      // first line of the details that is shown
	machine       *pressure
	asked         bool  // an answer was there
	failed        error // of the last one
	quit          bool
}

// boothID tells booths apart that have the same name in two daemons.
type boothID struct {
	daemon int // process id
	name   string
}

// topAnswer is what the daemons said, all of them at one time.
type topAnswer struct {
	daemons []daemonStats
	machine *pressure
	err     error // of the daemons that are not among these
}

// topSize is a new size of the terminal.
type topSize struct{ width, height int }

// topKey is a key, as far as top knows it.
type topKey int

const (
	keyOther topKey = iota
	keyQuit
	keyUp
	keyDown
	keyPageUp
	keyPageDown
	keyHome
	keyEnd
	keyEnter
	keyBack
	keySort
)

// update is the model after something has happened: a topAnswer, a topSize or
// a topKey.
func (m topModel) update(message any) topModel {
	switch message := message.(type) {
	case topAnswer:
		return m.answered(message)
	case topSize:
		m.width, m.height = max(0, message.width), max(0, message.height)
	case topKey:
		return m.pressed(message)
	}
	return m
}

// answered takes what the daemons said. A booth whose daemon did not answer
// this time is not shown.
func (m topModel) answered(a topAnswer) topModel {
	before := map[boothID]*topRow{}
	for i := range m.rows {
		before[m.rows[i].id] = &m.rows[i]
	}
	at := m.index()
	var rows []topRow
	for _, d := range a.daemons {
		for _, b := range d.Booths {
			id := boothID{d.PID, b.Name}
			rows = append(rows, newTopRow(id, d.At, b, before[id]))
		}
	}
	m.asked, m.failed, m.machine = true, a.err, a.machine
	m.rows = m.sort.sorted(rows)
	m.selected = m.again(at)
	if len(m.rows) == 0 {
		m.details = false
	}
	return m
}

// again is the booth to select: the one that was, or the one of that name in
// a new daemon, or what is in its place.
func (m topModel) again(at int) boothID {
	for _, same := range []func(topRow) bool{
		func(r topRow) bool { return r.id == m.selected },
		func(r topRow) bool { return r.id.name == m.selected.name },
	} {
		if i := slices.IndexFunc(m.rows, same); i >= 0 {
			return m.rows[i].id
		}
	}
	if len(m.rows) == 0 {
		return m.selected // for when it comes back
	}
	return m.rows[min(max(at, 0), len(m.rows)-1)].id
}

// index is where the selected booth is in the list; -1 when it is not there.
func (m topModel) index() int {
	return slices.IndexFunc(m.rows, func(r topRow) bool { return r.id == m.selected })
}

func (m topModel) pressed(k topKey) topModel {
	switch k {
	case keyQuit:
		m.quit = true
	case keyBack:
		m.details = false
	case keyEnter:
		m.details = !m.details && m.index() >= 0
		m.scroll = 0
	case keySort:
		m.sort = m.sort.next()
		m.rows = m.sort.sorted(m.rows)
	default:
		m = m.moved(k)
	}
	return m
}

// moved scrolls the details or moves the selection.
func (m topModel) moved(k topKey) topModel {
	page := max(1, m.body())
	by := map[topKey]int{keyUp: -1, keyDown: 1, keyPageUp: -page, keyPageDown: page, keyHome: -1 << 30, keyEnd: 1 << 30}[k]
	at := m.index()
	switch {
	case at < 0:
	case m.details:
		last := max(0, len(m.rows[at].details())-m.body())
		m.scroll = min(max(min(m.scroll, last)+by, 0), last)
	default:
		m.selected = m.rows[min(max(at+by, 0), len(m.rows)-1)].id
	}
	return m
}

// body is how many lines are left for booths, or for details: all but the
// line above, the titles, the line below and one for trouble.
func (m topModel) body() int {
	lines := m.height - 3
	if m.failed != nil {
		lines--
	}
	return max(0, lines)
}
