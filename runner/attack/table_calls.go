package attack

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// callRows are the rows of section 2: bypasses of the filter, and calls that it must stop.
func callRows() []Row {
	return []Row{
		{ID: "B05", Title: "io_uring", Severity: Critical,
			Family: "calls", Attack: "uring", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"io_uring_setup"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "B12/traceme", Title: "ptrace", Severity: Critical,
			Family: "calls", Attack: "trace_me", Phases: ButThread(),
			Layer: Seccomp, Calls: []string{"ptrace"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "B25/syslog", Title: "changes the console's log level", Severity: High,
			Family: "calls", Attack: "console_level", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"syslog"}, Evidence: []Evidence{Worker, Host}, Proof: ByResult,
			Reached: []syscall.Errno{unix.EINVAL}, Needs: root},
		{ID: "B32/status", Title: "could gain rights, as set-uid programs do", Severity: Critical,
			Family: "calls", Attack: "new_privs", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"prctl"}, Evidence: []Evidence{Worker, Posture("NoNewPrivs", "1")}, Proof: ByResult,
			Errnos: map[syscall.Errno][]Layer{unix.EPERM: {NoNewPrivs}}, Needs: root},
	}
}
