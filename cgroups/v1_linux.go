package cgroups

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/containerd/cgroups/v3/cgroup1"
)

// legacy is the backend for v1 and hybrid machines.
type legacy struct {
	all   []hierarchy // every mounted one, for removal
	root  string      // directory that holds the mounts
	memsw bool        // the kernel accounts swap
}

func newLegacy(all []hierarchy) (*legacy, error) {
	b := &legacy{all: all}
	for _, controller := range append([]string{"cpuacct"}, needed...) {
		mount, ok := legacyMount(all, controller)
		if !ok {
			return nil, fmt.Errorf("controller %s is not mounted: %w", controller, ErrNotDelegated)
		}
		// The library looks for a directory, or a link, with the controller's
		// name.
		b.root = filepath.Dir(mount)
		if _, err := os.Stat(filepath.Join(b.root, controller)); err != nil {
			return nil, fmt.Errorf("controller %s is mounted as %s: %w", controller, mount, ErrNotDelegated)
		}
	}
	_, err := os.Stat(b.dir("memory", "/", "memory.memsw.limit_in_bytes"))
	b.memsw = err == nil
	return b, nil
}

func (b *legacy) dir(controller string, parts ...string) string {
	return filepath.Join(append([]string{b.root, controller}, parts...)...)
}

// subsystems are the hierarchies with limits and counters. The library's
// default is all that are mounted, each of which costs two system calls and
// a directory.
func (b *legacy) subsystems() ([]cgroup1.Subsystem, error) {
	// No kernel memory counters: they are not read, and are going away.
	ignored := []string{"kmem", "kmem.tcp"}
	if !b.memsw {
		ignored = append(ignored, "memsw")
	}
	return []cgroup1.Subsystem{
		cgroup1.NewCpu(b.root),
		cgroup1.NewCpuacct(b.root),
		cgroup1.NewMemory(b.root, cgroup1.IgnoreModules(ignored...)),
		cgroup1.NewPids(b.root),
	}, nil
}

func (b *legacy) base() string { return "" }

func (b *legacy) open(tree string) error {
	err := b.create("/" + tree)
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: %w", err, ErrNotDelegated)
	}
	return err
}

func (b *legacy) close(string) error { return nil }

// create makes the directory in the hierarchies with limits. The library
// makes directories only for controllers it has settings for, so cpuacct,
// which has none, is made here like the others.
func (b *legacy) create(path string) error {
	for _, controller := range []string{"cpu", "cpuacct", "memory", "pids"} {
		// cpu and cpuacct may be one mount.
		if err := os.Mkdir(b.dir(controller, path), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

func (b *legacy) load(path string) (cgroup1.Cgroup, error) {
	return cgroup1.Load(cgroup1.StaticPath(path), cgroup1.WithHierarchy(b.subsystems))
}

func (b *legacy) stats(path string) (Stats, error) {
	group, err := b.load(path)
	if err != nil {
		return Stats{}, fmt.Errorf("group %s: %w", path, err)
	}
	metrics, err := group.Stat()
	if err != nil {
		return Stats{}, fmt.Errorf("group %s: %w", path, err)
	}
	refused, err := readCounter(b.dir("pids", path, "pids.events"), "max")
	if err != nil {
		return Stats{}, fmt.Errorf("group %s: %w", path, err)
	}
	if metrics.Memory == nil || metrics.MemoryOomControl == nil || metrics.CPU == nil || metrics.Pids == nil {
		return Stats{}, fmt.Errorf("group %s: %w", path, fs.ErrNotExist)
	}
	together, err := readCounter(b.dir("memory", path, "memory.memsw.usage_in_bytes"), "")
	if err != nil {
		return Stats{}, fmt.Errorf("group %s: %w", path, err)
	}
	return Stats{
		Swap:          together - min(together, metrics.Memory.Usage.Usage), // read one after the other
		Memory:        metrics.Memory.Usage.Usage,
		MemoryPeak:    metrics.Memory.Usage.Max,
		CPU:           nanoseconds(metrics.CPU.Usage.Total),
		Throttled:     metrics.CPU.Throttling.ThrottledPeriods,
		ThrottledTime: nanoseconds(metrics.CPU.Throttling.ThrottledTime),
		Pids:          metrics.Pids.Current,
		OOMKills:      metrics.MemoryOomControl.OomKill,
		PidsMax:       refused,
	}, nil
}

// reached counts memory in two files. With both limits alike the kernel
// charges memory and swap first, so that it is memsw that runs out; memory
// alone runs out where swap is not accounted. Linux 6.18 does not count
// memsw: there only a kill tells.
func (b *legacy) reached(path string) (r Reached, err error) {
	memory := b.dir("memory", path)
	if _, err := os.Stat(memory); err != nil {
		return r, err
	}
	err = readCounters([]counter{
		{&r.Memory, filepath.Join(memory, "memory.failcnt"), ""},
		{&r.Memory, filepath.Join(memory, "memory.memsw.failcnt"), ""},
		{&r.OOMKills, filepath.Join(memory, "memory.oom_control"), "oom_kill"},
		{&r.CPU, b.dir("cpu", path, "cpu.stat"), "nr_throttled"},
		{&r.Pids, b.dir("pids", path, "pids.events"), "max"},
	})
	r.Memory = max(r.Memory, r.OOMKills)
	return r, err
}

func (b *legacy) dirs(path string) []string {
	var dirs []string
	for _, h := range b.all {
		dirs = append(dirs, filepath.Join(h.mount, path))
	}
	return dirs
}

func nanoseconds(n uint64) time.Duration { return time.Duration(min(n, math.MaxInt64)) }

func ptr[T any](v T) *T { return &v }
