package attack

import (
	"fmt"
	"slices"

	"github.com/isobooth/isobooth/runner/control"
)

// Phase is the moment of a library's life at which it attacks. The numbers
// are those of enum phase in plugins/attack.h.
type Phase uint32

const (
	Ifunc       Phase = iota + 1 // IFUNC resolver, before the library is relocated
	Constructor                  // before the loader returns
	Start                        // the plugin's start function
	Trigger
	Thread     // started by the constructor, let go by a trigger
	Signal     // handler installed by the constructor, raised by a trigger
	Destructor // of the library, when a trigger calls exit()
)

var phaseNames = [...]string{Ifunc: "ifunc", Constructor: "constructor", Start: "start", Trigger: "trigger",
	Thread: "thread", Signal: "signal", Destructor: "destructor"}

// ParsePhase takes a phase's name.
func ParsePhase(name string) (Phase, error) {
	for p := Ifunc; p <= Destructor; p++ {
		if p.String() == name {
			return p, nil
		}
	}
	return 0, fmt.Errorf("no phase is called %q", name)
}

func (p Phase) String() string {
	if p < Ifunc || p > Destructor {
		return fmt.Sprintf("phase %d", uint32(p))
	}
	return phaseNames[p]
}

// MarshalText writes the phase's name.
func (p Phase) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// loads is whether the attack comes before the booth is sealed.
func (p Phase) loads() bool { return p <= Start }

// denial is the phase that a denial record of this attack carries.
func (p Phase) denial() string {
	if p.loads() {
		return "load"
	}
	return "run"
}

// Everywhere is for attacks that need neither libc nor relocations.
func Everywhere() []Phase {
	return []Phase{Ifunc, Constructor, Start, Trigger, Thread, Signal, Destructor}
}

// WithLibc is for attacks that call libc, which a resolver cannot do yet.
func WithLibc() []Phase { return Everywhere()[1:] }

// ButThread is Everywhere without Thread, for calls that a process with
// several threads cannot make.
func ButThread() []Phase { return []Phase{Ifunc, Constructor, Start, Trigger, Signal, Destructor} }

// Loading is before the seal.
func Loading() []Phase { return []Phase{Ifunc, Constructor, Start} }

// Serving is after the seal.
func Serving() []Phase { return []Phase{Trigger, Thread, Signal, Destructor} }

// Few picks two of a row's phases, one before the seal and one after it, or
// all there are: for what is run many times over.
func Few(phases []Phase) []Phase {
	var few []Phase
	for _, want := range [][]Phase{{Constructor, Start, Ifunc}, {Trigger, Thread, Signal, Destructor}} {
		for _, p := range want {
			if slices.Contains(phases, p) {
				few = append(few, p)
				break
			}
		}
	}
	return few
}

// Layer is what stops an attack.
type Layer string

// Those that a self-test can leave out have the same names in control.
const (
	Seccomp      Layer = control.LayerSeccomp
	Landlock     Layer = control.LayerLandlock
	Cgroup       Layer = control.LayerCgroup
	Rlimits      Layer = control.LayerRlimits
	Root         Layer = control.LayerRoot
	Capabilities Layer = control.LayerCapabilities
	NoNewPrivs   Layer = control.LayerNoNewPrivs
	PID          Layer = control.LayerPID
	Net          Layer = control.LayerNet
	IPC          Layer = control.LayerIPC
	UTS          Layer = control.LayerUTS
	User         Layer = control.LayerUser

	Deadline Layer = "deadline" // the host, when a deadline is missed
	Protocol Layer = "protocol" // the host, when a frame is not what it must be
	Seal     Layer = "seal"     // the host's look at the booth before it serves
	Verify   Layer = "verify"   // the library is refused before it is loaded
	// Supervisor is the host taking an end as an end: no state is lost, the
	// booth starts again or not as its life's table says.
	Supervisor Layer = "supervisor"
	Kernel     Layer = "kernel" // the kernel itself, without a layer of ours
)
