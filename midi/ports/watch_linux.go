package ports

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// soundDir is where the kernel's sound devices are: seq, the ALSA sequencer,
// and a midiC*D* for each raw port.
const soundDir = "/dev/snd"

// watch tells of changes without polling. The ALSA sequencer announces ports,
// of devices and of programs; inotify(7) sees device files come, go and change
// their owner, which is when this user may open them.
type watch struct {
	dir     string // soundDir, but for tests
	changes *Changes
	notify  *os.File // inotify

	mu     sync.Mutex
	closed bool
	seq    *os.File // nil while there is none that we may open
	tasks  sync.WaitGroup
}

// Watch tells changes of what happens to the ports of this machine until stop
// is called, which waits for its end. Where the system does not tell, it has
// the ports looked at every two seconds; the error, else nil, says why.
func Watch(changes *Changes) (stop func(), err error) {
	w, err := newWatch(soundDir, changes)
	if err != nil {
		return poll(changes, time.NewTicker(pollInterval)), err
	}
	return w.stop, nil
}

func newWatch(dir string, changes *Changes) (*watch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	w := &watch{dir: dir, changes: changes, notify: os.NewFile(uintptr(fd), "inotify")}
	// The folder is made when the first sound driver is loaded, and removed
	// with the last.
	if _, err := unix.InotifyAddWatch(fd, filepath.Dir(dir), unix.IN_CREATE|unix.IN_MOVED_TO|unix.IN_ONLYDIR); err != nil {
		w.notify.Close()
		return nil, &os.PathError{Op: "inotify_add_watch", Path: filepath.Dir(dir), Err: err}
	}
	if err := w.watchDir(); err != nil {
		w.notify.Close()
		return nil, err
	}
	w.listen()
	w.tasks.Go(w.readNotify)
	return w, nil
}

// watchDir watches the folder of devices if there is one; twice does no harm.
func (w *watch) watchDir() error {
	var err error
	cerr := w.control(func(fd uintptr) {
		_, err = unix.InotifyAddWatch(int(fd), w.dir, unix.IN_CREATE|unix.IN_DELETE|unix.IN_ATTRIB|unix.IN_MOVED_TO|unix.IN_ONLYDIR)
	})
	if cerr != nil {
		return cerr
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &os.PathError{Op: "inotify_add_watch", Path: w.dir, Err: err}
	}
	return nil
}

func (w *watch) control(f func(fd uintptr)) error {
	conn, err := w.notify.SyscallConn()
	if err != nil {
		return err
	}
	return conn.Control(f)
}

// readNotify waits for changes of device files.
func (w *watch) readNotify() {
	buf := make([]byte, 16*(unix.SizeofInotifyEvent+unix.NAME_MAX+1))
	for {
		n, err := w.notify.Read(buf)
		if err != nil {
			return // closed; no other failure is known
		}
		if !notifies(buf[:n], filepath.Base(w.dir)) {
			continue
		}
		_ = w.watchDir() // one that has just come
		w.listen()
		w.changes.Tell()
	}
}

// notifies reports whether one of the inotify events in b is about a MIDI
// device or the folder of devices itself. Sound cards make many others.
func notifies(b []byte, dir string) bool {
	for len(b) >= unix.SizeofInotifyEvent {
		// struct inotify_event: wd, mask, cookie, len, each 32 bits; name.
		mask, size := word(b[4:]), word(b[12:])
		b = b[unix.SizeofInotifyEvent:]
		if uint64(size) > uint64(len(b)) {
			return true // not what the kernel sends: look
		}
		name := strings.TrimRight(string(b[:size]), "\x00")
		b = b[size:]
		if mask&(unix.IN_Q_OVERFLOW|unix.IN_IGNORED) != 0 || name == dir || name == "seq" || strings.HasPrefix(name, "midi") {
			return true
		}
	}
	return false
}

// listen opens the sequencer if that is not done and possible. A sequencer
// that cannot be opened has no ports to tell of: not by the drivers that use
// it, which would fail likewise.
func (w *watch) listen() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seq != nil || w.closed {
		return
	}
	f, err := openSequencer(filepath.Join(w.dir, "seq"))
	if err != nil {
		return
	}
	w.seq = f
	w.tasks.Go(func() {
		readAnnouncements(f, &announced{ours: func(client uint8) bool { return ownClient(f, client) }}, w.changes)
		w.mu.Lock()
		defer w.mu.Unlock()
		f.Close()
		w.seq = nil
	})
}

// stop ends everything and waits for that.
func (w *watch) stop() {
	w.mu.Lock()
	w.closed = true
	if w.seq != nil {
		w.seq.Close()
	}
	w.mu.Unlock()
	w.notify.Close()
	w.tasks.Wait()
}
