package runner

import (
	"slices"
	"time"
)

// violationWindow is how long a violation counts.
const violationWindow = 10 * time.Minute

// History is what a plugin has done, as far as it decides about its next
// starts. It outlives the daemon: the caller keeps it, and hands it to the
// next Plan. Times are of the wall clock.
type History struct {
	// Crashes is how often the plugin ended by itself since it was last ready
	// for Limits.RestartReset.
	Crashes int       `json:"crashes,omitempty"`
	LastEnd time.Time `json:"last_end,omitzero"`
	// Violations are when it did what only an attack does.
	Violations []time.Time `json:"violations,omitempty"`
	Quarantine *Quarantine `json:"quarantine,omitempty"`
}

// Quarantine says since when and why a plugin is not started.
type Quarantine struct {
	At    time.Time `json:"at"`
	Cause Cause     `json:"cause"`
}

func (h History) clone() History {
	h.Violations = slices.Clone(h.Violations)
	if h.Quarantine != nil {
		q := *h.Quarantine
		h.Quarantine = &q
	}
	return h
}

// violation counts one, and returns how many count now.
func (h *History) violation(now time.Time) int {
	h.Violations = slices.DeleteFunc(h.Violations, func(t time.Time) bool { return now.Sub(t) > violationWindow })
	h.Violations = append(h.Violations, now)
	return len(h.Violations)
}
