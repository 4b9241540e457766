package runner

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/isobooth/isobooth/cgroups"
	"github.com/isobooth/isobooth/runner/control"
	"github.com/isobooth/isobooth/runner/wire"
	"golang.org/x/sys/unix"
)

// instance is one worker process from its start to its end. Booth makes a
// new one at every restart.
type instance struct {
	host  *Host
	plan  *Plan
	id    string
	group *cgroups.Group
	pipes *pipes
	pid   int
	pidfd *os.File
	sock  *os.File // the worker's, until it has a plugin
	log   logRing
	about About

	reached cgroups.Reached // of its limits before it had a plugin
	broken  chan *Cause     // it must end, and what was seen of it
	quota   atomic.Bool     // the jailer ended it for its refused calls

	exitOnce sync.Once
	exited   chan struct{} // closed after exit is set
	exit     control.Exit
}

// About is what is known of a running booth.
type About struct {
	PID     int             `json:"pid"` // as the daemon sees it
	Layers  []control.Layer `json:"layers"`
	Name    string          `json:"name"`    // as the plugin calls itself; its own words
	Version string          `json:"version"` // likewise
	CPU     int             `json:"cpu"`     // processor the worker is pinned to; -1: to those of its plan
	// StartLog is what the plugin logged while it started; its own words.
	StartLog string `json:"start_log"`
}

// newInstance builds a booth up to standby: confined, with no foreign code
// in it yet.
func (h *Host) newInstance(plan *Plan) (*instance, error) {
	in := &instance{host: h, plan: plan, log: logRing{end: make(chan struct{})}, broken: make(chan *Cause, 1), exited: make(chan struct{})}
	h.add(in)
	if err := in.prepare(); err != nil {
		return nil, errors.Join(err, in.release())
	}
	return in, nil
}

func (in *instance) prepare() (err error) {
	h, plan := in.host, in.plan
	prepare := &control.Prepare{
		Policy: plan.Policy, Rlimits: plan.Limits.rlimits(),
		Landlock: h.o.Landlock && !h.without(control.LayerLandlock), Threads: plan.Limits.Threads, Denials: plan.Limits.Denials,
		Grants: plan.Grants, CPUs: plan.Limits.Group.CPUs,
	}
	if h.o.Groups != nil {
		if in.group, err = h.o.Groups.New(in.id, h.groupLimits(plan)); err != nil {
			return &LayerError{Layer: "cgroup", Err: err}
		}
		prepare.Cgroup = in.group.Path()
	}
	var theirs [2]*os.File
	if in.pipes, theirs, err = newPipes(); err != nil {
		return err
	}
	logR, logW, err := os.Pipe()
	if err != nil {
		theirs[0].Close()
		theirs[1].Close()
		return err
	}
	go in.log.drain(logR)
	// os.Pipe has made both ends non-blocking; a plugin that prints faster
	// than we read should wait, not lose text to EAGAIN.
	if err := errors.Join(os.NewSyscallError("fcntl", unix.SetNonblock(int(logW.Fd()), false)), closeInode(int(logW.Fd()))); err != nil {
		control.CloseFiles([]*os.File{theirs[0], theirs[1], logW})
		return err
	}
	m, files, err := h.jailer.call(control.Request{Op: control.OpPrepare, Booth: in.id, Prepare: prepare}, theirs[0], theirs[1], logW)
	// Only the worker holds its ends now, so that they close when it dies.
	control.CloseFiles([]*os.File{theirs[0], theirs[1], logW})
	if err != nil {
		if text, _ := in.log.tail(); text != "" {
			err = fmt.Errorf("%w; worker's log: %q", err, strings.TrimSpace(text))
		}
		return err
	}
	if m.Prepared == nil || len(files) != 2 {
		control.CloseFiles(files)
		return errors.New("internal error: jailer's answer to prepare is incomplete")
	}
	in.pid, in.pidfd, in.sock = m.Prepared.PID, files[0], files[1]
	in.about = About{PID: in.pid, Layers: m.Prepared.Layers, CPU: -1}
	if in.group != nil {
		if in.reached, err = in.group.Reached(); err != nil {
			return &LayerError{Layer: "cgroup", Err: err}
		}
	}
	if h.o.Prepared != nil {
		h.o.Prepared(plan.Name, in.pid)
	}
	return nil
}

// load brings a standby booth to ready: the plugin is loaded, the booth
// sealed and checked, and the first frame with our nonce has come back. saw
// names what went wrong as the host saw it.
func (in *instance) load(cpu int) (saw *Cause, err error) {
	in.host.limits.watch(in)
	if launch := in.host.o.Launch; launch != nil {
		if err := launch(in.plan, in.pid); err != nil {
			return &Cause{Kind: CauseStart, Text: "not launched: " + err.Error()}, err
		}
	}
	place := in.plan.place(cpu)
	deadline := time.Now().Add(in.plan.Limits.LoadTimeout)
	kind, err := in.plan.kind()
	if err != nil {
		return &Cause{Kind: CauseStart, Text: err.Error()}, err
	}
	var files []*os.File
	for _, l := range in.plan.Plugin.Libs {
		files = append(files, l.File())
	}
	files = append(files, in.plan.Plugin.Image.File())
	err = control.HandOver(in.sock, kind, in.plan.Plugin.Entry, files)
	in.sock.Close()
	if err != nil {
		return in.saw(err, "taking its plugin"), err
	}
	head, frame, _, err := in.pipes.receive(0, deadline)
	if err != nil {
		return in.saw(err, "loading"), err
	}
	if err := in.loaded(head, frame); err != nil {
		return in.saw(err, "loading"), err
	}
	m, _, err := in.host.jailer.call(control.Request{Op: control.OpSeal, Booth: in.id, Seal: &control.Seal{CPU: place}})
	if err != nil {
		select {
		case <-in.exited: // that is the cause, not what the jailer then met
			return nil, os.ErrProcessDone
		case <-time.After(sealTime):
			return &Cause{Kind: CauseSeal, Text: "not sealed: " + err.Error()}, err
		}
	}
	if m.Sealed == nil {
		return nil, errors.New("internal error: jailer's answer to seal is incomplete")
	}
	in.about.Layers, in.about.CPU = m.Sealed.Layers, place
	if err := in.greet(deadline); err != nil {
		return in.saw(err, "its first frame"), err
	}
	return nil, nil
}

// pluginABI is ISOBOOTH_ABI in runner/worker/include/isobooth/plugin.h, the
// one version that this host and its worker speak.
const pluginABI = 1

func (in *instance) loaded(head wire.Head, frame []byte) error {
	switch head.Type {
	case wire.Error:
		return wire.ParseError(frame)
	case wire.Loaded:
	default:
		return fmt.Errorf("%w: frame of type %d before the plugin is loaded", wire.ErrFrame, head.Type)
	}
	a, err := wire.ParseAnswer(frame)
	if err != nil {
		return err
	}
	if a.Status != pluginABI {
		return fmt.Errorf("%w: loaded with interface version %d, want %d", wire.ErrFrame, a.Status, pluginABI)
	}
	for item := range a.Items {
		switch item.Kind {
		case wire.ItemName:
			in.about.Name = string(item.Data)
		case wire.ItemVersion:
			in.about.Version = string(item.Data)
		case wire.ItemLog:
			in.log.add(item.Data)
			in.log.add([]byte{'\n'})
			in.about.StartLog += string(item.Data) + "\n"
		}
	}
	return nil
}

// greet proves that the pipes belong to this start of this worker and that
// nothing is left over in them.
func (in *instance) greet(deadline time.Time) error {
	var nonce [wire.Nonce]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return err
	}
	if err := in.pipes.send(wire.AppendHello(nil, 1, nonce), deadline); err != nil {
		return err
	}
	head, frame, _, err := in.pipes.receive(0, deadline)
	if err != nil {
		return err
	}
	if head.Type != wire.Ready || head.ID != 1 {
		return fmt.Errorf("%w: frame of type %d instead of ready", wire.ErrFrame, head.Type)
	}
	back, err := wire.ParseReady(frame)
	if err == nil && subtle.ConstantTimeCompare(back[:], nonce[:]) != 1 {
		err = fmt.Errorf("%w: wrong nonce", wire.ErrFrame)
	}
	return err
}

// sawOf names an error of the pipe; nil when the worker's own end explains it.
func sawOf(err error, during string) *Cause {
	var worker *wire.WorkerError
	switch {
	case errors.As(err, &worker):
		return &Cause{Kind: CauseLoad, Text: worker.Error()}
	case errors.Is(err, ErrTimeout):
		return &Cause{Kind: CauseTimeout, Text: "missed its deadline for " + during}
	case errors.Is(err, wire.ErrFrame):
		return &Cause{Kind: CauseProtocol, Text: err.Error()}
	case errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE):
		return nil
	}
	return &Cause{Kind: CauseProtocol, Text: err.Error()}
}

// saw is sawOf, and hungUp where that has no name.
func (in *instance) saw(err error, during string) *Cause {
	if saw := sawOf(err, during); saw != nil {
		return saw
	}
	return in.hungUp()
}

// sealTime is how long a booth that could not be sealed may still turn out to
// have ended by itself.
const sealTime = 100 * time.Millisecond

// lastWordsTime bounds the wait for the end of a dead worker's log. Nobody else
// holds that pipe, so it ends at once.
const lastWordsTime = time.Second

// endTime bounds the wait for a process to be gone after its pipes are
// closed. It takes less than a millisecond; a busy machine may need more.
const endTime = time.Second

// hungUp tells why the worker's end of a pipe was closed: nil when it was by
// the process ending, which explains itself. Call it before kill, whose
// signal would otherwise pass for the cause.
func (in *instance) hungUp() *Cause {
	select {
	case <-in.exited:
	case <-in.host.jailer.gone:
	case <-time.After(endTime):
		return &Cause{Kind: CauseProtocol, Text: "closed its pipe and lived on"}
	}
	return nil
}

// kill ends the worker without asking anyone.
func (in *instance) kill() {
	if in.pidfd == nil {
		return
	}
	// Who ends everything may do so while release closes the descriptor, whose
	// number could by then be another worker's.
	conn, err := in.pidfd.SyscallConn()
	if err != nil {
		return // closed: it has ended
	}
	// ESRCH: it has ended already.
	_ = conn.Control(func(fd uintptr) { _ = unix.PidfdSendSignal(int(fd), unix.SIGKILL, nil, 0) })
}

func (in *instance) ended(e control.Exit) {
	in.exitOnce.Do(func() {
		in.exit = e
		close(in.exited)
	})
}

// jailerGone ends an instance whose jailer can no longer report on it.
func (in *instance) jailerGone() {
	in.kill()
	in.ended(control.Exit{Code: -1})
}

// end kills what still runs, and finds out why it ended. release is next.
func (in *instance) end(saw *Cause) Cause {
	in.kill()
	select {
	case <-in.exited:
	case <-in.host.jailer.gone:
		in.jailerGone()
		if saw == nil { // it took its workers, and what it knew of them, along
			saw = &Cause{Kind: CauseStopped, Text: "the jailer ended"}
		}
	}
	// It kills with SIGKILL. Else the last look can wait until release.
	oom := in.exit.Signal == int(syscall.SIGKILL) && in.host.limits.last(in)
	cause := causeOf(saw, in.exit, oom, in.quota.Load())
	select { // its last words may be yet to be read
	case <-in.log.end:
	case <-time.After(lastWordsTime):
	}
	if text, _ := in.log.tail(); text != "" && cause.Kind != CauseStopped {
		cause.Text += fmt.Sprintf("; its log ends %q", lastBytes(text, 300))
	}
	return cause
}

func lastBytes(s string, n int) string { return s[max(0, len(s)-n):] }

// release removes the container, the group and the pipes. It is safe on a
// half-built instance and kills first.
func (in *instance) release() error {
	var errs []error
	in.host.limits.last(in)
	if _, _, err := in.host.jailer.call(control.Request{Op: control.OpRelease, Booth: in.id}); err != nil && !errors.Is(err, ErrJailer) {
		errs = append(errs, err)
	}
	in.host.remove(in)
	if in.group != nil {
		errs = append(errs, in.group.Delete())
	}
	if in.pidfd != nil {
		in.pidfd.Close()
		in.sock.Close() // once more does no harm
	}
	if in.pipes != nil {
		in.pipes.close()
	}
	return errors.Join(errs...)
}
