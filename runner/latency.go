package runner

import (
	"math"
	"time"
)

// Latency is how long replies took: from the call of Send to the whole reply
// being read. It has a bucket only where there is something to count.
type Latency struct {
	Count   uint64        `json:"count"`
	Sum     time.Duration `json:"sum_ns"`
	Max     time.Duration `json:"max_ns"`  // exact; of a difference, the edge of its last bucket
	Buckets []Bucket      `json:"buckets"` // ascending
}

// Bucket counts the durations up to its edge that are above the edge of the
// bucket before it, whether that one has any or not.
type Bucket struct {
	UpTo  time.Duration `json:"up_to_ns"` // 0 is the last: everything above 68.7 s
	Count uint64        `json:"count"`
}

// Latencies are a booth's, since the daemon started, over all its restarts.
type Latencies struct {
	// Direct are the triggers that were written at once.
	Direct Latency `json:"direct"`
	// Queued are those that waited behind an earlier one, or for a restart;
	// the waiting is part of it.
	Queued Latency `json:"queued"`
}

// Quantile returns a duration that a share q of the replies did not exceed,
// and that is at most a sixteenth above the smallest such duration (or 1.024
// µs, if that is more); 0 when there are none. Above 68.7 s it is Max.
func (l Latency) Quantile(q float64) time.Duration {
	if l.Count == 0 {
		return 0
	}
	rank := max(1, uint64(math.Ceil(q*float64(l.Count))))
	var seen uint64
	for _, b := range l.Buckets {
		if seen += b.Count; seen >= rank && b.UpTo > 0 {
			return min(b.UpTo, l.Max)
		}
	}
	return l.Max
}

// Within returns how many replies took no longer than d, which must be an edge:
// every power of two of nanoseconds from 2^10 to 2^36 is one.
func (l Latency) Within(d time.Duration) (n uint64) {
	for _, b := range l.Buckets {
		if b.UpTo == 0 || b.UpTo > d {
			break
		}
		n += b.Count
	}
	return n
}

// Mean returns the average; 0 when there are none.
func (l Latency) Mean() time.Duration {
	if l.Count == 0 {
		return 0
	}
	return l.Sum / time.Duration(l.Count)
}

// Add returns the latency of both.
func (l Latency) Add(other Latency) Latency {
	sum := Latency{Count: l.Count + other.Count, Sum: l.Sum + other.Sum, Max: max(l.Max, other.Max), Buckets: []Bucket{}}
	a, b := l.Buckets, other.Buckets
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].UpTo == b[0].UpTo:
			sum.Buckets = append(sum.Buckets, Bucket{a[0].UpTo, a[0].Count + b[0].Count})
			a, b = a[1:], b[1:]
		case below(a[0], b[0]):
			sum.Buckets, a = append(sum.Buckets, a[0]), a[1:]
		default:
			sum.Buckets, b = append(sum.Buckets, b[0]), b[1:]
		}
	}
	sum.Buckets = append(append(sum.Buckets, a...), b...)
	return sum
}

// Since returns what came after an earlier reading of the same booth. With a
// reading of another daemon, which has counted more, it is l itself.
func (l Latency) Since(earlier Latency) Latency {
	diff := Latency{Sum: max(0, l.Sum-earlier.Sum), Max: l.Max, Buckets: []Bucket{}}
	before := map[time.Duration]uint64{}
	for _, b := range earlier.Buckets {
		before[b.UpTo] = b.Count
	}
	matched := 0
	for _, b := range l.Buckets {
		old, ok := before[b.UpTo]
		if ok {
			matched++
		}
		if old > b.Count {
			return l
		}
		if b.Count > old {
			diff.Buckets = append(diff.Buckets, Bucket{b.UpTo, b.Count - old})
			diff.Count += b.Count - old
		}
	}
	if matched < len(before) {
		return l
	}
	if n := len(diff.Buckets); n == 0 {
		diff.Sum, diff.Max = 0, 0
	} else if edge := diff.Buckets[n-1].UpTo; edge > 0 {
		diff.Max = min(edge, l.Max)
	}
	return diff
}

// below reports whether a's edge is below b's; the last has none.
func below(a, b Bucket) bool { return a.UpTo != 0 && (b.UpTo == 0 || a.UpTo < b.UpTo) }
