package cgroups

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// limit writes each limit in one step from the old value to the new, and the
// two pairs that mean something together (memory with memory and swap, quota
// with period) in the order that their functions say.
func (b *legacy) limit(path string, old *Limits, l Limits) error {
	if l.swap() > 0 && !b.memsw {
		return fmt.Errorf("swap of %d bytes: %s: %w: %w", l.Swap, "memory.memsw.limit_in_bytes (swapaccount=1)", ErrController, ErrLimit)
	}
	group, err := b.load(path)
	if err != nil {
		return fmt.Errorf("group %s: %w", path, err)
	}
	steps, err := b.memorySteps(path, old != nil, l)
	if err != nil {
		return err
	}
	cpu, err := b.cpuSteps(path, old != nil, l)
	if err != nil {
		return err
	}
	steps = append(append(steps, cpu...), &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: &l.Pids}})
	for _, step := range steps {
		err := group.Update(step)
		if errors.Is(err, unix.EBUSY) && step.Memory != nil {
			err = fmt.Errorf("%w: %w", ErrInUse, err)
		}
		if err != nil {
			return fmt.Errorf("group %s: %w: %w", path, err, ErrLimit)
		}
	}
	swappiness, err := b.swappiness(path, l)
	if err != nil {
		return err
	}
	memory := []setting{{"memory.limit_in_bytes", number(l.memory())}, {"memory.swappiness", number(swappiness)}}
	if b.memsw {
		memory = append(memory, setting{"memory.memsw.limit_in_bytes", number(l.memory() + l.swap())})
	}
	quota, period := l.quota()
	return errors.Join(
		b.limitCPUs(path, l),
		b.limitIO(path, l),
		readBack(b.dir("memory", path), memory),
		readBack(b.dir("cpu", path), []setting{
			{"cpu.cfs_quota_us", number(quota)}, {"cpu.cfs_period_us", number(period)}, {"cpu.shares", number(l.shares())},
		}),
		readBack(b.dir("pids", path), []setting{{"pids.max", number(l.Pids)}}),
	)
}

// memorySteps orders the writes: the kernel refuses a memory limit above that
// of memory and swap together. Between the two there can be room for swap that
// neither the old nor the new limits have; with swappiness 0 the kernel does
// not swap out for a group's own limit. So it is 0 meanwhile, and stays so
// where the group may have no swap, which is all there is to keep it from swap
// where the kernel does not account that.
func (b *legacy) memorySteps(path string, inUse bool, l Limits) (steps []*specs.LinuxResources, err error) {
	limit, both := l.memory(), l.memory()+l.swap()
	swappiness, err := b.swappiness(path, l)
	if err != nil {
		return nil, err
	}
	if inUse {
		steps = append(steps, &specs.LinuxResources{Memory: &specs.LinuxMemory{Swappiness: ptr(uint64(0))}})
	}
	memory := &specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: &limit}}
	together := &specs.LinuxResources{Memory: &specs.LinuxMemory{Swap: &both}}
	last := &specs.LinuxResources{Memory: &specs.LinuxMemory{Swappiness: &swappiness}}
	if !b.memsw {
		return append(steps, memory, last), nil
	}
	current, err := readNumber(b.dir("memory", path, "memory.memsw.limit_in_bytes"))
	if err != nil {
		return nil, fmt.Errorf("group %s: %w", path, err)
	}
	if uint64(limit) > current {
		return append(steps, together, memory, last), nil
	}
	return append(steps, memory, together, last), nil
}

// swappiness is what a group is to have: 0 without swap, else the tree's.
func (b *legacy) swappiness(path string, l Limits) (uint64, error) {
	if l.swap() == 0 {
		return 0, nil
	}
	n, err := readNumber(b.dir("memory", filepath.Dir(path), "memory.swappiness"))
	if err != nil {
		return 0, fmt.Errorf("group %s: %w", path, err)
	}
	return n, nil
}

// cpuSteps orders quota and period: the group may use quota/period of a core.
// The longer period belongs to the first of the two writes, so that what is
// between them allows less than one of the two ends.
//
// A group that is not in use has no quota yet, so its period comes first. The
// other way round, the quota would start the timer of the kernel's own period,
// 100 ms, and only its first end would bring the new one in: a booth would
// stand still for most of that while it starts (start_cfs_bandwidth, Linux
// 6.18).
func (b *legacy) cpuSteps(path string, inUse bool, l Limits) ([]*specs.LinuxResources, error) {
	quota, period := l.quota()
	shares := l.shares()
	current, err := readNumber(b.dir("cpu", path, "cpu.cfs_period_us"))
	if err != nil {
		return nil, fmt.Errorf("group %s: %w", path, err)
	}
	first := &specs.LinuxResources{CPU: &specs.LinuxCPU{Shares: &shares, Period: &period}}
	then := &specs.LinuxResources{CPU: &specs.LinuxCPU{Quota: &quota}}
	if inUse && period < current {
		first, then = then, first
	}
	return []*specs.LinuxResources{first, then}, nil
}

// limitCPUs writes the processors. A group of all of them is none of ours
// unless it was another once: libcontainer makes it when it joins a process.
func (b *legacy) limitCPUs(path string, l Limits) error {
	mount, ok := legacyMount(b.all, "cpuset")
	dir := filepath.Join(mount, path)
	if len(l.CPUs) == 0 {
		_, err := os.Stat(dir)
		if !ok || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	if !ok {
		return fmt.Errorf("processors %s: cpuset: %w: %w", cpuList(l.CPUs), ErrController, ErrLimit)
	}
	// New groups have neither, and take no process until they do, cpuset(7).
	for _, below := range []string{filepath.Dir(dir), dir} {
		if err := inheritCpuset(below); err != nil {
			return fmt.Errorf("group %s: %w: %w", path, err, ErrLimit)
		}
	}
	want := cpuList(l.CPUs)
	if want == "" {
		all, err := os.ReadFile(filepath.Join(filepath.Dir(dir), "cpuset.cpus"))
		if err != nil {
			return fmt.Errorf("group %s: %w: %w", path, err, ErrLimit)
		}
		want = strings.TrimSpace(string(all))
	}
	return put(dir, "cpuset.cpus", want, want)
}

// inheritCpuset makes a group of the cpuset hierarchy if there is none, and
// gives it what its parent has where it has nothing.
func inheritCpuset(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		have, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return err
		}
		if strings.TrimSpace(string(have)) != "" {
			continue
		}
		theirs, err := os.ReadFile(filepath.Join(filepath.Dir(dir), file))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, file), theirs, 0); err != nil {
			return err
		}
	}
	return nil
}

// maxBFQWeight is what bfq takes on v1, BFQ_MAX_WEIGHT.
const maxBFQWeight = 1000

// limitIO writes the weight for disks. 100 is what a group has that was never
// given another.
func (b *legacy) limitIO(path string, l Limits) error {
	const file = "blkio.bfq.weight"
	mount, ok := legacyMount(b.all, "blkio")
	dir := filepath.Join(mount, path)
	if l.ioWeight() == defaultWeight {
		_, err := os.Stat(filepath.Join(dir, file))
		if !ok || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	if !ok {
		return fmt.Errorf("io weight %d: blkio: %w: %w", l.IOWeight, ErrController, ErrLimit)
	}
	if l.ioWeight() > maxBFQWeight {
		return fmt.Errorf("io weight %d: %s takes %d at most: %w", l.IOWeight, file, maxBFQWeight, ErrLimit)
	}
	for _, below := range []string{filepath.Dir(dir), dir} {
		if err := os.Mkdir(below, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("group %s: %w: %w", path, err, ErrLimit)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, file)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("io weight %d: %s (the scheduler bfq): %w: %w", l.IOWeight, file, ErrController, ErrLimit)
	}
	return put(dir, file, number(l.ioWeight()), number(l.ioWeight()))
}

// put writes one file and reads it back: the first line must be what want
// says.
func put(dir, file, value, want string) error {
	path := filepath.Join(dir, file)
	if err := os.WriteFile(path, []byte(value), 0); err != nil {
		return fmt.Errorf("%w: %w", err, ErrLimit)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read back %s: %w: %w", path, err, ErrLimit)
	}
	first, _, _ := strings.Cut(string(data), "\n")
	if !slices.Contains([]string{want, "default " + want}, first) {
		return fmt.Errorf("%s is %q, asked for %q: %w", path, first, want, ErrLimit)
	}
	return nil
}
