package runner

import (
	"errors"
	"os"
	"runtime"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// places is for how many goroutines at once the Go runtime has a place. A lane
// that comes back from its read needs one at once; with as many as processors,
// those who see to crashing neighbours may have taken all. Setting it also
// keeps the runtime from following the affinity, which is about to change.
const places = 8

// moveAside keeps this process's threads, but for lanes, on the processors
// other than LastCPU, and with them all that they start: the jailer, and
// booths until they are sealed. Supervising, building and loading, which take
// milliseconds at a time, then hold up no trigger. With one processor only
// there is no such place. It acts once for a process; threads that come later
// inherit it.
var moveAside = sync.OnceValue(func() error {
	last, err := LastCPU()
	if err != nil {
		return err
	}
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return os.NewSyscallError("sched_getaffinity", err)
	}
	set.Clear(last)
	if set.Count() == 0 {
		return nil
	}
	runtime.GOMAXPROCS(max(places, runtime.GOMAXPROCS(0)))
	// A thread may be started by one that has not been moved yet.
	for range 2 {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, t := range threads {
			tid, err := strconv.Atoi(t.Name())
			if err != nil {
				return err
			}
			if err := unix.SchedSetaffinity(tid, &set); err != nil && !errors.Is(err, unix.ESRCH) {
				return os.NewSyscallError("sched_setaffinity", err)
			}
		}
	}
	return nil
})
