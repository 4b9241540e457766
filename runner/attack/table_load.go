package attack

// loadRows are the rows of section 1: load time, ELF and loader.
func loadRows() []Row {
	return []Row{
		{ID: "A01/open", Title: "constructor opens a file for writing", Severity: Critical,
			Family: "load", Attack: "open_canary", Phases: []Phase{Constructor, Start, Trigger, Thread, Signal, Destructor},
			Layer: Seccomp, LoadLayer: Root, Calls: []string{"openat"}, Evidence: []Evidence{Canary, Worker}},
		{ID: "A01/fork", Title: "constructor starts a child", Severity: Critical,
			Family: "load", Attack: "fork_canary", Phases: WithLibc(),
			Layer: Seccomp, Calls: []string{"clone"}, Evidence: []Evidence{Canary, Worker}},
		{ID: "A01/exec", Title: "constructor executes a shell", Severity: Critical,
			Family: "load", Attack: "exec_canary", Phases: WithLibc(),
			Layer: Seccomp, Calls: []string{"execve"}, Evidence: []Evidence{Canary, Worker}},
		{ID: "A02/open", Title: "IFUNC resolver opens a file for writing", Severity: Critical,
			Family: "load", Attack: "open_canary", Phases: []Phase{Ifunc},
			Layer: Root, Evidence: []Evidence{Canary, Worker}},
		{ID: "A02/exec", Title: "IFUNC resolver executes a shell", Severity: Critical,
			Family: "load", Attack: "exec_canary", Phases: []Phase{Ifunc},
			Layer: Seccomp, Calls: []string{"execve"}, Evidence: []Evidence{Canary, Worker}},
		{ID: "A14/map", Title: "maps memory to write and execute", Severity: Medium,
			Family: "load", Attack: "map_rwx", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"mmap"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "A14/protect", Title: "writes code, then makes it executable", Severity: Medium,
			Family: "load", Attack: "protect_code", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"mprotect"}, Evidence: []Evidence{Worker}, Proof: ByResult},
	}
}
