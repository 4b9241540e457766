package attack

import (
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"golang.org/x/sys/unix"
)

// usual is what errors of a call that no filter refused are taken for: the
// first of the layers that is not left out.
var usual = map[syscall.Errno][]Layer{
	unix.ENOENT:        {Root},
	unix.EROFS:         {Root},
	unix.EACCES:        {Landlock, Root},
	unix.ESRCH:         {PID},
	unix.ENETUNREACH:   {Net},
	unix.ENETDOWN:      {Net},
	unix.EADDRNOTAVAIL: {Net},
	unix.ECONNREFUSED:  {Net},
	unix.EPERM:         {Capabilities, User},
	unix.EMFILE:        {Rlimits},
	unix.EAGAIN:        {Rlimits, Cgroup},
	unix.ENOMEM:        {Rlimits, Cgroup},
	unix.EFBIG:         {Rlimits},
	unix.ENOSYS:        {Seccomp}, // the filter's own answer; the control shows that the kernel has the call
}

// ends is what stops an attack whose booth ends.
var ends = map[runner.CauseKind]Layer{
	runner.CauseOOM:      Cgroup,
	runner.CauseTimeout:  Deadline,
	runner.CauseProtocol: Protocol,
	runner.CauseSeal:     Seal,
}

// judge says what stopped an attack of which no evidence came about. It is
// pessimistic: a library that claims success is believed.
func (p *probe) judge() verdict {
	if p.cause != nil {
		// Threads and handlers are from before, and may be what ended it.
		if (p.phase == Trigger || p.phase == Destructor) && !p.alive {
			return inconclusive("the booth ended before the attack: %q", p.cause.Text)
		}
		if v, ok := p.judgeEnd(); ok {
			return v
		}
		if p.phase != Destructor || p.report == nil {
			return inconclusive("the booth ended: %q", p.cause.Text)
		}
	}
	r := p.report
	switch {
	case r == nil:
		return inconclusive("the library did not report")
	case !p.alive:
		return inconclusive("the booth did nothing, harmless or not")
	case r.done == 0 && !p.refused:
		return inconclusive("the attack was not made")
	}
	// Some errors count as a success, and may be the jailer's own answer; a
	// result does not, whatever else was refused.
	if text := p.refusal(); text != "" && r.result < 0 {
		return p.stopped(Seccomp, text)
	}
	if p.row.succeeded(r.result) && !p.refused {
		if layer := p.row.Harmless; layer != "" && !p.leftOut(layer) {
			return p.stopped(layer, fmt.Sprintf("returned %d, and nothing came of it", r.result))
		}
		if text := p.slot.suite.o.looser(p.row); text != "" {
			return verdict{verdict: Allowed, detail: text}
		}
		return verdict{verdict: Breach, detail: fmt.Sprintf("the call returned %d, and nobody refused it", r.result)}
	}
	return p.judgeErrno(syscall.Errno(-r.result))
}

// judgeEnd takes the booth's end as an answer; not ok when it is none.
func (p *probe) judgeEnd() (verdict, bool) {
	c := p.cause
	if c.Kind == runner.CauseSignal {
		switch c.Signal {
		case unix.SIGSYS:
			return p.stopped(Seccomp, "SIGSYS"), true
		case unix.SIGXFSZ, unix.SIGXCPU:
			return p.stopped(Rlimits, c.Signal.String()), true
		}
	}
	layer, ok := p.row.Ends[c.Kind]
	if !ok {
		layer, ok = ends[c.Kind]
	}
	return p.stopped(layer, c.Text), ok
}

// refusal is the record that the jailer refused the attack's own call.
func (p *probe) refusal() string {
	calls, phase := p.row.Calls, p.phase.denial()
	if p.refused {
		calls, phase = []string{"clone", "clone3"}, "load"
		if p.phase == Signal {
			calls = []string{"rt_sigaction"}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.denials {
		if slices.Contains(calls, d.Call) && d.Phase == phase {
			return fmt.Sprintf("%s refused in the %s phase", d.Call, d.Phase)
		}
	}
	return ""
}

func (p *probe) judgeErrno(errno syscall.Errno) verdict {
	layers := p.row.Errnos[errno]
	if layers == nil {
		layers = usual[errno]
	}
	var layer Layer
	for _, l := range layers {
		if !p.leftOut(l) {
			layer = l
			break
		}
	}
	text := fmt.Sprintf("%v (%d)", errno, int(errno))
	if rule := p.slot.suite.o.fails(p.row, errno); rule != "" && !p.leftOut(Seccomp) {
		return p.stopped(Seccomp, text+", "+rule)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.denials {
		text += fmt.Sprintf(", %s refused in the %s phase", d.Call, d.Phase)
	}
	if layer == "" {
		return inconclusive("it failed, and no layer is known to do that: %s", text)
	}
	return p.stopped(layer, text)
}

// looser says in what the profile, or the one that a booth learns by, allows
// what the row attempts, "" for nothing.
func (o *Options) looser(row *Row) string {
	for _, about := range row.AllowedBy {
		if text := o.Profile.Warning(about); text != "" {
			return text
		}
		// Only calls are learned, no limits and no grants.
		if o.Learn == nil {
			continue
		}
		if text := o.Learn.Warning(about); strings.HasPrefix(text, "call ") {
			return "learning: " + text
		}
	}
	return ""
}

// fails says which rule of the profile fails a call of the row with errno, ""
// for none: the kernel keeps no record of that.
func (o *Options) fails(row *Row, errno syscall.Errno) string {
	for _, rule := range o.Profile.Rules {
		if rule.Action != profiles.Errno || rule.Errno != int(errno) {
			continue
		}
		for _, call := range rule.Calls {
			if slices.Contains(row.Calls, call) {
				return fmt.Sprintf("as the profile's rule for %s says", call)
			}
		}
	}
	return ""
}

func (p *probe) leftOut(l Layer) bool {
	return slices.Contains(p.slot.suite.o.KnockOut, string(l))
}

func (p *probe) stopped(l Layer, detail string) verdict {
	want := p.row.expected(p.phase)
	if p.refused {
		want = Seccomp
	}
	v := verdict{verdict: Contained, layer: l, detail: detail}
	if l != want {
		v.verdict = ContainedOther
	}
	return v
}

func inconclusive(format string, args ...any) verdict {
	return verdict{verdict: Inconclusive, detail: fmt.Sprintf(format, args...)}
}
