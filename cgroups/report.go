package cgroups

// Report is what Probe found, for `doctor`.
type Report struct {
	Version     string   `json:"version"`          // "v1", "hybrid", "v2" or "none"
	Controllers []string `json:"controllers"`      // that groups could use here
	Root        string   `json:"root,omitempty"`   // directory a tree would be made in; on v1 that of the memory hierarchy
	Usable      bool     `json:"usable"`           // Open should succeed
	Reason      string   `json:"reason,omitempty"` // why not
	Hint        string   `json:"hint,omitempty"`   // what to do about it
}
