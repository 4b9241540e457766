package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/isobooth/isobooth/cgroups"
)

// pressureFolder is where the kernel tells how much the whole machine is held
// up; Documentation/accounting/psi.rst. Linux 4.20, unless switched off.
const pressureFolder = "/proc/pressure"

// pressure is how much tasks are held up: of a booth's control group, or of the
// whole machine.
type pressure = cgroups.Pressure

type stall = cgroups.Stall

// readPressure returns what a folder such as pressureFolder says; nil when it
// is not there.
func readPressure(folder string) *pressure {
	var p pressure
	for name, s := range map[string]*stall{"cpu": &p.CPU, "memory": &p.Memory, "io": &p.IO} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil
		}
		if *s, err = parseStall(string(text)); err != nil {
			return nil
		}
	}
	return &p
}

// parseStall reads a line "some avg10=..." and a line "full avg10=...", which
// the machine's CPU lacks before Linux 5.13.
func parseStall(text string) (s stall, err error) {
	const line = " avg10=%f avg60=%f avg300=%f total=%d\n"
	n, err := fmt.Sscanf(text, "some"+line+"full"+line, &s.Some10, &s.Some60, &s.Some300, &s.SomeTotalUS,
		&s.Full10, &s.Full60, &s.Full300, &s.FullTotalUS)
	if n == 4 {
		err = nil
	}
	return s, err
}

// groupPressure is the pressure in a booth's control group; nil when the kernel
// keeps none, as on v1.
func groupPressure(usage *cgroups.Stats) *pressure {
	if usage == nil {
		return nil
	}
	return usage.Pressure
}
