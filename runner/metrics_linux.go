package runner

// Latencies returns the histograms of the booth's replies.
func (b *Booth) Latencies() Latencies {
	return Latencies{Direct: b.direct.snapshot(), Queued: b.queued.snapshot()}
}

// Ends returns how the booth's workers ended so far.
func (b *Booth) Ends() Ends { return b.endings.soFar() }

// Refusals lists the system calls that were refused to the booth so far, the
// most frequent first.
func (b *Booth) Refusals() []Refused { return b.host.refused.of(b.name) }

// LimitsReached counts how often the booth has reached each of its limits, by
// the limit's name, over all restarts. It is up to a second behind.
func (b *Booth) LimitsReached() map[string]uint64 { return b.host.limits.reached(b.name) }

// reached returns the totals of one booth.
func (m *monitor) reached(booth string) map[string]uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]uint64{}
	for key, n := range m.total {
		if key.booth == booth && n > 0 {
			all[key.limit] = n
		}
	}
	return all
}
