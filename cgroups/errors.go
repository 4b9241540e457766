package cgroups

import "errors"

var (
	// ErrNotDelegated: this user may not create groups here. The error that
	// wraps it says which directory or controller is missing.
	ErrNotDelegated = errors.New("no delegated control group")

	// ErrLimit: the kernel did not take a limit as it was asked, or the
	// limits make no sense. The error that wraps it names the file or field.
	// New leaves no group behind.
	ErrLimit = errors.New("limit not in force")

	// ErrController: a limit was asked for that this machine has no controller
	// or no accounting for. The error that wraps it, and ErrLimit, names it.
	ErrController = errors.New("no controller for it")

	// ErrInUse: v1 does not take a memory limit below what the group holds and
	// cannot give back. The error that wraps it wraps ErrLimit, too.
	ErrInUse = errors.New("the group holds more memory than that")

	// ErrMixed: an Update failed, and the limits before it could not be put
	// back, either; the group has some of both. Delete it.
	ErrMixed = errors.New("old and new limits are mixed")

	// ErrBusy: tasks that were killed are still there when the bounded wait
	// for them ends.
	ErrBusy = errors.New("group still has tasks")

	// ErrName: a name that cannot be one directory of ours.
	ErrName = errors.New("invalid group name")
)
