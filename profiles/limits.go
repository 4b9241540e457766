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

	OpenFiles    uint64 // RLIMIT_NOFILE
	FileSize     uint64 // RLIMIT_FSIZE, bytes
	AddressSpace uint64 // RLIMIT_AS, bytes, or Unlimited

	Threads        int // tasks that may exist when the booth is sealed
	LoadTimeout    time.Duration
	TriggerTimeout time.Duration
	StopTimeout    time.Duration
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
}

// maxTasks is the kernel's own bound on process numbers, PID_MAX_LIMIT.
const maxTasks = 1 << 22

func (p *parser) limits(doc *limitsDocument) (Limits, error) {
	var l Limits
	var memory uint64
	var threads uint64
	var pids uint64
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
	l.Memory, l.Pids, l.Threads = int64(memory), int64(pids), int(threads)
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
