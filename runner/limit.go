package runner

import "fmt"

// Limit is a limit of a booth's control group that the booth has reached.
// Limits of single processes (open files, file size, address space) are not
// among them: the kernel tells nobody but the process when it reaches one.
type Limit struct {
	Name string `json:"name"` // key in a profile's limits: "memory", "cpu" or "pids"
	// Value is the limit: bytes, cores or tasks.
	Value float64 `json:"value"`
	// Count is how often it was reached, over all restarts of the booth:
	// charges that memory had no room for, periods that used up their CPU
	// time, tasks that were refused.
	Count uint64 `json:"count"`
}

func (l Limit) String() string {
	switch l.Name {
	case limitMemory:
		return fmt.Sprintf("memory limit of %.6g MiB", l.Value/(1<<20))
	case limitCPU:
		return fmt.Sprintf("CPU limit of %.6g %% of a core", l.Value*100)
	default:
		return fmt.Sprintf("limit of %.0f tasks", l.Value)
	}
}

// Names of limits, as profiles spell them.
const (
	limitMemory = "memory"
	limitCPU    = "cpu"
	limitPids   = "pids"
)

// LimitNames lists them.
func LimitNames() []string { return []string{limitMemory, limitCPU, limitPids} }
