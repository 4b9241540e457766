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
	undo     []func() error // what close does, last first
}

// newBench builds everything and starts the jailer.
func newBench(ctx context.Context, o options, progress io.Writer) (b *bench, err error) {
	b = &bench{ctx: ctx, progress: progress}
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
		Groups: b.groups, Landlock: true, Observer: observer{},
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

// observer lets things happen: what goes wrong shows as an error of Run or
// Send.
type observer struct{}

func (observer) State(string, runner.State, *runner.Cause) {}
func (observer) Denied(string, control.Denial)             {}
func (observer) Trouble(string, string)                    {}
func (observer) Limited(string, runner.Limit)              {}
