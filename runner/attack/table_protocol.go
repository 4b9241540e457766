package attack

import (
	"syscall"

	"github.com/isobooth/isobooth/runner"
	"golang.org/x/sys/unix"
)

// protocolRows are the rows of section 7: abuse of the pipes. What stops most
// of it is the host, which cannot be left out; that it is the abuse, and not
// the library, that the host ends booths for is what ByRules shows.
func protocolRows() []Row {
	supervised := map[runner.CauseKind]Layer{runner.CauseExit: Supervisor}
	// A worker without its pipe says so if it can, and ends. That is its end,
	// unless the seal meets it first.
	unable := map[runner.CauseKind]Layer{runner.CauseExit: Supervisor, runner.CauseProtocol: Supervisor, runner.CauseSeal: Supervisor}
	rows := []Row{
		{ID: "G03/silence", Title: "sends the first half of a frame's header", Severity: High,
			Text: "part", Arg: 8, Layer: Deadline},
		{ID: "G03/body", Title: "sends half a frame", Severity: High,
			Text: "part", Arg: 40, Layer: Deadline},
		{ID: "G08", Title: "never answers", Severity: High,
			Text: "part", Arg: 0, Layer: Deadline},
		{ID: "G01/most", Title: "says that a frame has 4 GiB", Severity: High,
			Text: "size", Arg: 1<<32 - 1, Layer: Protocol},
		{ID: "G01/large", Title: "says that a frame is one byte too large", Severity: High,
			Text: "size", Arg: 65537, Layer: Protocol},
		{ID: "G02/zero", Title: "says that a frame has no bytes", Severity: High,
			Text: "size", Arg: 0, Layer: Protocol},
		{ID: "G02/short", Title: "says that a frame is shorter than it is", Severity: High,
			Text: "size", Arg: 24, Layer: Protocol},
		{ID: "G02/long", Title: "says that a frame is longer than it is", Severity: High,
			Text: "size", Arg: 65536, Layer: Deadline},
		{ID: "G02/item", Title: "says that a part is longer than its frame", Severity: High,
			Text: "item size", Arg: 60000, Layer: Protocol},
		{ID: "G05/next", Title: "answers the trigger that comes next, too", Severity: Medium,
			Text: "two", Arg: 4, Layer: Protocol},
		{ID: "G06/twice", Title: "answers twice", Severity: High,
			Text: "two", Arg: 3, Layer: Protocol},
		{ID: "G06/foreign", Title: "answers what it was not asked", Severity: High,
			Text: "id", Arg: 1 << 40, Layer: Protocol},
		{ID: "G07", Title: "answers an earlier trigger", Severity: High,
			Text: "id", Arg: 2, Layer: Protocol},
		{ID: "G10/vanish", Title: "ends in the middle of a frame", Severity: Medium,
			Text: "vanish", Arg: 20, Layer: Supervisor, Ends: supervised},
		{ID: "G20/lower", Title: "speaks an earlier version", Severity: Medium,
			Text: "version", Arg: 0, Layer: Protocol},
		{ID: "G20/higher", Title: "speaks a later version", Severity: Medium,
			Text: "version", Arg: 2, Layer: Protocol},
		{ID: "G21/frame", Title: "asks for something, in a frame of its own making", Severity: High,
			Text: "type", Arg: 0x85, Layer: Protocol},
		{ID: "G21/item", Title: "asks for something, in a part of its own making", Severity: High,
			Text: "item", Arg: 6, Layer: Protocol},
		{ID: "G22", Title: "sends replies as fast as it can", Severity: High,
			Text: "flood", Arg: 4096, Layer: Protocol},
	}
	for i := range rows {
		r := &rows[i]
		r.Family, r.Attack, r.Phases = "protocol", "answer", []Phase{Trigger}
		r.Evidence, r.Proof = []Evidence{Neighbour}, ByRules
	}
	// Not by a thread or a handler, which it cannot have, and a library whose
	// destructor runs has no more to say.
	hangUp := []Phase{Ifunc, Constructor, Start, Trigger}
	return append(rows, []Row{
		{ID: "G05/early", Title: "answers before it is asked", Severity: Medium,
			Family: "protocol", Attack: "early", Text: "reply", Phases: Loading(),
			Layer: Protocol, Evidence: []Evidence{Neighbour}, Proof: ByRules},
		{ID: "G11", Title: "prints where replies go before it is asked", Severity: Medium,
			Family: "protocol", Attack: "early", Text: "plugin 1.0 is starting\n", Phases: Loading(),
			Layer: Protocol, Evidence: []Evidence{Neighbour}, Proof: ByRules},
		// It is served: nothing depends on the worker's good will. But it is
		// sealed, though the worker never comes to that.
		{ID: "G11/takeover", Title: "speaks for the worker from its constructor on, and reads a secret later", Severity: High,
			Family: "protocol", Attack: "speak_for_worker", Phases: []Phase{Trigger},
			Layer: Seccomp, Calls: []string{"openat"}, Evidence: []Evidence{Secret, Worker}},
		{ID: "G11/loaded", Title: "says that it is loaded before it is", Severity: Medium,
			Elsewhere: "runner TestLoadedFrame"},

		{ID: "G10/replies", Title: "closes the pipe that it answers on", Severity: Medium,
			Family: "protocol", Attack: "hang_up", Arg: 4, Phases: hangUp,
			Layer: Seccomp, LoadLayer: Supervisor, Calls: []string{"close"}, AllowedBy: []string{"close"}, Evidence: []Evidence{Neighbour}, Proof: ByRules, Ends: unable},
		{ID: "G10/triggers", Title: "closes the pipe that it is asked on", Severity: Medium,
			Family: "protocol", Attack: "hang_up", Arg: 3, Phases: hangUp,
			Layer: Seccomp, LoadLayer: Supervisor, Calls: []string{"close"}, AllowedBy: []string{"close"}, Evidence: []Evidence{Neighbour}, Proof: ByRules, Ends: unable},

		{ID: "G12", Title: "has a second process write replies", Severity: Medium,
			Family: "protocol", Attack: "two_writers", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"clone"}, Evidence: []Evidence{Worker, Neighbour}, Proof: ByResult},

		// The host's ends are file descriptions of their own.
		{ID: "G14", Title: "has a pipe not block", Severity: High,
			Family: "protocol", Attack: "nonblocking", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"fcntl"}, AllowedBy: []string{"fcntl"}, Evidence: []Evidence{Unblocked}, Proof: ByResult},
		// Landlock does not govern pipes; but the host takes everybody's rights
		// to open these, and only CAP_DAC_OVERRIDE would pass that by.
		{ID: "G14/reopen", Title: "opens its pipe in the other direction", Severity: High,
			Family: "protocol", Attack: "other_end", Phases: Everywhere(),
			Layer: Seccomp, LoadLayer: Protocol, Calls: []string{"openat"}, Evidence: []Evidence{Worker}, Proof: ByResult,
			Errnos: map[syscall.Errno][]Layer{unix.EACCES: {Protocol}}},
		{ID: "G14/host", Title: "has a pipe not block, and so the host's end", Severity: High,
			Elsewhere: "runner TestProtocolAbuse: allowed to do it, and the flags of host and jailer stay"},
		{ID: "G15", Title: "shrinks a pipe", Severity: Medium,
			Family: "protocol", Attack: "shrink", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"fcntl"}, Evidence: []Evidence{Worker, Neighbour}, Proof: ByResult, Harmless: Protocol},
		{ID: "G15/host", Title: "shrinks a pipe, and has the host wait", Severity: Medium,
			Elsewhere: "runner TestProtocolAbuse: allowed to do it, it ends for it or is served"},
		{ID: "G16", Title: "has a pipe signal another process", Severity: Medium,
			Family: "protocol", Attack: "signal_by_pipe", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"pipe2", "fcntl"}, Evidence: []Evidence{Sentinel, Worker},
			Errnos: map[syscall.Errno][]Layer{unix.EPERM: {Landlock}}},

		{ID: "G18", Title: "says what a terminal or a log would obey", Severity: Medium,
			Elsewhere: "runner TestTextWhileLoading, cmd/isobooth TestBooths (text.txtar) and TestPrintableJSON: it is quoted wherever it is shown"},
		{ID: "G19", Title: "plays notes that trigger itself, and floods a port", Severity: Medium,
			Elsewhere: "cmd/isobooth TestLoopDiesOut, TestLoopOfTwoDiesOut, TestFloodIsLimited, TestOutputRate and TestOutputForm"},
		{ID: "G20", Title: "has a table of another version", Severity: Medium,
			Elsewhere: "runner TestLoadedFrame"},
		{ID: "G22/fair", Title: "answers as fast as it is asked, as much as it may", Severity: High,
			Elsewhere: "runner TestFastPluginStarvesNobody"},
	}...)
}
