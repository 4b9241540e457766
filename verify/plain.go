package verify

import (
	"fmt"
	"io"
	"os"
)

// readPlain returns all of f, which must be a regular file of at most max
// bytes. The bytes are counted while reading: a size asked for beforehand can
// be wrong a moment later.
func readPlain(f *os.File, max int64) ([]byte, error) {
	if err := checkRegular(f); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, max+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > max {
		return nil, fmt.Errorf("%w: larger than %d bytes", ErrBadFile, max)
	}
	return data, nil
}

func checkRegular(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: no regular file, mode %v", ErrBadFile, info.Mode())
	}
	return nil
}
