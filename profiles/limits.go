package profiles

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Unlimited is the value of an rlimit that does not limit: RLIM_INFINITY.
const Unlimited uint64 = math.MaxUint64

// Limits are the resources of one booth. The first three belong to its
// cgroup, the next three are rlimits of the worker, the rest are kept by the
// host.
type Limits struct {
	Memory int64   // bytes; swap is always 0
	CPU    float64 // cores: 0.5 is 50 % of one
	Pids   int64   // tasks

	Swap      int64  // bytes beyond Memory
	CPUWeight uint64 // 1 to 10000, 100 is the kernel's own: the share where CPU is short
	CPUs      []int  // processors it may use, ascending; nil is all
	IOWeight  uint64 // 1 to 10000, likewise for disks; 100 needs no controller
	TmpSize   uint64 // bytes of a /tmp in memory, counted with Memory; 0 is none

	OpenFiles    uint64 // RLIMIT_NOFILE
	FileSize     uint64 // RLIMIT_FSIZE, bytes
	AddressSpace uint64 // RLIMIT_AS, bytes, or Unlimited

	Threads        int // tasks that may exist when the booth is sealed
	LoadTimeout    time.Duration
	TriggerTimeout time.Duration
	StopTimeout    time.Duration

	// A crash is followed by a start at once, RestartFree times in a row;
	// then by pauses, the first RestartPause, each twice the one before, up
	// to RestartPauseMax. Once a booth was ready for RestartReset, its next
	// crash counts as the first again.
	RestartFree     int
	RestartPause    time.Duration
	RestartPauseMax time.Duration
	RestartReset    time.Duration

	QueueAge   time.Duration // a trigger older than this when its plugin is back is dropped
	Denials    int           // refused calls within a minute that quarantine a plugin
	Violations int           // ends within ten minutes by what only an attack does that quarantine it
}

type limitsDocument struct {
	Memory         string `toml:"memory"`
	CPU            string `toml:"cpu"`
	Pids           int64  `toml:"pids"`
	OpenFiles      int64  `toml:"open_files"`
	FileSize       string `toml:"file_size"`
	AddressSpace   string `toml:"address_space"`
	Threads        int64  `toml:"threads"`
	LoadTimeout    string `toml:"load_timeout"`
	TriggerTimeout string `toml:"trigger_timeout"`
	StopTimeout    string `toml:"stop_timeout"`

	RestartFree     int64  `toml:"restart_free"`
	RestartPause    string `toml:"restart_pause"`
	RestartPauseMax string `toml:"restart_pause_max"`
	RestartReset    string `toml:"restart_reset"`

	QueueAge   string `toml:"queue_age"`
	Denials    int64  `toml:"denials"`
	Violations int64  `toml:"violations"`
}

// maxTasks is the kernel's own bound on process numbers, PID_MAX_LIMIT.
const maxTasks = 1 << 22

func (p *parser) limits(doc *limitsDocument) (Limits, error) {
	var l Limits
	var memory uint64
	var threads, pids, free, denials, violations uint64
	steps := []struct {
		key string
		err error
	}{
		{"memory", into(&memory, doc.Memory, parseSize)},
		{"cpu", into(&l.CPU, doc.CPU, parseShare)},
		{"pids", count(&pids, doc.Pids, maxTasks)},
		{"open_files", count(&l.OpenFiles, doc.OpenFiles, 1<<20)},
		{"file_size", into(&l.FileSize, doc.FileSize, parseSize)},
		{"address_space", into(&l.AddressSpace, doc.AddressSpace, parseSizeOrUnlimited)},
		{"threads", count(&threads, doc.Threads, maxTasks)},
		{"load_timeout", into(&l.LoadTimeout, doc.LoadTimeout, parseTimeout)},
		{"trigger_timeout", into(&l.TriggerTimeout, doc.TriggerTimeout, parseTimeout)},
		{"stop_timeout", into(&l.StopTimeout, doc.StopTimeout, parseTimeout)},
		{"restart_free", count(&free, doc.RestartFree, 1<<20)},
		{"restart_pause", into(&l.RestartPause, doc.RestartPause, parseTimeout)},
		{"restart_pause_max", into(&l.RestartPauseMax, doc.RestartPauseMax, parseTimeout)},
		{"restart_reset", into(&l.RestartReset, doc.RestartReset, parseTimeout)},
		{"queue_age", into(&l.QueueAge, doc.QueueAge, parseTimeout)},
		{"denials", count(&denials, doc.Denials, 1<<30)},
		{"violations", count(&violations, doc.Violations, 1<<20)},
	}
	for _, step := range steps {
		if step.err != nil {
			return Limits{}, p.fail("limits."+step.key, fmt.Errorf("%s: %w", step.key, step.err))
		}
	}
	if memory == 0 {
		return Limits{}, p.fail("limits.memory", errors.New("memory: must be more than 0B"))
	}
	if threads > pids {
		return Limits{}, p.fail("limits.threads", fmt.Errorf("threads: %d is more than pids, %d", threads, pids))
	}
	if l.RestartPauseMax < l.RestartPause {
		return Limits{}, p.fail("limits.restart_pause_max", fmt.Errorf("restart_pause_max: %v is less than restart_pause, %v", l.RestartPauseMax, l.RestartPause))
	}
	l.Memory, l.Pids, l.Threads = int64(memory), int64(pids), int(threads)
	l.RestartFree, l.Denials, l.Violations = int(free), int(denials), int(violations)
	return l, nil
}

func into[T any](to *T, text string, parse func(string) (T, error)) error {
	if text == "" {
		return errors.New("is missing")
	}
	v, err := parse(text)
	*to = v
	return err
}

// count takes a whole number from 1 to most; 0 is also what a missing key
// decodes to.
func count(to *uint64, v, most int64) error {
	if v < 1 || v > most {
		return fmt.Errorf("want 1 to %d, have %d", most, v)
	}
	*to = uint64(v)
	return nil
}
