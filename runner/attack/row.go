package attack

import (
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/isobooth/isobooth/runner"
)

// Severity is what a breach would cost.
type Severity string

const (
	Critical Severity = "C" // host or another plugin compromised
	High     Severity = "H" // secret read, persistence or host outage
	Medium   Severity = "M" // own limits defeated or evidence forged
	Low      Severity = "L" // information only
)

// Row is one attack of the catalogue.
type Row struct {
	// ID is the catalogue's, "B05"; with a word after a slash where one ID
	// has several attacks, "A01/exec".
	ID       string
	Title    string
	Severity Severity

	// Manual says why the row cannot be automated here, Elsewhere which test
	// has it. With either, the fields below are not used.
	Manual    string
	Elsewhere string

	Family string // plugins/FAMILY.c
	Attack string // the function there, named in one RUN line
	Arg    int64  // p.arg
	Text   string // p.text
	Phases []Phase

	// Layer is expected to stop it; LoadLayer before the seal, if another.
	Layer     Layer
	LoadLayer Layer
	// Calls are the system calls that the jailer refuses when Seccomp stops
	// it: one of them must be in a denial record, or SIGSYS ends the booth.
	Calls []string
	// Errnos are what the call returns when another layer stops it, where
	// that is not as usual; of several layers the first that is there.
	Errnos map[syscall.Errno][]Layer
	// Ends are ends of the booth that stop the attack, besides SIGSYS, OOM, a
	// missed deadline and a broken protocol.
	Ends map[runner.CauseKind]Layer
	// Harmless is the layer thanks to which a call that succeeds, and leaves
	// no evidence, was harmless. Without one, such a success is a breach.
	Harmless Layer
	// AllowedBy names calls and limits. Under a profile that is looser than
	// strict in one of them, a success without evidence is no breach: the
	// profile allows it.
	AllowedBy []string

	Evidence []Evidence
	// Proof is how the control shows that the attack works.
	Proof Proof
	// Reached are errors by which the kernel shows that it made the call:
	// what a bad pointer or descriptor gives. They count as a success, in the
	// control as in the booth.
	Reached []syscall.Errno
	// Control is where the control runs.
	Control Surroundings
	// Needs says what is lacking for this row, "" for nothing.
	Needs func(*Options) string
}

// Proof is how the control shows that the attack works.
type Proof int

const (
	ByEvidence Proof = iota // some of the row's evidence comes about
	ByResult                // the call succeeds, or its error is in Reached
	// ByRules: without Arg and Text the same library keeps to the rules and is
	// served, in a booth. For attacks on the host by way of the pipes, which
	// are nothing without one, and whose layer cannot be left out: it is the
	// host itself.
	ByRules
)

// Surroundings are namespaces of its own for the control, so that an attack
// that works harms nobody; flags of clone(2). Zero is none.
type Surroundings uintptr

const (
	AsIs Surroundings = 0
	// OwnPID also has a sentinel, the only other process to be met there.
	OwnPID   Surroundings = syscall.CLONE_NEWPID
	OwnMount Surroundings = syscall.CLONE_NEWNS
	OwnUTS   Surroundings = syscall.CLONE_NEWUTS
	OwnIPC   Surroundings = syscall.CLONE_NEWIPC
	OwnNet   Surroundings = syscall.CLONE_NEWNET
	OwnUser  Surroundings = syscall.CLONE_NEWUSER
)

// automated is whether there is something to run.
func (r *Row) automated() bool { return r.Manual == "" && r.Elsewhere == "" }

func (r *Row) expected(p Phase) Layer {
	if p.loads() && r.LoadLayer != "" {
		return r.LoadLayer
	}
	return r.Layer
}

// succeeded is whether a result counts as the call having been made.
func (r *Row) succeeded(result int64) bool {
	return result >= 0 || slices.Contains(r.Reached, syscall.Errno(-result))
}

// Rows is the whole table, by section of the catalogue.
func Rows() []Row {
	return slices.Concat(loadRows(), callRows(), fileRows(), processRows(), networkRows(),
		resourceRows(), protocolRows(), residueRows(), supplyRows(), darwinRows())
}

// Select returns the rows whose ID, or the part of it before the slash,
// matches any of the patterns; path.Match says what they mean. No patterns
// select all.
func Select(patterns ...string) ([]Row, error) {
	var out []Row
	for _, r := range Rows() {
		short, _, _ := strings.Cut(r.ID, "/")
		match := len(patterns) == 0
		for _, pattern := range patterns {
			for _, id := range []string{r.ID, short} {
				ok, err := path.Match(pattern, id)
				if err != nil {
					return nil, err
				}
				match = match || ok
			}
		}
		if match {
			out = append(out, r)
		}
	}
	return out, nil
}
