package attack

// processRows are the rows of section 4: processes and signals.
func processRows() []Row {
	return []Row{
		{ID: "D01", Title: "kills everything it may", Severity: Critical,
			Family: "process", Attack: "kill_all", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"kill"}, Evidence: []Evidence{Sentinel, Worker}, Control: OwnPID},
		{ID: "D02/kill", Title: "kills a process of its own user", Severity: Critical,
			Family: "process", Attack: "kill_sentinel", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"kill"}, Evidence: []Evidence{Sentinel, Worker}},
		{ID: "D02/tgkill", Title: "signals a process of its own user", Severity: Critical,
			Family: "process", Attack: "signal_sentinel", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"tgkill"}, Evidence: []Evidence{Sentinel, Worker}},
	}
}
