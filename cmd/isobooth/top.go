package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gdamore/tcell/v3"
	"github.com/spf13/cobra"
)

// The intervals that make sense: a daemon answers in milliseconds, but each
// answer is some work for it.
const topLeast, topMost = 100 * time.Millisecond, time.Hour

func (a *app) topCmd() *cobra.Command {
	var interval time.Duration
	var order string
	cmd := &cobra.Command{
		Use: "top", Short: "Watch the booths of this user's daemons", Args: a.args(0, 0),
		Long: `Top shows what every booth does and uses, and goes on until q or Ctrl-C. Rates,
P50, P99 and CPU are of the last interval; columns that a narrow terminal has no
room for are left out. It only looks: nothing can be changed from it.

Keys: q quits, up and down select a booth, enter shows everything about it and
goes back, s sorts by something else.`,
		RunE: func(c *cobra.Command, args []string) error {
			if interval < topLeast || interval > topMost {
				return a.usage(c, fmt.Errorf("--interval: want %v to %v, have %v", topLeast, topMost, interval))
			}
			if !slices.Contains(topSortKeys(), order) {
				return a.usage(c, fmt.Errorf("--sort: want one of %s, have %q", strings.Join(topSortKeys(), ", "), order))
			}
			out, _ := a.stdout.(*os.File)
			if term := os.Getenv("TERM"); !isTerminal(out) || !isTerminal(a.stdin) || term == "" || term == "dumb" {
				return errNoTerminal
			}
			return a.top(c.Context(), topModel{interval: interval, sort: topSort(order)})
		},
	}
	f := cmd.Flags()
	f.DurationVar(&interval, "interval", time.Second, "ask the daemons every `TIME`")
	f.StringVar(&order, "sort", "name", "begin sorted by `KEY`: "+strings.Join(topSortKeys(), ", "))
	a.completions(cmd, map[string][]string{"sort": topSortKeys()})
	return cmd
}

// errNoTerminal is top without a terminal, or with one that cannot move its
// cursor.
var errNoTerminal = errors.New("top needs a terminal; isobooth stats --json prints the same once")

// top runs until the user or ctx ends it. Whatever happens, the terminal is as
// it was afterwards.
func (a *app) top(ctx context.Context, m topModel) error {
	screen, err := newTopScreen()
	if err != nil {
		return fmt.Errorf("open the terminal: %w", err)
	}
	defer screen.Fini()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan topAnswer)
	go askAgain(ctx, m.interval, answers)
	width, height := screen.Size()
	m = m.update(topSize{width, height})
	for !m.quit {
		paint(screen, m.view())
		select {
		case <-ctx.Done():
			return nil
		case answer := <-answers:
			m = m.update(answer)
		case e, ok := <-screen.EventQ():
			if !ok {
				return nil
			}
			switch e := e.(type) {
			case *tcell.EventKey:
				m = m.update(keyOf(e))
			case *tcell.EventResize:
				width, height := e.Size()
				m = m.update(topSize{width, height})
				screen.Sync() // whatever the resize left on it
			case *tcell.EventError: // it is gone
				return e
			}
		}
	}
	return nil
}

// askAgain asks every daemon, at once and then every interval, until ctx ends.
// A daemon that takes its time holds up the next answer, not the keys.
func askAgain(ctx context.Context, interval time.Duration, to chan<- topAnswer) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		daemons, err := readStats()
		select {
		case to <- topAnswer{daemons, machinePressure(), err}:
		case <-ctx.Done():
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
