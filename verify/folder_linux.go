package verify

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// folder is a plugin's folder, held open so that a folder put in its place
// later changes nothing.
type folder struct {
	path string
	dir  *os.File
}

func openFolder(path string) (*folder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOTDIR) {
		err := fmt.Errorf("%w: %q is no folder", ErrBadFile, path)
		return nil, hintError{err, "name the folder that holds " + manifestName}
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return &folder{path: path, dir: os.NewFile(uintptr(fd), path)}, nil
}

// open opens the file called name, a plain file name. A missing file is
// fs.ErrNotExist.
func (d *folder) open(name string) (*os.File, error) {
	fd, err := unix.Openat(int(d.dir.Fd()), name, openFlags, 0)
	if err != nil {
		return nil, openError("openat", err)
	}
	return os.NewFile(uintptr(fd), d.join(name)), nil
}

func (d *folder) join(name string) string { return filepath.Join(d.path, name) }

func (d *folder) read(name string, max int64) ([]byte, error) {
	f, err := d.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readPlain(f, max)
}

func (d *folder) seal(name string, max int64) (*Image, error) {
	f, err := d.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return seal(f, name, d.join(name), max)
}

func (d *folder) close() { d.dir.Close() }
