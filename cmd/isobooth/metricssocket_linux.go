package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// maxSocketName is what is left for a name after "/proc/self/fd/NUMBER/" in
// the 108 bytes of unix(7).
const maxSocketName = 64

// socketFolder is the folder that a socket is put into: open, so that the one
// that was checked is the one that is used.
type socketFolder struct {
	f    *os.File
	name string // of the socket
	ino  uint64 // of the socket we made
}

// listenSocket makes a socket that only this user, and root, can connect to.
// Its folder must belong to root or to us and be closed to other writers, and
// no part of the path may be a symbolic link. A socket that a dead daemon left
// behind is replaced; anything else that is there is not.
func listenSocket(file string) (net.Listener, error) {
	dir, err := openSocketFolder(file)
	if err != nil {
		return nil, err
	}
	l, err := dir.listen()
	if err != nil {
		dir.f.Close()
		return nil, fmt.Errorf("listen on %s: %w", file, err)
	}
	return &socketListener{l, dir}, nil
}

func openSocketFolder(file string) (*socketFolder, error) {
	folder, name := path.Split(file)
	fd, err := unix.Openat2(unix.AT_FDCWD, folder, &unix.OpenHow{
		Flags: unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS,
	})
	if err == unix.ELOOP {
		return nil, fmt.Errorf("%s: a part of it is a symbolic link; name the folder itself", folder)
	}
	if err != nil {
		return nil, &os.PathError{Op: "openat2", Path: folder, Err: err}
	}
	dir := &socketFolder{f: os.NewFile(uintptr(fd), folder), name: name}
	if err := dir.check(); err != nil {
		dir.f.Close()
		return nil, err
	}
	return dir, nil
}

func (d *socketFolder) check() error {
	st, err := d.f.Stat()
	if err != nil {
		return err
	}
	if !onlyOurs(st) {
		return fmt.Errorf("%s: others than root and we can write to it; choose a folder of your own", d.f.Name())
	}
	return nil
}

// path is the socket's for calls that take no folder. It stays below the
// checked one.
func (d *socketFolder) path() string { return fmt.Sprintf("/proc/self/fd/%d/%s", d.f.Fd(), d.name) }

// listen makes the socket. Until listen(2), when its mode is right, nobody can
// connect.
func (d *socketFolder) listen() (net.Listener, error) {
	// Two daemons at once must not take each other's socket for a dead one's.
	if err := unix.Flock(int(d.f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, fmt.Errorf("lock its folder: %w", os.NewSyscallError("flock", err))
	}
	defer func() { _ = unix.Flock(int(d.f.Fd()), unix.LOCK_UN) }()
	if err := d.removeStale(); err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	f := os.NewFile(uintptr(fd), d.name)
	defer f.Close() // the listener has one of its own
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: d.path()}); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	l, err := d.open(f)
	if err != nil {
		return nil, errors.Join(err, d.remove())
	}
	return l, nil
}

// open lets clients in to the bound socket f.
func (d *socketFolder) open(f *os.File) (net.Listener, error) {
	st, err := d.stat()
	if err != nil {
		return nil, err
	}
	d.ino = st.Ino
	// It is no link, and nobody else can make it one.
	if err := unix.Fchmodat(int(d.f.Fd()), d.name, 0o600, 0); err != nil {
		return nil, os.NewSyscallError("fchmodat", err)
	}
	if err := unix.Listen(int(f.Fd()), 16); err != nil {
		return nil, os.NewSyscallError("listen", err)
	}
	return net.FileListener(f)
}

func (d *socketFolder) stat() (st unix.Stat_t, err error) {
	err = unix.Fstatat(int(d.f.Fd()), d.name, &st, unix.AT_SYMLINK_NOFOLLOW)
	return st, os.NewSyscallError("fstatat", err)
}

// removeStale removes a socket that nobody listens on any more.
func (d *socketFolder) removeStale() error {
	st, err := d.stat()
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil
	case err != nil:
		return err
	case st.Mode&unix.S_IFMT != unix.S_IFSOCK:
		return errors.New("something is there that is no socket; it stays as it is")
	case int(st.Uid) != os.Geteuid():
		return fmt.Errorf("the socket that is there belongs to user %d", st.Uid)
	}
	c, err := net.Dial("unix", d.path())
	if err == nil {
		c.Close()
		return fmt.Errorf("somebody listens there: %w", unix.EADDRINUSE)
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		return fmt.Errorf("find out whether somebody listens there: %w", err)
	}
	return os.NewSyscallError("unlinkat", unix.Unlinkat(int(d.f.Fd()), d.name, 0))
}

// remove removes the socket if it is still the one that was made.
func (d *socketFolder) remove() error {
	st, err := d.stat()
	if errors.Is(err, unix.ENOENT) || err == nil && st.Ino != d.ino {
		return nil
	}
	if err != nil {
		return err
	}
	return os.NewSyscallError("unlinkat", unix.Unlinkat(int(d.f.Fd()), d.name, 0))
}

// socketListener removes its socket when it is closed.
type socketListener struct {
	net.Listener
	dir *socketFolder
}

func (l *socketListener) Close() error {
	return errors.Join(l.dir.remove(), l.Listener.Close(), l.dir.f.Close())
}
