package attack

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// has is for attacks on a file that not every machine has.
func has(path string, more ...func(*Options) string) func(*Options) string {
	return func(o *Options) string {
		if _, err := os.Stat(path); err != nil {
			return err.Error()
		}
		for _, needs := range more {
			if lacks := needs(o); lacks != "" {
				return lacks
			}
		}
		return ""
	}
}

// setUID is for set-uid programs in the folder of canaries.
func setUID(o *Options) string {
	var fs unix.Statfs_t
	if err := unix.Statfs(os.TempDir(), &fs); err != nil || fs.Flags&unix.ST_NOSUID != 0 {
		return fmt.Sprintf("%s has no set-uid programs (%v)", os.TempDir(), err)
	}
	return has("/usr/bin/touch", root)(o)
}

// cgroup1 is for attacks on the first version's hierarchy of a controller.
func cgroup1(controller string) func(*Options) string {
	return func(o *Options) string {
		data, err := os.ReadFile("/proc/cgroups")
		if err != nil {
			return err.Error()
		}
		for line := range strings.Lines(string(data)) {
			// name, hierarchy (0: the second version's), groups, enabled
			if f := strings.Fields(line); len(f) == 4 && f[0] == controller && f[1] != "0" {
				return root(o)
			}
		}
		return "no cgroups v1 hierarchy of " + controller
	}
}
