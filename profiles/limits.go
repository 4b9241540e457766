package profiles

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Unlimited is the value of an rlimit that does not limit: RLIM_INFINITY.
const Unlimited uint64 = math.MaxUint64

// Limits are the resources of one booth. The first eight belong to its
// cgroup and its mounts, the next three are rlimits of the worker, the rest
// are kept by the host.
type Limits struct {
	Memory int64   // bytes
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

// limits puts the values of [limits] over those that profile has from its
// parents. Without a parent every key must be there.
func (p *parser) limits(profile *Profile) error {
	doc := p.doc.Limits
	if err := p.knownLimits("limits", doc); err != nil {
		return err
	}
	if profile.LimitsAt == nil {
		profile.LimitsAt = map[string]Position{}
	}
	for _, key := range limitKeys {
		v, here := doc[key.name]
		if !here {
			if _, inherited := profile.LimitsAt[key.name]; !inherited {
				return p.fail("limits."+key.name, fmt.Errorf("%s: is missing", key.name))
			}
			continue
		}
		text, err := key.value(v)
		if err == nil {
			err = key.set(&profile.Limits, text)
		}
		if err != nil {
			return p.fail("limits."+key.name, fmt.Errorf("%s: %w", key.name, err))
		}
		profile.LimitsAt[key.name] = p.at("limits." + key.name)
	}
	if key, err := profile.Limits.fit(); err != nil {
		return p.fail("limits."+p.stated(key), err)
	}
	return nil
}

// knownLimits refuses a table with keys that are no limits, the first by line.
func (p *parser) knownLimits(table string, doc map[string]any) error {
	unknown := ""
	for name := range doc {
		if findLimit(name) != nil {
			continue
		}
		line, best := p.pos.line(table+"."+name), p.pos.line(table+"."+unknown)
		if unknown == "" || line < best || line == best && name < unknown {
			unknown = name
		}
	}
	if unknown == "" {
		return nil
	}
	return p.fail(table+"."+unknown, fmt.Errorf("unknown key %q", table+"."+unknown))
}

// stated returns the first of the limits that this profile itself states.
func (p *parser) stated(names []string) string {
	for _, name := range names {
		if _, here := p.doc.Limits[name]; here {
			return name
		}
	}
	return names[0]
}

// fit returns an error about limits that contradict each other, and the names
// of those, the one to correct first.
func (l *Limits) fit() (names []string, err error) {
	switch {
	case int64(l.Threads) > l.Pids:
		return []string{"threads", "pids"}, fmt.Errorf("threads: %d is more than pids, %d", l.Threads, l.Pids)
	case l.RestartPauseMax < l.RestartPause:
		return []string{"restart_pause_max", "restart_pause"},
			fmt.Errorf("restart_pause_max: %v is less than restart_pause, %v", l.RestartPauseMax, l.RestartPause)
	case l.TmpSize > uint64(l.Memory):
		return []string{"tmp_size", "memory"}, fmt.Errorf("tmp_size: %s is more than memory, %s", size(l.TmpSize), size(uint64(l.Memory)))
	}
	return nil, nil
}

// value turns what TOML has into the text that a limit is parsed from.
func (k *limitKey) value(v any) (string, error) {
	switch v := v.(type) {
	case string:
		if !k.whole {
			return v, nil
		}
	case int64:
		if k.whole {
			return fmt.Sprint(v), nil
		}
	}
	if k.whole {
		return "", errors.New("want a whole number")
	}
	return "", errors.New("want text in quotes")
}

// LimitNames lists the keys of [limits] in the order of the documentation.
func LimitNames() []string {
	names := make([]string, len(limitKeys))
	for i := range limitKeys {
		names[i] = limitKeys[i].name
	}
	return names
}

// Text is the value of a limit as a profile has it, without quotes; "" for a
// name that is not among LimitNames.
func (l *Limits) Text(name string) string {
	key := findLimit(name)
	if key == nil {
		return ""
	}
	return key.text(l)
}

func findLimit(name string) *limitKey {
	i := slices.IndexFunc(limitKeys, func(k limitKey) bool { return k.name == name })
	if i < 0 {
		return nil
	}
	return &limitKeys[i]
}
