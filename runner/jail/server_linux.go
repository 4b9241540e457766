package jail

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/isobooth/isobooth/runner/control"
	"golang.org/x/sys/unix"
)

// spawners is how many booths may be under construction at once.
const spawners = 2

// Server answers one daemon.
type Server struct {
	conn  *control.Conn
	hello *control.Hello
	root  *root
	spawn chan func()
	// without is set by hello, like root.
	without without

	mu     sync.Mutex
	booths map[string]*booth
	slot   int
	busy   sync.WaitGroup
}

// Serve answers requests on conn until the daemon closes it or dies; then it
// kills every booth, removes all that it and the daemon made, and returns.
func Serve(conn *control.Conn) error {
	// Daemons begin at different slots, so that their booths' user ids do not
	// meet; there is no one to hand them out.
	s := &Server{conn: conn, booths: map[string]*booth{}, spawn: make(chan func()), slot: rand.IntN(uidSlots)}
	for range spawners {
		go s.spawner()
	}
	err := s.loop()
	s.busy.Wait()
	return errors.Join(err, s.cleanUp())
}

// spawner runs what must happen on a thread that lives as long as we do: the
// kernel ties PR_SET_PDEATHSIG to the thread that created the process.
func (s *Server) spawner() {
	runtime.LockOSThread()
	for f := range s.spawn {
		f()
	}
}

func (s *Server) loop() error {
	for {
		var r control.Request
		files, err := s.conn.Receive(&r)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		// Building takes milliseconds to seconds; the rest must not wait.
		s.busy.Go(func() {
			defer control.CloseFiles(files)
			m, out := s.handle(&r, files)
			m.ID = r.ID
			if err := s.conn.Send(m, out...); err != nil {
				fmt.Fprintf(os.Stderr, "isobooth-jail: answer %s: %v\n", r.Op, err)
			}
			if r.Op == control.OpPrepare && m.Error == nil {
				out[1].Close() // the worker's socket is the daemon's alone
			}
		})
		if r.Op == control.OpHello || r.Op == control.OpBye {
			s.busy.Wait() // these two change what the others and cleanUp use
		}
	}
}

// handle answers one request. Of the files it returns the first stays the
// booth's.
func (s *Server) handle(r *control.Request, files []*os.File) (control.Message, []*os.File) {
	var m control.Message
	var out []*os.File
	var err error
	switch {
	case r.Op == control.OpHello && r.Hello != nil:
		err = s.greet(r.Hello)
	case r.Op == control.OpPrepare && r.Prepare != nil && len(files) == 3 && s.root != nil:
		var b *booth
		if b, err = s.prepare(r.Booth, r.Prepare, files); err == nil {
			m.Prepared, out, err = s.prepared(b)
		}
	case r.Op == control.OpSeal && r.Seal != nil:
		err = s.with(r.Booth, func(b *booth) error {
			layers, err := b.seal(r.Seal)
			m.Sealed = &control.Sealed{Layers: layers}
			return err
		})
	case r.Op == control.OpRelease:
		err = s.release(r.Booth)
	case r.Op == control.OpBye && s.hello != nil:
		// It is alive, in groups that it leaves and removes itself.
		s.hello.Sweep, s.hello.Remove = nil, ""
	default:
		err = fmt.Errorf("internal error: malformed request %q", r.Op)
	}
	if err != nil {
		m = control.Message{Error: &control.Error{Text: err.Error()}}
		var layer *LayerError
		if errors.As(err, &layer) {
			m.Error.Layer = layer.Layer
		}
	}
	return m, out
}

func (s *Server) greet(h *control.Hello) error {
	if s.hello != nil {
		return errors.New("internal error: second hello")
	}
	w, err := newWithout(h.Without)
	if err != nil {
		return err
	}
	s.hello, s.without = h, w
	r, err := newRoot(filepath.Join(h.Dir, "root"), h.Worker)
	if err != nil {
		return &LayerError{"root", err}
	}
	if err := w.openRoot(r); err != nil {
		return &LayerError{"root", err}
	}
	s.root = r
	return os.MkdirAll(s.stateDir(), 0o700)
}

func (s *Server) stateDir() string { return filepath.Join(s.hello.Dir, "state") }

func (s *Server) with(id string, f func(*booth) error) error {
	s.mu.Lock()
	b := s.booths[id]
	s.mu.Unlock()
	if b == nil {
		return fmt.Errorf("internal error: no booth %q", id)
	}
	return f(b)
}

func (s *Server) prepare(id string, p *control.Prepare, files []*os.File) (*booth, error) {
	if writesFiles(&p.Grants) {
		p.Policy.BPF = noSetid(p.Policy.BPF)
	}
	s.without.prepare(p)
	b := &booth{id: id, prepare: p, without: s.without, exited: make(chan struct{})}
	s.mu.Lock()
	if s.booths[id] != nil {
		s.mu.Unlock()
		return nil, fmt.Errorf("internal error: booth %q exists", id)
	}
	s.booths[id] = b
	s.slot++
	slot := s.slot
	s.mu.Unlock()
	b.connected = func(c control.Connection) { s.event(control.Message{Booth: id, Connected: &c}) }
	if err := s.giveRoot(b, slot); err != nil {
		return nil, errors.Join(err, s.release(id))
	}
	done := make(chan error)
	s.spawn <- func() {
		done <- b.start(s.stateDir(), slot, files, func(d control.Denial) {
			s.event(control.Message{Booth: id, Denial: &d})
		})
	}
	if err := <-done; err != nil {
		return nil, errors.Join(err, s.release(id))
	}
	return b, nil
}

// giveRoot lays out the root of a booth.
func (s *Server) giveRoot(b *booth, slot int) (err error) {
	b.root, err = s.root.with(filepath.Join(s.hello.Dir, "root-"+b.id), b.prepare, hostUser(slot))
	b.ownRoot = b.root != s.root
	if err == nil && b.ownRoot {
		err = s.without.openRoot(b.root)
	}
	return err
}

// prepared looks at the booth before any foreign code is near it, and from
// then on reports its end.
func (s *Server) prepared(b *booth) (*control.Prepared, []*os.File, error) {
	var layers []control.Layer
	err := b.takeDown()
	if err == nil {
		layers, err = b.inspect([]int{0, 1, 2, 3, 4, 5}, phaseLoad)
	}
	if err != nil {
		return nil, nil, errors.Join(err, s.release(b.id))
	}
	go func() {
		<-b.exited
		s.event(control.Message{Booth: b.id, Exit: &b.status})
	}()
	return &control.Prepared{PID: b.pid, Layers: layers}, []*os.File{b.pidfd, b.giveSock()}, nil
}

func (s *Server) release(id string) error {
	s.mu.Lock()
	b := s.booths[id]
	delete(s.booths, id)
	s.mu.Unlock()
	if b == nil {
		return nil
	}
	return b.destroy()
}

func (s *Server) event(m control.Message) {
	// The daemon being gone is noticed by loop.
	_ = s.conn.Send(m)
}

// cleanUp leaves nothing behind, whichever of the two processes went first.
func (s *Server) cleanUp() error {
	var errs []error
	for _, b := range s.booths { // all of them before the first is removed, which takes time
		errs = append(errs, b.kill())
	}
	for id := range s.booths {
		errs = append(errs, s.release(id))
	}
	if s.hello == nil {
		return errors.Join(errs...)
	}
	for _, dir := range s.hello.Sweep {
		errs = append(errs, leave(dir), sweep(dir))
	}
	errs = append(errs, os.RemoveAll(s.hello.Dir))
	if s.hello.Remove != "" {
		errs = append(errs, os.RemoveAll(s.hello.Remove))
	}
	return errors.Join(errs...)
}

// leave moves us out of a group of the daemon that is to be removed. We are
// in one where cgroup v2 is delegated: the daemon had to make room for its
// booths, and we with it. A group that has controllers on for its children
// takes no process, so they go off first; cgroups(7), "no internal processes".
func leave(group string) error {
	procs, err := os.ReadFile(filepath.Join(group, "cgroup.procs"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	self := strconv.Itoa(os.Getpid())
	if err != nil || !slices.Contains(strings.Fields(string(procs)), self) {
		return err
	}
	tree := filepath.Dir(group)
	home := filepath.Dir(tree)
	for _, dir := range []string{tree, home} {
		control := filepath.Join(dir, "cgroup.subtree_control")
		on, err := os.ReadFile(control)
		if err != nil {
			return err
		}
		for _, c := range strings.Fields(string(on)) {
			if err := os.WriteFile(control, []byte("-"+c), 0); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(filepath.Join(home, "cgroup.procs"), []byte(self), 0)
}

// sweep removes a group and those in it. A booth's groups are gone with its
// container, but the daemon makes them before it asks for one, and may have
// died in between.
func sweep(group string) error {
	entries, err := os.ReadDir(group)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	errs := []error{err}
	for _, e := range entries {
		if e.IsDir() {
			errs = append(errs, rmdir(filepath.Join(group, e.Name())))
		}
	}
	return errors.Join(append(errs, rmdir(group))...)
}

func rmdir(path string) error {
	if err := unix.Rmdir(path); err != nil && err != unix.ENOENT {
		return &os.PathError{Op: "rmdir", Path: path, Err: err}
	}
	return nil
}
