package attack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// controlled is what the same library did without a booth.
type controlled struct {
	found  string // evidence that came about
	report *report
	end    string // how the child ended, in isobooth-control's words
}

// outside runs the control.
func (p *probe) outside(ctx context.Context) (*controlled, error) {
	p.mu.Lock()
	p.words = nil // what is heard from here on is the control's
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, box)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.slot.suite.o.Programs.Control, append([]string{"attack", p.library}, p.slot.tasks...)...)
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env, cmd.Dir = &out, &messages, []string{}, filepath.Dir(p.library)
	cmd.SysProcAttr = surround(p.row.Control)
	// What the attack left behind may hold the pipes.
	cmd.WaitDelay = time.Second
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	if err = errors.Join(err, p.slot.sweep()); err != nil {
		return nil, fmt.Errorf("control: %w; it says %q", err, messages.String())
	}
	text := out.String() + messages.String()
	p.hear([]byte(text))
	c := &controlled{report: parseReport(text, p.nonce)}
	if at := strings.LastIndex(text, controlLine); at >= 0 {
		end := text[at+len(controlLine):]
		c.end, _, _ = strings.Cut(end, "\n")
		if c.report != nil {
			c.report.said, _, _ = strings.Cut(c.report.said, "\n"+controlLine)
		}
	}
	p.report = c.report
	if strings.Contains(c.end, "sentinel=1") {
		c.found = "the sentinel was killed"
		return c, nil
	}
	c.found, err = p.await()
	return c, err
}

// controlLine begins the last line of isobooth-control.
const controlLine = "isobooth-control "

// surround gives the control namespaces of its own. It leads a process group,
// so that all of it can be killed, and ends with the slot's thread: with us.
func surround(s Surroundings) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Cloneflags: uintptr(s), Setpgid: true, Pdeathsig: unix.SIGKILL}
	if s != AsIs && os.Geteuid() != 0 {
		a.Cloneflags |= syscall.CLONE_NEWUSER
	}
	if a.Cloneflags&syscall.CLONE_NEWUSER != 0 {
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return a
}

// sweep ends what a control left behind in its group.
func (sl *slot) sweep() error {
	if sl.group == nil {
		return nil
	}
	left, err := sl.group.Procs()
	if err != nil || len(left) == 0 {
		return err
	}
	return sl.group.Kill()
}

// afterlife is how long the evidence of a control may take to appear: what it
// left behind may still be at work. It ends with the evidence.
const afterlife = 2 * time.Second

// await waits for evidence of the control.
func (p *probe) await() (string, error) {
	if p.row.Proof != ByEvidence {
		return p.sprung(false)
	}
	for deadline := time.Now().Add(afterlife); ; time.Sleep(5 * time.Millisecond) {
		if found, err := p.sprung(false); found != "" || err != nil || time.Now().After(deadline) {
			return found, err
		}
	}
}

// lacking are errors of a kernel without what the attack is about.
var lacking = []syscall.Errno{unix.ENOSYS, unix.EAFNOSUPPORT, unix.EPROTONOSUPPORT, unix.ESOCKTNOSUPPORT,
	unix.EOPNOTSUPP, unix.ENODEV, unix.ENXIO}

// confirm leaves a verdict as it is when the control shows that the attack
// works. A breach needs no control.
func (c *controlled) confirm(row *Row, v verdict) verdict {
	v.control = c.String()
	works := c.found != ""
	if row.Proof == ByResult {
		works = c.report != nil && c.report.done > 0 && row.succeeded(c.report.result)
	}
	switch {
	case works || v.verdict == Breach:
	case c.report != nil && slices.Contains(lacking, syscall.Errno(-c.report.result)):
		v.verdict, v.layer = Unsupported, ""
		v.detail = fmt.Sprintf("this kernel says %v; in the booth: %s", syscall.Errno(-c.report.result), v.detail)
	default:
		v.verdict, v.layer = Inconclusive, ""
		v.detail = "without a booth the attack does not work either; in the booth: " + v.detail
	}
	return v
}

func (c *controlled) String() string {
	var parts []string
	if c.found != "" {
		parts = append(parts, c.found)
	}
	if r := c.report; r != nil {
		parts = append(parts, fmt.Sprintf("done %d, result %d", r.done, r.result))
	}
	return strings.Join(append(parts, c.end), "; ")
}
