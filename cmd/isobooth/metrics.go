package main

import (
	"time"

	"github.com/isobooth/isobooth/runner"
	"github.com/prometheus/client_golang/prometheus"
)

// collector reads the metrics of a daemon when Prometheus asks. docs/metrics.md
// explains each.
type collector struct{ stats func() daemonStats }

func newCollector(stats func() daemonStats) *collector { return &collector{stats} }

// metric is one number of a booth.
type metric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(b *boothStats) float64
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("isobooth_"+name, help, append([]string{"plugin"}, labels...), nil)
}

func counter(name, help string, value func(*boothStats) float64) metric {
	return metric{desc(name, help), prometheus.CounterValue, value}
}

func gauge(name, help string, value func(*boothStats) float64) metric {
	return metric{desc(name, help), prometheus.GaugeValue, value}
}

// boothMetrics are those that every booth has.
var boothMetrics = []metric{
	counter("triggers_total", "Triggers written to the plugin.", func(b *boothStats) float64 { return float64(b.Stats.Triggers) }),
	counter("replies_total", "Triggers that the plugin answered.", func(b *boothStats) float64 { return float64(b.Stats.Replies) }),
	counter("replies_failed_total", "Replies with a status other than 0.", func(b *boothStats) float64 { return float64(b.Stats.Failed) }),
	counter("triggers_lost_total", "Triggers that the plugin ended over.", func(b *boothStats) float64 { return float64(b.Stats.Lost) }),
	counter("triggers_dropped_total", "Triggers that never reached the plugin: not ready, queue full, or too long.", func(b *boothStats) float64 { return float64(b.Stats.Dropped) }),
	counter("triggers_expired_total", "Triggers that waited too long for a restart.", func(b *boothStats) float64 { return float64(b.Stats.Expired) }),
	counter("restarts_total", "Starts of the plugin after its first.", func(b *boothStats) float64 { return float64(b.Stats.Restarts) }),
	counter("violations_total", "Ends by what no plugin does by accident.", func(b *boothStats) float64 { return float64(b.Ends.Violations) }),
	counter("midi_messages_sent_total", "MIDI messages of the plugin that were sent.", func(b *boothStats) float64 { return float64(b.MIDI.Sent) }),
	counter("midi_messages_dropped_total", "MIDI messages of the plugin that were over its rate.", func(b *boothStats) float64 { return float64(b.MIDI.Dropped) }),
	counter("midi_messages_refused_total", "MIDI messages of the plugin that were malformed, too long or refused by the port.", func(b *boothStats) float64 { return float64(b.MIDI.Refused) }),
	counter("midi_loops_cut_total", "Echoes of what the plugin sent that were no trigger any more.", func(b *boothStats) float64 { return float64(b.MIDI.LoopsCut) }),
	counter("midi_messages_away_total", "MIDI messages of the plugin that were dropped while the port was not there.", func(b *boothStats) float64 { return float64(b.MIDI.Away) }),
	gauge("standby", "Whether an empty worker is kept in reserve.", func(b *boothStats) float64 { return truth(b.Standby) }),
	gauge("memory_limit_bytes", "Memory that the booth may use.", func(b *boothStats) float64 { return float64(b.Limits.Memory) }),
	gauge("cpu_limit_cores", "CPU time that the booth may use, in seconds a second.", func(b *boothStats) float64 { return b.Limits.CPU }),
	gauge("pids_limit", "Tasks that the booth may have.", func(b *boothStats) float64 { return float64(b.Limits.Pids) }),
}

// usageMetrics are those that a booth has while a worker runs in a control
// group. Counters begin anew with each worker.
var usageMetrics = []metric{
	counter("cpu_seconds_total", "CPU time used by the worker.", func(b *boothStats) float64 { return b.Usage.CPU.Seconds() }),
	counter("cpu_throttled_periods_total", "Periods in which the CPU limit stopped the worker.", func(b *boothStats) float64 { return float64(b.Usage.Throttled) }),
	counter("cpu_throttled_seconds_total", "Time that the CPU limit stopped the worker for.", func(b *boothStats) float64 { return b.Usage.ThrottledTime.Seconds() }),
	gauge("memory_bytes", "Memory in use.", func(b *boothStats) float64 { return float64(b.Usage.Memory) }),
	gauge("memory_peak_bytes", "Most memory that the worker has used; 0 where the kernel does not tell.", func(b *boothStats) float64 { return float64(b.Usage.MemoryPeak) }),
	gauge("pids", "Tasks of the worker.", func(b *boothStats) float64 { return float64(b.Usage.Pids) }),
	counter("oom_kills_total", "Tasks of the worker that the kernel killed for memory.", func(b *boothStats) float64 { return float64(b.Usage.OOMKills) }),
	counter("forks_refused_total", "Tasks that the worker was refused for its limit of them.", func(b *boothStats) float64 { return float64(b.Usage.PidsMax) }),
}

// Metrics with a label beside the plugin.
var (
	infoDesc    = desc("booth_info", "What runs in the booth; always 1.", "profile", "sha256")
	stateDesc   = desc("booth_state", "1 for the state that the booth is in, 0 for the others.", "state")
	latencyDesc = desc("trigger_latency_seconds", "Time from a trigger to the whole reply.", "path")
	endsDesc    = desc("ends_total", "Ends of workers.", "cause")
	denialsDesc = desc("denials_total", "Refused system calls, at least: the true number is less than twice as high.", "syscall", "phase")
	reachedDesc = desc("limit_reached_total", "How often a limit was reached.", "limit")
	waitingDesc = desc("pressure_waiting_seconds_total", "Time in which some task of the worker waited for a resource.", "resource")
	stalledDesc = desc("pressure_stalled_seconds_total", "Time in which every task of the worker waited for a resource.", "resource")
	buildDesc   = prometheus.NewDesc("isobooth_build_info", "The daemon's version; always 1.", []string{"version"}, nil)
)

// Describe is the registry's: every metric there may be.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, m := range boothMetrics {
		to <- m.desc
	}
	for _, m := range usageMetrics {
		to <- m.desc
	}
	for _, m := range portMetrics {
		to <- m.desc
	}
	for _, d := range []*prometheus.Desc{infoDesc, stateDesc, latencyDesc, endsDesc, denialsDesc, reachedDesc, waitingDesc, stalledDesc, buildDesc} {
		to <- d
	}
}

// Collect is the registry's: every metric as it is now.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	to <- prometheus.MustNewConstMetric(buildDesc, prometheus.GaugeValue, 1, version)
	stats := c.stats()
	for _, b := range stats.Booths {
		collectBooth(to, &b)
	}
	collectPorts(to, stats.Ports)
}

func collectBooth(to chan<- prometheus.Metric, b *boothStats) {
	plugin := printable(b.Name)
	put := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, kind, v, append([]string{plugin}, labels...)...)
	}
	for _, m := range boothMetrics {
		put(m.desc, m.kind, m.value(b))
	}
	if b.Usage != nil {
		for _, m := range usageMetrics {
			put(m.desc, m.kind, m.value(b))
		}
	}
	put(infoDesc, prometheus.GaugeValue, 1, printable(b.Profile), printable(b.SHA256))
	for _, s := range runner.States() {
		put(stateDesc, prometheus.GaugeValue, truth(s == b.State), string(s))
	}
	// All of them from the start, or the first of a kind would not show in a
	// rate.
	for _, kind := range runner.CauseKinds() {
		put(endsDesc, prometheus.CounterValue, float64(b.Ends.Causes[kind]), string(kind))
	}
	for _, limit := range runner.LimitNames() {
		put(reachedDesc, prometheus.CounterValue, float64(b.LimitsReached[limit]), limit)
	}
	for _, r := range b.Denials {
		put(denialsDesc, prometheus.CounterValue, float64(r.AtLeast), printable(r.Call), printable(r.Phase))
	}
	to <- latencyMetric(b.Latency.Direct, plugin, "direct")
	to <- latencyMetric(b.Latency.Queued, plugin, "queued")
	if p := groupPressure(b.Usage); p != nil {
		for resource, s := range map[string]stall{"cpu": p.CPU, "memory": p.Memory, "io": p.IO} {
			put(waitingDesc, prometheus.CounterValue, float64(s.SomeTotalUS)/1e6, resource)
			put(stalledDesc, prometheus.CounterValue, float64(s.FullTotalUS)/1e6, resource)
		}
	}
}

// The buckets that Prometheus gets: every doubling from 8.192 µs to 17.2 s.
const firstDoubling, lastDoubling = 13, 34

func latencyMetric(l runner.Latency, labels ...string) prometheus.Metric {
	buckets := map[float64]uint64{}
	for double := firstDoubling; double <= lastDoubling; double++ {
		edge := time.Duration(1) << double
		buckets[edge.Seconds()] = l.Within(edge)
	}
	return prometheus.MustNewConstHistogram(latencyDesc, l.Count, l.Sum.Seconds(), buckets, labels...)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
