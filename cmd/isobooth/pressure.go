package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/isobooth/isobooth/cgroups"
)

// pressureFolder is where the kernel tells how much the whole machine is held
// up; Documentation/accounting/psi.rst. Linux 4.20, unless switched off.
const pressureFolder = "/proc/pressure"

// pressure is how much tasks are held up for want of something.
type pressure struct {
	CPU    stall `json:"cpu"`
	Memory stall `json:"memory"`
	IO     stall `json:"io"`
}

// stall is the share of time in which some of the tasks waited, and in which
// all of them did: in percent over the last 10, 60 and 300 seconds, and in
// microseconds altogether.
type stall struct {
	Some10      float64 `json:"some10"`
	Some60      float64 `json:"some60"`
	Some300     float64 `json:"some300"`
	SomeTotalUS uint64  `json:"some_total_us"`
	Full10      float64 `json:"full10"`
	Full60      float64 `json:"full60"`
	Full300     float64 `json:"full300"`
	FullTotalUS uint64  `json:"full_total_us"`
}

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
	var has struct {
		Pressure *pressure `json:"pressure"`
	}
	text, err := json.Marshal(usage)
	if err != nil || json.Unmarshal(text, &has) != nil {
		return nil
	}
	return has.Pressure
}
