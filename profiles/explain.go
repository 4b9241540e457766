package profiles

// Outcome is what becomes of a system call in one phase.
type Outcome string

const (
	Allowed     Outcome = "allowed"     // by the kernel, or by the jailer while loading
	Conditional Outcome = "conditional" // arguments decide, and none were given
	Refused     Outcome = "refused"     // by the jailer: EPERM, named and counted
	Failed      Outcome = "failed"      // by the kernel, with an errno
	Killed      Outcome = "killed"      // SIGSYS
	Unknown     Outcome = "unknown"     // not a call of this machine: ENOSYS
)

// Explanation says what becomes of a call and by which line.
type Explanation struct {
	Call    string
	Phase   Phase
	Outcome Outcome
	// Rules are those that decide, or that would under other arguments.
	Rules []Rule
	// Removed is where an inherited rule was taken away, or zero.
	Removed Position
	Text    string // one or two sentences, for people
}

// Edit is the smallest change of a profile that would allow a refused call.
type Edit struct {
	// File is the profile to change; empty when the call is allowed by no
	// profile (dangerous calls) and Text says why.
	File string
	// After is the line of File behind which Lines go.
	After int
	Lines []string // TOML, each without its line end
	Text  string   // what it means and what it risks, for people
}
