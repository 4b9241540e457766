//go:build linux

package runner_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/isobooth/isobooth/runner"
)

// TestLaunchRefused: a worker gets no plugin that its host does not launch,
// at no start; the plugin crashes as soon as it is loaded, so that the cause
// shows whether it was.
func TestLaunchRefused(t *testing.T) {
	dir, err := os.MkdirTemp("", "isobooth-test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	h := &host{t: t, dir: dir, booths: map[string]*booth{}}
	var refuse atomic.Bool
	var asked atomic.Int32
	if h.Host, err = runner.NewHost(runner.HostOptions{
		Jailer: filepath.Join(bin, "isobooth-jail"), Worker: filepath.Join(bin, "isobooth-worker"), Dir: dir, Landlock: true, Observer: h,
		Launch: func(plan *runner.Plan, pid int) error {
			asked.Add(1)
			if plan.Name != "load" || pid <= 0 {
				t.Errorf("launch of %q as %d", plan.Name, pid)
			}
			if refuse.Load() {
				return errors.New("not now")
			}
			return nil
		},
	}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}()
	plan := newPlan(t, "load", build(t, "load", "-DFROM=CONSTRUCTOR", "-DATTACK=attack_crash"), nil)
	var start *runner.StartError
	if _, _, err := h.run(plan); !errors.As(err, &start) || start.Cause.Signal != syscall.SIGSEGV {
		t.Errorf("control: %v", err)
	}
	refuse.Store(true)
	if _, _, err := h.run(plan); !errors.As(err, &start) || start.Cause.Kind != runner.CauseStart || start.Cause.Text != "not launched: not now" {
		t.Errorf("refused: %v", err)
	}
	plan.KeepTrying = true
	b, stop, err := h.runHeld(plan)
	if err != nil {
		t.Fatal(err)
	}
	for next(t, b.causes, "an end").Kind != runner.CauseStart { // those before are still there
	}
	refuse.Store(false)
	for next(t, b.causes, "an end").Signal != syscall.SIGSEGV {
	}
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if n := asked.Load(); n < 4 {
		t.Errorf("asked %d times, want at least 4", n)
	}
}
