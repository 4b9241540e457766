package attack

// resourceRows are the rows of section 6: exhaustion of resources.
func resourceRows() []Row {
	return []Row{
		{ID: "F01/reserve", Title: "takes address space", Severity: High,
			Family: "resources", Attack: "reserve", Arg: 2 << 30, Phases: Everywhere(),
			Layer: Rlimits, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "F01/balloon", Title: "takes memory", Severity: High,
			Family: "resources", Attack: "balloon", Arg: 192 << 20, Phases: Everywhere(),
			Layer: Cgroup, Evidence: []Evidence{Worker}, Proof: ByResult, Needs: groups},
	}
}
