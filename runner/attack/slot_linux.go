package attack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/isobooth/isobooth/cgroups"
	"github.com/isobooth/isobooth/runner"
)

// slot makes one probe at a time: it owns a lane, whose goroutine must be one
// and the same, and the control group of its controls.
type slot struct {
	suite *Suite
	work  chan func(*runner.Lane)
	done  chan struct{}
	group *cgroups.Group
	tasks []string // files that put a process into the group
}

// controlLimits bound what an attack that works can take.
var controlLimits = cgroups.Limits{Memory: 512 << 20, CPU: 1, Pids: 64}

func (s *Suite) newSlot(n int) (*slot, error) {
	sl := &slot{suite: s, work: make(chan func(*runner.Lane)), done: make(chan struct{})}
	if s.o.Groups != nil {
		name := fmt.Sprintf("control-%d", n)
		var err error
		if sl.group, err = s.o.Groups.New(name, controlLimits); err != nil {
			return nil, err
		}
		for _, dir := range s.o.Groups.Paths() {
			// Paths also has folders that a container library may make.
			if filepath.Base(dir) == name && exists(dir) {
				sl.tasks = append(sl.tasks, tasksFile(dir))
			}
		}
	}
	started := make(chan error)
	go sl.serve(started)
	if err := <-started; err != nil {
		return nil, errors.Join(err, sl.deleteGroup())
	}
	return sl, nil
}

// tasksFile is the v1 file that a process can write itself into without
// waiting for the kernel's grace period, or v2's only one.
func tasksFile(dir string) string {
	if path := filepath.Join(dir, "tasks"); exists(path) {
		return path
	}
	return filepath.Join(dir, "cgroup.procs")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (sl *slot) serve(started chan<- error) {
	defer close(sl.done)
	lane, err := sl.suite.host.NewLane(-1)
	started <- err
	if err != nil {
		return
	}
	defer lane.Close()
	for f := range sl.work {
		f(lane)
	}
}

func (sl *slot) close() error {
	close(sl.work)
	<-sl.done
	return sl.deleteGroup()
}

func (sl *slot) deleteGroup() error {
	if sl.group == nil {
		return nil
	}
	return sl.group.Delete()
}

// do runs f with a new probe on the slot's goroutine.
func (sl *slot) do(row *Row, phase Phase, f func(*probe, *runner.Lane) error) error {
	p := &probe{slot: sl, row: row, phase: phase, nonce: nonce(), secret: nonce()}
	back := make(chan error)
	sl.work <- func(lane *runner.Lane) { back <- f(p, lane) }
	return <-back
}

// probe makes one attack.
func (sl *slot) probe(ctx context.Context, row *Row, phase Phase) (r Result) {
	_ = sl.do(row, phase, func(p *probe, lane *runner.Lane) error {
		r = p.run(ctx, lane)
		return nil
	})
	return r
}
