package cgroups

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// goneTimeout bounds the wait for killed tasks to end. A task in the
	// middle of a device call can take longer; nothing here can help it.
	goneTimeout = 5 * time.Second
	// gonePoll is how often to look: v1 says nothing when a group empties.
	gonePoll = time.Millisecond
)

// procsIn lists the processes of a directory's own group. In a group that is
// gone there are none.
func procsIn(dir string) ([]int, error) {
	data, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var pids []int
	for line := range strings.Lines(string(data)) {
		pid, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, "cgroup.procs"), err)
		}
		// 0 stands for a process of another pid namespace.
		if pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// groupsIn lists a directory and those below it, deepest first. What is gone
// is left out.
func groupsIn(dir string) ([]string, error) {
	var groups []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && entry.IsDir() {
			groups = append(groups, path)
		}
		return err
	})
	slices.Reverse(groups)
	return groups, err
}

// procsBelow lists the processes of all groups in and below the directories,
// each once.
func procsBelow(dirs []string) ([]int, error) {
	var pids []int
	for _, dir := range dirs {
		groups, err := groupsIn(dir)
		if err != nil {
			return nil, err
		}
		for _, group := range groups {
			more, err := procsIn(group)
			if err != nil {
				return nil, err
			}
			pids = append(pids, more...)
		}
	}
	slices.Sort(pids)
	return slices.Compact(pids), nil
}

// killAll sends SIGKILL to every process in and below the directories. On v2
// since Linux 5.14 the kernel does so in one step. Elsewhere forks are
// stopped first, and rounds go on until one finds no process that was not
// killed before; without the stop a fork bomb could outrun them.
func killAll(dirs []string) error {
	for _, dir := range dirs {
		if err := stopForks(dir); err != nil {
			return err
		}
	}
	killed := map[int]bool{}
	for {
		pids, err := procsBelow(dirs)
		if err != nil {
			return err
		}
		fresh := false
		for _, pid := range pids {
			if killed[pid] {
				continue
			}
			fresh = true
			killed[pid] = true
			if err := killMember(pid, dirs); err != nil {
				return err
			}
		}
		if !fresh {
			return nil
		}
	}
}

// stopForks kills through cgroup.kill, or sets pids.max to 0, for a
// directory and those below it, whichever it has.
func stopForks(dir string) error {
	groups, err := groupsIn(dir)
	if err != nil {
		return err
	}
	for _, group := range groups {
		for _, s := range []setting{{"cgroup.kill", "1"}, {"pids.max", "0"}} {
			err := writeExisting(filepath.Join(group, s.file), s.value)
			if err == nil {
				break
			}
			if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENODEV) {
				return err
			}
		}
	}
	return nil
}

func writeExisting(path, value string) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(value)
	return errors.Join(err, file.Close())
}

// killMember kills the process that has the number pid, if it is still in
// the group: the descriptor keeps a process that took over the number of one
// that ended in between from being hit.
func killMember(pid int, dirs []string) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL) {
			return nil // ended
		}
		return fmt.Errorf("pidfd_open %d: %w", pid, err)
	}
	defer unix.Close(fd)
	pids, err := procsBelow(dirs)
	if err != nil {
		return err
	}
	if !slices.Contains(pids, pid) {
		return nil
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("pidfd_send_signal %d: %w", pid, err)
	}
	return nil
}

// removeAll removes directories and those below them. It waits a bounded
// time for tasks that were killed to end, then returns ErrBusy.
func removeAll(dirs []string) error {
	deadline := time.Now().Add(goneTimeout)
	for _, dir := range dirs {
		for {
			err := removeGroups(dir)
			if err == nil {
				break
			}
			if !errors.Is(err, unix.EBUSY) {
				return err
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("%w: %w", err, ErrBusy)
			}
			time.Sleep(gonePoll)
		}
	}
	return nil
}

func removeGroups(dir string) error {
	groups, err := groupsIn(dir)
	if err != nil {
		return err
	}
	for _, group := range groups {
		// Rmdir and not os.Remove, which would unlink a file.
		if err := unix.Rmdir(group); err != nil && !errors.Is(err, unix.ENOENT) {
			return &fs.PathError{Op: "rmdir", Path: group, Err: err}
		}
	}
	return nil
}

func destroy(dirs []string) error {
	if err := killAll(dirs); err != nil {
		return err
	}
	return removeAll(dirs)
}

// destroyForeign refuses to kill the caller: a process that was started by a
// daemon that is gone lives in that daemon's leaf.
func destroyForeign(dirs []string) error {
	pids, err := procsBelow(dirs)
	if err != nil {
		return err
	}
	if slices.Contains(pids, os.Getpid()) {
		return fmt.Errorf("holds this process: %w", ErrBusy)
	}
	return destroy(dirs)
}
