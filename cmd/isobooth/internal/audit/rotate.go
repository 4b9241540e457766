package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// putAside gives the file the name of its last record.
func (l *Log) putAside(last Head) error {
	stem, ext := l.stem()
	// Twelve digits, so that names sort like what is in them.
	to := fmt.Sprintf("%s-%012d%s", stem, last.Seq, ext)
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("rotate %s: %s is there already", l.path, to), err)
	}
	if err := os.Rename(l.path, to); err != nil {
		return err
	}
	return syncFolder(l.path)
}

func (l *Log) stem() (stem, ext string) {
	ext = filepath.Ext(l.path)
	return strings.TrimSuffix(l.path, ext), ext
}

// aside lists the files that were put aside, oldest first.
func (l *Log) aside() ([]string, error) {
	stem, ext := l.stem()
	entries, err := os.ReadDir(filepath.Dir(l.path))
	if err != nil {
		return nil, err
	}
	var found []string
	for _, e := range entries {
		name, ok := strings.CutPrefix(filepath.Join(filepath.Dir(l.path), e.Name()), stem+"-")
		digits, ok2 := strings.CutSuffix(name, ext)
		if _, err := strconv.ParseUint(digits, 10, 64); ok && ok2 && err == nil && len(digits) == 12 {
			found = append(found, stem+"-"+digits+ext)
		}
	}
	return found, nil // ReadDir sorts by name
}

// Files lists the files of the log as they are now, oldest first, each open
// for reading up to its present end. The caller closes them.
func (l *Log) Files() (files []*File, err error) {
	err = l.locked(func() error {
		paths, err := l.aside()
		if err != nil {
			return err
		}
		for _, path := range append(paths, l.path) {
			f, err := openOurs(path, os.O_RDONLY)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			st, err := f.Stat()
			if err != nil {
				return errors.Join(err, f.Close())
			}
			files = append(files, &File{f, st.Size()})
		}
		return nil
	})
	return files, err
}

// File is one file of a log, of Size bytes when it was opened.
type File struct {
	*os.File
	Size int64
}
