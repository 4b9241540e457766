// Package runner runs plugins in booths.
//
// A booth is one worker process in one sandbox with one plugin in it. The
// Host starts the jailer and owns what all booths share; a Booth stands for
// one plugin over all its restarts, and over changes of its limits and its
// profile while it runs. A Plan says what it gets; making one
// resolves the names and paths of its profile.
//
// The event path is Lane.Send: the goroutine that received a MIDI event
// writes the frame, waits for the reply and hands it to the Sink itself.
// Nothing on it allocates, logs or hops to another goroutine. A plugin that
// is slow is handed over to the booth's own goroutine after InlineWait, so
// one plugin never holds up another.
package runner
