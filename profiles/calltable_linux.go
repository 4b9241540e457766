package profiles

import (
	"fmt"

	seccomp "github.com/seccomp/libseccomp-golang"
)

// CallTable returns the version of the libseccomp that filters are compiled
// with, and the highest system call number it knows for this machine. A filter
// fails those above it with ENOSYS, as a kernel without them would.
func CallTable() (version string, highest int) {
	major, minor, micro := seccomp.GetLibraryVersion()
	for _, call := range knownCalls() {
		highest = call.nr
	}
	return fmt.Sprintf("%d.%d.%d", major, minor, micro), highest
}
