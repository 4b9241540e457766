package attack

// networkRows are the rows of section 5: network and IPC.
func networkRows() []Row {
	return []Row{
		{ID: "E01/tcp4", Title: "connects to 127.0.0.1", Severity: High,
			Family: "network", Attack: "tcp4", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket"}, Evidence: []Evidence{TCP4, Worker}},
		{ID: "E01/tcp6", Title: "connects to ::1", Severity: High,
			Family: "network", Attack: "tcp6", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket"}, Evidence: []Evidence{TCP6, Worker}, Needs: ip6},
		{ID: "E01/udp4", Title: "sends to 127.0.0.1", Severity: High,
			Family: "network", Attack: "udp4", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket"}, Evidence: []Evidence{UDP, Worker}},
		{ID: "E05/path", Title: "connects to a socket by its path", Severity: Critical,
			Family: "network", Attack: "unix_path", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket"}, Evidence: []Evidence{UnixPath, Worker}},
		{ID: "E05/abstract", Title: "connects to an abstract socket", Severity: Critical,
			Family: "network", Attack: "unix_abstract", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"socket"}, Evidence: []Evidence{Abstract, Worker}},
	}
}
