package jail

import (
	"github.com/isobooth/isobooth/runner/control"
	"golang.org/x/sys/unix"
)

// verdict is what becomes of a held call.
type verdict int

const (
	fails  verdict = iota // with an errno
	goesOn                // the kernel runs it
	taken                 // someone else answers it, with respond or ADDFD, and reports it
)

// decision is the answer to one call.
type decision struct {
	verdict verdict
	errno   unix.Errno // with fails
	report  bool       // counted and told to the daemon; what fails always is
}

// refuse is what becomes of everything that nothing else is known about.
func refuse(e unix.Errno) decision { return decision{verdict: fails, errno: e, report: true} }

// decide looks at nothing but registers, which the kernel keeps while the
// call is held. It does not wait.
//
// seccomp_unotify(2) warns that another thread can change what a pointer leads
// to, so goesOn is only for calls that are harmless inside the booth whatever
// their arguments become.
func (l *listener) decide(n *notification, p phase) decision {
	switch {
	case l.broker != nil && l.broker.takes(n, p): // looks further, and changes nothing that others decide on
		return decision{verdict: taken}
	case l.open || p != phaseRun && anyHolds(l.policy.Load[int(n.nr)], n):
		return decision{verdict: goesOn}
	case anyHolds(l.policy.Learn[int(n.nr)], n):
		return decision{verdict: goesOn, report: true}
	default:
		return refuse(unix.EPERM)
	}
}

// anyHolds reports whether the call's arguments meet all conditions of one of
// the alternatives.
func anyHolds(alternatives [][]control.Cond, n *notification) bool {
	for _, all := range alternatives {
		ok := true
		for _, c := range all {
			ok = ok && n.args[c.Arg]&c.Mask == c.Value
		}
		if ok {
			return true
		}
	}
	return false
}
