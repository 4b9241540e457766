package attack

import (
	"slices"
	"strings"
	"syscall"

	"github.com/isobooth/isobooth/runner"
	"golang.org/x/sys/unix"
)

// callRows are the rows of section 2: bypasses of the filter, and calls that it must stop.
func callRows() []Row {
	return slices.Concat(entryRows(), kernelRows(), processCallRows(), prctlRows(), adminRows(), brokerRows())
}

// named is a row that makes one call: its name and numbers as arguments, the
// rest being 0. Those are such that the call does nothing, so that one of
// reached says that the kernel made it.
func named(id, title string, s Severity, text string, reached ...syscall.Errno) Row {
	call, _, _ := strings.Cut(text, " ")
	return Row{ID: id, Title: title, Severity: s, Family: "calls", Attack: "named", Text: text, Phases: briefly(),
		Layer: Seccomp, Calls: []string{call}, Evidence: []Evidence{Worker}, Proof: ByResult, Reached: reached}
}

// with adds to each row what a function says.
func with(change func(*Row), rows ...Row) []Row {
	for i := range rows {
		change(&rows[i])
	}
	return rows
}

// byRoot is for calls whose control must be root, and whose success the host
// would notice.
func byRoot(r *Row) {
	r.Needs = root
	r.Evidence = append(r.Evidence, Host)
}

func onAMD64(r *Row) { r.Needs = amd64 }

// entryRows go past a filter that looks at numbers, or put one over it.
func entryRows() []Row {
	return []Row{
		// Most kernels have no x32 and say ENOSYS themselves: the call got
		// there, which under a filter that looks it must not.
		{ID: "B01", Title: "x32 numbers", Severity: Critical,
			Family: "filter", Attack: "x32", Arg: 39, Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"SIGSYS"}, Evidence: []Evidence{Worker}, Proof: ByResult,
			Reached: []syscall.Errno{unix.ENOSYS}, Needs: amd64},
		{ID: "B02/getpid", Title: "entry of 32-bit programs", Severity: Critical,
			Family: "filter", Attack: "int80", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"SIGSYS"}, Evidence: []Evidence{Worker}, Proof: ByResult, Needs: amd64},
		{ID: "B02/open", Title: "opens a file for writing by the entry of 32-bit programs", Severity: Critical,
			Family: "filter", Attack: "int80_open", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"SIGSYS"}, Evidence: []Evidence{Canary, Worker}, Needs: amd64},
		{ID: "B04/clone3", Title: "child by clone3", Severity: Critical,
			Family: "filter", Attack: "clone3_child", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"clone3"}, Evidence: []Evidence{Canary, Worker}},
		{ID: "B04/clone3-user", Title: "user namespace by clone3", Severity: Critical,
			Family: "filter", Attack: "clone3_child", Arg: 0x10000000, Phases: briefly(),
			Layer: Seccomp, Calls: []string{"clone3"}, Evidence: []Evidence{Worker}, Proof: ByResult, Needs: root},
		{ID: "B04/clone-user", Title: "user namespace by clone", Severity: Critical,
			Family: "filter", Attack: "clone_child", Arg: 0x10000000, Phases: briefly(),
			Layer: Seccomp, Calls: []string{"clone"}, Evidence: []Evidence{Worker}, Proof: ByResult, Needs: root},
		{ID: "B04/libc", Title: "libc makes its threads without clone3", Severity: Critical,
			Elsewhere: "runner/attack: TestWithThreads"},
		{ID: "B07", Title: "every number that there may ever be", Severity: High,
			Elsewhere: "runner: TestSweep (0 to 1023, from start and trigger, beside the profile's list); profiles: TestEveryKnownCall, TestUnknownNumbers"},
		named("B07/waitv", "call of Linux 5.16 that no rule names", High, "futex_waitv 0 0 1", unix.EINVAL),
		named("B07/cachestat", "call of Linux 6.5 that no rule names", High, "cachestat -1", unix.EBADF, unix.EFAULT),
		named("B07/mseal", "call of Linux 6.10, newer than the filter's library may be", High, "mseal -1", unix.EINVAL),
		{ID: "B09", Title: "jumps to the page of old calls", Severity: Low,
			Family: "filter", Attack: "vsyscall", Phases: briefly(),
			Layer: Seccomp, Calls: []string{"getcpu"}, AllowedBy: []string{"getcpu"}, Evidence: []Evidence{Worker}, Proof: ByResult, Needs: vsyscalls},
		{ID: "B27", Title: "own filter that says of calls that they succeeded", Severity: Medium,
			Family: "filter", Attack: "fake_success", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"seccomp"}, Evidence: []Evidence{Posture("Seccomp_filters", "1"), Worker}, Proof: ByResult},
	}
}

// kernelRows are calls with much kernel behind them.
func kernelRows() []Row {
	return slices.Concat([]Row{
		{ID: "B05", Title: "io_uring", Severity: Critical,
			Family: "calls", Attack: "uring", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"io_uring_setup"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		named("B05/enter", "submits to a ring", Critical, "io_uring_enter -1", unix.EBADF),
		named("B05/register", "registers with a ring", Critical, "io_uring_register -1 0 0 0", unix.EBADF, unix.EINVAL),
	}, with(byRoot,
		named("B06/mount", "mounts", Critical, "mount -1 -1 -1 0 0", unix.EFAULT),
		named("B06/umount", "unmounts", Critical, "umount2 -1 0", unix.EFAULT),
		named("B06/pivot_root", "takes another root", Critical, "pivot_root -1 -1", unix.EFAULT),
		named("B06/open_tree", "copies a mount", Critical, "open_tree -1 -1 1", unix.EFAULT, unix.EBADF),
		named("B06/fsopen", "opens a file system", Critical, "fsopen -1 0", unix.EFAULT),
		named("B06/fsconfig", "configures a file system", Critical, "fsconfig -1 0 0 0 0", unix.EINVAL, unix.EBADF),
		named("B06/fsmount", "makes a mount of a file system", Critical, "fsmount -1 0 0", unix.EBADF),
		named("B06/move_mount", "moves a mount", Critical, "move_mount -1 -1 -1 -1 0", unix.EFAULT, unix.EBADF),
		named("B06/mount_setattr", "changes a mount", Critical, "mount_setattr -1 -1 0 -1 32", unix.EFAULT, unix.EBADF),
		named("B06/fspick", "opens a mounted file system", Critical, "fspick -1 -1 0", unix.EFAULT, unix.EBADF),
		named("B16", "BPF program", Critical, "bpf 5 -1 48", unix.EFAULT),
	), []Row{
		named("B17", "performance counter", High, "perf_event_open -1 0 -1 -1 0", unix.EFAULT),
		named("B18", "page faults handled by itself", High, "userfaultfd 1"),
		// Of the process itself; keyctl(2), KEYCTL_GET_KEYRING_ID.
		named("B19/keyctl", "session's key ring", High, "keyctl 0 -3 0"),
		named("B19/add_key", "adds a key", High, "add_key -1 -1 0 0 0", unix.EFAULT),
		named("B19/request_key", "asks for a key", High, "request_key -1 -1 0 0", unix.EFAULT),
	}, with(byRoot,
		named("B20/open", "opens a file by its handle", Critical, "open_by_handle_at -1 -1 0", unix.EFAULT, unix.EBADF),
	), []Row{
		named("B20/name", "asks for a file's handle", Critical, "name_to_handle_at -1 -1 -1 -1 0", unix.EFAULT, unix.EBADF),
	}, with(onAMD64,
		// Reads the table: what could be written is the process's own.
		named("B23/ldt", "segments by modify_ldt", Medium, "modify_ldt 0 0 0"),
		named("B23/arch_prctl", "segment registers", Medium, "arch_prctl 4099 -1", unix.EFAULT),
		named("B23/iopl", "privilege level for ports", Medium, "iopl 0"),
		named("B23/ioperm", "single ports", Medium, "ioperm 0 0 0", unix.EINVAL),
	))
}

// processCallRows are calls on other processes; where they take one it is
// none, or the sentinel.
func processCallRows() []Row {
	robust := named("B15/robust", "asks for another's lock list", Low, "get_robust_list 0 -1 -1", unix.EFAULT)
	robust.AllowedBy = []string{"get_robust_list"} // its pid namespace has no other
	return []Row{
		{ID: "B12/traceme", Title: "ptrace", Severity: Critical,
			Family: "calls", Attack: "trace_me", Phases: ButThread(),
			Layer: Seccomp, Calls: []string{"ptrace"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		named("B12/attach", "attaches to a process", Critical, "ptrace 16 -1", unix.ESRCH),
		named("B12/seize", "attaches to a process without stopping it", Critical, "ptrace 16902 -1", unix.ESRCH),
		named("B12/readv", "reads another process's memory", Critical, "process_vm_readv -1 -1 1 -1 1 0", unix.EFAULT, unix.ESRCH),
		named("B12/writev", "writes another process's memory", Critical, "process_vm_writev -1 -1 1 -1 1 0", unix.EFAULT, unix.ESRCH),
		{ID: "B14/open", Title: "opens a process", Severity: Critical,
			Family: "calls", Attack: "pidfd_sentinel", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"pidfd_open"}, Evidence: []Evidence{Sentinel, Worker}, Proof: ByResult},
		named("B14/getfd", "takes a descriptor of a process", Critical, "pidfd_getfd -1 0 0", unix.EBADF),
		named("B14/signal", "signals an open process", Critical, "pidfd_send_signal -1 0 0 0", unix.EBADF),
		named("B14/madvise", "drops memory of an open process", Critical, "process_madvise -1 0 0 0 0", unix.EBADF),
		named("B14/mrelease", "reaps memory of an open process", Critical, "process_mrelease -1 0", unix.EBADF),
		named("B15/kcmp", "compares kernel pointers", Low, "kcmp -1 -1 0 0 0", unix.ESRCH),
		robust,
		named("B15/pages", "asks where pages are", Low, "move_pages 0 1 -1 0 -1 0", unix.EFAULT),
		named("B15/migrate", "moves pages", Low, "migrate_pages 0 64 -1 -1", unix.EFAULT),
		{ID: "B32/status", Title: "could gain rights, as set-uid programs do", Severity: Critical,
			Family: "calls", Attack: "new_privs", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"prctl"}, Evidence: []Evidence{Worker, Posture("NoNewPrivs", "1")}, Proof: ByResult,
			Errnos: map[syscall.Errno][]Layer{unix.EPERM: {NoNewPrivs}}, Needs: root},
		{ID: "B32/exec", Title: "executes a set-uid program", Severity: Critical,
			Elsewhere: "runner/attack: A01/exec and A16/execveat, since nothing can be executed; B32/status for no_new_privs"},
	}
}

// prctlRows sweep the options of prctl(2); numbers from linux/prctl.h. Names
// of threads and of memory are none of an attack: some profiles allow them.
func prctlRows() []Row {
	option := func(name, text string, reached ...syscall.Errno) Row {
		return named("B22/"+name, "prctl PR_"+name, Medium, "prctl "+text, reached...)
	}
	rows := []Row{
		option("SET_PDEATHSIG", "1 0"),
		option("SET_DUMPABLE", "4 1"),
		option("SET_KEEPCAPS", "8 0"),
		option("SET_SECCOMP", "22 2 -1", unix.EFAULT),
		option("SET_TIMERSLACK", "29 1"),
		option("MCE_KILL", "33 0"),
		option("SET_CHILD_SUBREAPER", "36 1"),
		option("SET_THP_DISABLE", "41 1"),
		option("CAP_AMBIENT", "47 4 0 0 0"),
		option("GET_SPECULATION_CTRL", "52 0", unix.ENODEV),
		// Yama's; without it no such option.
		option("SET_PTRACER", "1499557217 0", unix.EINVAL),
		option("SCHED_CORE", "62 -1", unix.EINVAL, unix.ENODEV),
	}
	rows = append(rows, with(byRoot,
		option("SET_SECUREBITS", "28 0"),
		option("CAPBSET_DROP", "24 99", unix.EINVAL))...)
	rows = append(rows, with(func(r *Row) { r.Needs = resources },
		option("SET_MM", "35 0 -1 0 0", unix.EINVAL),
		option("SET_IO_FLUSHER", "57 0"))...)
	rows = append(rows, with(onAMD64, option("SET_TSC", "26 1"))...)
	// Off, which it is: a task with it on makes no further call.
	dispatch := named("B11", "prctl PR_SET_SYSCALL_USER_DISPATCH", Medium, "prctl 59 0")
	dispatch.Phases = Everywhere()
	return append(rows, dispatch)
}

// adminRows would change the machine, were their arguments any good. The
// kernel looks for the capability first, so the control is root.
func adminRows() []Row {
	return append(with(byRoot,
		named("B24/init_module", "loads a module", Critical, "init_module -1 4096 -1", unix.EFAULT),
		named("B24/finit_module", "loads a module from a file", Critical, "finit_module -1 -1 0", unix.EBADF, unix.EFAULT),
		named("B24/delete_module", "removes a module", Critical, "delete_module -1 0", unix.EFAULT),
		// More segments than there may be; none would drop the loaded kernel.
		named("B24/kexec_load", "loads a kernel", Critical, "kexec_load 0 1000 -1 0", unix.EINVAL),
		named("B24/kexec_file_load", "loads a kernel from a file", Critical, "kexec_file_load -1 -1 0 0 -1", unix.EINVAL),
		named("B24/reboot", "stops the machine", Critical, "reboot 0 0 0 0", unix.EINVAL),
		named("B25/swapon", "adds swap", High, "swapon -1 0", unix.EFAULT),
		named("B25/swapoff", "removes swap", High, "swapoff -1", unix.EFAULT),
		named("B25/acct", "accounts processes to a file", High, "acct -1", unix.EFAULT),
		named("B25/quotactl", "sets quotas", High, "quotactl -1 0 0 0", unix.EINVAL),
		named("B25/sethostname", "names the machine", High, "sethostname -1 -1", unix.EINVAL),
		named("B25/setdomainname", "names the machine's domain", High, "setdomainname -1 -1", unix.EINVAL),
		named("B25/settimeofday", "sets the clock", High, "settimeofday -1 0", unix.EFAULT),
		named("B25/adjtimex", "steers the clock", High, "adjtimex -1", unix.EFAULT),
		named("B25/clock_adjtime", "steers a clock", High, "clock_adjtime 0 -1", unix.EFAULT),
		named("B25/clock_settime", "sets a clock", High, "clock_settime 0 -1", unix.EFAULT),
	), Row{ID: "B25/syslog", Title: "changes the console's log level", Severity: High,
		Family: "calls", Attack: "console_level", Phases: Everywhere(),
		Layer: Seccomp, Calls: []string{"syslog"}, Evidence: []Evidence{Worker, Host}, Proof: ByResult,
		Reached: []syscall.Errno{unix.EINVAL}, Needs: root})
}

// brokerRows are aimed at the jailer that answers refused calls, and at
// descriptors that could pass to or from it.
func brokerRows() []Row {
	// It may continue while loading: there is no socket to receive from.
	receive := named("B31/recvmsg", "receives descriptors", Critical, "recvmsg -1 -1 0", unix.EBADF)
	receive.Phases = []Phase{Trigger}
	// A plugin has no socket that anybody could pass a descriptor by: of pairs
	// both ends are its own, and it may send none.
	receive.AllowedBy = []string{"recvmsg"}
	return []Row{
		{ID: "B28", Title: "changes a path while the jailer decides", Severity: Critical,
			Elsewhere: "profiles: TestParseProfileRefuses (no load rule for a call that may not continue); runner: TestDenialOfTurningMemory. " +
				"There is no race to win: whether a call may continue is decided on registers, which the kernel keeps; " +
				"memory is looked at to name what was refused"},
		{ID: "B29", Title: "floods the jailer with refused calls", Severity: High,
			Family: "filter", Attack: "storm", Arg: 5000, Phases: []Phase{Ifunc, Constructor, Trigger},
			Layer: Supervisor, Evidence: []Evidence{Worker}, Proof: ByResult,
			Ends: map[runner.CauseKind]Layer{runner.CauseDenials: Supervisor}},
		{ID: "B31/socketpair", Title: "makes a socket to pass descriptors by", Severity: Critical,
			Family: "calls", Attack: "socket_pair", Phases: briefly(),
			Layer: Seccomp, Calls: []string{"socketpair"}, AllowedBy: []string{"socketpair"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		named("B31/sendmsg", "sends descriptors", Critical, "sendmsg -1 -1 0", unix.EBADF),
		named("B31/sendmmsg", "sends descriptors in many messages", Critical, "sendmmsg -1 -1 1 0", unix.EBADF),
		receive,
		named("B31/recvmmsg", "receives many messages", Critical, "recvmmsg -1 -1 1 0 0", unix.EBADF),
	}
}
