package attack

// residueRows are the rows of section 8: information and residue.
func residueRows() []Row {
	return []Row{
		{ID: "H04/name", Title: "learns the host's name", Severity: Low,
			Family: "residue", Attack: "host_name", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"uname"}, Evidence: []Evidence{HostName, Worker}, Harmless: UTS},
	}
}
