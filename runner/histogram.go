package runner

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// A histogram's buckets are log-linear: every doubling from 1.024 µs to 68.7 s
// is cut into 16 of the same width. So the upper edge of a bucket, which is
// what a quantile is said to be, is at most a sixteenth above what was
// measured.
const (
	histogramFirst   = 10 // 2^10 ns is the upper edge of the first bucket
	histogramLast    = 36 // 2^36 ns that of the last with an edge
	histogramCuts    = 4  // 2^4 buckets for each doubling
	histogramBuckets = (histogramLast-histogramFirst)<<histogramCuts + 2
)

// histogram counts durations. It never allocates, locks or waits. One goroutine
// at a time may call observe, any number snapshot.
type histogram struct {
	sum    atomic.Uint64 // nanoseconds
	max    atomic.Uint64 // beside it, so that both are one cache line
	counts [histogramBuckets]atomic.Uint64
}

// observe counts one duration. It is on the event path.
func (h *histogram) observe(d time.Duration) {
	d = max(d, 0)
	h.counts[bucketOf(d)].Add(1)
	h.sum.Add(uint64(d))
	if uint64(d) > h.max.Load() {
		h.max.Store(uint64(d))
	}
}

// bucketOf returns the bucket of a duration: the first whose edge is not below
// it.
func bucketOf(d time.Duration) int {
	if d <= 1<<histogramFirst {
		return 0
	}
	n := uint64(d) - 1 // so that an edge belongs to the bucket below it
	double := bits.Len64(n) - 1
	if double >= histogramLast {
		return histogramBuckets - 1
	}
	cut := n >> (double - histogramCuts) & (1<<histogramCuts - 1)
	return 1 + (double-histogramFirst)<<histogramCuts + int(cut)
}

// edgeOf returns the largest duration that a bucket counts; 0 for the last,
// which has no edge.
func edgeOf(bucket int) time.Duration {
	switch bucket {
	case 0:
		return 1 << histogramFirst
	case histogramBuckets - 1:
		return 0
	}
	double := histogramFirst + (bucket-1)>>histogramCuts
	cut := (bucket - 1) & (1<<histogramCuts - 1)
	return time.Duration(1<<histogramCuts+cut+1) << (double - histogramCuts)
}

// snapshot copies the counts. What is observed meanwhile may be in some of
// them already.
func (h *histogram) snapshot() Latency {
	l := Latency{Sum: time.Duration(h.sum.Load()), Max: time.Duration(h.max.Load()), Buckets: []Bucket{}}
	for i := range h.counts {
		if n := h.counts[i].Load(); n > 0 {
			l.Buckets = append(l.Buckets, Bucket{edgeOf(i), n})
			l.Count += n
		}
	}
	return l
}
