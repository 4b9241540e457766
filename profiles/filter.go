package profiles

import (
	"slices"
	"sort"
)

// Filter is a compiled profile.
type Filter struct {
	// BPF is an array of struct sock_filter in the machine's byte order, as
	// seccomp(2) takes it. It needs SECCOMP_FILTER_FLAG_NEW_LISTENER: without
	// a listener every call meant for the jailer fails with ENOSYS.
	BPF []byte
	// Calls are all system calls libseccomp knows for this machine, by
	// ascending number.
	Calls []Call
}

// Verdict is what the kernel does with a call.
type Verdict string

const (
	VerdictAllow  Verdict = "allow"
	VerdictNotify Verdict = "notify" // handed to the jailer
	VerdictErrno  Verdict = "errno"  // fails with Call.Errno
	VerdictKill   Verdict = "kill"   // SIGSYS for the whole process
)

// Call is one line of a compiled profile: one system call.
type Call struct {
	Nr   int
	Name string
	// Kernel is what the filter does. With VerdictAllow and a Run that is
	// not empty, arguments that fit no alternative are notified.
	Kernel Verdict
	Errno  int // with VerdictErrno
	// Run lists when the kernel itself allows the call: alternatives, each
	// an AND. Empty with VerdictAllow means always.
	Run [][]Compare
	// Load lists when the jailer may let a notified call continue while the
	// booth loads. Empty means never; an alternative without comparisons
	// always holds.
	Load [][]Compare
	Why  string // of every rule that names the call; empty for none
}

// Call returns the line for system call number nr. ok is false for a number
// this machine does not know, which the filter itself fails with ENOSYS.
func (f *Filter) Call(nr int) (c *Call, ok bool) {
	i := sort.Search(len(f.Calls), func(i int) bool { return f.Calls[i].Nr >= nr })
	if i == len(f.Calls) || f.Calls[i].Nr != nr {
		return nil, false
	}
	return &f.Calls[i], true
}

// Continue reports whether the jailer may let the notified call go on with
// these arguments while the booth loads. Once the booth is sealed the answer
// to every notified call is EPERM. It does not allocate.
func (c *Call) Continue(args [6]uint64) bool { return anyHolds(c.Load, args) }

// KernelVerdict returns what the filter does with the call and these
// arguments.
func (c *Call) KernelVerdict(args [6]uint64) Verdict {
	if c.Kernel == VerdictAllow && len(c.Run) > 0 && !anyHolds(c.Run, args) {
		return VerdictNotify
	}
	return c.Kernel
}

// Allowed lists when the call is allowed in any phase: alternatives, each an
// AND; one without comparisons always holds. Empty means never.
func (c *Call) Allowed() [][]Compare { return slices.Concat(c.always(), c.Load) }

func anyHolds(alternatives [][]Compare, args [6]uint64) bool {
	for _, all := range alternatives {
		hold := true
		for _, c := range all {
			hold = hold && c.holds(args)
		}
		if hold {
			return true
		}
	}
	return false
}

// syscallNumber is one line of the machine's system call table.
type syscallNumber struct {
	nr   int
	name string
}

// calls merges a profile's rules into one line per known system call. A rule
// may name a call this architecture never had ("time" on arm64); it then has
// no line.
func (p *Profile) calls(known []syscallNumber) []Call {
	calls := make([]Call, len(known))
	for i, k := range known {
		calls[i] = Call{Nr: k.nr, Name: k.name, Kernel: VerdictNotify}
		for _, rule := range p.Rules {
			if slices.Contains(rule.Calls, k.name) {
				calls[i].apply(rule)
			}
		}
		calls[i].simplify()
	}
	return calls
}

func (c *Call) apply(rule Rule) {
	if c.Why != "" {
		c.Why += "; "
	}
	c.Why += rule.Why
	switch {
	case rule.Action == Errno:
		c.Kernel, c.Errno = VerdictErrno, rule.Errno
	case rule.Action == Kill:
		c.Kernel = VerdictKill
	case rule.Phase == PhaseLoad:
		c.Load = append(c.Load, rule.When)
	default:
		c.Kernel = VerdictAllow
		c.Run = append(c.Run, rule.When)
	}
}

// simplify drops alternatives that another one covers.
func (c *Call) simplify() {
	c.Run = widest(c.Run)
	if len(c.Run) == 1 && len(c.Run[0]) == 0 {
		c.Run = nil
	}
	if c.Kernel == VerdictAllow && c.Run == nil {
		c.Load = nil // never notified
		return
	}
	c.Load = widest(slices.DeleteFunc(c.Load, func(all []Compare) bool { return impliesAny(all, c.Run) }))
}

func widest(alternatives [][]Compare) [][]Compare {
	var kept [][]Compare
	for _, all := range alternatives {
		if impliesAny(all, kept) {
			continue
		}
		kept = slices.DeleteFunc(kept, func(old []Compare) bool { return implies(old, all) })
		kept = append(kept, all)
	}
	return kept
}
