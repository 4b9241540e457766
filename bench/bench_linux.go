package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/isobooth/isobooth/cgroups"
	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/control"
	"github.com/isobooth/isobooth/verify"
)

// bench is what all measurements share.
type bench struct {
	ctx      context.Context
	progress io.Writer
	tools    tools
	cpu      int // of lanes, workers and answering peers
	plugin   *verify.Plugin
	plan     *runner.Plan
	groups   *cgroups.Tree
	host     *runner.Host
	observer observer
	undo     []func() error // what close does, last first
}

// newBench builds everything and starts the jailer.
func newBench(ctx context.Context, o options, progress io.Writer) (b *bench, err error) {
	b = &bench{ctx: ctx, progress: progress, observer: observer{}}
	for i := range crashers {
		b.observer[crasherName(i)] = make(chan change, 64)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
			b = nil
		}
	}()
	dir, err := os.MkdirTemp("", "isobooth-bench-")
	if err != nil {
		return b, err
	}
	b.undo = append(b.undo, func() error { return os.RemoveAll(dir) })
	// Booths run as users of their own, who must get through to the files.
	if err := os.Chmod(dir, 0o711); err != nil {
		return b, err
	}
	fmt.Fprintln(progress, "bench: building")
	if b.tools, err = build(ctx, dir, o.bin); err != nil {
		return b, errors.Join(ctx.Err(), err)
	}
	if b.cpu, err = runner.LastCPU(); err != nil {
		return b, err
	}
	return b, b.open()
}

// open makes the plan, the groups and the host.
func (b *bench) open() (err error) {
	if b.plugin, err = openPlugin(b.tools.plugin); err != nil {
		return err
	}
	b.undo = append(b.undo, b.plugin.Close)
	profile, err := profiles.Named("strict")
	if err != nil {
		return err
	}
	if b.plan, err = runner.NewPlan("bench", b.plugin, profile); err != nil {
		return err
	}
	b.plan.Standby = false // its making would be measured with whatever comes next
	// Not called as a daemon's is, so that a daemon does not take it for that
	// of a dead one.
	if b.groups, err = cgroups.Open(fmt.Sprintf("bench-%d", os.Getpid())); err != nil {
		return err
	}
	b.undo = append(b.undo, b.groups.Close)
	dir := filepath.Join(b.tools.dir, "host")
	if err := os.Mkdir(dir, 0o711); err != nil {
		return err
	}
	b.host, err = runner.NewHost(runner.HostOptions{
		Jailer: b.tools.jailer, Worker: b.tools.worker, Dir: dir,
		Groups: b.groups, Landlock: true, Observer: b.observer,
	})
	if err != nil {
		return err
	}
	b.undo = append(b.undo, b.host.Close)
	return nil
}

// close undoes all that was done.
func (b *bench) close() error {
	var errs []error
	for len(b.undo) > 0 {
		last := len(b.undo) - 1
		errs = append(errs, b.undo[last]())
		b.undo = b.undo[:last]
	}
	return errors.Join(errs...)
}

// observer passes on what happens to the booths that somebody waits for, by
// name. What else goes wrong shows as an error of Run or Send. It is filled
// before the host is started and not changed.
type observer map[string]chan change

// change is a booth's next state.
type change struct {
	state runner.State
	ended bool
}

func (o observer) State(booth string, s runner.State, cause *runner.Cause) {
	if c := o[booth]; c != nil {
		c <- change{s, cause != nil}
	}
}

func (observer) Denied(string, control.Denial) {}
func (observer) Trouble(string, string)        {}
func (observer) Limited(string, runner.Limit)  {}
