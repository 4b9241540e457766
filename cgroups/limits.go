package cgroups

import (
	"fmt"
	"math"
	"os"
)

// Limits bound one group. A zero Memory, CPU or Pids is an error, so that a
// forgotten field never means "unlimited".
type Limits struct {
	Memory    int64   // bytes, cut to whole pages; swap is 0
	CPU       float64 // cores, 0.5 is 50 % of one; at least 0.001
	CPUWeight uint64  // 1 to 10000 as on v2; 0 leaves the kernel's 100
	Pids      int64   // tasks
}

func (l Limits) check() error {
	switch {
	case l.Memory < int64(os.Getpagesize()):
		return fmt.Errorf("memory of %d bytes: %w", l.Memory, ErrLimit)
	case !(l.CPU >= 0.001 && l.CPU <= 4096): // also false for NaN
		return fmt.Errorf("cpu of %v cores: %w", l.CPU, ErrLimit)
	case l.CPUWeight > 10000:
		return fmt.Errorf("cpu weight %d: %w", l.CPUWeight, ErrLimit)
	case l.Pids < 1 || l.Pids > 1<<22: // PID_MAX_LIMIT
		return fmt.Errorf("pids of %d: %w", l.Pids, ErrLimit)
	}
	return nil
}

// memory is the limit as the kernel keeps it, in whole pages.
func (l Limits) memory() int64 { return l.Memory - l.Memory%int64(os.Getpagesize()) }

// weight is the weight on v2.
func (l Limits) weight() uint64 {
	if l.CPUWeight == 0 {
		return 100
	}
	return l.CPUWeight
}

// shares is the weight on v1, whose default of 1024 stands for 100.
func (l Limits) shares() uint64 { return max(l.weight()*1024/100, 2) }

const (
	cpuPeriod    = 10_000  // microseconds
	minCPUQuota  = 1_000   // the kernel takes no less
	maxCPUPeriod = 1000000 // nor more
)

// quota returns how much CPU time the group has per period, in microseconds.
// A group that used its quota up stands still until the period ends. The
// kernel's own period of 100 ms would hold a trigger back for 50 ms at 50 %;
// 10 ms holds it back for 5. Below 10 % the period grows, because the
// smallest quota is 1 ms.
func (l Limits) quota() (quota int64, period uint64) {
	period = cpuPeriod
	if q := l.CPU * cpuPeriod; q < minCPUQuota {
		period = min(uint64(math.Ceil(minCPUQuota/l.CPU)), maxCPUPeriod)
	}
	return int64(math.Max(math.Round(l.CPU*float64(period)), minCPUQuota)), period
}
