package profiles

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Severity is how bad a finding is.
type Severity string

const (
	Error   Severity = "error"   // the profile does not hold what it seems to promise
	Warning Severity = "warning" // it may be meant so; docs/profile-lints.md says when
)

// Lint is one thing that Check looks for. Its id never changes and is never
// used for another.
type Lint struct {
	ID       string   `json:"id"`
	Severity Severity `json:"severity"`
	Title    string   `json:"title"`
}

var (
	lintLoad      = Lint{"IB001", Error, "the profile does not load"}
	lintDangerous = Lint{"IB002", Warning, "a dangerous call is allowed"}
	lintWide      = Lint{"IB003", Warning, "a call is allowed whatever its arguments"}
	lintCovered   = Lint{"IB004", Warning, "a rule changes nothing: another one covers it"}
	lintInherited = Lint{"IB005", Warning, "it is inherited already"}
	lintReason    = Lint{"IB006", Warning, "the reason says nothing"}
	lintWriteExec = Lint{"IB007", Error, "memory can be written and run at once"}
	lintExec      = Lint{"IB008", Warning, "new code can be run after loading"}
	lintHuge      = Lint{"IB009", Warning, "huge pages escape the memory limit"}
	lintNoGrant   = Lint{"IB010", Warning, "calls without the grant they are for"}
	lintNoCall    = Lint{"IB011", Warning, "a grant without the calls that use it"}
	lintProcesses = Lint{"IB012", Warning, "clone can make more than threads"}
	lintLimits    = Lint{"IB013", Warning, "limits contradict each other or the rules"}
	lintCeiling   = Lint{"IB014", Error, "a ceiling is exceeded"}
	lintKill      = Lint{"IB015", Warning, "strict kills for a call that this profile only refuses"}
	lintWideFiles = Lint{"IB016", Error, "a grant of files or devices hands over the machine"}
	lintWideNet   = Lint{"IB017", Warning, "a network grant is wide"}
	lintSecrets   = Lint{"IB018", Warning, "an environment variable that carries secrets or steers the loader"}
	lintSameGrant = Lint{"IB019", Warning, "the same files are granted twice"}
	lintPatience  = Lint{"IB020", Warning, "a deadline is so long that a hung plugin holds its triggers up"}
)

// Lints lists all of them by id.
func Lints() []Lint {
	return []Lint{lintLoad, lintDangerous, lintWide, lintCovered, lintInherited, lintReason, lintWriteExec, lintExec,
		lintHuge, lintNoGrant, lintNoCall, lintProcesses, lintLimits, lintCeiling, lintKill, lintWideFiles, lintWideNet,
		lintSecrets, lintSameGrant, lintPatience}
}

// Finding is one place where a profile is not as it should be.
type Finding struct {
	Lint
	At   Position `json:"at"`
	Text string   `json:"text"` // what is wrong there, and what to do
}

func (l Lint) at(at Position, format string, args ...any) Finding {
	return Finding{Lint: l, At: at, Text: fmt.Sprintf(format, args...)}
}

// Check looks for mistakes in what a profile says itself; what it inherits is
// its parents' to answer for. Findings come in the order of their places.
func (p *Profile) Check() []Finding {
	found := slices.Concat(p.checkRules(), p.checkMemory(), p.checkKills(), p.checkReach(), p.checkGrants(), p.checkNetwork(), p.checkLimits())
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.At.File, b.At.File), cmp.Compare(a.At.Line, b.At.Line), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Text, b.Text))
	})
	// The rules of one group stand on one line and often have one mistake.
	return slices.CompactFunc(found, func(a, b Finding) bool { return a == b })
}

// CheckParent looks for what a profile says although its parent, whole and
// resolved, says the same.
func (p *Profile) CheckParent(parent *Profile) []Finding {
	var found []Finding
	for i := range limitKeys {
		k := &limitKeys[i]
		if at, ok := p.LimitsAt[k.name]; ok && p.own(at) && k.change(&parent.Limits, &p.Limits) == Same {
			found = append(found, lintInherited.at(at, "limit %s is %s in %s, too; the line can go", k.name, k.text(&p.Limits), parent.Name))
		}
	}
	return found
}

// LoadFinding is the finding about a profile that does not load. The error
// names the place itself.
func LoadFinding(file string, err error) Finding {
	lint := lintLoad
	var over *excess
	if errors.As(err, &over) {
		lint = lintCeiling
	}
	f := lint.at(Position{File: file, Line: 1}, "%v", err)
	var parse *parseError
	if errors.As(err, &parse) {
		f.At, f.Text = Position{File: parse.file, Line: parse.line}, parse.err.Error()
	}
	return f
}
