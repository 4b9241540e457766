package cgroups

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// mounted lists the hierarchies of this machine.
func mounted() ([]hierarchy, error) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return parseMounts(file)
}

// ownUnified is the caller's group on cgroup2.
func ownUnified() (string, error) {
	file, err := os.Open("/proc/self/cgroup")
	if err != nil {
		return "", err
	}
	defer file.Close()
	return parseUnifiedPath(file)
}

// detect picks v2 where it has the needed controllers at its root, and the
// v1 hierarchies where they have them.
func detect() (backend, error) {
	all, err := mounted()
	if err != nil {
		return nil, err
	}
	return choose(all, ownUnified)
}

func choose(all []hierarchy, own func() (string, error)) (backend, error) {
	if h, ok := unifiedOf(all); ok {
		data, err := os.ReadFile(filepath.Join(h.mount, "cgroup.controllers"))
		if err != nil {
			return nil, err
		}
		if len(missing(strings.Fields(string(data)))) == 0 || version(all) == "v2" {
			path, err := own()
			if err != nil {
				return nil, err
			}
			return newUnified(h.mount, path)
		}
	}
	if version(all) == "none" {
		return nil, fmt.Errorf("no control groups are mounted: %w", ErrNotDelegated)
	}
	return newLegacy(all)
}

// Probe says what Open would do, without doing it.
func Probe() Report {
	all, err := mounted()
	if err != nil {
		return Report{Version: "none", Reason: err.Error()}
	}
	r := Report{Version: version(all), Controllers: available(all)}
	b, err := choose(all, ownUnified)
	if u, ok := b.(*unified); ok && err == nil {
		// A session of systemd's is given fewer than there are at the top.
		if have, err := u.controllers(u.group); err == nil {
			r.Controllers = have
		}
	}
	if err == nil {
		r.Root = rootOf(b)
		err = unix.Access(r.Root, unix.W_OK)
		if err != nil {
			err = fmt.Errorf("%s: %w: %w", r.Root, err, ErrNotDelegated)
		}
	}
	if err != nil {
		r.Reason = err.Error()
		r.Hint = hint(r.Version, err)
		return r
	}
	r.Usable = true
	return r
}

func rootOf(b backend) string {
	if l, ok := b.(*legacy); ok {
		return l.dir("memory")
	}
	return b.dirs(b.base() + "/")[0]
}

// available lists the controllers of whichever version has the needed ones.
func available(all []hierarchy) []string {
	controllers := []string{}
	for _, h := range all {
		controllers = append(controllers, h.controllers...)
	}
	if h, ok := unifiedOf(all); ok {
		data, err := os.ReadFile(filepath.Join(h.mount, "cgroup.controllers"))
		if err == nil {
			controllers = append(controllers, strings.Fields(string(data))...)
		}
	}
	return controllers
}

func hint(version string, err error) string {
	switch {
	case !errors.Is(err, ErrNotDelegated):
		return ""
	case version == "v2":
		return "start it with: systemd-run --user --scope -p Delegate=yes isobooth, or as a unit with Delegate=cpu memory pids"
	case version == "none":
		return "mount cgroup2 on /sys/fs/cgroup"
	}
	return "control groups v1 cannot be used without root; start the machine with systemd.unified_cgroup_hierarchy=1"
}
