package attack

import (
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// processRows are the rows of section 4: processes and signals.
func processRows() []Row {
	return slices.Concat(signalRows(), taskRows(), priorityRows())
}

// signalRows signal others, or refuse to be signalled.
func signalRows() []Row {
	signal := func(id, title, attack, call string) Row {
		return Row{ID: id, Title: title, Severity: Critical, Family: "process", Attack: attack, Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{call}, Evidence: []Evidence{Sentinel, Worker}}
	}
	all := signal("D01", "kills everything it may", "kill_all", "kill")
	all.Control = OwnPID
	return []Row{
		all,
		signal("D02/kill", "kills a process of its own user", "kill_sentinel", "kill"),
		signal("D02/tgkill", "signals a process of its own user", "signal_sentinel", "tgkill"),
		signal("D02/tkill", "signals a thread of its own user", "signal_thread", "tkill"),
		signal("D02/sigqueue", "queues a signal for a process of its own user", "queue_signal", "rt_sigqueueinfo"),
		signal("D02/tgsigqueue", "queues a signal for a thread of its own user", "queue_to_thread", "rt_tgsigqueueinfo"),
		{ID: "D02/host", Title: "finds out whether it may signal the daemon", Severity: Critical,
			Family: "process", Attack: "signal_host", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"kill"}, Evidence: []Evidence{Host, Worker}, Proof: ByResult},
		{ID: "D10/ignore", Title: "ignores the signal to end", Severity: Medium,
			Family: "process", Attack: "ignore_term", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"rt_sigaction"}, AllowedBy: []string{"rt_sigaction"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "D10/block", Title: "blocks all signals", Severity: Medium,
			Family: "process", Attack: "block_all", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"rt_sigprocmask"}, AllowedBy: []string{"rt_sigprocmask"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "D10/stop", Title: "does not stop when it is asked to", Severity: Medium,
			Elsewhere: "TestStop in runner: a plugin that hangs in stop, or in a trigger, is killed"},
	}
}

// taskRows start processes and threads, or outlive others.
func taskRows() []Row {
	family := func(id, title string, severity Severity, attack string, arg int64) Row {
		return Row{ID: id, Title: title, Severity: severity, Family: "process", Attack: attack, Arg: arg, Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"clone"}, Evidence: []Evidence{Worker}, Proof: ByResult,
			Errnos: map[syscall.Errno][]Layer{unix.EAGAIN: {Cgroup, Rlimits}},
			// Whose end takes along what the attack leaves.
			Control: OwnPID}
	}
	orphan := family("D04/fork", "leaves a grandchild behind in a session of its own", High, "double_fork", 0)
	orphan.Evidence, orphan.Proof, orphan.Control = []Evidence{Canary, Worker}, ByEvidence, AsIs
	threads := family("D07", "starts threads without end", High, "start_threads", 40)
	threads.Phases, threads.AllowedBy = WithLibc(), []string{"clone"}
	return []Row{
		orphan,
		{ID: "D04/stop", Title: "processes of other sessions survive the stop", Severity: High,
			Elsewhere: "TestKillsProcessTree in cgroups: children in sessions of their own, deaf to signals, end with their group"},
		{ID: "D05/pdeathsig", Title: "outlives the thread that started it", Severity: High,
			Family: "process", Attack: "outlive_parent", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"prctl"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "D05/adopt", Title: "takes in the orphans of others", Severity: High,
			Family: "process", Attack: "adopt", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"prctl"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "D05/crash", Title: "outlives a daemon that is killed", Severity: High,
			Elsewhere: "TestKilled in runner, TestSweep in cgroups"},
		family("D06", "starts processes without end", High, "fork_many", 40),
		threads,
		family("D08", "leaves dead children unwaited for", Medium, "leave_zombies", 40),
		{ID: "D11", Title: "takes all processor time", Severity: High,
			Elsewhere: "TestPluginEnds in runner: the deadline ends it, and its neighbour is answered meanwhile; TestCPULimit in cgroups: it is throttled"},
		{ID: "D19", Title: "ends at once, every time", Severity: High,
			Elsewhere: "TestBackOff and TestKeepTrying in runner: pauses that grow up to a bound"},
		{ID: "D20", Title: "one refused call in each trigger", Severity: Medium,
			Elsewhere: "TestQuarantineByDenials and TestQuarantineByViolations in runner"},
	}
}

// priorityRows take precedence over others, and change limits and what the
// kernel does when the worker ends.
func priorityRows() []Row {
	row := func(id, title string, severity Severity, attack, call string, arg int64, needs func(*Options) string) Row {
		return Row{ID: id, Title: title, Severity: severity, Family: "process", Attack: attack, Arg: arg, Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{call}, Evidence: []Evidence{Worker, Host}, Proof: ByResult, Needs: needs}
	}
	core := row("D16/limit", "sets its limit on core files", Medium, "core_limit_nowhere", "prlimit64", 0, nil)
	core.Reached = made
	score := row("D15/host", "opens the daemon's score for the kernel's killer to write", High, "score_of_host", "openat", 0, nil)
	score.LoadLayer, score.Errnos = PID, notInProc
	nice := row("D12/nice", "takes a higher priority", High, "be_nice_to_nobody", "setpriority", 0, root)
	// setpriority(2): RLIMIT_NICE, or CAP_SYS_NICE.
	nice.Errnos = map[syscall.Errno][]Layer{unix.EACCES: {Capabilities, User, Rlimits}}
	// Among those of its control group, whose share is the same on all.
	processor := row("D12/processor", "leaves its processor", High, "any_processor", "sched_setaffinity", 0, nil)
	processor.AllowedBy = []string{"sched_setaffinity"}
	rows := []Row{
		row("D12/fifo", "takes real-time priority", High, "real_time", "sched_setscheduler", 0, nil),
		row("D12/attributes", "takes real-time priority by the newer call", High, "real_time_attributes", "sched_setattr", 0, nil),
		nice,
		row("D12/io", "takes real-time priority for input and output", High, "io_priority", "ioprio_set", 0, root),
		processor,
		row("D14/read", "reads the limits of the daemon", Medium, "read_limit", "prlimit64", 0, nil),
		row("D14/set", "sets a limit of the daemon", Medium, "set_limit", "prlimit64", 0, nil),
		row("D14/memory", "lifts its own limit on address space", Medium, "unlimited", "prlimit64", unix.RLIMIT_AS, nil),
		row("D14/file-size", "lifts its own limit on the size of files", Medium, "unlimited", "prlimit64", unix.RLIMIT_FSIZE, nil),
		score,
		opens("D15/self", "opens its own score for the kernel's killer to write", High, "/proc/self/oom_score_adj", unix.O_WRONLY, Root, nil),
		core,
		row("D16/dumpable", "makes itself dumpable", Medium, "be_dumpable", "prctl", 0, nil),
		{ID: "D16/handler", Title: "crashes for the sake of the machine's core handler", Severity: Medium,
			Manual: "a handler of ours would have to be the whole machine's; Worker sees in all rows that the worker stays not dumpable, for which the kernel writes no core and runs no handler, core(5)"},
	}
	for i := range rows[:2] {
		// Priority 0 is none of these policies', which the kernel says first.
		rows[i].Reached = []syscall.Errno{unix.EINVAL}
		// A higher one takes RLIMIT_RTPRIO, which is 0.
		rows[i].AllowedBy = rows[i].Calls
	}
	return rows
}
