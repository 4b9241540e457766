package attack

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// fileRows are the rows of section 3: namespaces, mounts, files.
func fileRows() []Row {
	return []Row{
		{ID: "C01/unshare", Title: "makes a user namespace of its own", Severity: Critical,
			Family: "files", Attack: "unshare_user", Phases: ButThread(),
			Layer: Seccomp, Calls: []string{"unshare"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "C19/file", Title: "reads a secret that anyone may read", Severity: High,
			Family: "files", Attack: "read_secret", Phases: Everywhere(),
			Layer: Seccomp, LoadLayer: Root, Calls: []string{"openat"}, Evidence: []Evidence{Secret, Worker}},
		{ID: "C27/segment", Title: "reads shared memory of the host", Severity: High,
			Family: "files", Attack: "read_segment", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"shmget"}, Evidence: []Evidence{Segment, Worker},
			Errnos: map[syscall.Errno][]Layer{unix.ENOENT: {IPC}}},
	}
}
