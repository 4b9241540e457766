package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// landlockABI returns the version of Landlock this kernel has in force;
// landlock_create_ruleset(2) with LANDLOCK_CREATE_RULESET_VERSION.
func landlockABI() (int, error) {
	abi, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if e != 0 {
		return 0, os.NewSyscallError("landlock_create_ruleset", e)
	}
	return int(abi), nil
}
