package jail

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// layout is a folder of empty mount points. It knows all that it has made, so
// that no more than that is ever removed: whatever a failure leaves mounted
// there is the user's.
type layout struct {
	dir  string
	made []string // in this order
}

// newLayout makes dir and what is missing above it.
func newLayout(dir string) (*layout, error) {
	l := &layout{dir: dir}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return l, err
	}
	return l, l.folder("/")
}

// folder makes the folder inside, and those above it.
func (l *layout) folder(inside string) error {
	path := filepath.Join(l.dir, inside)
	if inside != "/" {
		if err := l.folder(filepath.Dir(inside)); err != nil {
			return err
		}
	}
	err := os.Mkdir(path, 0o755)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil:
		return err
	}
	l.made = append(l.made, path)
	return os.Chmod(path, 0o755) // whatever our umask is
}

// file makes an empty file, or one with text that the booth can read.
func (l *layout) file(inside string, text []byte) error {
	if err := l.folder(filepath.Dir(inside)); err != nil {
		return err
	}
	path := filepath.Join(l.dir, inside)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o444)
	if err != nil {
		return err
	}
	l.made = append(l.made, path)
	_, err = f.Write(text)
	return errors.Join(err, f.Chmod(0o444), f.Close())
}

// remove undoes it all.
func (l *layout) remove() error {
	var errs []error
	for i := len(l.made) - 1; i >= 0; i-- {
		if err := os.Remove(l.made[i]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
