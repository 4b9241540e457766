package cgroups

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Sweep kills and removes the trees of daemons that are gone: those whose
// name starts with prefix, which must not be empty, and for which alive
// returns false. It returns the names it removed, also with an error about
// others.
//
// On v2 without root a daemon that is gone may have lived in another scope
// of the same user, so all groups that belong to the user are searched.
func Sweep(prefix string, alive func(name string) bool) ([]string, error) {
	if err := checkName(prefix); err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	b, err := detect()
	if err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	return sweep(searchRoots(b), prefix, alive)
}

// searchRoots lists directories to search, and how deep.
func searchRoots(b backend) map[string]int {
	roots := map[string]int{}
	u, ok := b.(*unified)
	if !ok {
		for _, dir := range b.dirs("/") {
			roots[dir] = 1
		}
		return roots
	}
	roots[u.dir("/")] = 1
	roots[u.dir(u.group)] = 1
	if os.Geteuid() == 0 {
		return roots
	}
	// The user's manager owns the groups below user@<uid>.service.
	top := ""
	for path := u.own; path != "/"; path = filepath.Dir(path) {
		var stat unix.Stat_t
		if unix.Stat(u.dir(path), &stat) == nil && int(stat.Uid) == os.Geteuid() {
			top = path
		}
	}
	if top != "" {
		roots[u.dir(top)] = 8
	}
	return roots
}

func sweep(roots map[string]int, prefix string, alive func(name string) bool) ([]string, error) {
	found := map[string][]string{} // directories by name
	var errs []error
	for root, depth := range roots {
		errs = append(errs, findTrees(root, depth, prefix, found))
	}
	var removed []string
	for name, dirs := range found {
		if alive(name) {
			continue
		}
		if err := destroyForeign(dirs); err != nil {
			errs = append(errs, fmt.Errorf("tree %q: %w", name, err))
			continue
		}
		removed = append(removed, name)
	}
	slices.Sort(removed)
	if err := errors.Join(errs...); err != nil {
		return removed, fmt.Errorf("sweep: %w", err)
	}
	return removed, nil
}

// findTrees adds the directories called prefix-something, up to depth levels
// below root, to found.
func findTrees(root string, depth int, prefix string, found map[string][]string) error {
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var errs []error
	for _, entry := range entries {
		name, path := entry.Name(), filepath.Join(root, entry.Name())
		switch {
		case !entry.IsDir():
		case strings.HasPrefix(name, prefix) && checkName(name) == nil:
			if !slices.Contains(found[name], path) {
				found[name] = append(found[name], path)
			}
		case depth > 1:
			errs = append(errs, findTrees(path, depth-1, prefix, found))
		}
	}
	return errors.Join(errs...)
}
