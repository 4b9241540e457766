package runner

import (
	"fmt"
	"testing"

	"github.com/isobooth/isobooth/runner/control"
)

// TestRefusedAtLeast: reports at the 1st, 2nd, 4th ... of each of some workers
// add up to no more than there were, and to more than half.
func TestRefusedAtLeast(t *testing.T) {
	for _, most := range []uint64{1, 2, 3, 4, 5, 1000, 1024, 1025} {
		var r refusals
		const workers = 3
		for range workers {
			for n := uint64(1); n <= most; n++ {
				if n&(n-1) == 0 {
					r.count("a", &control.Denial{Call: "openat", Phase: "run", Count: n})
				}
			}
		}
		got := r.of("a")
		if len(got) != 1 || got[0].AtLeast > workers*most || 2*got[0].AtLeast <= workers*most {
			t.Errorf("%d refused by each of %d: %+v", most, workers, got)
		}
	}
}

// TestRefusedAtQuota: the report that ends a booth comes at any count, and is
// exact.
func TestRefusedAtQuota(t *testing.T) {
	for _, quota := range []uint64{1, 2, 3, 6, 100, 128} {
		var r refusals
		for n := uint64(1); n <= quota; n++ {
			if n&(n-1) == 0 || n == quota {
				r.count("a", &control.Denial{Call: "openat", Phase: "run", Count: n, Quota: n == quota})
			}
		}
		if got := r.of("a"); len(got) != 1 || got[0] != (Refused{"openat", "run", quota}) {
			t.Errorf("quota of %d: %+v", quota, got)
		}
	}
}

func TestRefusedAreToldApart(t *testing.T) {
	var r refusals
	if got := r.of("a"); got == nil || len(got) != 0 {
		t.Errorf("of none: %+v", got)
	}
	r.count("a", &control.Denial{Call: "openat", Phase: "load", Count: 1})
	r.count("a", &control.Denial{Call: "openat", Phase: "run", Count: 1})
	r.count("a", &control.Denial{Call: "openat", Phase: "run", Count: 2})
	r.count("a", &control.Denial{Call: "socket", Phase: "run", Count: 1, Learned: true})
	r.count("b", &control.Denial{Call: "socket", Phase: "run", Count: 1})
	if got, want := fmt.Sprint(r.of("a")), "[{openat run 2} {openat load 1}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := fmt.Sprint(r.of("b")), "[{socket run 1}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestRefusedAreBounded: whatever the jailer says, this takes no more memory.
func TestRefusedAreBounded(t *testing.T) {
	var r refusals
	for i := range 2 * refusedMost {
		r.count("a", &control.Denial{Call: fmt.Sprint(i), Phase: "run", Count: 1})
	}
	if n := len(r.of("a")); n != refusedMost {
		t.Errorf("%d calls are told apart, want %d", n, refusedMost)
	}
	r.count("a", &control.Denial{Call: "0", Phase: "run", Count: 2})
	if got := r.of("a")[0]; got != (Refused{"0", "run", 2}) {
		t.Errorf("one that was known: %+v", got)
	}
}

func TestEndsAreCounted(t *testing.T) {
	var ended endTally
	if e := ended.soFar(); e.Causes == nil || len(e.Causes) != 0 {
		t.Errorf("at first: %+v", e)
	}
	for _, kind := range []CauseKind{CauseExit, CauseProtocol, CauseExit} {
		ended.count(Cause{Kind: kind})
	}
	e := ended.soFar()
	if e.Violations != 1 || e.Causes[CauseExit] != 2 || e.Causes[CauseProtocol] != 1 || len(e.Causes) != 2 {
		t.Errorf("%+v", e)
	}
	e.Causes[CauseExit] = 9 // a copy
	if ended.soFar().Causes[CauseExit] != 2 {
		t.Error("the caller has the tally's own map")
	}
}
