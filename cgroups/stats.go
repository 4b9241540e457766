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

// Reached counts how often a group's limits were reached since it was made.
type Reached struct {
	Memory   uint64 // charges that Memory had no room for, even if the kernel then made some
	CPU      uint64 // periods that used up CPU: the group stood still until the next
	Pids     uint64 // forks refused
	OOMKills uint64 // tasks killed because Memory was reached and nothing could be freed
}
