package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/isobooth/isobooth/runner"
)

// topRow is one booth, with what has changed since the answer before.
type topRow struct {
	id    boothID
	at    time.Duration // of the reading, by the daemon's clock
	stats boothStats
	all   runner.Latency // of all replies, since the daemon started
	// What follows is of the time since the answer before; rated is whether
	// there was one.
	rated     bool
	latency   runner.Latency
	triggers  float64 // a second
	cpu       float64 // cores
	throttled float64 // share of the time
}

// newTopRow compares a reading with the one before it, which may be nil.
func newTopRow(id boothID, at time.Duration, b boothStats, before *topRow) topRow {
	r := topRow{id: id, at: at, stats: b, all: b.replies()}
	if before == nil || at <= before.at {
		return r
	}
	r.rated = true
	seconds := (at - before.at).Seconds()
	r.latency = r.all.Since(before.all)
	r.triggers = float64(since(b.Stats.Triggers, before.stats.Stats.Triggers)) / seconds
	if u := b.Usage; u != nil {
		var cpu, throttled time.Duration
		if old := before.stats.Usage; old != nil && b.PID == before.stats.PID {
			cpu, throttled = old.CPU, old.ThrottledTime
		}
		r.cpu = since(u.CPU, cpu).Seconds() / seconds
		r.throttled = since(u.ThrottledTime, throttled).Seconds() / seconds
	}
	return r
}

// since is how much a counter rose; one that fell has begun anew.
func since[T uint64 | time.Duration](now, before T) T {
	if now < before {
		return now
	}
	return now - before
}

// errors are the triggers that did not come to a good end.
func (r *topRow) errors() uint64 {
	s := r.stats.Stats
	return s.Failed + s.Lost + s.Dropped + s.Expired
}

func (r *topRow) memory() uint64 {
	if r.stats.Usage == nil {
		return 0
	}
	return r.stats.Usage.Memory
}

func (r *topRow) details() []string { return details(&r.stats) }

// topSort is an order of booths.
type topSort string

// topSorts has, for each order, whether a comes before b; booths that are the
// same in it are ordered by name.
var topSorts = []struct {
	key    topSort
	before func(a, b *topRow) int
}{
	{"name", func(a, b *topRow) int { return 0 }},
	{"triggers", func(a, b *topRow) int { return cmp.Compare(b.triggers, a.triggers) }},
	{"p99", func(a, b *topRow) int { return cmp.Compare(b.latency.Quantile(0.99), a.latency.Quantile(0.99)) }},
	{"errors", func(a, b *topRow) int { return cmp.Compare(b.errors(), a.errors()) }},
	{"restarts", func(a, b *topRow) int { return cmp.Compare(b.stats.Stats.Restarts, a.stats.Stats.Restarts) }},
	{"denials", func(a, b *topRow) int { return cmp.Compare(b.stats.denied(), a.stats.denied()) }},
	{"cpu", func(a, b *topRow) int { return cmp.Compare(b.cpu, a.cpu) }},
	{"memory", func(a, b *topRow) int { return cmp.Compare(b.memory(), a.memory()) }},
}

// topSortKeys lists them.
func topSortKeys() (keys []string) {
	for _, s := range topSorts {
		keys = append(keys, string(s.key))
	}
	return keys
}

func (s topSort) index() int { return max(0, slices.Index(topSortKeys(), string(s))) }

func (s topSort) next() topSort { return topSorts[(s.index()+1)%len(topSorts)].key }

// sorted is a copy in this order.
func (s topSort) sorted(rows []topRow) []topRow {
	before := topSorts[s.index()].before
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b topRow) int {
		return cmp.Or(before(&a, &b), cmp.Compare(a.id.name, b.id.name), cmp.Compare(a.id.daemon, b.id.daemon))
	})
	return rows
}
