package main

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/isobooth/isobooth/midi/ports"
	"github.com/isobooth/isobooth/runner"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// someStats are those of a daemon with a booth that has everything, one that
// has no worker, and one with a name that no text format may break on.
func someStats() daemonStats {
	return daemonStats{PID: 1, Booths: []boothStats{
		pressed("transpose"),
		{boothStatus: boothStatus{Name: "idle", State: runner.StateQuarantined, Profile: "strict"}},
		{boothStatus: boothStatus{Name: hostileText + "\"} 1\n", State: runner.StateReady}},
	}, Ports: []ports.State{
		{Name: "Pad", ID: "24:0", Direction: "in", Open: true, Messages: 3, Overflows: 1},
		{Name: "Pad", ID: "28:0", Direction: "in", Open: true, Messages: 4, Skipped: 2, SysExDropped: 1},
		{Name: hostileText + "\"} 1\n", ID: "1", Direction: "out", Messages: 5, Away: 6},
	}}
}

func gatherer(t *testing.T) *prometheus.Registry {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(newCollector(someStats)); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestMetricsConventions: names, units and help as Prometheus wants them.
func TestMetricsConventions(t *testing.T) {
	problems, err := testutil.GatherAndLint(gatherer(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	// Control: it does find what is wrong.
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "isobooth_wait_ms"}))
	if problems, err = testutil.GatherAndLint(r); err != nil || len(problems) == 0 {
		t.Errorf("a name without a base unit and help: %v, %v", problems, err)
	}
}

// TestMetricsText compares a whole scrape.
func TestMetricsText(t *testing.T) {
	w := httptest.NewRecorder()
	metricsHandler(someStats, false).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	if !harmless(string(body)) {
		t.Errorf("%q", body)
	}
	golden(t, "metrics.txt", strings.Replace(string(body), `version="`+version+`"`, `version="VERSION"`, 1))
}

// TestMetricsHistogram: the few buckets of Prometheus agree with the many.
func TestMetricsHistogram(t *testing.T) {
	families, err := gatherer(t).Gather()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, f := range families {
		if f.GetName() != "isobooth_trigger_latency_seconds" {
			continue
		}
		for _, m := range f.Metric {
			h := m.GetHistogram()
			seen += int(h.GetSampleCount())
			last := uint64(0)
			for _, b := range h.Bucket {
				if b.GetCumulativeCount() < last || b.GetCumulativeCount() > h.GetSampleCount() {
					t.Errorf("bucket up to %v has %d, the one before %d, all %d", b.GetUpperBound(), b.GetCumulativeCount(), last, h.GetSampleCount())
				}
				last = b.GetCumulativeCount()
			}
			if len(h.Bucket) != lastDoubling-firstDoubling+1 || last != h.GetSampleCount() {
				t.Errorf("%d buckets, the last with %d of %d", len(h.Bucket), last, h.GetSampleCount())
			}
		}
	}
	if seen != 1200 {
		t.Errorf("%d replies in the histograms, want 1200", seen)
	}
}
