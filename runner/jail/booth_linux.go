package jail

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/isobooth/isobooth/runner/control"
	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"
)

// booth is one container with its worker.
type booth struct {
	id        string
	prepare   *control.Prepare
	container *libcontainer.Container
	process   *libcontainer.Process
	pid       int
	pidfd     *os.File
	sock      *os.File // our end of the worker's control socket
	listener  *listener
	abi       uint32         // Landlock's, as confirmed before foreign code ran
	fds       map[int]string // the worker's descriptors, taken down then, too
	root      *root
	ownRoot   bool           // it is this booth's alone, and goes with it
	mounts    map[string]int // the worker's, by place: their numbers
	without   without
	connected func(control.Connection)
	exited    chan struct{} // closed after status is set
	status    control.Exit
	mu        sync.Mutex // giveSock and seal, one at a time
}

// start builds the container and brings its worker to standby. It must run
// on a goroutine that is locked to its thread and never ends: the worker asks
// the kernel to be killed when the thread that started it ends.
func (b *booth) start(stateDir string, slot int, files []*os.File, denied func(control.Denial)) error {
	ours, theirs, err := socketPair()
	if err != nil {
		return err
	}
	b.sock = ours
	defer theirs.Close()

	config, user := containerConfig(b.root, b.prepare.Cgroup, slot), boothUser()
	if user, err = b.without.loosen(config, user); err != nil {
		return err
	}
	b.container, err = libcontainer.Create(stateDir, b.id, config)
	if err != nil {
		return &LayerError{"container", err}
	}
	b.process = &libcontainer.Process{
		Args: []string{workerPath}, Env: environment(&b.prepare.Grants), Cwd: "/",
		UID: user, GID: user, AdditionalGroups: boothGroups(b.root),
		Stdout: files[2], Stderr: files[2],
		ExtraFiles: []*os.File{files[0], files[1], theirs},
		Init:       true,
	}
	if err := b.container.Run(b.process); err != nil {
		return idmapError(err)
	}
	if b.pid, err = b.process.Pid(); err != nil {
		return err
	}
	fd, err := unix.PidfdOpen(b.pid, 0)
	if err != nil {
		return os.NewSyscallError("pidfd_open", err)
	}
	b.pidfd = os.NewFile(uintptr(fd), "pidfd")
	go b.wait()
	return b.confine(denied)
}

// confine sees the worker through its own confinement, up to standby.
func (b *booth) confine(denied func(control.Denial)) error {
	if err := b.sock.SetDeadline(time.Now().Add(bootTime)); err != nil {
		return err
	}
	if err := sendBoot(b.sock, b.prepare, b.without[control.LayerNoNewPrivs]); err != nil {
		return b.bootError("send boot message", err)
	}
	abi, remote, err := receiveConfined(b.sock)
	if err != nil {
		return b.bootError("wait for the worker to confine itself", err)
	}
	b.abi = abi
	fd, err := unix.PidfdGetfd(int(b.pidfd.Fd()), remote, 0)
	if err != nil {
		return &LayerError{"seccomp", os.NewSyscallError("pidfd_getfd", err)}
	}
	if b.listener, err = newListener(fd, b.prepare, b.without[control.LayerSeccomp], func(d control.Denial) {
		denied(d) // before the end that it explains
		if d.Quota {
			_ = b.kill() // a pidfd of our child: it can fail only when it has ended
		}
	}); err != nil {
		return &LayerError{"seccomp", err}
	}
	if g := &b.prepare.Grants; len(g.Network) > 0 {
		if b.listener.broker, err = newBroker(b.listener.f, g, b.exited, b.connected); err != nil {
			return err
		}
	}
	go b.listener.serve()
	if _, err := b.sock.Write([]byte{1}); err != nil {
		return b.bootError("send go", err)
	}
	select {
	case <-b.listener.standby:
		return nil
	case <-b.exited:
		return b.bootError("wait for standby", os.ErrProcessDone)
	case <-time.After(bootTime):
		return errors.New("wait for standby: timeout")
	}
}

// bootError names the layer by the worker's exit code when it has given up.
func (b *booth) bootError(step string, err error) error {
	select {
	case <-b.exited:
	case <-time.After(time.Second): // it hung up; its status follows at once
		return fmt.Errorf("%s: %w", step, err)
	}
	if layer := layerByExit[b.status.Code]; layer != "" {
		return layerErrorf(layer, "%s: the worker could not apply it (its log says why)", step)
	}
	return fmt.Errorf("%s: worker ended with code %d, signal %d: %w", step, b.status.Code, b.status.Signal, err)
}

// wait collects the worker's exit status.
func (b *booth) wait() {
	// It also fails where the status is not 0; the status says that better.
	state, _ := b.process.Wait()
	b.status = control.Exit{Code: -1}
	if state != nil {
		ws := state.Sys().(syscall.WaitStatus)
		if ws.Signaled() {
			b.status.Signal = int(ws.Signal())
		} else {
			b.status.Code = ws.ExitStatus()
		}
	}
	close(b.exited)
}

// giveSock gives up the worker's socket. What comes over it next is a plugin.
func (b *booth) giveSock() *os.File {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listener.setPhase(phaseLoad)
	sock := b.sock
	b.sock = nil
	return sock
}

// seal ends the load phase and then looks at what is left. The order matters:
// what a call in flight still won is seen.
func (b *booth) seal(s *control.Seal) ([]control.Layer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listener.setPhase(phaseRun)
	layers, err := b.sealed(s)
	// Whatever was found of a process that is gone was found of none, or of
	// another that has its number now.
	select {
	case <-b.exited:
		return nil, os.ErrProcessDone
	default:
		return layers, err
	}
}

func (b *booth) sealed(s *control.Seal) ([]control.Layer, error) {
	// Alive, and so its number is its own; pidfd_send_signal(2).
	if err := unix.PidfdSendSignal(int(b.pidfd.Fd()), 0, nil, 0); err != nil {
		return nil, os.ErrProcessDone
	}
	var set unix.CPUSet
	switch {
	case s.CPU >= 0:
		set.Set(s.CPU)
	case len(b.prepare.CPUs) == 0:
		set.Fill() // the kernel takes of it what there is
	default:
		for _, cpu := range b.prepare.CPUs {
			set.Set(cpu)
		}
	}
	if err := unix.SchedSetaffinity(b.pid, &set); err != nil {
		return nil, fmt.Errorf("pin worker to cpu %d of %v: %w", s.CPU, b.prepare.CPUs, os.NewSyscallError("sched_setaffinity", err))
	}
	if err := shortSlice(b.pid); err != nil {
		return nil, err
	}
	return b.inspect([]int{0, 1, 2, 3, 4}, phaseRun)
}

// shortSlice has a worker ask for the processor in the shortest turns there
// are, 0.1 ms: it is then served at once when a trigger wakes it, and the end
// of another worker, which keeps the kernel busy for a millisecond, has to let
// it pass. Linux 6.12; older kernels take no notice. Policy and nice value stay
// what the user gave the daemon: without rights the latter cannot be lowered.
// sched_setattr(2).
func shortSlice(pid int) error {
	attr, err := unix.SchedGetAttr(pid, 0)
	if err != nil {
		return os.NewSyscallError("sched_getattr", err)
	}
	attr.Runtime = uint64(100 * time.Microsecond)
	return os.NewSyscallError("sched_setattr", unix.SchedSetAttr(pid, attr, 0))
}

// takeDown notes where the worker's descriptors lead while nothing but our own
// code has run in it.
func (b *booth) takeDown() error {
	dir, err := openProc(b.pid)
	if err != nil {
		return err
	}
	defer dir.close()
	b.fds, err = descriptorTable(dir, strconv.Itoa(b.pid))
	return err
}

// inspect checks every layer that can be seen from outside.
func (b *booth) inspect(fds []int, ph phase) ([]control.Layer, error) {
	in, err := newInspector(b.pid)
	if err != nil {
		return nil, err
	}
	defer in.close()
	checks := []struct {
		name string
		run  func() (string, error)
	}{
		{"user", in.user},
		{"namespaces", func() (string, error) { return in.namespaces(b.without) }},
		{"root", func() (string, error) { return in.mounts(b.root, &b.mounts) }},
		{"grants", func() (string, error) { return in.grants(&b.prepare.Grants, b.root) }},
		{"capabilities", in.capabilities},
		{"no_new_privs", in.noNewPrivs},
		{"seccomp", func() (string, error) { return in.seccomp(&b.prepare.Policy, ph) }},
		{"landlock", b.landlock},
		{"rlimits", func() (string, error) { return in.rlimits(b.prepare.Rlimits) }},
		{"cgroup", func() (string, error) { return b.cgroup(in) }},
		{"descriptors", func() (string, error) { return in.descriptors(fds, b.fds, b.root) }},
		{"environment", func() (string, error) { return in.environment(environment(&b.prepare.Grants)) }},
		{"tasks", func() (string, error) { return in.tasks(b.prepare.Threads) }},
	}
	var layers []control.Layer
	for _, c := range checks {
		detail, err := c.run()
		if text := b.without.removed(c.name); text != "" {
			detail, err = text, nil
		}
		if err != nil {
			return nil, err
		}
		layers = append(layers, control.Layer{Name: c.name, Detail: detail})
	}
	return layers, nil
}

// landlock cannot be seen from outside; the worker's word was given before
// anything but our own code had run in it.
func (b *booth) landlock() (string, error) {
	if b.abi == 0 {
		if b.prepare.Landlock {
			return "", layerErrorf("landlock", "not applied")
		}
		return "MISSING, allowed by the config", nil
	}
	text := fmt.Sprintf("ABI %d, no path can be opened but the four devices", b.abi)
	if n := len(paths(&b.prepare.Grants)); n > 0 {
		text += fmt.Sprintf(" and %d granted paths", n)
	}
	return text, nil
}

func (b *booth) cgroup(in *inspector) (string, error) {
	if b.prepare.Cgroup == "" {
		return "MISSING, allowed by the config", nil
	}
	return in.cgroup(b.prepare.Cgroup)
}

// kill ends the worker and with it, as it is its pid namespace's first
// process, everything else in there.
func (b *booth) kill() error {
	if b.pidfd == nil {
		return nil
	}
	if err := unix.PidfdSendSignal(int(b.pidfd.Fd()), unix.SIGKILL, nil, 0); err != nil && err != unix.ESRCH {
		return os.NewSyscallError("pidfd_send_signal", err)
	}
	return nil
}

// destroy kills what runs and removes container, groups and state.
func (b *booth) destroy() error {
	err := b.kill()
	if b.pidfd != nil {
		<-b.exited
		b.pidfd.Close()
	}
	if b.listener != nil {
		b.listener.close()
	}
	if b.sock != nil {
		b.sock.Close()
	}
	if b.container != nil {
		err = errors.Join(err, b.container.Destroy())
	}
	if b.root != nil && b.ownRoot {
		err = errors.Join(err, b.root.own.remove())
	}
	return err
}

func socketPair() (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	// Only our end waits in the runtime's poller; the worker's blocks.
	if err := unix.SetNonblock(fds[0], true); err != nil {
		return nil, nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fds[0]), "worker control"), os.NewFile(uintptr(fds[1]), "worker control, its end"), nil
}
