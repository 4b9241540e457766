package cgroups

import (
	"bufio"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// hierarchy is one mounted tree of control groups.
type hierarchy struct {
	mount       string   // host directory
	unified     bool     // cgroup2
	controllers []string // v1 only; empty for a named hierarchy
}

// needed are the controllers a booth cannot do without.
var needed = []string{"cpu", "memory", "pids"}

// optional are those that only some limits need: processors, and weights for
// disks.
var optional = []string{"cpuset", "io"}

// parseMounts reads proc_pid_mountinfo(5). A hierarchy that is mounted twice
// counts once, and only mounts of a whole hierarchy count: paths would mean
// something else below any other.
func parseMounts(r io.Reader) ([]hierarchy, error) {
	var found []hierarchy
	seen := map[string]bool{} // by device
	scanner := bufio.NewScanner(r)
	for scanner.Scan() {
		before, after, ok := strings.Cut(scanner.Text(), " - ")
		mount, super := strings.Fields(before), strings.Fields(after)
		if !ok || len(mount) < 6 || len(super) < 3 {
			return nil, fmt.Errorf("mountinfo: line %q", scanner.Text())
		}
		device, root, kind := mount[2], mount[3], super[0]
		if kind != "cgroup" && kind != "cgroup2" || seen[device] || root != "/" {
			continue
		}
		seen[device] = true
		h := hierarchy{mount: unescape(mount[4]), unified: kind == "cgroup2"}
		if !h.unified {
			for option := range strings.SplitSeq(super[2], ",") {
				if option != "rw" && option != "ro" && !strings.Contains(option, "=") && option != "xattr" && option != "noprefix" && option != "clone_children" {
					h.controllers = append(h.controllers, option)
				}
			}
		}
		found = append(found, h)
	}
	return found, scanner.Err()
}

// unescape undoes the octal escapes of mountinfo.
func unescape(path string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(path)
}

// unifiedOf returns the cgroup2 hierarchy.
func unifiedOf(all []hierarchy) (hierarchy, bool) {
	i := slices.IndexFunc(all, func(h hierarchy) bool { return h.unified })
	if i < 0 {
		return hierarchy{}, false
	}
	return all[i], true
}

// legacyMount returns the mount of a v1 controller.
func legacyMount(all []hierarchy, controller string) (string, bool) {
	for _, h := range all {
		if slices.Contains(h.controllers, controller) {
			return h.mount, true
		}
	}
	return "", false
}

// version names the layout.
func version(all []hierarchy) string {
	_, unified := unifiedOf(all)
	legacy := slices.ContainsFunc(all, func(h hierarchy) bool { return len(h.controllers) > 0 })
	switch {
	case unified && legacy:
		return "hybrid"
	case unified:
		return "v2"
	case legacy:
		return "v1"
	}
	return "none"
}

// parseUnifiedPath finds the caller's cgroup2 group in /proc/self/cgroup.
func parseUnifiedPath(r io.Reader) (string, error) {
	scanner := bufio.NewScanner(r)
	for scanner.Scan() {
		path, ok := strings.CutPrefix(scanner.Text(), "0::")
		if !ok {
			continue
		}
		// Outside our cgroup namespace the path climbs: "/../x".
		if !filepath.IsAbs(path) || filepath.Clean(path) != path || strings.HasPrefix(path, "/..") {
			return "", fmt.Errorf("own group %q cannot be reached from here: %w", path, ErrNotDelegated)
		}
		return path, nil
	}
	if err := scanner.Err(); err != nil {
		return "", err
	}
	return "", fmt.Errorf("no unified group: %w", ErrNotDelegated)
}

// missing lists the needed controllers that have does not hold.
func missing(have []string) []string {
	var out []string
	for _, c := range needed {
		if !slices.Contains(have, c) {
			out = append(out, c)
		}
	}
	return out
}
