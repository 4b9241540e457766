//go:build unix

package profiles

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// owners says whose files are trusted.
type owners struct {
	system bool // root's only, else also the user's own
	self   uint32
}

func trusting(origin Origin) owners { return owners{origin == FromSystem, uint32(os.Geteuid())} }

// folder is a folder of profiles that was found trustworthy. What is checked
// and what is read is one descriptor, so nothing changes in between.
type folder struct {
	path   string
	fd     int
	owners owners
}

// openFolder opens a folder of profiles, which may not be a symbolic link. One
// that the user named may, and it may be one like /tmp, in which others may
// add files and not replace ours.
func openFolder(path string, o owners, named bool) (*folder, error) {
	flags := unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC
	if !named {
		flags |= unix.O_NOFOLLOW
	}
	fd, err := unix.Open(path, flags, 0)
	if err != nil {
		return nil, openError(path, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return nil, &os.PathError{Op: "fstat", Path: path, Err: err}
	}
	if err := o.check(&st, unix.S_IFDIR, named); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("folder %s: %w", path, err)
	}
	return &folder{path, fd, o}, nil
}

func (f *folder) close() { unix.Close(f.fd) }

// read reads a file of the folder. An error that is about the file starts
// with its name and a line.
func (f *folder) read(name string) ([]byte, error) {
	path := filepath.Join(f.path, name)
	// A FIFO would block the open.
	fd, err := unix.Openat(f.fd, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, openError(path, err)
	}
	file := os.NewFile(uintptr(fd), path)
	defer file.Close()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, &os.PathError{Op: "fstat", Path: path, Err: err}
	}
	if err := f.owners.check(&st, unix.S_IFREG, false); err != nil {
		return nil, &parseError{file: path, line: 1, err: err}
	}
	// The parser refuses one byte too many.
	data, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read profile: %w", err)
	}
	return data, nil
}

// maxFiles bounds a folder of profiles.
const maxFiles = 1024

// list returns the names in the folder, in no order.
func (f *folder) list() ([]string, error) {
	// Not f.fd itself: reading a folder moves its offset.
	fd, err := unix.Openat(f.fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: f.path, Err: err}
	}
	dir := os.NewFile(uintptr(fd), f.path)
	defer dir.Close()
	names, err := dir.Readdirnames(maxFiles + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(names) > maxFiles {
		return nil, fmt.Errorf("folder %s: more than %d files", f.path, maxFiles)
	}
	return names, nil
}

// check refuses what others could have made or could change.
func (o owners) check(st *unix.Stat_t, kind uint32, sticky bool) error {
	mode := uint32(st.Mode)
	switch {
	case mode&unix.S_IFMT != kind && kind == unix.S_IFDIR:
		return fmt.Errorf("%w: is no folder", ErrUnsafe)
	case mode&unix.S_IFMT != kind:
		return fmt.Errorf("%w: is no regular file", ErrUnsafe)
	case o.system && st.Uid != 0:
		return fmt.Errorf("%w: belongs to user %d, must belong to root; chown root", ErrUnsafe, st.Uid)
	case st.Uid != 0 && st.Uid != o.self:
		return fmt.Errorf("%w: belongs to user %d, must belong to root or to us, user %d", ErrUnsafe, st.Uid, o.self)
	case mode&0o022 != 0 && !(sticky && mode&unix.S_ISVTX != 0):
		return fmt.Errorf("%w: mode %04o lets others write; chmod go-w", ErrUnsafe, mode&0o7777)
	}
	return nil
}

// openError names a symbolic link, for which the kernel has two words.
func openError(path string, err error) error {
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR) {
		var st unix.Stat_t
		if unix.Lstat(path, &st) == nil && uint32(st.Mode)&unix.S_IFMT == unix.S_IFLNK {
			return &parseError{file: path, line: 1, err: fmt.Errorf("%w: is a symbolic link", ErrUnsafe)}
		}
	}
	return &os.PathError{Op: "open", Path: path, Err: err}
}
