package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/isobooth/isobooth/cgroups"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/runner/control"
)

var updateGolden = flag.Bool("golden", false, "rewrite the files in testdata/golden")

// golden compares with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *updateGolden {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: have\n%swant\n%s", path, got, want)
	}
}

// measured is a booth with something in every metric.
func measured(name string) boothStats {
	return boothStats{
		boothStatus: boothStatus{
			Name: name, State: runner.StateReady, Profile: "strict", PID: 4711,
			Stats: runner.Stats{Triggers: 1204, Replies: 1200, Failed: 3, Lost: 4, Dropped: 2, Expired: 1, Restarts: 5},
			Usage: &cgroups.Stats{Memory: 6 << 20, MemoryPeak: 48 << 20, CPU: 1500 * time.Millisecond, Throttled: 7, ThrottledTime: 90 * time.Millisecond, Pids: 1},
			Layers: []control.Layer{
				{Name: "seccomp", Detail: "profile strict, 20 rules, run phase"}, {Name: "landlock", Detail: "ABI 7"},
			},
		},
		Limits: boothLimits{Memory: 64 << 20, CPU: 0.5, Pids: 8},
		Latency: runner.Latencies{
			Direct: runner.Latency{Count: 1000, Sum: 20 * time.Millisecond, Max: 180 * time.Microsecond, Buckets: []runner.Bucket{
				{UpTo: 16384, Count: 900}, {UpTo: 32768, Count: 95}, {UpTo: 196608, Count: 5}}},
			Queued: runner.Latency{Count: 200, Sum: 400 * time.Millisecond, Max: 12 * time.Millisecond, Buckets: []runner.Bucket{
				{UpTo: 2097152, Count: 190}, {UpTo: 12582912, Count: 10}}},
		},
		Ends:          runner.Ends{Causes: map[runner.CauseKind]uint64{runner.CauseSignal: 3, runner.CauseOOM: 2}, Violations: 1},
		Denials:       []runner.Refused{{Call: "openat", Phase: "run", AtLeast: 64}, {Call: "socket", Phase: "load", AtLeast: 1}},
		LimitsReached: map[string]uint64{"memory": 2},
	}
}

// pressed is measured where the kernel keeps the pressure of groups.
func pressed(name string) boothStats {
	b := measured(name)
	b.Usage.Pressure = &pressure{
		CPU: stall{Some10: 31.5, SomeTotalUS: 1500000, FullTotalUS: 250000}, Memory: stall{Some10: 2.25, SomeTotalUS: 7}, IO: stall{Some10: 0.4},
	}
	return b
}

// hostileText is what a terminal would take for orders.
const hostileText = "\x1b[2J\x1b]0;owned\a\r\n\x7f\u009b31m\u202e\u2028\xff"

func TestStatsTable(t *testing.T) {
	idle := boothStats{boothStatus: boothStatus{Name: hostileText, State: runner.StateQuarantined}}
	var out bytes.Buffer
	printStats(&out, []daemonStats{{PID: 1, Booths: []boothStats{measured("transpose"), idle}}},
		&pressure{CPU: stall{Some10: 12.34}, IO: stall{Some10: 0.04}})
	if !harmless(out.String()) {
		t.Errorf("%q", out.String())
	}
	golden(t, "stats.txt", out.String())
}

func TestStatsDetails(t *testing.T) {
	b := pressed("transpose")
	b.Profile, b.Layers[1].Detail = hostileText, hostileText
	b.Denials[1].Call = hostileText
	b.History.Quarantine = &runner.Quarantine{At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local), Cause: runner.Cause{Text: hostileText}}
	var out bytes.Buffer
	printDetails(&out, &b)
	if !harmless(out.String()) {
		t.Errorf("%q", out.String())
	}
	golden(t, "details.txt", out.String())
}

func TestStatsReport(t *testing.T) {
	var out bytes.Buffer
	writeJSON(&out, reportStats([]daemonStats{{PID: 1, Booths: []boothStats{measured(hostileText)}}}, nil))
	if !harmless(out.String()) || strings.Contains(out.String(), "pressure") {
		t.Errorf("%q", out.String())
	}
	var r statsReport
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	l := r.Daemons[0].Booths[0].Latency
	if l.All.Count != 1200 || l.Direct.P50 != 16384 || l.Direct.P99 != 32768 || l.Direct.P999 != 180000 || l.Queued.Max != 12*time.Millisecond || len(l.All.Buckets) != 5 {
		t.Errorf("%+v", l)
	}
	out.Reset()
	writeJSON(&out, reportStats(nil, nil))
	if got := out.String(); got != "{\"daemons\":[]}\n" {
		t.Errorf("of none: %s", got)
	}
}

func TestGroupPressure(t *testing.T) {
	if p := groupPressure(&cgroups.Stats{}); p != nil || groupPressure(nil) != nil {
		t.Errorf("of a group without: %+v", p)
	}
}

func TestFigures(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "-", 5: "0.01 µs", 1024: "1.02 µs", 9994: "9.99 µs", 9996: "10.0 µs", 99940: "99.9 µs", 99960: "100 µs",
		999499: "999 µs", 999500: "1.00 ms", time.Second: "1.00 s", 90 * time.Second: "90.0 s", 999500 * time.Microsecond: "1.00 s",
	} {
		if got := shortTime(d); got != want {
			t.Errorf("%d ns: %q, want %q", d, got, want)
		}
	}
	for n, want := range map[uint64]string{0: "0 B", 999: "999 B", 1000: "0.98 KiB", 4096: "4.00 KiB", 64 << 20: "64.0 MiB", 5 << 40: "5120 GiB"} {
		if got := shortSize(n); got != want {
			t.Errorf("%d bytes: %q, want %q", n, got, want)
		}
	}
}
