package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/isobooth/isobooth/cgroups"
)

// peerGroup makes a control group like that of the booth whose worker is
// pid: as deep, in the same hierarchies, with the same limits. It returns its
// directories. The caller deletes it before the host is closed, which removes
// the tree.
func (b *bench) peerGroup(pid int) (g *cgroups.Group, dirs []string, err error) {
	theirs, err := b.groupsOf(pid)
	if err != nil {
		return nil, nil, err
	}
	if len(theirs) == 0 {
		return nil, nil, errors.New("internal error: the booth is in no control group")
	}
	if g, err = b.groups.New("peer", b.plan.Limits.Group); err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.Delete())
		}
	}()
	for _, dir := range theirs {
		own := filepath.Join(filepath.Dir(dir), "peer")
		if err := os.Mkdir(own, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, nil, err
		}
		// v1 takes no process before these are set.
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			data, err := os.ReadFile(filepath.Join(dir, file))
			if errors.Is(err, fs.ErrNotExist) || len(strings.TrimSpace(string(data))) == 0 {
				continue
			}
			if err := errors.Join(err, os.WriteFile(filepath.Join(own, file), data, 0o644)); err != nil {
				return nil, nil, err
			}
		}
		dirs = append(dirs, own)
	}
	return g, dirs, nil
}

// groupsOf lists the directories of our tree that pid is a member of.
func (b *bench) groupsOf(pid int) ([]string, error) {
	var dirs []string
	for _, dir := range b.groups.Paths() {
		data, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if slices.Contains(strings.Fields(string(data)), strconv.Itoa(pid)) {
			dirs = append(dirs, dir)
		}
	}
	return dirs, nil
}

// chargedTo returns the bytes that the memory controller counts for the group
// of a booth's worker.
func (b *bench) chargedTo(pid int) (uint64, error) {
	dirs, err := b.groupsOf(pid)
	if err != nil {
		return 0, err
	}
	for _, dir := range dirs {
		for _, file := range []string{"memory.current", "memory.usage_in_bytes"} {
			data, err := os.ReadFile(filepath.Join(dir, file))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return 0, err
			}
			return strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64)
		}
	}
	return 0, fmt.Errorf("process %d is in no group with a memory controller", pid)
}
