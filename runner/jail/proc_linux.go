package jail

import (
	"io/fs"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// procDir is a process's folder in /proc, held open: once the process is gone
// every read fails, whoever has its number then. It is read without package
// os, whose files cost several system calls more, and a restart waits for
// some fifty of them. Not safe for concurrent use.
type procDir struct {
	fd  int
	buf []byte
}

// openProc opens /proc/PID; close it.
func openProc(pid int) (*procDir, error) {
	path := "/proc/" + strconv.Itoa(pid)
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return &procDir{fd: fd, buf: make([]byte, 16<<10)}, nil
}

func (d *procDir) close() { unix.Close(d.fd) }

// read returns a file's whole content, valid until the next call.
func (d *procDir) read(name string) ([]byte, error) {
	fd, err := unix.Openat(d.fd, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	defer unix.Close(fd)
	for n := 0; ; {
		m, err := unix.Read(fd, d.buf[n:])
		switch {
		case err == unix.EINTR:
		case err != nil:
			return nil, &fs.PathError{Op: "read", Path: name, Err: err}
		case m == 0:
			return d.buf[:n], nil
		default:
			if n += m; n == len(d.buf) {
				d.buf = append(d.buf, make([]byte, len(d.buf))...)
			}
		}
	}
}

func (d *procDir) readlink(name string) (string, error) {
	var link [256]byte // "pipe:[1234567890]" and the like
	n, err := unix.Readlinkat(d.fd, name, link[:])
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	return string(link[:n]), nil
}

// list returns the names in a folder.
func (d *procDir) list(name string) ([]string, error) {
	fd, err := unix.Openat(d.fd, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	defer unix.Close(fd)
	var names []string
	for {
		n, err := unix.ReadDirent(fd, d.buf)
		if err != nil {
			return nil, &fs.PathError{Op: "getdents64", Path: name, Err: err}
		}
		if n <= 0 {
			return names, nil
		}
		_, _, names = unix.ParseDirent(d.buf[:n], -1, names)
	}
}

// ourNamespaces are those of the jailer, which never change, by their names in
// /proc/PID/ns.
var ourNamespaces = sync.OnceValues(func() (map[string]string, error) {
	ours := map[string]string{}
	for _, n := range namespaces {
		link, err := os.Readlink("/proc/self/ns/" + n.link)
		if err != nil {
			return nil, err
		}
		ours[n.link] = link
	}
	return ours, nil
})
