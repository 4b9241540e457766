package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// errNoDaemon: a command needs a daemon, and this user has none.
var errNoDaemon = errors.New("no daemon is running")

func (a *app) eventsCmd() *cobra.Command {
	var r eventsRequest
	var since string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "events", Short: "Show what happens in the booths of this user's daemons, as it happens", Args: a.args(0, 0),
		Long: `Events shows refused system calls with their arguments, the line of the profile
that decides them and the change that would allow them; starts and ends of
booths, limits that were reached, and what went wrong. It begins with the last
ten and goes on until it is interrupted or the daemon ends.

A daemon remembers 1024 events. One who reads too slowly misses some, and is
told how many.`,
		Example: "  isobooth events --type denial --plugin clip\n  isobooth events --json --since all --follow=false",
		RunE: func(c *cobra.Command, args []string) error {
			past, err := parseSince(since, r.Follow)
			if err != nil {
				return a.usage(c, err)
			}
			if r.Type != "" && !slices.Contains(eventTypes, r.Type) {
				return a.usage(c, fmt.Errorf("--type %q: want one of %s", r.Type, strings.Join(eventTypes, ", ")))
			}
			r.Past = past
			return a.follow(c.Context(), &r, asJSON)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&asJSON, "json", false, "print JSON lines")
	f.BoolVarP(&r.Follow, "follow", "f", true, "go on with what happens from now on")
	f.StringVar(&since, "since", "", "begin with the last `N` events, or all that the daemon remembers (default 10; all with --follow=false)")
	f.StringVarP(&r.Booth, "plugin", "p", "", "only those of this plugin, by its `NAME` in the config")
	f.StringVar(&r.Type, "type", "", "only those of this `TYPE`: "+strings.Join(eventTypes, ", "))
	a.completions(cmd, map[string][]string{"type": eventTypes})
	_ = cmd.RegisterFlagCompletionFunc("plugin", a.completePluginFlag(cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// parseSince is how many of the past events are wanted.
func parseSince(text string, follow bool) (int, error) {
	switch {
	case text == "all" || text == "" && !follow:
		return eventsKept, nil
	case text == "":
		return 10, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("--since %q: want a number of events, or all", text)
	}
	return n, nil
}

// follow prints the events of all daemons.
func (a *app) follow(ctx context.Context, r *eventsRequest, asJSON bool) error {
	daemons, err := daemonSockets()
	if err != nil {
		return err
	}
	if len(daemons) == 0 {
		return errNoDaemon
	}
	printer := newEventPrinter(a.stdout)
	var mu sync.Mutex // one line at a time
	show := func(e *event, line json.RawMessage) {
		mu.Lock()
		defer mu.Unlock()
		if asJSON {
			writeJSON(a.stdout, line)
		} else {
			printer.print(e)
		}
	}
	errs := make(chan error, len(daemons))
	for _, path := range daemons {
		go func() { errs <- readEvents(ctx, path, r, show) }()
	}
	var failed []error
	for _, path := range daemons {
		if err := <-errs; err != nil {
			failed = append(failed, err)
		} else if r.Follow && ctx.Err() == nil && len(daemons) == 1 {
			a.say("the daemon in %s has ended", filepath.Dir(path))
		}
	}
	if err := ctx.Err(); err != nil {
		return &shownError{err}
	}
	return errors.Join(failed...)
}

// readEvents has show called for each event of the daemon at a socket, until
// that ends or ctx does.
func readEvents(ctx context.Context, path string, r *eventsRequest, show func(*event, json.RawMessage)) error {
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return fmt.Errorf("ask daemon %s: %w", path, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	writeJSON(conn, request{Op: opEvents, Events: r})
	lines := json.NewDecoder(conn)
	for {
		var line json.RawMessage
		var e event
		err := lines.Decode(&line)
		if err == nil {
			err = json.Unmarshal(line, &e)
		}
		switch {
		case ctx.Err() != nil || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET):
			return nil
		case err != nil:
			return fmt.Errorf("read events of daemon %s: %w", path, err)
		case e.Type == eventError:
			return fmt.Errorf("daemon %s: %s", path, e.Text)
		}
		show(&e, line)
	}
}
