package midi

import "time"

// timers are deadlines of a fixed number of things, each with a number and at
// most one deadline: a binary heap. Setting one allocates nothing.
type timers struct {
	heap []timer
	at   []int32 // by number: its place in heap, or -1
	seq  uint64
}

// timer is due at a time; those of one time in the order they were set.
type timer struct {
	due time.Duration
	seq uint64
	id  int32
}

// resize keeps the timers numbered below keep, drops the others, and has room
// for n.
func (t *timers) resize(keep, n int) {
	for id := keep; id < len(t.at); id++ {
		t.clear(id)
	}
	at := make([]int32, n)
	for i := range at {
		at[i] = -1
	}
	copy(at[:keep], t.at)
	t.at = at
	t.heap = append(make([]timer, 0, n), t.heap...)
}

// first returns the earliest timer.
func (t *timers) first() (id int, due time.Duration, ok bool) {
	if len(t.heap) == 0 {
		return 0, 0, false
	}
	return int(t.heap[0].id), t.heap[0].due, true
}

// set gives a number a deadline in place of the one it has.
func (t *timers) set(id int, due time.Duration) {
	t.clear(id)
	t.seq++
	t.heap = append(t.heap, timer{due, t.seq, int32(id)})
	t.at[id] = int32(len(t.heap) - 1)
	t.rise(len(t.heap) - 1)
}

// clear takes a number's deadline away.
func (t *timers) clear(id int) {
	i := int(t.at[id])
	if i < 0 {
		return
	}
	last := len(t.heap) - 1
	t.swap(i, last)
	t.heap = t.heap[:last]
	t.at[id] = -1
	if i < last {
		t.sink(i)
		t.rise(i)
	}
}

func (t *timers) less(i, j int) bool {
	a, b := &t.heap[i], &t.heap[j]
	return a.due < b.due || a.due == b.due && a.seq < b.seq
}

func (t *timers) swap(i, j int) {
	t.heap[i], t.heap[j] = t.heap[j], t.heap[i]
	t.at[t.heap[i].id], t.at[t.heap[j].id] = int32(i), int32(j)
}

func (t *timers) rise(i int) {
	for i > 0 && t.less(i, (i-1)/2) {
		t.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (t *timers) sink(i int) {
	for {
		child := 2*i + 1
		if child >= len(t.heap) {
			return
		}
		if child+1 < len(t.heap) && t.less(child+1, child) {
			child++
		}
		if !t.less(child, i) {
			return
		}
		t.swap(i, child)
		i = child
	}
}
