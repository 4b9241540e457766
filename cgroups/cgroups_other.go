//go:build !linux

package cgroups

import (
	"errors"
	"fmt"
)

var errNoGroups = fmt.Errorf("control groups: %w", errors.ErrUnsupported)

// Tree is the groups of one daemon. Only Linux has control groups; here
// there is never one.
type Tree struct{}

// Open fails with errors.ErrUnsupported.
func Open(name string) (*Tree, error) { return nil, errNoGroups }

// New fails with errors.ErrUnsupported.
func (t *Tree) New(name string, l Limits) (*Group, error) { return nil, errNoGroups }

// Close does nothing.
func (t *Tree) Close() error { return nil }

// Paths is empty.
func (t *Tree) Paths() []string { return nil }

// Group is one booth's group.
type Group struct{}

// Path is empty.
func (g *Group) Path() string { return "" }

// Stats fails with errors.ErrUnsupported.
func (g *Group) Stats() (Stats, error) { return Stats{}, errNoGroups }

// Reached fails with errors.ErrUnsupported.
func (g *Group) Reached() (Reached, error) { return Reached{}, errNoGroups }

// Procs fails with errors.ErrUnsupported.
func (g *Group) Procs() ([]int, error) { return nil, errNoGroups }

// Limits is zero.
func (g *Group) Limits() Limits { return Limits{} }

// Update fails with errors.ErrUnsupported.
func (g *Group) Update(l Limits) error { return errNoGroups }

// Kill fails with errors.ErrUnsupported.
func (g *Group) Kill() error { return errNoGroups }

// Delete fails with errors.ErrUnsupported.
func (g *Group) Delete() error { return errNoGroups }

// Sweep fails with errors.ErrUnsupported.
func Sweep(prefix string, alive func(name string) bool) ([]string, error) { return nil, errNoGroups }

// Probe says that there are no control groups.
func Probe() Report {
	return Report{Version: "none", Controllers: []string{}, Reason: errNoGroups.Error()}
}
