package runner

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/isobooth/isobooth/runner/control"
)

// requestTime bounds every request to the jailer. Building a booth takes
// milliseconds; a jailer that needs longer than this is broken.
const requestTime = 30 * time.Second

// jailer is the daemon's side of isobooth-jail.
type jailer struct {
	cmd  *exec.Cmd
	conn *control.Conn
	gone chan struct{} // closed when the process has ended

	mu      sync.Mutex
	next    uint64
	waiting map[uint64]chan answer
	events  func(*control.Message) // called on the receiving goroutine
}

type answer struct {
	m     *control.Message
	files []*os.File
}

// startJailer runs the program at path. events is called for every event, in
// order, and must not block.
func startJailer(path string, events func(*control.Message)) (*jailer, error) {
	conn, theirs, err := control.Pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	cmd := exec.Command(path)
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Stderr = os.Stderr
	cmd.Env = []string{}
	// A process group of its own: Ctrl-C reaches the daemon only, which then ends
	// it in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		conn.Close()
		return nil, fmt.Errorf("start jailer: %w", err)
	}
	j := &jailer{cmd: cmd, conn: conn, gone: make(chan struct{}), waiting: map[uint64]chan answer{}, events: events}
	go j.receive()
	return j, nil
}

func (j *jailer) receive() {
	for {
		m := new(control.Message)
		files, err := j.conn.Receive(m)
		if err != nil {
			if err != io.EOF {
				fmt.Fprintf(os.Stderr, "isobooth: jailer: %v\n", err)
			}
			break
		}
		if m.ID == 0 {
			control.CloseFiles(files)
			j.events(m)
			continue
		}
		j.mu.Lock()
		ch := j.waiting[m.ID]
		delete(j.waiting, m.ID)
		j.mu.Unlock()
		if ch == nil {
			control.CloseFiles(files)
			continue
		}
		ch <- answer{m, files}
	}
	j.conn.Close()
	_ = j.cmd.Wait()
	close(j.gone)
}

// call sends a request and waits for its answer.
func (j *jailer) call(r control.Request, files ...*os.File) (*control.Message, []*os.File, error) {
	ch := make(chan answer, 1)
	j.mu.Lock()
	j.next++
	r.ID = j.next
	j.waiting[r.ID] = ch
	j.mu.Unlock()
	defer func() {
		j.mu.Lock()
		delete(j.waiting, r.ID)
		j.mu.Unlock()
	}()
	if err := j.conn.Send(&r, files...); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrJailer, err)
	}
	timeout := time.NewTimer(requestTime)
	defer timeout.Stop()
	select {
	case a := <-ch:
		if a.m.Error == nil {
			return a.m, a.files, nil
		}
		control.CloseFiles(a.files)
		if a.m.Error.Layer != "" {
			return nil, nil, &LayerError{Layer: a.m.Error.Layer, Err: a.m.Error}
		}
		return nil, nil, a.m.Error
	case <-j.gone:
		return nil, nil, ErrJailer
	case <-timeout.C:
		// It holds a half-built booth that nothing else can end.
		_ = j.cmd.Process.Kill()
		return nil, nil, fmt.Errorf("%w: no answer to %s within %v", ErrJailer, r.Op, requestTime)
	}
}

// close lets the jailer clean up and end. It kills one that does not.
func (j *jailer) close() error {
	// A jailer that is gone already, or does not answer, is seen below.
	_, _, _ = j.call(control.Request{Op: control.OpBye})
	j.conn.Close()
	select {
	case <-j.gone:
	case <-time.After(requestTime):
		_ = j.cmd.Process.Kill()
		<-j.gone
	}
	if s := j.cmd.ProcessState; !s.Success() {
		return fmt.Errorf("jailer: %v", s)
	}
	return nil
}
