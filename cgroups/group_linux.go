package cgroups

import (
	"fmt"
	"io/fs"
	"sync"
)

// Group is one booth's group. It is safe for concurrent use.
type Group struct {
	tree *Tree
	name string

	mu      sync.Mutex
	limits  Limits
	deleted bool
}

// Path is what libcontainer wants as Cgroup.Path: absolute below the mount
// of each hierarchy.
func (g *Group) Path() string { return g.tree.path() + "/" + g.name }

func (g *Group) dirs() []string { return g.tree.backend.dirs(g.Path()) }

// Stats reads the counters. After Delete the error wraps fs.ErrNotExist.
func (g *Group) Stats() (Stats, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.deleted {
		return Stats{}, g.fail("stats", fs.ErrNotExist)
	}
	s, err := g.tree.backend.stats(g.Path())
	if err != nil {
		return Stats{}, g.fail("stats", err)
	}
	return s, nil
}

// Reached reads only what tells of limits: a quarter of the price of Stats.
// After Delete the error wraps fs.ErrNotExist.
func (g *Group) Reached() (Reached, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.deleted {
		return Reached{}, g.fail("limits", fs.ErrNotExist)
	}
	r, err := g.tree.backend.reached(g.Path())
	if err != nil {
		return Reached{}, g.fail("limits", err)
	}
	return r, nil
}

// Procs lists the processes of the group and of those below it, in every
// hierarchy, each once.
func (g *Group) Procs() ([]int, error) {
	pids, err := procsBelow(g.dirs())
	if err != nil {
		return nil, g.fail("list processes", err)
	}
	return pids, nil
}

// Limits returns those in force.
func (g *Group) Limits() Limits {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.limits
}

// Update changes the limits of a group in use, in an order in which it never
// has more than the old and the new limits both allow. When it fails the old
// limits are in force again, unless the error wraps ErrMixed.
//
// Memory below what the group holds: v1 gives back what it can and refuses if
// that is not enough, ErrInUse. v2 takes the limit, and if it cannot give
// back enough kills the group (Reached.OOMKills tells).
func (g *Group) Update(l Limits) error {
	if err := l.check(); err != nil {
		return g.fail("update", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.deleted {
		return g.fail("update", fs.ErrNotExist)
	}
	old := g.limits
	if old.Equal(l) {
		return nil
	}
	err := g.tree.backend.limit(g.Path(), &old, l)
	if err == nil {
		g.limits = l
		return nil
	}
	if back := g.tree.backend.limit(g.Path(), &l, old); back != nil {
		err = fmt.Errorf("%w: %w; putting the old ones back: %w", ErrMixed, err, back)
	}
	return g.fail("update", err)
}

// Kill sends SIGKILL to every process of the group. It does not wait for
// them to end. The group itself stays and can be joined again.
func (g *Group) Kill() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.deleted {
		return nil
	}
	if err := killAll(g.dirs()); err != nil {
		return g.fail("kill", err)
	}
	// Killing may have taken the right to fork away.
	if err := g.tree.backend.limit(g.Path(), nil, g.limits); err != nil {
		return g.fail("kill", err)
	}
	return nil
}

// Delete kills every process of the group, waits a few seconds at most for
// them to end and removes the group from every hierarchy. Tasks that do not
// end give ErrBusy; it can then be called again. After success it does
// nothing.
func (g *Group) Delete() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.deleted {
		return nil
	}
	if err := destroy(g.dirs()); err != nil {
		return g.fail("delete", err)
	}
	g.deleted = true
	g.tree.mu.Lock()
	defer g.tree.mu.Unlock()
	delete(g.tree.groups, g.name)
	return nil
}

func (g *Group) fail(what string, err error) error {
	return fmt.Errorf("%s of group %q: %w", what, g.name, err)
}
