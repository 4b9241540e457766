package main

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"github.com/isobooth/isobooth/cgroups"
	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/wire"
	"github.com/isobooth/isobooth/verify"
)

// Exit codes. They are stable; the man page isobooth(1) lists them, and a
// test compares the two.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2   // wrong flags or arguments, or a config that config check finds mistakes in
	exitRefused     = 3   // signature missing, not trusted or wrong
	exitLayer       = 4   // a sandbox layer cannot be applied on this machine
	exitPolicy      = 5   // the plugin did what its profile calls an attack, or could not be sealed
	exitInterrupted = 130 // Ctrl-C: 128 + SIGINT
	exitNotRunnable = 126 // it is no plugin that this machine can load
	exitNotFound    = 127 // plugin, file or port does not exist
)

var exitCodes = []struct {
	code int
	text string
}{
	{exitDone, "done"},
	{exitFailed, "failed"},
	{exitUsage, "wrong flags or arguments; config check: mistakes were found"},
	{exitRefused, "signature missing, not trusted or wrong"},
	{exitLayer, "a sandbox layer cannot be applied on this machine"},
	{exitPolicy, "the plugin was stopped for breaking its profile"},
	{exitNotRunnable, "the plugin cannot be loaded: no ELF library, wrong machine, no entry, missing library"},
	{exitNotFound, "plugin, file or MIDI port not found"},
}

// errMissing is doctor's finding that a layer is missing.
var errMissing = errors.New("isobooth would refuse to start a booth")

// errPolicy is a plugin that was killed for a system call its profile names
// as an attack.
var errPolicy = errors.New("it was killed for breaking its profile")

// errNotGranted is a plugin that made calls which learn grants to nobody.
var errNotGranted = errors.New("write their rules, with accept_risk, by hand if it must have them")

// usageError is a wrong call; the usage has been printed.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// shownError is a failure that has been printed as part of the output.
type shownError struct{ error }

func (e *shownError) Unwrap() error { return e.error }

func exitCode(err error) int {
	var usage usageError
	var start *runner.StartError
	switch {
	case errors.As(err, &usage), errors.Is(err, errConfig):
		return exitUsage
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, verify.ErrRefused):
		return exitRefused
	case errors.Is(err, verify.ErrKeys):
		return exitFailed
	case errors.Is(err, errPolicy), errors.Is(err, errNotGranted), errors.As(err, &start) && start.Cause.Kind == runner.CauseSeal:
		return exitPolicy
	case errors.Is(err, runner.ErrLayer), errors.Is(err, cgroups.ErrNotDelegated),
		errors.Is(err, cgroups.ErrController), errors.Is(err, errMissing):
		return exitLayer
	case errors.Is(err, verify.ErrELF), errors.Is(err, verify.ErrNoEntry), errors.Is(err, verify.ErrABIUnsupported),
		errors.Is(err, verify.ErrMissingLibrary), errors.Is(err, verify.ErrLibrary), errors.Is(err, verify.ErrBadFile):
		return exitNotRunnable
	case errors.As(err, &start):
		return startCode(start)
	case errors.Is(err, errNoSuchPlugin), errors.Is(err, fs.ErrNotExist), errors.Is(err, midi.ErrNoPorts), errors.Is(err, midi.ErrNoSuchPort):
		return exitNotFound
	}
	return exitFailed
}

func startCode(e *runner.StartError) int {
	var worker *wire.WorkerError
	switch {
	case e.Cause.Kind == runner.CauseSignal && e.Cause.Signal == syscall.SIGSYS:
		return exitPolicy
	case errors.As(e, &worker) && worker.Code != wire.CodeStart:
		return exitNotRunnable
	}
	return exitFailed
}

// hintFor says what to do about an error; "" when there is nothing to add.
func hintFor(err error) string {
	if h := verify.Hint(err); h != "" {
		return h
	}
	var layer *runner.LayerError
	var start *runner.StartError
	var record *recordsError
	var grant *runner.GrantError
	switch {
	case errors.As(err, &grant):
		return grant.Hint
	case errors.Is(err, errNoAttacks):
		return "make install puts it beside isobooth-jail, as packages do; in a clone, make builds it into bin/selftest"
	case errors.Is(err, errNoDaemon):
		return "isobooth run starts one; isobooth play says itself what was refused"
	case errors.Is(err, profiles.ErrUnknown):
		return "isobooth profile list prints those there are"
	case errors.As(err, &record):
		return "if nothing needs to stay in quarantine, remove the file"
	case errors.As(err, &start) && start.Cause.Kind == runner.CauseSeal:
		return "the plugin changed, while it loaded, what its booth must be afterwards; ask its author"
	case errors.Is(err, verify.ErrUntrusted):
		return "if you trust that key, put its .pub file into the trusted keys folder (isobooth config shows which)"
	case errors.Is(err, cgroups.ErrNotDelegated) || errors.As(err, &layer) && layer.Layer == "cgroup":
		if r := cgroups.Probe(); r.Hint != "" {
			return r.Hint
		}
		return "isobooth doctor shows what is missing"
	case errors.As(err, &layer):
		return "isobooth doctor shows what this machine has of each layer"
	case errors.Is(err, midi.ErrNoPorts), errors.Is(err, midi.ErrNoSuchPort):
		return "isobooth midi ports lists what there is"
	}
	if start != nil && start.Cause.Kind == runner.CauseTimeout {
		return "a plugin that needs longer to load needs a profile with a larger load_timeout"
	}
	return ""
}
