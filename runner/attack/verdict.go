package attack

// Verdict is what came of one attack at one moment.
type Verdict string

const (
	Contained      Verdict = "contained"       // by the layer that should
	ContainedOther Verdict = "contained-other" // by another
	Breach         Verdict = "breach"
	Allowed        Verdict = "allowed"      // by a profile that is looser than strict, and the host saw no harm
	Inconclusive   Verdict = "inconclusive" // the control failed, or the booth was dead before
	Unsupported    Verdict = "unsupported"  // this machine lacks what the attack is about
	NotRun         Verdict = "not-run"      // manual, or tested elsewhere
)

// Result is the verdict on one row at one phase.
type Result struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Severity Severity `json:"severity"`
	Phase    Phase    `json:"phase,omitempty"`
	Verdict  Verdict  `json:"verdict"`
	// Layer stopped the attack, Expected should have.
	Layer    Layer `json:"layer,omitempty"`
	Expected Layer `json:"expected,omitempty"`
	// Detail says how that is known: what the host saw. It may hold a
	// plugin's words; print it with %q.
	Detail string `json:"detail"`
	// Control says what the same library did without a booth.
	Control string `json:"control,omitempty"`
	// Without are the layers that were left out.
	Without []string `json:"without,omitempty"`
}

// Coverage counts results. The first three are what a suite is judged by.
type Coverage struct {
	Contained int `json:"contained"` // by the intended layer
	Other     int `json:"other"`     // by another layer
	NotTested int `json:"not_tested"`
	Breaches  int `json:"breaches"`
	Allowed   int `json:"allowed"` // by the profile
}

// Cover counts.
func Cover(results []Result) Coverage {
	var c Coverage
	for _, r := range results {
		switch r.Verdict {
		case Contained:
			c.Contained++
		case ContainedOther:
			c.Other++
		case Breach:
			c.Breaches++
		case Allowed:
			c.Allowed++
		default:
			c.NotTested++
		}
	}
	return c
}
