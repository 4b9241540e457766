package runner

import (
	"errors"
	"fmt"
	"os"
	"reflect"

	"github.com/isobooth/isobooth/runner/control"
	"golang.org/x/sys/unix"
)

// NeedsWorker reports whether a limit, by its key in a profile, belongs to a
// worker from its start on, so that a change of it holds from the next start.
//
// Limits of processes could be set from outside, prlimit(2), but not raised
// without CAP_SYS_RESOURCE, and not for the children of a plugin that forks
// meanwhile; what the jailer found when it sealed the booth would no longer
// be true. A size of /tmp is an option of a mount in the booth. The jailer is
// given its quota of refused calls when the booth is built.
func NeedsWorker(key string) bool {
	switch key {
	case "open_files", "file_size", "address_space", "threads", "denials", "tmp_size":
		return true
	}
	return false
}

// SetLimits has the booth go by a plan that differs from the one in force in
// its limits only. The worker that runs, and the one in reserve, get those of
// the control group at once; deadlines and the restart policy hold from their
// next use; those that NeedsWorker names from the next start.
//
// When the control group does not take them the booth is as it was, and the
// error says which; see cgroups.Group.Update for memory below what is in use.
// If it says cgroups.ErrMixed, the worker has some limits of both.
func (b *Booth) SetLimits(plan *Plan) error { return b.ask(&change{plan: plan, limits: true}) }

func (b *Booth) setLimits(plan *Plan) error {
	old := b.inForce.Load()
	if !old.alike(plan) {
		return fmt.Errorf("internal error: plan %q differs in more than its limits", plan.Name)
	}
	if b.worker != nil {
		if err := b.worker.setGroup(plan); err != nil {
			return err
		}
		b.pin(b.worker, plan)
	}
	b.inForce.Store(plan)
	b.life.limits = &plan.Limits
	var keep func(*instance) bool
	if old.sameWorker(plan) {
		keep = func(in *instance) bool { return in.setGroup(plan) == nil }
	}
	if old := b.spare.use(plan, keep); old != nil {
		b.reserve(old)
		if plan.Standby {
			b.spare.ask()
		}
	}
	return nil
}

// alike reports whether two plans differ in their limits at most.
func (p *Plan) alike(o *Plan) bool {
	mine, theirs := p.Grants, o.Grants
	mine.Tmp, theirs.Tmp = 0, 0
	return p.Plugin == o.Plugin && p.Standby == o.Standby && reflect.DeepEqual(p.Policy, o.Policy) && reflect.DeepEqual(mine, theirs)
}

// sameWorker reports whether a worker made for one plan is one for the other,
// but for its control group. Its processors are not only that group's: the
// jailer pins it to them when it seals, and fails where the group has others.
func (p *Plan) sameWorker(o *Plan) bool {
	bare := func(p Plan) Plan {
		l := p.Limits
		p.Limits = Limits{OpenFiles: l.OpenFiles, FileSize: l.FileSize, AddressSpace: l.AddressSpace, Threads: l.Threads, Denials: l.Denials}
		p.Limits.Group.CPUs = l.Group.CPUs
		p.History, p.KeepTrying, p.Policy = History{}, false, control.Policy{}
		return p
	}
	return p.alike(o) && reflect.DeepEqual(bare(*p), bare(*o))
}

func (in *instance) setGroup(plan *Plan) error {
	if in.group == nil {
		return nil
	}
	select {
	case <-in.exited:
		return nil // the next one has them
	default:
	}
	err := in.group.Update(in.host.groupLimits(plan))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// place is the processor that a worker is pinned to, or -1 where the plan keeps
// it from there: it then runs on those that the plan names, and a trigger
// costs a wake-up of another processor.
func (p *Plan) place(cpu int) int {
	cpus := p.Limits.Group.CPUs
	if len(cpus) == 0 {
		return cpu
	}
	for _, c := range cpus {
		if c == cpu {
			return cpu
		}
	}
	return -1
}

// pin moves a worker that runs to the processors of a plan. The kernel has
// done what the plan forbids, by the control group; this is for speed.
func (b *Booth) pin(in *instance, plan *Plan) {
	var set unix.CPUSet
	cpu := plan.place(b.cpu)
	switch {
	case cpu >= 0:
		set.Set(cpu)
	case len(plan.Limits.Group.CPUs) == 0:
		set.Fill()
	}
	for _, c := range plan.Limits.Group.CPUs {
		if cpu < 0 {
			set.Set(c)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	// It has not ended, so that the number is its own; pidfd_send_signal(2).
	if in != b.live || in.about.CPU == cpu || unix.PidfdSendSignal(int(in.pidfd.Fd()), 0, nil, 0) != nil {
		return
	}
	if unix.SchedSetaffinity(in.pid, &set) == nil {
		in.about.CPU = cpu
	}
}
