package attack

import (
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// loadRows are the rows of section 1: load time, ELF and loader.
func loadRows() []Row {
	return slices.Concat(payloadRows(), codeRows(), ownFilterRows(), elfRows())
}

// payloadRows do what a payload would, at the moments that the loader gives
// a library, and try to outlive them.
func payloadRows() []Row {
	return []Row{
		{ID: "A01/open", Title: "constructor opens a file for writing", Severity: Critical,
			Family: "load", Attack: "open_canary", Phases: []Phase{Constructor, Start, Trigger, Thread, Signal},
			Layer: Seccomp, LoadLayer: Root, Calls: []string{"openat"}, Evidence: []Evidence{Canary, Worker}},
		{ID: "A01/connect", Title: "constructor connects to 127.0.0.1", Severity: Critical,
			Family: "load", Attack: "connect_canary", Phases: []Phase{Constructor},
			Layer: Seccomp, Calls: []string{"socket", "connect"}, Evidence: []Evidence{TCP4, Worker}},
		{ID: "A01/fork", Title: "constructor starts a child", Severity: Critical,
			Family: "load", Attack: "fork_canary", Phases: []Phase{Constructor, Start, Trigger, Thread, Signal},
			Layer: Seccomp, Calls: []string{"clone"}, Evidence: []Evidence{Canary, Worker}},
		{ID: "A01/exec", Title: "constructor executes a shell", Severity: Critical,
			Family: "load", Attack: "exec_canary", Phases: []Phase{Constructor, Start, Trigger, Thread, Signal},
			Layer: Seccomp, Calls: []string{"execve"}, Evidence: []Evidence{Canary, Worker}},
		{ID: "A02/open", Title: "IFUNC resolver opens a file for writing", Severity: Critical,
			Family: "load", Attack: "open_canary", Phases: []Phase{Ifunc},
			Layer: Root, Evidence: []Evidence{Canary, Worker}},
		{ID: "A02/connect", Title: "IFUNC resolver connects to 127.0.0.1", Severity: Critical,
			Family: "load", Attack: "connect_canary", Phases: []Phase{Ifunc},
			Layer: Seccomp, Calls: []string{"socket", "connect"}, Evidence: []Evidence{TCP4, Worker}},
		{ID: "A02/fork", Title: "IFUNC resolver starts a child", Severity: Critical,
			Family: "load", Attack: "fork_canary", Phases: []Phase{Ifunc},
			Layer: Seccomp, Calls: []string{"clone"}, Evidence: []Evidence{Canary, Worker}},
		{ID: "A02/exec", Title: "IFUNC resolver executes a shell", Severity: Critical,
			Family: "load", Attack: "exec_canary", Phases: []Phase{Ifunc},
			Layer: Seccomp, Calls: []string{"execve"}, Evidence: []Evidence{Canary, Worker}},
		// Under a profile with threads the thread is there, and what it does
		// is refused; so a thread alone is no breach.
		{ID: "A03/across", Title: "thread goes on trying while the booth is sealed", Severity: Critical,
			Family: "load", Attack: "thread_stays", Phases: []Phase{Constructor, Start},
			Layer: Seccomp, Calls: []string{"clone"}, Evidence: []Evidence{Canary, Posture("Seccomp_filters", "1")}, Harmless: Seccomp},
		{ID: "A03/later", Title: "thread from before the seal executes a shell after it", Severity: Critical,
			Family: "load", Attack: "exec_canary", Phases: []Phase{Thread},
			Layer: Seccomp, Calls: []string{"execve"}, Evidence: []Evidence{Canary, Posture("Seccomp_filters", "1")}},
		{ID: "A04/fork", Title: "child from before the seal goes on after it", Severity: Critical,
			Family: "load", Attack: "child_stays", Phases: Loading(),
			Layer: Seccomp, Calls: []string{"clone"}, Evidence: []Evidence{Canary, Worker}},
		{ID: "A04/parent", Title: "child of the worker's own parent", Severity: Critical,
			Family: "load", Attack: "sibling_stays", Phases: Loading(),
			Layer: Seccomp, Calls: []string{"clone"}, Evidence: []Evidence{Canary, Worker},
			// clone(2): not for the first process of a pid namespace.
			Errnos: map[syscall.Errno][]Layer{unix.EINVAL: {PID}}},
		{ID: "A04/vfork", Title: "child in the same memory", Severity: Critical,
			Family: "load", Attack: "shared_child", Phases: Loading(),
			Layer: Seccomp, Calls: []string{"clone"}, Evidence: []Evidence{Canary, Worker}},
		{ID: "A23/open", Title: "destructor opens a file for writing", Severity: Medium,
			Family: "load", Attack: "open_canary", Phases: []Phase{Destructor},
			Layer: Seccomp, Calls: []string{"openat"}, Evidence: []Evidence{Canary, Worker}},
		{ID: "A23/connect", Title: "destructor connects to 127.0.0.1", Severity: Medium,
			Family: "load", Attack: "connect_canary", Phases: []Phase{Destructor},
			Layer: Seccomp, Calls: []string{"socket", "connect"}, Evidence: []Evidence{TCP4, Worker}},
		{ID: "A23/fork", Title: "destructor starts a child", Severity: Medium,
			Family: "load", Attack: "child_stays", Phases: []Phase{Destructor},
			Layer: Seccomp, Calls: []string{"clone"}, Evidence: []Evidence{Canary, Worker}},
		{ID: "A23/exec", Title: "destructor executes a shell", Severity: Medium,
			Family: "load", Attack: "exec_canary", Phases: []Phase{Destructor},
			Layer: Seccomp, Calls: []string{"execve"}, Evidence: []Evidence{Canary, Worker}},
	}
}

// codeRows make code that no signature covers.
func codeRows() []Row {
	return []Row{
		{ID: "A13/stack", Title: "makes its stack executable", Severity: Medium,
			Family: "load", Attack: "stack_code", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"mprotect"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "A14/map", Title: "maps memory to write and execute", Severity: Medium,
			Family: "load", Attack: "map_rwx", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"mmap"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "A14/protect", Title: "writes code, then makes it executable", Severity: Medium,
			Family: "load", Attack: "protect_code", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"mprotect"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "A14/key", Title: "likewise by pkey_mprotect", Severity: Medium,
			Family: "load", Attack: "key_code", Phases: briefly(),
			Layer: Seccomp, Calls: []string{"pkey_mprotect"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "A14/personality", Title: "has all that is readable be executable (READ_IMPLIES_EXEC)", Severity: Medium,
			Family: "calls", Attack: "named", Text: "personality 4194304", Phases: briefly(),
			Layer: Seccomp, Calls: []string{"personality"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		// Devices may be opened while loading; their mounts are noexec.
		{ID: "A14/device", Title: "maps code from a device", Severity: Medium,
			Family: "files", Attack: "map_device", Text: "/dev/zero", Phases: []Phase{Ifunc, Constructor, Start, Trigger},
			Layer: Seccomp, LoadLayer: Root, Calls: []string{"openat", "mmap"}, Evidence: []Evidence{Worker}, Proof: ByResult,
			Errnos: map[syscall.Errno][]Layer{unix.EPERM: {Root}}, Needs: executableDevices},
		{ID: "A16/memfd", Title: "makes a file in memory", Severity: Critical,
			Family: "load", Attack: "memory_file", Phases: briefly(),
			Layer: Seccomp, Calls: []string{"memfd_create"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "A16/fexecve", Title: "executes a program from memory", Severity: Critical,
			Family: "load", Attack: "memory_program", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"memfd_create"}, Evidence: []Evidence{Canary, Worker}},
		{ID: "A16/execveat", Title: "executes a shell by execveat", Severity: Critical,
			Family: "load", Attack: "execveat_canary", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"execveat"}, Evidence: []Evidence{Canary, Worker}},
	}
}

// ownFilterRows put filters, listeners and rulesets of the plugin's own where
// the worker's are. In the booth these are there before foreign code is: what
// is tried here is to add to them.
func ownFilterRows() []Row {
	one := Posture("Seccomp_filters", "1")
	return []Row{
		{ID: "A18/seccomp", Title: "adds a filter", Severity: Critical,
			Family: "filter", Attack: "by_seccomp", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"seccomp"}, Evidence: []Evidence{one, Worker}, Proof: ByResult},
		{ID: "A18/prctl", Title: "adds a filter by prctl", Severity: Critical,
			Family: "filter", Attack: "by_prctl", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"prctl"}, Evidence: []Evidence{one, Worker}, Proof: ByResult},
		{ID: "A19/ruleset", Title: "makes a Landlock ruleset", Severity: High,
			Family: "calls", Attack: "named", Text: "landlock_create_ruleset 0 0 1", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"landlock_create_ruleset"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "A19/restrict", Title: "adds a Landlock layer", Severity: High,
			Family: "calls", Attack: "named", Text: "landlock_restrict_self -1", Phases: briefly(),
			Layer: Seccomp, Calls: []string{"landlock_restrict_self"}, Evidence: []Evidence{Worker}, Proof: ByResult,
			Reached: []syscall.Errno{unix.EBADF}},
		{ID: "A20", Title: "installs a listener of its own", Severity: High,
			Family: "filter", Attack: "rival_listener", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"seccomp"}, Evidence: []Evidence{one, Worker}, Proof: ByResult,
			Errnos: map[syscall.Errno][]Layer{unix.EBUSY: {Kernel}}},
	}
}

// elfRows are attacks by what a library is rather than by what it calls, and
// by how it ends.
func elfRows() []Row {
	return []Row{
		{ID: "A06", Title: "run path that leads elsewhere", Severity: Critical,
			Elsewhere: "verify: TestLibraryRefused (run paths), TestClosureRefuses (of a library beside it), TestOpenRefuses"},
		{ID: "A07", Title: "needs a library that nobody signed", Severity: Critical,
			Elsewhere: "verify: TestClosureRefuses, TestLibraryRefused (needs by path), TestOpenRefuses"},
		{ID: "A08", Title: "loader variables in the daemon's environment", Severity: High,
			Elsewhere: "runner: TestEnvironment"},
		{ID: "A09", Title: "swaps the file between check and load", Severity: Critical,
			Elsewhere: "verify: TestSwapWhileOpening, TestImageIsSealed, TestLoadWhatWasOpened; runner: TestLibrarySwapped"},
		{ID: "A11", Title: "says different things to checker and loader", Severity: High,
			Elsewhere: "verify: TestLoaderAgrees, TestLibraryRefused (overlaps, two dynamic segments), FuzzReadLibrary"},
		{ID: "A12/elf", Title: "segments of terabytes, endless symbol tables", Severity: Medium,
			Elsewhere: "verify: TestLibraryRefused (terabytes, spread, endless dynamic), TestHashTablesRefused"},
		{ID: "A12/relocations", Title: "a load that never ends", Severity: Medium,
			Elsewhere: "runner: TestLoadFails (hang), which ends every load that takes too long, whatever in it does"},
		{ID: "A13/header", Title: "header that asks for an executable stack", Severity: Medium,
			Elsewhere: "verify: TestLibraryRefused (executable stack, silent about the stack, second stack header)"},
		{ID: "A14/header", Title: "segments to write and execute, text relocations", Severity: Medium,
			Elsewhere: "verify: TestLibraryRefused (writable code, text relocations)"},
		{ID: "A17", Title: "hangs in its constructor", Severity: High,
			Elsewhere: "runner: TestLoadFails (hang from the resolver, the constructor, the entry and start)"},
		{ID: "A22", Title: "ends before it is ready", Severity: Medium,
			Elsewhere: "runner: TestLoadFails (exit, crash, close)"},
		{ID: "A25", Title: "overwrites the worker's pointers before the seal", Severity: Critical,
			Elsewhere: "runner: TestLoadFails (early, loaded, close, hangup: code that speaks for the worker). The seal calls nothing in the worker, " +
				"and each automated row with Worker has filters, no_new_privs and descriptors read from outside"},
		{ID: "A26", Title: "aims at the daemon's own parsers", Severity: Critical,
			Elsewhere: "verify: FuzzReadLibrary, FuzzParseManifest, FuzzSignature, TestHashTablesRefused. " +
				"The parsers are bounded, but run in the daemon's process, see docs/threat-model.md"},
	}
}

// briefly is once on each side of the seal, for attacks of which other rows
// have the like at all moments.
func briefly() []Phase { return []Phase{Constructor, Trigger} }
