package cgroups

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
)

// Tree is the groups of one daemon. It is safe for concurrent use.
type Tree struct {
	backend backend
	name    string

	mu     sync.Mutex
	groups map[string]*Group
	closed bool
}

// Open makes the tree called name, which should tell whose it is and must
// not exist: "isobooth-<pid>-<start time>". On v2 without root it needs a
// delegated group that holds the caller alone, such as that of
// `systemd-run --user --scope -p Delegate=yes`; the caller is then moved
// into a leaf of the tree until Close; if it has more trees there, the first
// must be closed last. Where groups cannot be made the error wraps
// ErrNotDelegated, and nothing is left behind.
func Open(name string) (*Tree, error) {
	if err := checkName(name); err != nil {
		return nil, fmt.Errorf("open group tree: %w", err)
	}
	b, err := detect()
	if err != nil {
		return nil, fmt.Errorf("open group tree %q: %w", name, err)
	}
	return openIn(b, name)
}

func openIn(b backend, name string) (*Tree, error) {
	t := &Tree{backend: b, name: name, groups: map[string]*Group{}}
	for _, dir := range b.dirs(t.path()) {
		if _, err := os.Lstat(dir); err == nil {
			return nil, fmt.Errorf("open group tree %q: %s: %w", name, dir, fs.ErrExist)
		}
	}
	if err := b.open(name); err != nil {
		return nil, errors.Join(fmt.Errorf("open group tree %q: %w", name, err), removeAll(b.dirs(t.path())))
	}
	return t, nil
}

// path is the tree's, as in Group.Path.
func (t *Tree) path() string { return t.backend.base() + "/" + t.name }

// New makes a group with limits that are in force when it returns. Where one
// is not the error wraps ErrLimit. On every error no group is left behind.
func (t *Tree) New(name string, l Limits) (*Group, error) {
	if err := errors.Join(checkName(name), l.check()); err != nil {
		return nil, fmt.Errorf("new group: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, fmt.Errorf("new group %q: %w", name, os.ErrClosed)
	}
	if t.groups[name] != nil {
		return nil, fmt.Errorf("new group %q: %w", name, fs.ErrExist)
	}
	g := &Group{tree: t, name: name, limits: l}
	err := t.backend.create(g.Path())
	if err == nil {
		err = t.backend.limit(g.Path(), nil, l)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("new group %q: %w", name, err), removeAll(t.backend.dirs(g.Path())))
	}
	t.groups[name] = g
	return g, nil
}

// Close kills what is left in the tree and removes it from every hierarchy.
// It can be called again after an error; after success it does nothing.
func (t *Tree) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed && len(t.groups) == 0 {
		return nil
	}
	t.closed = true
	for _, name := range t.names() {
		if err := destroy(t.backend.dirs(t.groups[name].Path())); err != nil {
			return fmt.Errorf("close group tree %q: %w", t.name, err)
		}
	}
	// On v2 the caller itself is below until here; what is left then is its
	// children, which were born in its leaf.
	err := t.backend.close(t.name)
	if err == nil {
		err = destroyForeign(t.backend.dirs(t.path()))
	}
	if err != nil {
		return fmt.Errorf("close group tree %q: %w", t.name, err)
	}
	clear(t.groups)
	return nil
}

// Paths lists the host directories of the tree that exist or that a
// container library may still make, deepest first, so that another process
// can remove them one by one when this one dies.
func (t *Tree) Paths() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var paths []string
	for _, name := range t.names() {
		paths = append(paths, t.backend.dirs(t.groups[name].Path())...)
	}
	for _, dir := range t.backend.dirs(t.path()) {
		if _, err := os.Lstat(dir + "/" + hostLeaf); err == nil {
			paths = append(paths, dir+"/"+hostLeaf)
		}
		paths = append(paths, dir)
	}
	return paths
}

func (t *Tree) names() []string {
	var names []string
	for name := range t.groups {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
