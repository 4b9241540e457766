//go:build linux || darwin

package verify

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// openFlags keep an open from following a link in the last part of the name,
// from waiting on a FIFO and from leaking into a child.
const openFlags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC

// openPlain opens file for reading unless it is a symbolic link.
func openPlain(file string) (*os.File, error) {
	fd, err := unix.Open(file, openFlags, 0)
	if err != nil {
		return nil, openError("open", err)
	}
	return os.NewFile(uintptr(fd), file), nil
}

// openError names the one errno whose own text misleads: with O_NOFOLLOW,
// ELOOP means that the file is a link (open(2)).
func openError(call string, err error) error {
	if errors.Is(err, unix.ELOOP) {
		return fmt.Errorf("%w: is a symbolic link", ErrBadFile)
	}
	return os.NewSyscallError(call, err)
}

// checkOwner fails if someone besides root and uid may write f.
func checkOwner(f *os.File, uid int) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return checkGuarded(info, uid, false)
}

// checkGuarded fails if someone besides root and uid may change what info
// describes. In a sticky folder such as /tmp others may add entries but not
// replace those of root and uid, which is enough for a parent.
func checkGuarded(info fs.FileInfo, uid int, parent bool) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.New("internal error: no owner in file information")
	}
	if owner := int(st.Uid); owner != 0 && owner != uid {
		err := fmt.Errorf("%w: belongs to user %d, who is neither root nor user %d", ErrBadFile, owner, uid)
		return hintError{err, "change its owner with chown, or use a copy of your own"}
	}
	mode := info.Mode()
	if parent && mode&fs.ModeSticky != 0 {
		return nil
	}
	if mode.Perm()&0o022 != 0 {
		err := fmt.Errorf("%w: writable by group or others, mode %v", ErrBadFile, mode)
		return hintError{err, "remove the write permission: chmod go-w"}
	}
	return nil
}

// checkFolders applies checkGuarded to dir, an absolute path without links,
// and to everything above it: who can rename a parent can replace dir.
func checkFolders(dir string, uid int) error {
	for at := dir; ; at = filepath.Dir(at) {
		info, err := os.Lstat(at)
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return fmt.Errorf("%w: %q is no folder", ErrBadFile, at)
		}
		if err := checkGuarded(info, uid, at != dir); err != nil {
			return fmt.Errorf("folder %q: %w", at, err)
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}
