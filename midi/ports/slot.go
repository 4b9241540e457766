package ports

import (
	"errors"
	"time"

	"github.com/isobooth/isobooth/midi"
)

// How long a port that fails is left alone: first, and doubled each time up
// to the most.
const (
	firstRetry = 250 * time.Millisecond
	mostRetry  = 30 * time.Second
)

// errEnded is a port whose reading ended without a reason.
var errEnded = errors.New("it has ended")

// slot is what a Manager knows of one in port. It outlives the port, to count
// on when that is plugged in again. Manager.mu guards it.
type slot struct {
	port   midi.Port
	listed bool // it was there at the last look
	src    *Source
	since  time.Time
	// done is closed after src has ended, with err. ending says what to call
	// an end that we asked for: Gone or Closed.
	done   chan struct{}
	err    error
	ending string
	retry  retry
	// of sources before src:
	events uint64
	lost   midi.Lost
	told   midi.Lost // by the last Losing
}

// retry is when something that fails is to be tried again.
type retry struct {
	failures int
	at       time.Time
	err      error
}

// fail returns how long to wait, and whether the reason is another than last
// time.
func (r *retry) fail(err error, now time.Time) (wait time.Duration, news bool) {
	news = r.err == nil || r.err.Error() != err.Error()
	wait = min(mostRetry, firstRetry<<min(r.failures, 16))
	r.failures++
	r.at, r.err = now.Add(wait), err
	return wait, news
}

// due reports whether it may be tried now.
func (r *retry) due(now time.Time) bool { return r.err == nil || !now.Before(r.at) }

func (s *slot) counts() (events uint64, lost midi.Lost) {
	events, lost = s.events, s.lost
	if s.src != nil {
		events += s.src.events.Load()
		lost = sum(lost, s.src.in.Lost())
	}
	return events, lost
}

// ended puts the counts of src aside.
func (s *slot) ended() {
	s.events, s.lost = s.counts()
	s.src, s.done, s.err, s.ending = nil, nil, nil, ""
}

func sum(a, b midi.Lost) midi.Lost {
	a.Skipped += b.Skipped
	a.SysExDropped += b.SysExDropped
	a.Overflows += b.Overflows
	return a
}

// doubled reports whether one of the counts has come to at least twice what
// was told, or is the first.
func doubled(told, now midi.Lost) bool {
	over := func(told, now uint64) bool { return now > told && now >= 2*told }
	return over(told.Skipped, now.Skipped) || over(told.SysExDropped, now.SysExDropped) || over(told.Overflows, now.Overflows)
}
