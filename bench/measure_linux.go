package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/isobooth/isobooth/cgroups"
	"golang.org/x/sys/unix"
)

// comparison is a figure that can be measured.
type comparison struct {
	name, title, unit string
	full, quick       size
	measure           func(b *bench, told func(round int), s size) ([]Row, error)
}

// comparisons are all figures, in the order of the report.
var comparisons = []comparison{
	{
		"trip-tight", "trigger and its reply, one processor, back to back", "µs",
		size{20, 2000}, size{2, 50}, (*bench).tightTrips,
	},
	{
		"trip-paced", "trigger and its reply, one processor, one every 2 ms", "µs",
		size{20, 100}, size{2, 5}, (*bench).pacedTrips,
	},
	{
		"allocations", "Go allocations for one trigger", "allocations",
		size{5, 2000}, size{2, 50}, (*bench).allocations,
	},
	{
		"start-tight", "from nothing to a plugin that is ready, one after the other", "ms",
		size{20, 10}, size{1, 2}, (*bench).tightStarts,
	},
	{
		"start-isolated", "the same, 60 ms apart", "ms",
		size{20, 5}, size{1, 2}, (*bench).isolatedStarts,
	},
	{
		"restart", "from the trigger that crashes a plugin to the reply to the next one", "ms",
		size{20, 10}, size{1, 2}, (*bench).restarts,
	},
	{
		"neighbours", "trigger and its reply, one every 2 ms, while 16 other plugins crash and restart", "µs",
		size{20, 500}, size{1, 50}, (*bench).neighbours,
	},
	{
		"latency-pipe", "from a note's bytes in a pipe to the call of the plugin", "µs",
		size{10, 200}, size{1, 10}, (*bench).pipeLatency,
	},
	{
		"latency-rawmidi", "from a note on the wire to the call of the plugin, through a character device", "µs",
		size{10, 200}, size{1, 10}, (*bench).rawmidiLatency,
	},
	{
		"latency-rtmidi", "the same, through RtMidi", "µs",
		size{10, 200}, size{1, 10}, (*bench).rtmidiLatency,
	},
	{
		"latency-portmidi", "the same, through PortMidi", "µs",
		size{10, 200}, size{1, 10}, (*bench).portmidiLatency,
	},
	{
		"memory", "PSS of each of 20 idle plugins and all that keeps them", "KiB",
		size{3, 20}, size{1, 3}, (*bench).memory,
	},
	{
		"charged", "memory that a booth's control group is charged for, kernel's included", "KiB",
		size{3, 20}, size{1, 3}, (*bench).charged,
	},
}

func names() []string {
	var all []string
	for _, c := range comparisons {
		all = append(all, c.name)
	}
	return all
}

// measure takes the figures that o asks for.
func measure(ctx context.Context, o options, progress io.Writer) (*Report, error) {
	r := &Report{Machine: machine(), Quick: o.quick}
	b, err := newBench(ctx, o, progress)
	if err != nil {
		return nil, err
	}
	r.Figures, err = b.figures(o)
	if ctx.Err() != nil {
		err = ctx.Err() // what else went wrong did so because of it
	}
	if err := errors.Join(err, b.close()); err != nil {
		return nil, err
	}
	return r, nil
}

func (b *bench) figures(o options) ([]Figure, error) {
	var all []Figure
	for _, c := range comparisons {
		if o.only != "" && o.only != c.name {
			continue
		}
		s := c.full
		if o.quick {
			s = c.quick
		}
		rows, err := c.measure(b, func(round int) {
			fmt.Fprintf(b.progress, "bench: %s: round %d of %d\n", c.name, round, s.rounds)
		}, s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		all = append(all, Figure{Name: c.name, Title: c.title, Unit: c.unit, Rows: rows})
	}
	return all, nil
}

func machine() Machine {
	m := Machine{Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Cgroups: cgroups.Probe().Version, Go: runtime.Version()}
	var u unix.Utsname
	if err := unix.Uname(&u); err == nil {
		m.System = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
	}
	return m
}
