package main

import "github.com/isobooth/isobooth/cgroups"

// pressure is how much tasks are held up: of a booth's control group, or of the
// whole machine.
type pressure = cgroups.Pressure

type stall = cgroups.Stall

// machinePressure is the whole machine's; nil where there is none to be had,
// since it is shown beside what was asked for.
func machinePressure() *pressure {
	p, err := cgroups.MachinePressure()
	if err != nil {
		return nil
	}
	return p
}

// groupPressure is the pressure in a booth's control group; nil when the kernel
// keeps none, as on v1.
func groupPressure(usage *cgroups.Stats) *pressure {
	if usage == nil {
		return nil
	}
	return usage.Pressure
}
