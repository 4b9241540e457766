package cgroups

import "errors"

var (
	// ErrNotDelegated: this user may not create groups here. The error that
	// wraps it says which directory or controller is missing.
	ErrNotDelegated = errors.New("no delegated control group")

	// ErrLimit: the kernel did not take a limit as it was asked, or the
	// limits make no sense. The error that wraps it names the file or field.
	// New leaves no group behind; after a failed Update, delete the group.
	ErrLimit = errors.New("limit not in force")

	// ErrBusy: tasks that were killed are still there when the bounded wait
	// for them ends.
	ErrBusy = errors.New("group still has tasks")

	// ErrName: a name that cannot be one directory of ours.
	ErrName = errors.New("invalid group name")
)
