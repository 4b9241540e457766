package cgroups

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// machinePressure is where the kernel tells how much the whole machine is held
// up. Linux 4.20, unless built without or booted with psi=0.
const machinePressure = "/proc/pressure"

// Pressure is how much a group, or the whole machine, is held up for want of
// something, the kernel's pressure stall information:
// Documentation/accounting/psi.rst.
type Pressure struct {
	CPU    Stall `json:"cpu"`
	Memory Stall `json:"memory"`
	IO     Stall `json:"io"`
}

// Stall is the share of time in which some of the tasks waited, and in which
// all of them did: in percent over the last 10, 60 and 300 seconds, and in
// microseconds since the group was made or the machine started.
type Stall struct {
	Some10      float64 `json:"some10"`
	Some60      float64 `json:"some60"`
	Some300     float64 `json:"some300"`
	SomeTotalUS uint64  `json:"some_total_us"`
	Full10      float64 `json:"full10"`
	Full60      float64 `json:"full60"`
	Full300     float64 `json:"full300"`
	FullTotalUS uint64  `json:"full_total_us"`
}

// MachinePressure is that of the whole machine; nil where the kernel does not
// keep it.
func MachinePressure() (*Pressure, error) {
	return readPressure(machinePressure+"/cpu", machinePressure+"/memory", machinePressure+"/io")
}

// readPressure reads one file for each resource; nil where the kernel does not
// keep it, which it tells with no such file or, psi=0, EOPNOTSUPP.
func readPressure(cpu, memory, io string) (*Pressure, error) {
	p := new(Pressure)
	for _, of := range []struct {
		file string
		to   *Stall
	}{{cpu, &p.CPU}, {memory, &p.Memory}, {io, &p.IO}} {
		data, err := os.ReadFile(of.file)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errors.ErrUnsupported) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if *of.to, err = parseStall(string(data)); err != nil {
			return nil, fmt.Errorf("%s: %w", of.file, err)
		}
	}
	return p, nil
}

// parseStall reads lines such as
// "some avg10=0.00 avg60=0.00 avg300=0.00 total=0". The machine's CPU has no
// line "full" before Linux 5.13.
func parseStall(text string) (s Stall, err error) {
	some := false
	for line := range strings.Lines(text) {
		var avg [3]float64
		var total uint64
		var kind string
		if _, err := fmt.Sscanf(line, "%s avg10=%g avg60=%g avg300=%g total=%d", &kind, &avg[0], &avg[1], &avg[2], &total); err != nil {
			return Stall{}, fmt.Errorf("line %q: %w", line, err)
		}
		switch kind {
		case "some":
			some = true
			s.Some10, s.Some60, s.Some300, s.SomeTotalUS = avg[0], avg[1], avg[2], total
		case "full":
			s.Full10, s.Full60, s.Full300, s.FullTotalUS = avg[0], avg[1], avg[2], total
		}
	}
	if !some {
		return Stall{}, errors.New(`no line "some"`)
	}
	return s, nil
}
