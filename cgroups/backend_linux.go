package cgroups

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// backend is what differs between v1 and v2. Paths begin with "/" and mean
// the same in every hierarchy; libcontainer wants them so.
type backend interface {
	// base is the path below which trees are made, without a final slash.
	base() string
	// open makes a tree, and removes what it made when it fails.
	open(tree string) error
	// create makes a group without limits.
	create(path string) error
	// limit writes limits and reads them back. old are those in force, nil for
	// a new group; at no moment does the group have more than both allow.
	limit(path string, old *Limits, l Limits) error
	stats(path string) (Stats, error)
	reached(path string) (Reached, error)
	// dirs lists the host directories a path may have, existing or not.
	dirs(path string) []string
	// close takes the caller itself out of a tree, so that it can be removed.
	close(tree string) error
}

// readBack compares files of one directory with what was asked of them. The
// kernel may round, clamp or ignore what is written; nothing runs under a
// limit that is only nearly there.
func readBack(dir string, want []setting) error {
	for _, s := range want {
		path := filepath.Join(dir, s.file)
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read back %s: %w: %w", path, err, ErrLimit)
		}
		if got := strings.TrimSpace(string(data)); got != s.value {
			return fmt.Errorf("%s is %q, asked for %q: %w", path, got, s.value, ErrLimit)
		}
	}
	return nil
}

type setting struct{ file, value string }

func number[T int64 | uint64](v T) string { return fmt.Sprint(v) }

// counter is one number in a group's files: that of a key, or without a key
// all of the file. A file that is missing counts as 0.
type counter struct {
	to        *uint64
	path, key string
}

func readCounters(counters []counter) error {
	for _, c := range counters {
		n, err := readCounter(c.path, c.key)
		if err != nil {
			return err
		}
		*c.to += n
	}
	return nil
}

// readCounter reads one "key value" line of a file, or without a key the one
// number in it; 0 if there is none.
func readCounter(path, key string) (uint64, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // pids.events came with Linux 4.8
	}
	if err != nil {
		return 0, err
	}
	if key == "" {
		return strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64)
	}
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name == key {
			return strconv.ParseUint(value, 10, 64)
		}
	}
	return 0, nil
}
