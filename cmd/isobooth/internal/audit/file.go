package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// openOurs opens a plain file that only we can read and write, in a folder
// that only we or root can write to.
func openOurs(path string, flags int) (*os.File, error) {
	dir := filepath.Dir(path)
	st, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if uid := int(st.Sys().(*syscall.Stat_t).Uid); uid != os.Geteuid() && uid != 0 || st.Mode()&0o022 != 0 {
		return nil, fmt.Errorf("%s: others can write to this folder: %w", dir, ErrFile)
	}
	// O_NONBLOCK: a FIFO must not hold us up; it means nothing to a file.
	f, err := os.OpenFile(path, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NONBLOCK, 0o600)
	if errors.Is(err, unix.ELOOP) {
		return nil, fmt.Errorf("%s: a symbolic link: %w", path, ErrFile)
	}
	if err != nil {
		return nil, err
	}
	if st, err = f.Stat(); err == nil {
		uid, mode := int(st.Sys().(*syscall.Stat_t).Uid), st.Mode()
		if uid != os.Geteuid() || !mode.IsRegular() || mode.Perm()&0o077 != 0 {
			err = fmt.Errorf("%s: of user %d with mode %v, want a file of ours with mode 0600: %w", path, uid, mode, ErrFile)
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// syncFolder makes names in a file's folder outlive a loss of power.
func syncFolder(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
