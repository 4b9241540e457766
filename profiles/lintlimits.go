package profiles

import (
	"slices"
	"time"
)

// patientTrigger is how long a trigger may take before Check asks whether that
// is meant: a player waits for a sound, not for a minute.
const patientTrigger = 30 * time.Second

// checkLimits looks for limits that never come into force, or always.
func (p *Profile) checkLimits() []Finding {
	var found []Finding
	l := &p.Limits
	// report says it at the first of the keys that this profile sets.
	report := func(lint Lint, keys []string, format string, args ...any) {
		for _, key := range keys {
			if at, ok := p.LimitsAt[key]; ok && p.own(at) || len(p.LimitsAt) == 0 {
				found = append(found, lint.at(at, format, args...))
				return
			}
		}
	}
	threads := p.allowsAny("clone", "clone3", "fork", "vfork")
	if threads && l.Pids == 1 {
		report(lintLimits, []string{"pids"}, "pids is 1 and clone is allowed: the plugin itself is the one task, so no thread ever starts")
	}
	if !threads && l.Threads > 1 && len(p.allowing("clone", PhaseLoad)) == 0 {
		report(lintLimits, []string{"threads"}, "threads is %d and nothing allows clone: there is one task at most", l.Threads)
	}
	if l.AddressSpace < uint64(l.Memory) {
		report(lintLimits, []string{"address_space", "memory"}, "address_space is %s, less than memory, %s: memory is never reached", size(l.AddressSpace), size(uint64(l.Memory)))
	}
	if n := len(l.CPUs); n > 0 && l.CPU > float64(n) {
		report(lintLimits, []string{"cpus", "cpu"}, "cpu is %s and cpus names %d: it never gets more than %d00%%", share(l.CPU), n, n)
	}
	writes := slices.ContainsFunc(p.Files, func(g FileGrant) bool { return g.Access == AccessWrite })
	if writes && l.FileSize == 0 {
		i := slices.IndexFunc(p.Files, func(g FileGrant) bool { return g.Access == AccessWrite })
		if p.own(p.Files[i].At) {
			found = append(found, lintLimits.at(p.Files[i].At, "file %s may be written and file_size is 0B: every write fails with EFBIG", p.Files[i].Inside))
		}
	}
	if l.TmpSize > 0 && l.FileSize == 0 {
		report(lintLimits, []string{"tmp_size", "file_size"}, "tmp_size is %s and file_size is 0B: every write fails with EFBIG", size(l.TmpSize))
	}
	if l.TriggerTimeout > patientTrigger {
		report(lintPatience, []string{"trigger_timeout"}, "trigger_timeout is %v: triggers behind a hung one wait so long", l.TriggerTimeout)
	}
	return found
}
