package midi

import "time"

// Limiter is a token bucket for what goes out to a port. It counts bytes,
// because bytes are what a cable has few of. A message passes while any credit
// is left, however long it is, and is then taken from the credit, below zero
// if need be: one that is longer than the burst can be sent, and those behind
// it pay for it. So at most burst bytes, rate bytes for each second and one
// message more pass in any time.
//
// A Limiter is a value without a lock, and not safe for concurrent use.
type Limiter struct {
	rate  int64         // bytes a second
	burst time.Duration // how long the rate takes for the burst
	full  time.Duration // when the credit is, or was, full
}

// NewLimiter makes a Limiter with full credit: rate in bytes a second, burst in
// bytes, both 1 to 1<<30.
func NewLimiter(rate, burst int) Limiter {
	l := Limiter{rate: int64(rate)}
	l.burst = l.cost(burst)
	return l
}

// Take reports whether a message of n bytes may pass at the time at, and
// charges it if so. Times are on one clock that never goes back.
func (l *Limiter) Take(n int, at time.Duration) bool {
	if l.full-at >= l.burst {
		return false
	}
	l.Charge(n, at)
	return true
}

// Charge takes n bytes from the credit, for a message that passes in any case.
func (l *Limiter) Charge(n int, at time.Duration) {
	l.full = max(l.full, at) + l.cost(n)
}

// cost is how long the rate takes for n bytes.
func (l *Limiter) cost(n int) time.Duration {
	return time.Duration(int64(n) * int64(time.Second) / l.rate)
}
