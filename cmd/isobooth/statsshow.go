package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/isobooth/isobooth/runner"
)

// printStats prints a line for each booth.
func printStats(w io.Writer, all []daemonStats, machine *pressure) {
	const row = "%-20s %-12s %9s %7s %7s %7s %8s %8s  %9s %9s %9s %9s  %9s %9s %9s %5s\n"
	fmt.Fprintf(w, row, "BOOTH", "STATE", "TRIGGERS", "FAILED", "LOST", "DROPPED", "RESTARTS", "DENIALS",
		"P50", "P99", "P99.9", "MAX", "CPU TIME", "MEMORY", "PEAK", "TASKS")
	for _, d := range all {
		for i := range d.Booths {
			b := &d.Booths[i]
			l, s := b.replies(), b.Stats
			cpu, memory, peak, tasks := "-", "-", "-", "-"
			if u := b.Usage; u != nil {
				cpu, memory, peak, tasks = shortTime(u.CPU), shortSize(u.Memory), peakSize(u.MemoryPeak), fmt.Sprint(u.Pids)
			}
			fmt.Fprintf(w, row, printable(b.Name), b.State, fmt.Sprint(s.Triggers), fmt.Sprint(s.Failed), fmt.Sprint(s.Lost),
				fmt.Sprint(s.Dropped+s.Expired), fmt.Sprint(s.Restarts), atLeast(b.denied()),
				shortTime(l.Quantile(0.5)), shortTime(l.Quantile(0.99)), shortTime(l.Quantile(0.999)), shortTime(l.Max),
				cpu, memory, peak, tasks)
		}
	}
	if machine != nil {
		fmt.Fprintf(w, "machine held up in the last 10 s: %s\n", heldUp(machine))
	}
}

// peakSize prints a peak; 0 is not known.
func peakSize(bytes uint64) string {
	if bytes == 0 {
		return "-"
	}
	return shortSize(bytes)
}

// atLeast prints a count that may be too low.
func atLeast(n uint64) string {
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("%d+", n)
}

// heldUp is the share of the last ten seconds in which something waited.
func heldUp(p *pressure) string {
	return fmt.Sprintf("CPU %.1f %%, memory %.1f %%, I/O %.1f %%", p.CPU.Some10, p.Memory.Some10, p.IO.Some10)
}

// printDetails prints everything about one booth.
func printDetails(w io.Writer, b *boothStats) {
	for _, line := range details(b) {
		fmt.Fprintln(w, line)
	}
}

// details is everything about one booth, in lines that a terminal shows as
// they are.
func details(b *boothStats) []string {
	var lines []string
	add := func(name, format string, args ...any) {
		lines = append(lines, fmt.Sprintf("%-15s ", name)+fmt.Sprintf(format, args...))
	}
	add("booth", "%s", printable(b.Name))
	add("state", "%s, profile %s, pid %d", b.State, printable(b.Profile), b.PID)
	s := b.Stats
	add("triggers", "%d: %d replies, %d failed, %d lost; %d dropped, %d expired", s.Triggers, s.Replies, s.Failed, s.Lost, s.Dropped, s.Expired)
	for _, l := range []struct {
		name string
		runner.Latency
	}{{"direct", b.Latency.Direct}, {"queued", b.Latency.Queued}} {
		if l.Count > 0 {
			add(l.name, "%d: p50 %s, p90 %s, p99 %s, p99.9 %s, max %s", l.Count, shortTime(l.Quantile(0.5)), shortTime(l.Quantile(0.9)),
				shortTime(l.Quantile(0.99)), shortTime(l.Quantile(0.999)), shortTime(l.Max))
		}
	}
	add("restarts", "%d", s.Restarts)
	for _, kind := range slices.Sorted(maps.Keys(b.Ends.Causes)) {
		add("ended by", "%s: %d", printable(string(kind)), b.Ends.Causes[kind])
	}
	if b.Ends.Violations > 0 {
		add("violations", "%d", b.Ends.Violations)
	}
	if q := b.History.Quarantine; q != nil {
		add("quarantine", "since %s: %s", q.At.Local().Format("2006-01-02 15:04:05"), printable(q.Cause.Text))
	}
	for _, r := range b.Denials {
		add("denied", "%s in the %s phase: at least %d", printable(r.Call), printable(r.Phase), r.AtLeast)
	}
	for _, name := range slices.Sorted(maps.Keys(b.LimitsReached)) {
		add("limit reached", "%s: %d times", printable(name), b.LimitsReached[name])
	}
	if u := b.Usage; u != nil {
		add("cpu", "%s used, throttled %d times for %s; limit %s of a core", shortTime(u.CPU), u.Throttled, shortTime(u.ThrottledTime), percent(b.Limits.CPU))
		add("memory", "%s now, %s peak, limit %s", shortSize(u.Memory), peakSize(u.MemoryPeak), shortSize(uint64(b.Limits.Memory)))
		add("tasks", "%d, limit %d; %d refused", u.Pids, b.Limits.Pids, u.PidsMax)
		if p := groupPressure(u); p != nil {
			add("held up", "%s in the last 10 s", heldUp(p))
		}
	}
	for _, l := range b.Layers {
		add("layer", "%-14s %s", printable(l.Name), printable(strings.TrimSpace(l.Detail)))
	}
	return lines
}
