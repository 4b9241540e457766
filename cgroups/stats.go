package cgroups

import "time"

// Stats is one reading of a group's counters. They count since the group was
// made.
type Stats struct {
	Memory        uint64        `json:"memory"`       // bytes now
	Swap          uint64        `json:"swap"`         // bytes now; 0 where the kernel does not account it
	MemoryPeak    uint64        `json:"memory_peak"`  // bytes, highest so far; 0 on v2 before Linux 5.19, which does not tell
	CPU           time.Duration `json:"cpu_ns"`       // CPU time used
	Throttled     uint64        `json:"throttled"`    // periods in which the CPU limit stopped the group
	ThrottledTime time.Duration `json:"throttled_ns"` // time it stood still
	Pids          uint64        `json:"pids"`         // tasks now
	OOMKills      uint64        `json:"oom_kills"`    // tasks killed because Memory was reached
	PidsMax       uint64        `json:"pids_max"`     // forks refused because Pids was reached
	// Pressure is nil on v1, and where the kernel does not keep it.
	Pressure *Pressure `json:"pressure,omitempty"`
}

// Pressure is how much a group is held up for want of something, the
// kernel's pressure stall information: Documentation/accounting/psi.rst.
type Pressure struct {
	CPU    Stall `json:"cpu"`
	Memory Stall `json:"memory"`
	IO     Stall `json:"io"`
}

// Stall is the share of time in which some of a group's tasks waited, and in
// which all of them did: in percent over the last 10, 60 and 300 seconds, and
// in microseconds since the group was made.
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

// Reached counts how often a group's limits were reached since it was made.
type Reached struct {
	Memory   uint64 // charges that Memory had no room for, even if the kernel then made some
	CPU      uint64 // periods that used up CPU: the group stood still until the next
	Pids     uint64 // forks refused
	OOMKills uint64 // tasks killed because Memory was reached and nothing could be freed
}
