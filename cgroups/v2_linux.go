package cgroups

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/cgroups/v3/cgroup2"
	"golang.org/x/sys/unix"
)

// hostLeaf is the group in a tree that the daemon itself moves to: a group
// with children that have controllers may hold no process, cgroups(7). It
// cannot be taken for a booth's, whose name has no dot.
const hostLeaf = "host.leaf"

// unified is the backend for v2.
type unified struct {
	mount string
	own   string // the caller's group, "/" for the root
	group string // the group trees are made in: home of own, or "/"
	swaps string // /proc/swaps
}

// newUnified chooses where trees go. A delegated group of our own comes
// first: on a machine with systemd only that is ours to change. Root without
// one uses the top, which is exempt from the rule about processes.
func newUnified(mount, own string) (*unified, error) {
	b := &unified{mount: mount, own: own, group: home(own), swaps: "/proc/swaps"}
	if b.group != "/" && os.Geteuid() == 0 && !delegated(b.dir(b.group)) {
		b.group = "/"
	}
	have, err := b.controllers(b.group)
	if err != nil {
		return nil, err
	}
	if lack := missing(have); len(lack) > 0 {
		return nil, fmt.Errorf("%s has no controller %s: %w", b.dir(b.group), strings.Join(lack, ", "), ErrNotDelegated)
	}
	for _, file := range []string{"", "cgroup.procs", "cgroup.subtree_control"} {
		if err := unix.Access(b.dir(b.group, file), unix.W_OK); err != nil {
			return nil, fmt.Errorf("%s: %w: %w", b.dir(b.group, file), err, ErrNotDelegated)
		}
	}
	return b, nil
}

// home is the group a process was moved away from if it is in a tree's leaf,
// else its own. The next tree goes beside that one, not into it.
func home(own string) string {
	if filepath.Base(own) == hostLeaf {
		return filepath.Dir(filepath.Dir(own))
	}
	return own
}

// delegated asks for the mark systemd leaves on groups of units with
// Delegate=, "trusted." by the system's manager and "user." since 251.
func delegated(dir string) bool {
	var value [1]byte
	for _, name := range []string{"trusted.delegate", "user.delegate"} {
		if n, err := unix.Getxattr(dir, name, value[:]); err == nil && n == 1 && value[0] == '1' {
			return true
		}
	}
	return false
}

func (b *unified) dir(parts ...string) string {
	return filepath.Join(append([]string{b.mount}, parts...)...)
}

func (b *unified) base() string { return strings.TrimSuffix(b.group, "/") }

func (b *unified) controllers(path string) ([]string, error) {
	data, err := os.ReadFile(b.dir(path, "cgroup.controllers"))
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(data)), nil
}

func (b *unified) open(tree string) (err error) {
	top := b.base() + "/" + tree
	if err := os.Mkdir(b.dir(top), 0o755); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close(tree), removeAll([]string{b.dir(top)}))
		}
	}()
	if b.own == b.group && !b.isRoot(b.group) {
		if err := b.moveAway(top); err != nil {
			return err
		}
	}
	for _, path := range []string{b.group, top} {
		if err := b.enable(path); err != nil {
			return err
		}
	}
	return nil
}

// isRoot reports whether a group is the real root, which is exempt from the
// rule about processes and has no cgroup.type. "/" may also be the root of a
// cgroup namespace only.
func (b *unified) isRoot(path string) bool {
	_, err := os.Stat(b.dir(path, "cgroup.type"))
	return errors.Is(err, fs.ErrNotExist)
}

// moveAway moves the caller to a leaf, so that its group holds no process.
func (b *unified) moveAway(top string) error {
	leaf := b.dir(top, hostLeaf)
	if err := os.Mkdir(leaf, 0o755); err != nil {
		return err
	}
	if err := b.join(leaf); err != nil {
		return err
	}
	rest, err := procsIn(b.dir(b.group))
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("%s has other processes, such as %d: %w", b.dir(b.group), rest[0], ErrNotDelegated)
	}
	return nil
}

func (b *unified) join(dir string) error {
	return os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0o644)
}

// enable gives the children of a group the needed controllers, and the others
// that there are limits for.
func (b *unified) enable(path string) error {
	file := b.dir(path, "cgroup.subtree_control")
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	have := strings.Fields(string(data))
	if lack := missing(have); len(lack) > 0 {
		if err := os.WriteFile(file, []byte("+"+strings.Join(lack, " +")), 0o644); err != nil {
			return fmt.Errorf("%w: %w", err, ErrNotDelegated)
		}
	}
	for _, c := range optional {
		if !slices.Contains(have, c) {
			// Where it is not delegated, the first limit that needs it says so.
			_ = os.WriteFile(file, []byte("+"+c), 0o644)
		}
	}
	return nil
}

// close takes the controllers away from the caller's group again and moves
// it back in; only then can the tree be removed.
func (b *unified) close(tree string) error {
	top := b.base() + "/" + tree
	leaf := b.dir(top, hostLeaf)
	if _, err := os.Stat(leaf); err != nil {
		return nil // there was no need to move
	}
	var errs []error
	for _, path := range []string{top, b.group} {
		file := b.dir(path, "cgroup.subtree_control")
		data, err := os.ReadFile(file)
		if err != nil || len(strings.Fields(string(data))) == 0 {
			errs = append(errs, err)
			continue
		}
		off := "-" + strings.Join(strings.Fields(string(data)), " -")
		errs = append(errs, os.WriteFile(file, []byte(off), 0o644))
	}
	return errors.Join(append(errs, b.join(b.dir(b.group)))...)
}

func (b *unified) create(path string) error { return os.Mkdir(b.dir(path), 0o755) }

func (b *unified) load(path string) (*cgroup2.Manager, error) {
	return cgroup2.Load(path, cgroup2.WithMountpoint(b.mount))
}

func (b *unified) stats(path string) (Stats, error) {
	if _, err := os.Stat(b.dir(path)); err != nil {
		return Stats{}, err // the library returns zeros for a group that is gone
	}
	group, err := b.load(path)
	if err != nil {
		return Stats{}, fmt.Errorf("group %s: %w", path, err)
	}
	metrics, err := group.StatFiltered(cgroup2.StatCPU | cgroup2.StatMemory | cgroup2.StatMemoryEvents | cgroup2.StatPids)
	if err != nil {
		return Stats{}, fmt.Errorf("group %s: %w", path, err)
	}
	refused, err := readCounter(b.dir(path, "pids.events"), "max")
	if err != nil {
		return Stats{}, fmt.Errorf("group %s: %w", path, err)
	}
	swap, err := readCounter(b.dir(path, "memory.swap.current"), "")
	if err != nil {
		return Stats{}, fmt.Errorf("group %s: %w", path, err)
	}
	pressure, err := b.pressure(path)
	if err != nil {
		return Stats{}, fmt.Errorf("group %s: %w", path, err)
	}
	s := Stats{
		Swap: swap, Pressure: pressure,
		Memory:        metrics.Memory.Usage,
		MemoryPeak:    metrics.Memory.MaxUsage,
		CPU:           microseconds(metrics.CPU.UsageUsec),
		Throttled:     metrics.CPU.NrThrottled,
		ThrottledTime: microseconds(metrics.CPU.ThrottledUsec),
		Pids:          metrics.Pids.Current,
		PidsMax:       refused,
	}
	if metrics.MemoryEvents != nil {
		s.OOMKills = metrics.MemoryEvents.OomKill
	}
	return s, nil
}

func (b *unified) reached(path string) (r Reached, err error) {
	if _, err := os.Stat(b.dir(path)); err != nil {
		return r, err
	}
	err = readCounters([]counter{
		{&r.Memory, b.dir(path, "memory.events"), "max"},
		{&r.OOMKills, b.dir(path, "memory.events"), "oom_kill"},
		{&r.CPU, b.dir(path, "cpu.stat"), "nr_throttled"},
		{&r.Pids, b.dir(path, "pids.events"), "max"},
	})
	return r, err
}

func (b *unified) dirs(path string) []string { return []string{b.dir(path)} }

func microseconds(n uint64) time.Duration {
	return time.Duration(min(n, math.MaxInt64/1000)) * time.Microsecond
}

func readNumber(path string) (uint64, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64)
}
