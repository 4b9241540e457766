package cgroups

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/containerd/cgroups/v3/cgroup2"
)

// limit writes new limits for a group in use in two steps: what becomes
// tighter first. Memory and swap are two limits here, and a group with less of
// the one and more of the other would else have both for a moment.
func (b *unified) limit(path string, old *Limits, l Limits) error {
	if err := b.has(path, l); err != nil {
		return err
	}
	steps := []Limits{l}
	if old != nil {
		if tight := l.tighter(*old); !tight.Equal(l) {
			steps = []Limits{tight, l}
		}
	}
	for _, step := range steps {
		if err := b.write(path, step); err != nil {
			return err
		}
	}
	return errors.Join(b.limitCPUs(path, l), b.limitIO(path, l))
}

// has names the controller that a limit needs and this machine lacks.
func (b *unified) has(path string, l Limits) error {
	need := []struct {
		needed bool
		what   string
		file   string
		of     string
	}{
		{l.swap() > 0, fmt.Sprintf("swap of %d bytes", l.Swap), "memory.swap.max", "accounting of swap"},
		{len(l.CPUs) > 0, "processors " + cpuList(l.CPUs), "cpuset.cpus", "controller cpuset"},
		{l.ioWeight() != defaultWeight, fmt.Sprintf("io weight %d", l.IOWeight), "io.weight", "controller io with a weight"},
	}
	for _, n := range need {
		_, err := os.Stat(b.dir(path, n.file))
		switch {
		case !n.needed || err == nil:
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%s: %s (%s): %w: %w", n.what, n.of, n.file, ErrController, ErrLimit)
		default:
			return fmt.Errorf("group %s: %w: %w", path, err, ErrLimit)
		}
	}
	return nil
}

// write gives the library what it has names for.
func (b *unified) write(path string, l Limits) error {
	group, err := b.load(path)
	if err != nil {
		return fmt.Errorf("group %s: %w", path, err)
	}
	quota, period := l.quota()
	weight := l.weight()
	resources := &cgroup2.Resources{
		CPU:    &cgroup2.CPU{Weight: &weight, Max: cgroup2.NewCPUMax(&quota, &period)},
		Memory: &cgroup2.Memory{Max: ptr(l.memory()), OOMGroup: ptr(true)},
		Pids:   &cgroup2.Pids{Max: l.Pids},
	}
	want := []setting{
		{"memory.max", number(l.memory())},
		{"memory.oom.group", "1"},
		{"cpu.max", fmt.Sprintf("%d %d", quota, period)},
		{"cpu.weight", number(weight)},
		{"pids.max", number(l.Pids)},
	}
	_, err = os.Stat(b.dir(path, "memory.swap.max"))
	switch {
	case err == nil:
		resources.Memory.Swap = ptr(l.swap())
		want = append(want, setting{"memory.swap.max", number(l.swap())})
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("group %s: %w: %w", path, err, ErrLimit)
	case b.hasSwap():
		return fmt.Errorf("%s is missing and the machine swaps: %w: %w", b.dir(path, "memory.swap.max"), ErrController, ErrLimit)
	}
	if err := group.Update(resources); err != nil {
		return fmt.Errorf("group %s: %w: %w", path, err, ErrLimit)
	}
	return readBack(b.dir(path), want)
}

// hasSwap reports whether any swap is in use; the first line of the file is
// a heading, and a kernel without swap has no such file.
func (b *unified) hasSwap() bool {
	data, err := os.ReadFile(b.swaps)
	return err == nil && strings.Count(strings.TrimSpace(string(data)), "\n") > 0
}

// limitCPUs writes the processors; an empty file means the parent's. v2 takes
// processors that the machine does not have, and then uses others.
func (b *unified) limitCPUs(path string, l Limits) error {
	_, err := os.Stat(b.dir(path, "cpuset.cpus"))
	if len(l.CPUs) == 0 && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	want := cpuList(l.CPUs)
	if err := put(b.dir(path), "cpuset.cpus", want+"\n", want); err != nil || want == "" {
		return err
	}
	return readBack(b.dir(path), []setting{{"cpuset.cpus.effective", want}})
}

// limitIO writes the weight for disks. Its file lists devices with weights of
// their own below the first line, which is "default WEIGHT".
func (b *unified) limitIO(path string, l Limits) error {
	_, err := os.Stat(b.dir(path, "io.weight"))
	if l.ioWeight() == defaultWeight && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return put(b.dir(path), "io.weight", "default "+number(l.ioWeight()), number(l.ioWeight()))
}

// pressure is what holds up one group.
func (b *unified) pressure(path string) (*Pressure, error) {
	return readPressure(b.dir(path, "cpu.pressure"), b.dir(path, "memory.pressure"), b.dir(path, "io.pressure"))
}
