package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/isobooth/isobooth/cgroups"
	"github.com/isobooth/isobooth/midi/rawmidi"
)

// require skips a test that this machine cannot run, or fails it in CI.
func require(t *testing.T) {
	t.Helper()
	missing := ""
	if os.Geteuid() != 0 {
		missing = "root"
	} else if _, err := exec.LookPath("cc"); err != nil {
		missing = "cc"
	} else if _, err := exec.LookPath("go"); err != nil {
		missing = "go"
	} else if r := cgroups.Probe(); !r.Usable {
		missing = "control groups: " + r.Reason
	}
	switch {
	case missing == "":
	case os.Getenv("ISOBOOTH_MUST_RUN") == "1":
		t.Fatalf("missing: %s", missing)
	default:
		t.Skipf("missing: %s", missing)
	}
}

// TestEveryFigure runs all that is there, shortly. It looks for figures, never
// at their size.
func TestEveryFigure(t *testing.T) {
	require(t)
	file := filepath.Join(t.TempDir(), "report.json")
	temp, err := os.MkdirTemp("", "bench-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(temp) })
	// Unlike t.TempDir, open to the users that booths run as.
	if err := os.Chmod(temp, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", temp)
	if err := run(t.Context(), options{quick: true, json: file}, io.Discard, t.Output()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	if !r.Quick || r.Machine.System == "" || r.Machine.CPUs < 1 || r.Machine.Cgroups == "" {
		t.Errorf("machine %+v, quick %v", r.Machine, r.Quick)
	}
	var found []string
	for _, f := range r.Figures {
		found = append(found, f.Name)
		checkFigure(t, f)
	}
	if !slices.Equal(found, names()) {
		t.Errorf("figures %q, want %q", found, names())
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// peers are those of each figure, after the booth.
var peers = map[string][]string{
	"trip-tight":     {"C pipe", "C pipe, control group of a booth", "C pipe, control group and filter of a booth"},
	"trip-paced":     {"C pipe", "C pipe, control group of a booth", "C pipe, control group and filter of a booth"},
	"start-tight":    {"C peer, posix_spawn", "bwrap --unshare-all", "runc run"},
	"start-isolated": {"C peer, posix_spawn", "bwrap --unshare-all", "runc run"},
	"restart":        {"C peer, posix_spawn", "bwrap --unshare-all", "runc run"},
	"neighbours":     {"booth, nothing else happens"},
	"memory":         {"C peer, posix_spawn", "bwrap --unshare-all", "runc run"},

	"latency-pipe":     ways,
	"latency-rawmidi":  ways,
	"latency-rtmidi":   ways,
	"latency-portmidi": ways,
}

var ways = []string{"the driver alone, to its deliver", "from deliver to the plugin"}

func checkFigure(t *testing.T, f Figure) {
	t.Helper()
	var subjects []string
	for _, row := range f.Rows {
		subjects = append(subjects, row.Subject)
		switch {
		case strings.HasPrefix(f.Name, "latency-") && row.Missing == errNoWire.Error():
			if _, err := portWire(rawmidi.Driver{}, rawmidi.Driver{}); !errors.Is(err, errNoWire) {
				t.Errorf("%s is missing, but there is a card: %v", f.Name, err)
			}
		case row.Missing != "":
			program, _, _ := strings.Cut(row.Subject, " ")
			if _, err := exec.LookPath(program); !errors.Is(err, exec.ErrNotFound) {
				t.Errorf("%s: %s is installed, but missing: %s", f.Name, row.Subject, row.Missing)
			}
		case f.Name == "allocations":
			if row.P99 != 0 {
				t.Errorf("a trigger allocates %v times", row.P99)
			}
		case row.Median <= 0 || row.P99 < row.Median || row.Least <= 0 || row.Most < row.Least || row.Ratio <= 0:
			t.Errorf("%s: %+v", f.Name, row)
		}
	}
	if want := append([]string{"booth"}, peers[f.Name]...); !slices.Equal(subjects, want) {
		t.Errorf("%s: %q, want %q", f.Name, subjects, want)
	}
}
