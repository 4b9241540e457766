package cgroups

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Limits bound one group. A zero Memory, CPU or Pids is an error, so that a
// forgotten field never means "unlimited".
type Limits struct {
	Memory    int64   // bytes, cut to whole pages
	Swap      int64   // bytes beyond Memory, likewise; more than 0 needs a kernel that accounts swap
	CPU       float64 // cores, 0.5 is 50 % of one; at least 0.001
	CPUWeight uint64  // 1 to 10000 as on v2; 0 leaves the kernel's 100
	CPUs      []int   // processors, ascending; none is all, else it needs the controller cpuset
	IOWeight  uint64  // 1 to 10000, on v1 to 1000; 0 is 100, else it needs io or blkio
	Pids      int64   // tasks
}

// Equal reports whether both mean the same to the kernel.
func (l Limits) Equal(o Limits) bool {
	return l.memory() == o.memory() && l.swap() == o.swap() && l.CPU == o.CPU && l.weight() == o.weight() &&
		slices.Equal(l.CPUs, o.CPUs) && l.ioWeight() == o.ioWeight() && l.Pids == o.Pids
}

func (l Limits) check() error {
	switch {
	case l.Memory < int64(os.Getpagesize()):
		return fmt.Errorf("memory of %d bytes: %w", l.Memory, ErrLimit)
	case !(l.CPU >= 0.001 && l.CPU <= 4096): // also false for NaN
		return fmt.Errorf("cpu of %v cores: %w", l.CPU, ErrLimit)
	case l.CPUWeight > 10000:
		return fmt.Errorf("cpu weight %d: %w", l.CPUWeight, ErrLimit)
	case l.Swap < 0 || l.Swap > math.MaxInt64-l.Memory:
		return fmt.Errorf("swap of %d bytes: %w", l.Swap, ErrLimit)
	case l.IOWeight > 10000:
		return fmt.Errorf("io weight %d: %w", l.IOWeight, ErrLimit)
	case len(l.CPUs) > 0 && (l.CPUs[0] < 0 || !ascending(l.CPUs)):
		return fmt.Errorf("processors %v: %w", l.CPUs, ErrLimit)
	case l.Pids < 1 || l.Pids > 1<<22: // PID_MAX_LIMIT
		return fmt.Errorf("pids of %d: %w", l.Pids, ErrLimit)
	}
	return nil
}

// memory is the limit as the kernel keeps it, in whole pages.
func (l Limits) memory() int64 { return wholePages(l.Memory) }

// swap is likewise what it may have beyond that.
func (l Limits) swap() int64 { return wholePages(l.Swap) }

func wholePages(n int64) int64 { return n - n%int64(os.Getpagesize()) }

// defaultWeight is the kernel's own, on v2 and for bfq.
const defaultWeight = 100

// weight is the weight on v2.
func (l Limits) weight() uint64 { return cmp.Or(l.CPUWeight, defaultWeight) }

func (l Limits) ioWeight() uint64 { return cmp.Or(l.IOWeight, defaultWeight) }

// tighter is the smaller of each limit on which the group as a whole can
// draw. A change goes by it, so that no moment allows more than both ends.
func (l Limits) tighter(o Limits) Limits {
	l.Memory, l.Swap, l.CPU, l.Pids = min(l.Memory, o.Memory), min(l.Swap, o.Swap), min(l.CPU, o.CPU), min(l.Pids, o.Pids)
	return l
}

func ascending(list []int) bool {
	for i := 1; i < len(list); i++ {
		if list[i] <= list[i-1] {
			return false
		}
	}
	return true
}

// cpuList writes processors as the kernel does, "0-1,3"; cpuset(7), "List
// format".
func cpuList(list []int) string {
	var b strings.Builder
	for i := 0; i < len(list); i++ {
		first := i
		for i+1 < len(list) && list[i+1] == list[i]+1 {
			i++
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(list[first]))
		if i > first {
			b.WriteString("-" + strconv.Itoa(list[i]))
		}
	}
	return b.String()
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
