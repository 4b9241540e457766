package main

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/isobooth/isobooth/midi/ports"
	"github.com/isobooth/isobooth/runner"
	"github.com/spf13/cobra"
)

// opStats asks a daemon for its status and every metric of its booths.
const opStats = "stats"

// daemonStats is what a daemon has measured.
type daemonStats struct {
	PID    int           `json:"pid"`
	Config string        `json:"config"`
	At     time.Duration `json:"at_ns"` // when this was read, by a clock of the daemon's own that starts anywhere
	Booths []boothStats  `json:"booths"`
	Ports  []ports.State `json:"ports"`
}

// boothStats are the metrics of one booth; docs/metrics.md says what each
// counts. Those of its control group are in Usage.
type boothStats struct {
	boothStatus
	Limits  boothLimits      `json:"limits"`
	Latency runner.Latencies `json:"latency"`
	Ends    runner.Ends      `json:"ends"`
	Denials []runner.Refused `json:"denials"`
	// LimitsReached has how often each limit was reached, by its name.
	LimitsReached map[string]uint64 `json:"limits_reached"`
}

// boothLimits are those of its control group.
type boothLimits struct {
	Memory int64   `json:"memory"` // bytes
	CPU    float64 `json:"cpu"`    // cores
	Pids   int64   `json:"pids"`
}

// clockStart is the zero of daemonStats.At.
var clockStart = time.Now()

func (s *session) stats() daemonStats {
	plugs := s.plugs()
	status := s.statusOf(plugs)
	d := daemonStats{PID: status.PID, Config: status.Config, At: time.Since(clockStart), Booths: []boothStats{}, Ports: status.Ports}
	for i, g := range plugs {
		l := g.booth.Plan().Limits.Group
		d.Booths = append(d.Booths, boothStats{
			boothStatus: status.Booths[i],
			Limits:      boothLimits{Memory: l.Memory, CPU: l.CPU, Pids: l.Pids},
			Latency:     g.booth.Latencies(), Ends: g.booth.Ends(),
			Denials: g.booth.Refusals(), LimitsReached: g.booth.LimitsReached(),
		})
	}
	return d
}

// denied is how many calls were refused, at least.
func (b *boothStats) denied() (n uint64) {
	for _, r := range b.Denials {
		n += r.AtLeast
	}
	return n
}

// replies is the latency of all replies.
func (b *boothStats) replies() runner.Latency { return b.Latency.Direct.Add(b.Latency.Queued) }

// readStats asks every running daemon of this user.
func readStats() ([]daemonStats, error) { return askAll[daemonStats](opStats) }

func (a *app) statsCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "stats [PLUGIN]", Short: "Print what the booths of this user's daemons have done and use", Args: a.args(0, 1),
		ValidArgsFunction: a.completePlugins(cobra.ShellCompDirectiveNoFileComp),
		Long: `Stats prints, once, how often every booth was triggered and how long its
replies took, what went wrong, which system calls were refused, and what it uses
of the machine. With the name of a plugin it prints everything about that one.
Times go from the trigger to the whole reply and are at most a sixteenth too
high. isobooth top shows the same as it changes.`,
		RunE: func(c *cobra.Command, args []string) error {
			all, err := readStats()
			if len(args) == 1 {
				if all = only(all, args[0]); len(all) == 0 {
					err = errors.Join(fmt.Errorf("stats: no daemon of this user has a plugin called %q: %w", args[0], fs.ErrNotExist), err)
				}
			}
			if err != nil && len(all) == 0 {
				return err
			}
			machine := machinePressure()
			switch {
			case asJSON:
				writeJSON(a.stdout, reportStats(all, machine))
			case len(all) == 0:
				a.say("no daemon is running")
			case len(args) == 1:
				for _, d := range all {
					for i := range d.Booths {
						printDetails(a.stdout, &d.Booths[i])
					}
				}
			default:
				printStats(a.stdout, all, machine)
			}
			return err // of daemons that did not answer, beside those that did
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, with every metric and the whole histograms")
	return cmd
}

// only keeps the booths of that name, and the daemons that have one.
func only(all []daemonStats, name string) (kept []daemonStats) {
	for _, d := range all {
		var booths []boothStats
		for _, b := range d.Booths {
			if b.Name == name {
				booths = append(booths, b)
			}
		}
		if d.Booths = booths; len(booths) > 0 {
			kept = append(kept, d)
		}
	}
	return kept
}
