package runner

import (
	"fmt"
	"syscall"

	"github.com/isobooth/isobooth/runner/control"
)

// CauseKind says why a booth ended.
type CauseKind string

const (
	CauseStopped  CauseKind = "stopped"  // it was asked to
	CauseSignal   CauseKind = "signal"   // a crash, or a call the profile kills for
	CauseExit     CauseKind = "exit"     // the plugin ended its process
	CauseOOM      CauseKind = "oom"      // its memory limit was reached
	CauseTimeout  CauseKind = "timeout"  // it missed a deadline
	CauseProtocol CauseKind = "protocol" // it wrote what no worker writes
	CauseLoad     CauseKind = "load"     // it could not be loaded or started
	CauseSeal     CauseKind = "seal"     // after loading, a layer was not as it must be
	CauseStart    CauseKind = "start"    // the booth could not be built
	CauseDenials  CauseKind = "denials"  // it used up its quota of refused system calls
)

// CauseKinds lists all of them.
func CauseKinds() []CauseKind {
	return []CauseKind{CauseStopped, CauseSignal, CauseExit, CauseOOM, CauseTimeout, CauseProtocol, CauseLoad, CauseSeal, CauseStart, CauseDenials}
}

// Cause is why a booth ended. Kind, Signal and Code come from the kernel and
// from what the host saw, never from what the plugin says; Text may hold the
// plugin's words, quoted.
type Cause struct {
	Kind   CauseKind      `json:"kind"`
	Signal syscall.Signal `json:"signal,omitempty"`
	Code   int            `json:"code,omitempty"`
	Text   string         `json:"text"`
}

func (c Cause) String() string { return c.Text }

// violation reports whether no plugin ends like that by accident.
func (c Cause) violation() bool {
	return c.Kind == CauseProtocol || c.Kind == CauseSeal || c.Kind == CauseSignal && c.Signal == syscall.SIGSYS
}

// causeOf joins what the host saw go wrong, which may be nothing, with how
// the process ended. oom is whether its group's out-of-memory count rose,
// quota whether the jailer ended it for its refused calls.
func causeOf(saw *Cause, exit control.Exit, oom, quota bool) Cause {
	switch {
	case quota:
		return Cause{Kind: CauseDenials, Text: "used up its quota of refused system calls"}
	case exit.Signal == int(syscall.SIGSYS):
		// Before what else it did: the host itself kills with SIGKILL only.
		return Cause{Kind: CauseSignal, Signal: syscall.SIGSYS, Text: "killed for a system call that its profile names as an attack (SIGSYS)"}
	case saw != nil && saw.violation(): // or memory would be a way to hide it
		return *saw
	case oom:
		return Cause{Kind: CauseOOM, Text: "reached its memory limit and was killed by the kernel"}
	case saw != nil:
		return *saw
	case exit.Signal != 0:
		s := syscall.Signal(exit.Signal)
		return Cause{Kind: CauseSignal, Signal: s, Text: fmt.Sprintf("crashed: signal %d (%v)", exit.Signal, s)}
	default:
		return Cause{Kind: CauseExit, Code: exit.Code, Text: fmt.Sprintf("ended its process with code %d", exit.Code)}
	}
}
