package ports

import (
	"sync"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi/miditest"
	"golang.org/x/sys/unix"
)

// cpuTime is what this process has used so far.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Three open ports and a Manager that waits use next to nothing: a small part
// of what the same three ports cost a program that looks at them every 400 µs.
func TestIdleUsesNothing(t *testing.T) {
	const watched = 2 * time.Second
	r := newRig(t)
	r.m.gap = minGap
	ins := []*miditest.DriverIn{r.driver.Plug("A"), r.driver.Plug("B"), r.driver.Plug("C")}
	r.globs("*")
	stop, err := Watch(r.m.changes)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	r.start()
	r.eventually("open", func() bool { return ins[0].Open() && ins[1].Open() && ins[2].Open() })
	r.settled()
	lists := r.driver.Lists()
	before := cpuTime(t)
	time.Sleep(watched)
	idle := cpuTime(t) - before
	// More than what went on when it began would be polling; other programs
	// may plug a port in meanwhile.
	if n := r.driver.Lists() - lists; n > 3 {
		t.Errorf("the ports were listed %d times", n)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}

	end := make(chan struct{})
	var polling sync.WaitGroup
	before = cpuTime(t)
	for _, in := range ins {
		polling.Go(func() {
			ticks := time.NewTicker(400 * time.Microsecond)
			defer ticks.Stop()
			for {
				select {
				case <-ticks.C:
					in.Open()
				case <-end:
					return
				}
			}
		})
	}
	time.Sleep(watched)
	control := cpuTime(t) - before
	close(end)
	polling.Wait()
	t.Logf("idle %v, polling %v in %v", idle, control, watched)
	if idle > control/4 {
		t.Errorf("idle ports used %v of CPU time, polling ones %v", idle, control)
	}
}
