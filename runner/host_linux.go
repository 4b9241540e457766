package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/isobooth/isobooth/cgroups"
	"github.com/isobooth/isobooth/runner/control"
)

// HostOptions say where a Host finds its parts.
type HostOptions struct {
	Jailer string // path of isobooth-jail
	Worker string // path of isobooth-worker
	// Dir is an existing folder of this daemon alone. The Host removes it at
	// the end, and so does the jailer when the daemon dies.
	Dir string
	// Groups is where booths get their cgroups, or nil when the config allows
	// cgroups to be missing. The caller closes it after the Host.
	Groups *cgroups.Tree
	// Landlock is false when the config allows Landlock to be missing and
	// this kernel lacks it.
	Landlock bool
	Observer Observer

	// Prepared, unless nil, is called with the worker's process id when a
	// booth is built and confined and no foreign code is in it yet. What it
	// takes, the booth's start takes longer.
	Prepared func(booth string, pid int)
	// Launch, unless nil, is called before a worker gets its plugin, at every
	// start. With an error it does not get it: the booth ends with CauseStart.
	// What it takes, the start takes longer.
	Launch func(plan *Plan, pid int) error
	// Connected, unless nil, is told of every connection that was made for a
	// plugin, which can be a hundred a second. It must not block.
	Connected func(booth string, c control.Connection)
	// KnockOut names layers, as control.Removable lists them, that every
	// booth of this host does without. Package attack sets it, to see what
	// each layer stops; no config, flag or environment leads here.
	KnockOut []string
}

// Observer is told what happens to booths. Its methods are called from
// several goroutines and must not block.
type Observer interface {
	// State reports each change; cause is set when a booth has ended.
	State(booth string, s State, cause *Cause)
	// Denied reports a refused system call at its 1st, 2nd, 4th, 8th ... time.
	Denied(booth string, d control.Denial)
	// Trouble reports what went wrong beside a booth's life: something could
	// not be cleaned up, or kept in reserve.
	Trouble(booth, text string)
	// Limited reports a limit that was reached, at its 1st, 2nd, 4th, 8th ...
	// time or, when there were more at once, with the count so far.
	Limited(booth string, l Limit)
}

// Host runs booths through one jailer.
type Host struct {
	o      HostOptions
	jailer *jailer
	dog    *watchdog
	refill sync.Mutex // held while a worker is made in reserve
	limits *monitor
	// refused outlives the booths that it counts for.
	refused refusals

	mu        sync.Mutex
	instances map[string]*instance
	started   uint64
}

// NewHost starts the jailer, and leaves the processor LastCPU to lanes and
// workers: this process's other threads go elsewhere. The error wraps ErrLayer
// when the machine lacks what every booth needs.
func NewHost(o HostOptions) (*Host, error) {
	h := &Host{o: o, instances: map[string]*instance{}}
	err := moveAside()
	if err != nil {
		return nil, err
	}
	if h.dog, err = newWatchdog(); err != nil {
		return nil, err
	}
	if h.jailer, err = startJailer(o.Jailer, h.event); err != nil {
		h.dog.close()
		return nil, err
	}
	h.limits = newMonitor(o.Observer)
	hello := &control.Hello{Dir: filepath.Join(o.Dir, "jail"), Worker: o.Worker, Remove: o.Dir, Without: o.KnockOut}
	if o.Groups != nil {
		hello.Sweep = o.Groups.Paths()
	}
	if _, _, err := h.jailer.call(control.Request{Op: control.OpHello, Hello: hello}); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// Gone is closed when the jailer has ended; every booth has then ended too.
func (h *Host) Gone() <-chan struct{} { return h.jailer.gone }

// JailerPID is the jailer's process id.
func (h *Host) JailerPID() int { return h.jailer.cmd.Process.Pid }

// Close ends all booths and the jailer and removes the Host's files.
func (h *Host) Close() error {
	err := h.jailer.close()
	h.dog.close()
	h.limits.close()
	h.mu.Lock()
	left := h.instances
	h.instances = map[string]*instance{}
	h.mu.Unlock()
	for _, in := range left {
		in.jailerGone()
	}
	return errors.Join(err, removeAll(h.o.Dir))
}

// removeAll removes a folder with all in it. When the jailer was killed while
// it made a container, that one's first process gets its own SIGKILL from the
// kernel (prctl(2), PR_SET_PDEATHSIG), but may still finish to make a folder.
func removeAll(dir string) (err error) {
	for range 20 {
		if err = os.RemoveAll(dir); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

func (h *Host) event(m *control.Message) {
	h.mu.Lock()
	in := h.instances[m.Booth]
	h.mu.Unlock()
	if in == nil {
		return
	}
	switch {
	case m.Exit != nil:
		in.ended(*m.Exit)
	case m.Connected != nil:
		if h.o.Connected != nil {
			h.o.Connected(in.plan.Name, *m.Connected)
		}
	case m.Denial != nil:
		// The report that ends a booth comes at any count; one more after it
		// would count some calls twice.
		if !in.quota.Load() {
			h.refused.count(in.plan.Name, m.Denial)
		}
		if m.Denial.Quota {
			in.quota.Store(true)
		}
		h.o.Observer.Denied(in.plan.Name, *m.Denial)
	}
}

func (h *Host) add(in *instance) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.started++
	in.id = fmt.Sprintf("b%d", h.started)
	h.instances[in.id] = in
}

func (h *Host) remove(in *instance) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.instances, in.id)
}
