package profiles

import (
	"fmt"
	"slices"
	"strings"
)

// Layers lists what require may name: the layers of a booth, by the names
// that isobooth doctor and the jailer use.
func Layers() []string {
	return []string{"seccomp", "landlock", "cgroup", "rlimits", "root", "capabilities", "no_new_privs",
		"pid", "net", "ipc", "uts", "user", "namespaces"}
}

// require adds to what the parents require.
func (p *parser) require(profile *Profile) error {
	for i, name := range p.doc.Require {
		path := fmt.Sprintf("require[%d]", i)
		if !slices.Contains(Layers(), name) {
			return p.fail(path, fmt.Errorf("require: unknown layer %q; there are %s", name, strings.Join(Layers(), ", ")))
		}
		if slices.Contains(p.doc.Require[:i], name) {
			return p.fail(path, fmt.Errorf("require: %q twice", name))
		}
		if !slices.Contains(profile.Require, name) {
			profile.Require = append(profile.Require, name)
		}
	}
	return nil
}
