package runner_test

import (
	"testing"

	"github.com/isobooth/isobooth/runner"
)

// TestMetricsOfABooth counts what a plugin does that answers at once, late and
// with an error, tries what it may not, and crashes.
func TestMetricsOfABooth(t *testing.T) {
	h := newHost(t)
	lane := newLane(t, h)
	b := h.must(build(t, "spin", "-DSPIN_MS=50"), nil)
	const n = 6
	for key := range byte(n) { // the first is written at once, the others wait
		send(t, lane, b, do("go", key))
	}
	for range n {
		b.reply()
	}
	l := b.Latencies()
	if l.Direct.Count != 1 || l.Queued.Count != n-1 {
		t.Errorf("%d direct and %d queued, want 1 and %d", l.Direct.Count, l.Queued.Count, n-1)
	}
	// Each spins for 50 ms, and who waits for others takes longer than who does
	// not.
	if l.Direct.Quantile(0.5).Milliseconds() < 50 || l.Queued.Max <= l.Direct.Max {
		t.Errorf("direct %+v, queued %+v", l.Direct, l.Queued)
	}
	if e := b.Ends(); len(e.Causes) != 0 || len(b.Refusals()) != 0 || len(b.LimitsReached()) > 1 {
		t.Errorf("of a booth in order: ends %+v, refused %+v, limits %v", e, b.Refusals(), b.LimitsReached())
	}

	b = h.must(build(t, "crash"), nil)
	for range 3 {
		send(t, lane, b, do("hello", 1))
		b.reply()
		send(t, lane, b, do("abort", 2)) // tgkill is refused
		b.cause()
		b.again()
	}
	send(t, lane, b, do("ptrace", 3))
	b.cause()
	b.again()
	if e := b.Ends(); e.Causes[runner.CauseSignal] != 4 || len(e.Causes) != 1 || e.Violations != 1 {
		t.Errorf("ends %+v, want four signals, one of them a violation", e)
	}
	tgkill := func() (n uint64) {
		for _, r := range b.Refusals() {
			if r.Call == "tgkill" && r.Phase == "run" {
				n = r.AtLeast
			}
		}
		return n
	}
	eventually(t, "refused calls are counted over restarts", func() bool { return tgkill() >= 3 })
	t.Logf("refused %+v", b.Refusals())
	if got := b.Latencies(); got.Direct.Count+got.Queued.Count != b.Stats().Replies || b.Stats().Replies != 3 {
		t.Errorf("%d direct and %d queued of %d replies", got.Direct.Count, got.Queued.Count, b.Stats().Replies)
	}
}
