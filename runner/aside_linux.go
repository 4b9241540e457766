package runner

import (
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// startAside starts a command on the processors other than LastCPU, where
// lanes and sealed workers run: building booths and loading plugins, which
// takes milliseconds of a processor each, then holds up no trigger. With one
// processor only there is no such place.
func startAside(cmd *exec.Cmd) error {
	var all, rest unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return os.NewSyscallError("sched_getaffinity", err)
	}
	last, err := LastCPU()
	if err != nil {
		return err
	}
	rest = all
	rest.Clear(last)
	if rest.Count() == 0 {
		return cmd.Start()
	}
	// A child inherits the set of the thread that starts it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.SchedSetaffinity(0, &rest); err != nil {
		return os.NewSyscallError("sched_setaffinity", err)
	}
	err = cmd.Start()
	if e := unix.SchedSetaffinity(0, &all); e != nil {
		// The thread is unfit for others now; it ends with its goroutine.
		runtime.LockOSThread()
	}
	return err
}
