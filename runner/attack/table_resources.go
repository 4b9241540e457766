package attack

import (
	"syscall"

	"github.com/isobooth/isobooth/runner"
	"golang.org/x/sys/unix"
)

// resourceRows are the rows of section 6: exhaustion of resources. Most are
// refused as calls; what the limits behind the filter stop is seen without it.
func resourceRows() []Row {
	return []Row{
		{ID: "F01/reserve", Title: "takes address space", Severity: High,
			Family: "resources", Attack: "reserve", Arg: 2 << 30, Phases: Everywhere(),
			Layer: Rlimits, AllowedBy: []string{"address_space"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "F01/balloon", Title: "takes memory", Severity: High,
			Family: "resources", Attack: "balloon", Arg: 384 << 20, Phases: Everywhere(),
			Layer: Cgroup, AllowedBy: []string{"memory"}, Evidence: []Evidence{Worker}, Proof: ByResult, Needs: groups},
		{ID: "F01", Title: "takes memory in small blocks, as page tables, pipes and socket buffers", Severity: High,
			Elsewhere: "runner TestGrabs"},

		{ID: "F02/memfd", Title: "takes memory as a file without a name", Severity: High,
			Family: "resources", Attack: "memory_file", Arg: 192 << 20, Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"memfd_create"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "F02/segment", Title: "takes memory as a shared segment", Severity: High,
			Family: "resources", Attack: "segment", Arg: 192 << 20, Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"shmget"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "F02", Title: "takes memory as files in a tmpfs", Severity: High,
			Elsewhere: "runner TestNothingIsWritable: no file can be made or written anywhere"},

		{ID: "F04/copies", Title: "copies a descriptor many times", Severity: Medium,
			Family: "resources", Attack: "copies", Arg: 256, Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"dup"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "F04/open", Title: "opens a device many times", Severity: Medium,
			Family: "resources", Attack: "open_files", Arg: 256, Phases: Everywhere(),
			Layer: Seccomp, LoadLayer: Rlimits, Calls: []string{"openat"}, Evidence: []Evidence{Worker}, Proof: ByResult},

		{ID: "F06", Title: "fills the host's disk", Severity: High,
			Family: "resources", Attack: "fill_canary", Arg: 4 << 20, Phases: Everywhere(),
			Layer: Seccomp, LoadLayer: Root, Calls: []string{"openat"}, Evidence: []Evidence{Canary, Worker}},
		{ID: "F06/log", Title: "fills the host's disk through its log", Severity: High,
			Elsewhere: "runner TestLogRing: of what is printed, only the end is kept, in memory"},
		{ID: "F07", Title: "uses up the host's inodes", Severity: Medium,
			Family: "resources", Attack: "many_files", Arg: 64, Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"mknodat"}, Evidence: []Evidence{Canary, Worker}},

		{ID: "F09/lock", Title: "locks memory", Severity: Medium,
			Family: "resources", Attack: "lock", Arg: 64 << 10, Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"mlock"}, Evidence: []Evidence{Worker}, Proof: ByResult,
			Errnos: map[syscall.Errno][]Layer{unix.EPERM: {Rlimits}, unix.ENOMEM: {Rlimits}}}, // mlock(2)
		{ID: "F09", Title: "takes huge pages", Severity: Medium, Elsewhere: "runner TestHugePages"},

		{ID: "F10/queue", Title: "leaves a message queue", Severity: Medium,
			Family: "resources", Attack: "message_queue", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"msgget"}, Evidence: []Evidence{NoObject, Worker}, Harmless: IPC},
		{ID: "F10/semaphores", Title: "leaves semaphores", Severity: Medium,
			Family: "resources", Attack: "semaphores", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"semget"}, Evidence: []Evidence{NoObject, Worker}, Harmless: IPC},
		{ID: "F10/posix", Title: "leaves a POSIX message queue", Severity: Medium,
			Family: "resources", Attack: "posix_queue", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"mq_open"}, Evidence: []Evidence{PosixQueue, Worker}, Harmless: IPC},

		{ID: "F11/timers", Title: "makes many timers", Severity: Medium,
			Family: "resources", Attack: "timers", Arg: 128, Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"timer_create"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "F11/signals", Title: "queues many signals", Severity: Medium,
			Family: "resources", Attack: "queued_signals", Arg: 128, Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"rt_sigprocmask", "rt_tgsigqueueinfo"}, Evidence: []Evidence{Worker}, Proof: ByResult},

		{ID: "F12", Title: "flushes the host's disk", Severity: Medium,
			Family: "resources", Attack: "flush", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"syncfs"}, Evidence: []Evidence{Worker}, Proof: ByResult,
			Reached: []syscall.Errno{unix.EBADF}},
		{ID: "F12/cache", Title: "reads and writes large files", Severity: Medium,
			Elsewhere: "runner TestNothingIsWritable and TestLandlock: there is no file to write, nor one to read"},
		{ID: "F13", Title: "has the host swap", Severity: Medium,
			Elsewhere: "cgroups TestUnifiedLimits: a booth has no swap; TestMemoryLimit: at its limit it ends"},

		{ID: "F15", Title: "has the host log refused calls", Severity: High,
			Family: "resources", Attack: "refusals", Arg: 2000, Phases: Everywhere(),
			Layer: Supervisor, Calls: []string{"personality"}, Evidence: []Evidence{Worker}, Proof: ByResult,
			Ends: map[runner.CauseKind]Layer{runner.CauseDenials: Supervisor}},
		{ID: "F15/log", Title: "has every refused call logged", Severity: High,
			Elsewhere: "runner TestRefusalFlood: 20,000 refusals are at most 15 lines"},

		// At more than two microseconds each, they do not fit into load_timeout.
		{ID: "F15/questions", Title: "asks the jailer without end while it loads", Severity: High,
			Family: "resources", Attack: "questions", Arg: 3_000_000, Phases: []Phase{Constructor},
			Layer: Deadline, Evidence: []Evidence{Worker, Neighbour}, Proof: ByResult},

		{ID: "F16/terminal", Title: "takes a pseudo-terminal", Severity: Medium,
			Family: "resources", Attack: "terminal", Phases: Everywhere(),
			Layer: Seccomp, LoadLayer: Root, Calls: []string{"openat"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "F16/key", Title: "takes a key", Severity: Medium,
			Family: "resources", Attack: "key", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"add_key"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "F16", Title: "takes user namespaces and mounts", Severity: Medium,
			Elsewhere: "rows C01 and those of mounts; runner TestSweep has every call"},

		{ID: "F17", Title: "leaves dead control groups by ending often", Severity: Medium,
			Elsewhere: "runner TestSoak: after many ends there are as many groups as before, and dying ones have not grown with each"},
		{ID: "F18", Title: "listens to the core that it shares", Severity: Low,
			Manual: "a side channel has a rate, no end: docs/threat-model.md says what remains"},
	}
}
