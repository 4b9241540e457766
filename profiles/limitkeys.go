package profiles

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// limitKey is one key of [limits].
type limitKey struct {
	name   string
	whole  bool // a whole number in TOML, else text
	set    func(l *Limits, text string) error
	text   func(l *Limits) string
	looser func(a, b *Limits) bool // whether a gives more than b
}

const (
	// maxTasks is the kernel's own bound on process numbers, PID_MAX_LIMIT.
	maxTasks = 1 << 22
	// maxWeight is that of cpu.weight and io.weight, cgroup-v2.rst.
	maxWeight = 10000
)

// limitKeys are all of them, in the order in which errors name them.
var limitKeys = []limitKey{
	limit("memory", func(l *Limits) *int64 { return &l.Memory }, parseMemory, signedSize),
	limit("swap", func(l *Limits) *int64 { return &l.Swap }, parseSigned, signedSize),
	limit("cpu", func(l *Limits) *float64 { return &l.CPU }, parseShare, share),
	count("cpu_weight", func(l *Limits) *uint64 { return &l.CPUWeight }, maxWeight),
	{
		name: "cpus", set: setCPUs, text: func(l *Limits) string { return textCPUs(l.CPUs) },
		looser: func(a, b *Limits) bool { return !subset(a.CPUs, b.CPUs) },
	},
	count("io_weight", func(l *Limits) *uint64 { return &l.IOWeight }, maxWeight),
	limit("tmp_size", func(l *Limits) *uint64 { return &l.TmpSize }, parseSize, size),
	count("pids", func(l *Limits) *int64 { return &l.Pids }, maxTasks),
	count("open_files", func(l *Limits) *uint64 { return &l.OpenFiles }, 1<<20),
	limit("file_size", func(l *Limits) *uint64 { return &l.FileSize }, parseSize, size),
	limit("address_space", func(l *Limits) *uint64 { return &l.AddressSpace }, parseSizeOrUnlimited, size),
	count("threads", func(l *Limits) *int { return &l.Threads }, maxTasks),
	timeout("load_timeout", func(l *Limits) *time.Duration { return &l.LoadTimeout }),
	timeout("trigger_timeout", func(l *Limits) *time.Duration { return &l.TriggerTimeout }),
	timeout("stop_timeout", func(l *Limits) *time.Duration { return &l.StopTimeout }),
	count("restart_free", func(l *Limits) *int { return &l.RestartFree }, 1<<20),
	smallerIsLooser(timeout("restart_pause", func(l *Limits) *time.Duration { return &l.RestartPause })),
	smallerIsLooser(timeout("restart_pause_max", func(l *Limits) *time.Duration { return &l.RestartPauseMax })),
	smallerIsLooser(timeout("restart_reset", func(l *Limits) *time.Duration { return &l.RestartReset })),
	timeout("queue_age", func(l *Limits) *time.Duration { return &l.QueueAge }),
	count("denials", func(l *Limits) *int { return &l.Denials }, 1<<30),
	count("violations", func(l *Limits) *int { return &l.Violations }, 1<<20),
}

func limit[T cmp.Ordered](name string, field func(*Limits) *T, parse func(string) (T, error), text func(T) string) limitKey {
	return limitKey{
		name: name,
		set: func(l *Limits, s string) error {
			if s == "" {
				return errors.New("is empty")
			}
			v, err := parse(s)
			if err == nil {
				*field(l) = v
			}
			return err
		},
		text:   func(l *Limits) string { return text(*field(l)) },
		looser: func(a, b *Limits) bool { return *field(a) > *field(b) },
	}
}

// count is a limit from 1 to most.
func count[T int | int64 | uint64](name string, field func(*Limits) *T, most int64) limitKey {
	key := limit(name, field, func(s string) (T, error) {
		v, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("want a whole number, have %q", s)
		}
		if v < 1 || v > most {
			return 0, fmt.Errorf("want 1 to %d, have %d", most, v)
		}
		return T(v), nil
	}, func(v T) string { return fmt.Sprint(v) })
	key.whole = true
	return key
}

func timeout(name string, field func(*Limits) *time.Duration) limitKey {
	return limit(name, field, parseTimeout, time.Duration.String)
}

func smallerIsLooser(k limitKey) limitKey {
	larger := k.looser
	k.looser = func(a, b *Limits) bool { return larger(b, a) }
	return k
}

func parseMemory(text string) (int64, error) {
	v, err := parseSigned(text)
	if err == nil && v == 0 {
		err = errors.New("must be more than 0B")
	}
	return v, err
}

func parseSigned(text string) (int64, error) {
	v, err := parseSize(text)
	return int64(v), err
}

func signedSize(v int64) string { return size(uint64(v)) }

func setCPUs(l *Limits, text string) error {
	list, err := parseCPUs(text)
	if err == nil {
		l.CPUs = list
	}
	return err
}

// subset reports whether a has no processor that b lacks; nil is all.
func subset(a, b []int) bool {
	if b == nil {
		return true
	}
	return a != nil && !slices.ContainsFunc(a, func(cpu int) bool { return !slices.Contains(b, cpu) })
}
