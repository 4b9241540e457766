package profiles

import seccomp "github.com/seccomp/libseccomp-golang"

// callOfThisMachine reports whether the kernel's table for this architecture
// has the call; libseccomp gives those of others negative numbers.
func callOfThisMachine(name string) bool {
	nr, err := seccomp.GetSyscallFromName(name)
	return err == nil && nr >= 0
}

// CallNames lists the system calls of this machine by number.
func CallNames() []string {
	var names []string
	for _, k := range knownCalls() {
		names = append(names, k.name)
	}
	return names
}
