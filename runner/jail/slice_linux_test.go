package jail

import (
	"os/exec"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestShortSlice: a worker's turns are short, and nothing else about its
// scheduling changes.
func TestShortSlice(t *testing.T) {
	const nice = 7
	cmd := exec.Command("nice", "-n", strconv.Itoa(nice), "sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	pid := cmd.Process.Pid
	niced := func() *unix.SchedAttr {
		attr, err := unix.SchedGetAttr(pid, 0)
		if err != nil {
			t.Fatal(err)
		}
		return attr
	}
	for deadline := time.Now().Add(20 * time.Second); niced().Nice != nice; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("control: the process is not niced")
		}
	}
	if err := shortSlice(pid); err != nil {
		t.Fatal(err)
	}
	got := niced()
	if got.Nice != nice || got.Policy != unix.SCHED_NORMAL {
		t.Errorf("nice %d, policy %d", got.Nice, got.Policy)
	}
	// 0 from kernels that know no slices.
	if got.Runtime != 0 && got.Runtime != uint64(100*time.Microsecond) {
		t.Errorf("turns of %v", time.Duration(got.Runtime))
	}
}
