//go:build !linux && !darwin

package verify

import (
	"errors"
	"fmt"
	"os"
)

// Without owners and modes we cannot tell whether a file may be relied on.

func openPlain(file string) (*os.File, error) {
	return nil, fmt.Errorf("open %q: %w", file, errors.ErrUnsupported)
}

func checkOwner(f *os.File, uid int) error {
	return fmt.Errorf("owner of %q: %w", f.Name(), errors.ErrUnsupported)
}

func checkFolders(dir string, uid int) error {
	return fmt.Errorf("owner of %q: %w", dir, errors.ErrUnsupported)
}
