// Command isobooth runs native plugins, each in a sandbox of its own, and
// triggers them from MIDI.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole program with its surroundings handed in.
func run(ctx context.Context, args []string, stdin *os.File, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr}
	cmd := a.root()
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	var shown *shownError
	if !errors.As(err, &shown) {
		a.say("%v", err)
		if hint := hintFor(err); hint != "" {
			a.hint("%s", hint)
		}
	}
	return exitCode(err)
}

// app is one call of the program.
type app struct {
	stdin          *os.File
	stdout, stderr io.Writer
	configFile     string // --config
	settings       *settings
	audit          *auditor // of a daemon that keeps a log, or nil
}

// say prints a message to stderr.
func (a *app) say(format string, args ...any) {
	fmt.Fprintf(a.stderr, "isobooth: "+format+"\n", args...)
}

// hint prints what the user can do.
func (a *app) hint(format string, args ...any) { a.say("hint: "+format, args...) }
