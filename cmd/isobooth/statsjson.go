package main

import (
	"time"

	"github.com/isobooth/isobooth/midi/ports"
	"github.com/isobooth/isobooth/runner"
)

// statsReport is `isobooth stats --json`.
type statsReport struct {
	// Pressure is the whole machine's, nil where the kernel does not keep it.
	Pressure *pressure      `json:"pressure,omitempty"`
	Daemons  []daemonReport `json:"daemons"`
}

type daemonReport struct {
	PID    int           `json:"pid"`
	Config string        `json:"config"`
	Booths []boothReport `json:"booths"`
	Ports  []ports.State `json:"ports"`
}

// boothReport has the metrics with quantiles.
type boothReport struct {
	boothStats
	Latency latenciesReport `json:"latency"`
}

type latenciesReport struct {
	All    latencyReport `json:"all"`
	Direct latencyReport `json:"direct"`
	Queued latencyReport `json:"queued"`
}

type latencyReport struct {
	Mean time.Duration `json:"mean_ns"`
	P50  time.Duration `json:"p50_ns"`
	P90  time.Duration `json:"p90_ns"`
	P99  time.Duration `json:"p99_ns"`
	P999 time.Duration `json:"p999_ns"`
	runner.Latency
}

func reportLatency(l runner.Latency) latencyReport {
	if l.Buckets == nil {
		l.Buckets = []runner.Bucket{}
	}
	return latencyReport{
		Mean: l.Mean(), P50: l.Quantile(0.5), P90: l.Quantile(0.9), P99: l.Quantile(0.99), P999: l.Quantile(0.999),
		Latency: l,
	}
}

func reportStats(all []daemonStats, machine *pressure) statsReport {
	r := statsReport{Pressure: machine, Daemons: []daemonReport{}}
	for _, d := range all {
		booths := []boothReport{}
		for _, b := range d.Booths {
			booths = append(booths, boothReport{b, latenciesReport{
				All: reportLatency(b.replies()), Direct: reportLatency(b.Latency.Direct), Queued: reportLatency(b.Latency.Queued),
			}})
		}
		r.Daemons = append(r.Daemons, daemonReport{d.PID, d.Config, booths, d.Ports})
	}
	return r
}
