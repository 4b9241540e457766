//go:build !linux

package verify

import (
	"errors"
	"fmt"
)

type folder struct{ path string }

func openFolder(path string) (*folder, error) {
	return nil, fmt.Errorf("open plugin folder %q: %w", path, errors.ErrUnsupported)
}

func (d *folder) read(name string, max int64) ([]byte, error) { return nil, errors.ErrUnsupported }

func (d *folder) seal(name string, max int64) (*Image, error) { return nil, errors.ErrUnsupported }

func (d *folder) close() {}
