package profiles

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// limitField is one key of [limits].
type limitField struct {
	key  string
	text func(l *Limits) string              // the value as a profile has it
	to   func(before, now *Limits) Direction // of a change
	says string                              // what happens at it, for people
}

var limitFields = []limitField{
	{"memory", func(l *Limits) string { return size(uint64(l.Memory)) }, up(func(l *Limits) int64 { return l.Memory }),
		"the plugin is killed and started again"},
	{"swap", func(l *Limits) string { return size(uint64(l.Swap)) }, up(func(l *Limits) int64 { return l.Swap }),
		"counted with memory"},
	{"cpu", func(l *Limits) string { return share(l.CPU) }, up(func(l *Limits) float64 { return l.CPU }),
		"the plugin stands still until the next period of 10 ms"},
	{"cpu_weight", func(l *Limits) string { return strconv.FormatUint(l.CPUWeight, 10) }, up(func(l *Limits) uint64 { return l.CPUWeight }),
		"its share where others want the CPU, too"},
	{"cpus", func(l *Limits) string { return cpuList(l.CPUs) }, cpusTo,
		"it runs on no other"},
	{"io_weight", func(l *Limits) string { return strconv.FormatUint(l.IOWeight, 10) }, up(func(l *Limits) uint64 { return l.IOWeight }),
		"its share where others want the disk, too"},
	{"tmp_size", func(l *Limits) string { return size(l.TmpSize) }, up(func(l *Limits) uint64 { return l.TmpSize }),
		"writing to /tmp fails with ENOSPC"},
	{"pids", func(l *Limits) string { return strconv.FormatInt(l.Pids, 10) }, up(func(l *Limits) int64 { return l.Pids }),
		"no new thread or process: EAGAIN"},
	{"open_files", func(l *Limits) string { return strconv.FormatUint(l.OpenFiles, 10) }, up(func(l *Limits) uint64 { return l.OpenFiles }),
		"no new descriptor: EMFILE"},
	{"file_size", func(l *Limits) string { return size(l.FileSize) }, up(func(l *Limits) uint64 { return l.FileSize }),
		"writing fails with EFBIG"},
	{"address_space", func(l *Limits) string { return size(l.AddressSpace) }, up(func(l *Limits) uint64 { return l.AddressSpace }),
		"no new memory: ENOMEM, malloc returns null"},
	{"threads", func(l *Limits) string { return strconv.Itoa(l.Threads) }, up(func(l *Limits) int { return l.Threads }),
		"the booth does not start"},
	{"load_timeout", func(l *Limits) string { return l.LoadTimeout.String() }, up(func(l *Limits) time.Duration { return l.LoadTimeout }),
		"the plugin is killed"},
	{"trigger_timeout", func(l *Limits) string { return l.TriggerTimeout.String() }, up(func(l *Limits) time.Duration { return l.TriggerTimeout }),
		"the plugin is killed and started again"},
	{"stop_timeout", func(l *Limits) string { return l.StopTimeout.String() }, up(func(l *Limits) time.Duration { return l.StopTimeout }),
		"the plugin is killed"},
	{"restart_free", func(l *Limits) string { return strconv.Itoa(l.RestartFree) }, up(func(l *Limits) int { return l.RestartFree }),
		"the next start waits"},
	{"restart_pause", func(l *Limits) string { return l.RestartPause.String() }, down(func(l *Limits) time.Duration { return l.RestartPause }),
		"the first wait; each one is twice as long as the one before"},
	{"restart_pause_max", func(l *Limits) string { return l.RestartPauseMax.String() }, down(func(l *Limits) time.Duration { return l.RestartPauseMax }),
		"no wait is longer"},
	{"restart_reset", func(l *Limits) string { return l.RestartReset.String() }, down(func(l *Limits) time.Duration { return l.RestartReset }),
		"ready for so long, and the next crash counts as the first"},
	{"queue_age", func(l *Limits) string { return l.QueueAge.String() }, neither(func(l *Limits) time.Duration { return l.QueueAge }),
		"a trigger that waited longer for a restart is dropped"},
	{"denials", func(l *Limits) string { return strconv.Itoa(l.Denials) }, up(func(l *Limits) int { return l.Denials }),
		"so many refused calls in a minute quarantine the plugin"},
	{"violations", func(l *Limits) string { return strconv.Itoa(l.Violations) }, up(func(l *Limits) int { return l.Violations }),
		"so many attacks in ten minutes quarantine it"},
}

// up is for limits where more is looser.
func up[T cmp.Ordered](get func(*Limits) T) func(before, now *Limits) Direction {
	return func(before, now *Limits) Direction {
		switch cmp.Compare(get(now), get(before)) {
		case 1:
			return Looser
		case -1:
			return Tighter
		}
		return Same
	}
}

// down is for limits where less is looser.
func down[T cmp.Ordered](get func(*Limits) T) func(before, now *Limits) Direction {
	more := up(get)
	return func(before, now *Limits) Direction { return more(now, before) }
}

func neither[T comparable](get func(*Limits) T) func(before, now *Limits) Direction {
	return func(before, now *Limits) Direction {
		if get(before) == get(now) {
			return Same
		}
		return Different
	}
}

func cpusTo(before, now *Limits) Direction {
	inside := func(a, b []int) bool {
		return b == nil || a != nil && !slices.ContainsFunc(a, func(cpu int) bool { return !slices.Contains(b, cpu) })
	}
	switch more, less := inside(before.CPUs, now.CPUs), inside(now.CPUs, before.CPUs); {
	case more && less:
		return Same
	case more:
		return Looser
	case less:
		return Tighter
	}
	return Different
}

// cpuList writes processors as a profile has them: "all" or "0-1,3".
func cpuList(cpus []int) string {
	if cpus == nil {
		return "all"
	}
	var parts []string
	for i := 0; i < len(cpus); {
		last := i
		for last+1 < len(cpus) && cpus[last+1] == cpus[last]+1 {
			last++
		}
		part := strconv.Itoa(cpus[i])
		if last > i {
			part += "-" + strconv.Itoa(cpus[last])
		}
		parts = append(parts, part)
		i = last + 1
	}
	return strings.Join(parts, ",")
}

// LimitValue is one limit of a profile.
type LimitValue struct {
	Key   string
	Value string // as a profile has it
	At    Position
	Says  string // what happens at it
}

// LimitValues lists the limits in the order of the docs.
func (p *Profile) LimitValues() []LimitValue {
	var out []LimitValue
	for _, f := range limitFields {
		out = append(out, LimitValue{f.key, f.text(&p.Limits), p.LimitsAt[f.key], f.says})
	}
	return out
}
