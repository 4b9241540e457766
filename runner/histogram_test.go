package runner

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestBucketEdges: every duration is in a bucket whose edge is not below it,
// and at most a sixteenth above.
func TestBucketEdges(t *testing.T) {
	try := func(d time.Duration) {
		t.Helper()
		i := bucketOf(d)
		if i < 0 || i >= histogramBuckets {
			t.Fatalf("%d ns is in bucket %d", d, i)
		}
		edge := edgeOf(i)
		switch {
		case i == histogramBuckets-1:
			if d <= 1<<histogramLast {
				t.Errorf("%v is beyond the last edge", d)
			}
		case edge < d:
			t.Errorf("%d ns is in bucket %d up to %d ns", d, i, edge)
		case i > 0 && d <= edgeOf(i-1):
			t.Errorf("%d ns is in bucket %d, and bucket %d reaches to %d ns", d, i, i-1, edgeOf(i-1))
		case i > 0 && edge > d+d/16:
			t.Errorf("%d ns is in bucket %d up to %d ns: more than a sixteenth above", d, i, edge)
		}
	}
	for double := range 63 {
		for _, off := range []time.Duration{-1, 0, 1} {
			try(1<<double + off)
		}
	}
	try(math.MaxInt64)
	try(60 * time.Second)
	for i := range histogramBuckets - 1 {
		if edge := edgeOf(i); bucketOf(edge) != i || bucketOf(edge+1) != i+1 {
			t.Errorf("edge %d of bucket %d: it is in %d, the next in %d", edge, i, bucketOf(edge), bucketOf(edge+1))
		}
	}
	for range 100000 {
		try(time.Duration(rand.Int64() >> rand.N(63)))
	}
	for double := histogramFirst; double <= histogramLast; double++ { // Within relies on these
		if edgeOf(bucketOf(1<<double)) != 1<<double {
			t.Errorf("2^%d ns is no edge", double)
		}
	}
}

// TestQuantiles compares with the sorted durations themselves.
func TestQuantiles(t *testing.T) {
	var h histogram
	var all []time.Duration
	var sum time.Duration
	for range 20000 {
		d := time.Duration(math.Exp(rand.NormFloat64()*3 + 11)) // around 60 µs, up to seconds
		h.observe(d)
		all, sum = append(all, d), sum+d
	}
	slices.Sort(all)
	l := h.snapshot()
	if l.Count != uint64(len(all)) || l.Sum != sum || l.Max != all[len(all)-1] || l.Mean() != sum/time.Duration(len(all)) {
		t.Errorf("count %d, sum %v, max %v, mean %v", l.Count, l.Sum, l.Max, l.Mean())
	}
	for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
		exact := all[max(1, int(math.Ceil(q*float64(len(all)))))-1]
		if got := l.Quantile(q); got < exact || got > max(exact+exact/16, 1<<histogramFirst) {
			t.Errorf("quantile %v: %v, exactly %v", q, got, exact)
		}
	}
	for double := histogramFirst; double <= histogramLast; double++ {
		d := time.Duration(1) << double
		exact, _ := slices.BinarySearch(all, d+1)
		if got := l.Within(d); got != uint64(exact) {
			t.Errorf("%d within %v, exactly %d", got, d, exact)
		}
	}
}

func TestLatencyOfFew(t *testing.T) {
	var h histogram
	if l := h.snapshot(); l.Quantile(0.5) != 0 || l.Mean() != 0 || l.Count != 0 || l.Within(time.Second) != 0 {
		t.Errorf("of none: %+v", l)
	}
	h.observe(-time.Second) // a clock that went back
	if l := h.snapshot(); l.Count != 1 || l.Sum != 0 || l.Quantile(1) != 0 {
		t.Errorf("of less than nothing: %+v", l)
	}
	h.observe(2 * time.Minute)
	if l := h.snapshot(); l.Quantile(1) != 2*time.Minute || l.Within(1<<histogramLast) != 1 || l.Buckets[1] != (Bucket{0, 1}) {
		t.Errorf("beyond the last edge: %+v", l)
	}
}

func TestLatencyDifference(t *testing.T) {
	var h, other histogram
	h.observe(10 * time.Microsecond)
	h.observe(time.Millisecond)
	first := h.snapshot()
	if d := first.Since(first); d.Count != 0 || d.Sum != 0 || d.Max != 0 || len(d.Buckets) != 0 {
		t.Errorf("since itself: %+v", d)
	}
	if d := first.Since(Latency{}); d.Count != 2 || d.Sum != first.Sum || d.Max != first.Max {
		t.Errorf("since the beginning: %+v", d)
	}
	h.observe(20 * time.Microsecond)
	h.observe(20 * time.Microsecond)
	d := h.snapshot().Since(first)
	if d.Count != 2 || d.Sum != 40*time.Microsecond || len(d.Buckets) != 1 || d.Max < 20*time.Microsecond || d.Max > 22*time.Microsecond {
		t.Errorf("since the first: %+v", d)
	}
	// Another daemon's counts are no earlier reading.
	other.observe(time.Second)
	if d := first.Since(other.snapshot()); d.Count != 2 {
		t.Errorf("since another: %+v", d)
	}
	if d := first.Since(h.snapshot()); d.Count != 2 {
		t.Errorf("since a later one: %+v", d)
	}
	other.observe(time.Hour)
	sum := h.snapshot().Add(other.snapshot())
	if sum.Count != 6 || sum.Max != time.Hour || sum.Quantile(0.5) > 22*time.Microsecond || sum.Quantile(1) != time.Hour {
		t.Errorf("sum %+v", sum)
	}
	for i := 1; i < len(sum.Buckets); i++ {
		if !below(sum.Buckets[i-1], sum.Buckets[i]) {
			t.Errorf("sum is not in order: %+v", sum.Buckets)
		}
	}
}

// TestObserve: it is on the event path, and others read meanwhile.
func TestObserve(t *testing.T) {
	var h histogram
	if n := testing.AllocsPerRun(1000, func() { h.observe(12345) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	const n = 10000
	var reading sync.WaitGroup
	stop := make(chan struct{})
	reading.Go(func() {
		for last := uint64(0); ; {
			l := h.snapshot()
			if l.Count < last {
				t.Errorf("%d after %d", l.Count, last)
			}
			last = l.Count
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	before := h.snapshot().Count
	for i := range n {
		h.observe(time.Duration(i) * time.Microsecond)
	}
	close(stop)
	reading.Wait()
	if got := h.snapshot().Count - before; got != n {
		t.Errorf("%d counted, want %d", got, n)
	}
}

func BenchmarkObserve(b *testing.B) {
	var h histogram
	for b.Loop() {
		h.observe(43210)
	}
}
