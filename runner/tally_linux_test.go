package runner

import (
	"testing"

	"github.com/isobooth/isobooth/runner/control"
)

// nobody is an Observer that does not listen.
type nobody struct{}

func (nobody) State(string, State, *Cause)   {}
func (nobody) Denied(string, control.Denial) {}
func (nobody) Trouble(string, string)        {}
func (nobody) Limited(string, Limit)         {}

// TestRefusedAfterTheQuota: other threads of a booth that is being killed may
// get one more call refused; it must not make the count too high.
func TestRefusedAfterTheQuota(t *testing.T) {
	in := &instance{id: "b1", plan: &Plan{Name: "a"}}
	h := &Host{o: HostOptions{Observer: nobody{}}, instances: map[string]*instance{"b1": in}}
	const quota, most = 6, 8
	for n := uint64(1); n <= most; n++ {
		if n&(n-1) == 0 || n == quota {
			h.event(&control.Message{Booth: "b1", Denial: &control.Denial{Call: "openat", Phase: "run", Count: n, Quota: n == quota}})
		}
	}
	if got := h.refused.of("a"); len(got) != 1 || got[0].AtLeast != quota {
		t.Errorf("%+v, want %d", got, quota)
	}
}
