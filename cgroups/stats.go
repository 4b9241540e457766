package cgroups

import "time"

// Stats is one reading of a group's counters. They count since the group was
// made.
type Stats struct {
	Memory        uint64        `json:"memory"`       // bytes now
	MemoryPeak    uint64        `json:"memory_peak"`  // bytes, highest so far; 0 on v2 before Linux 5.19, which does not tell
	CPU           time.Duration `json:"cpu_ns"`       // CPU time used
	Throttled     uint64        `json:"throttled"`    // periods in which the CPU limit stopped the group
	ThrottledTime time.Duration `json:"throttled_ns"` // time it stood still
	Pids          uint64        `json:"pids"`         // tasks now
	OOMKills      uint64        `json:"oom_kills"`    // tasks killed because Memory was reached
	PidsMax       uint64        `json:"pids_max"`     // forks refused because Pids was reached
}
