package cgroups

import (
	"fmt"
	"regexp"
)

// groupName leaves out the dot: the kernel's own files all have one, so no
// group can take the place of a file.
var groupName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)

func checkName(name string) error {
	if !groupName.MatchString(name) {
		return fmt.Errorf("name %q: %w", name, ErrName)
	}
	return nil
}
