package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/isobooth/isobooth/runner/attack"
	"github.com/isobooth/isobooth/runner/control"
)

// result is one at the trigger phase.
func result(id string, v attack.Verdict, layer attack.Layer) attack.Result {
	return attack.Result{ID: id, Title: "does " + id, Severity: attack.High, Phase: attack.Trigger, Verdict: v, Layer: layer,
		Expected: attack.Seccomp, Detail: "host saw \x1b[2J it"}
}

func at(r attack.Result, p attack.Phase) attack.Result {
	r.Phase = p
	return r
}

func TestMatrix(t *testing.T) {
	with := []attack.Result{
		at(result("M1", attack.Contained, attack.Root), attack.Constructor), result("M1", attack.Contained, attack.Seccomp),
		result("M2", attack.Contained, attack.Seccomp),
		result("M3", attack.Contained, attack.Protocol),
		result("M4", attack.Unsupported, ""),
		{ID: "M5", Verdict: attack.NotRun},
		result("M6", attack.Contained, attack.Seccomp),
		result("M7", attack.Contained, attack.Cgroup),
		result("M8", attack.Contained, attack.Seccomp),
	}
	without := []attack.Result{
		// Of two phases the worse one is shown.
		at(result("M1", attack.Contained, attack.Root), attack.Constructor), result("M1", attack.ContainedOther, attack.Landlock),
		at(result("M2", attack.Contained, attack.Seccomp), attack.Ifunc), // not made with all layers
		result("M2", attack.Breach, ""),
		result("M3", attack.Contained, attack.Protocol),
		result("M4", attack.Unsupported, ""),
		result("M6", attack.Contained, attack.Seccomp),
		result("M7", attack.Contained, attack.Cgroup),
		result("M8", attack.Inconclusive, ""),
	}
	rows := newMatrix(with, []knockOut{{Layer: control.LayerSeccomp, Results: without}})
	for i, want := range []struct {
		id, standing string
		cell         cell
	}{
		{"M1", "root, which was not left out; seccomp, then landlock", cellOther},
		{"M2", "", cellBreach},
		{"M3", "protocol, which cannot be left out", cellSame},
		{"M4", "", cellNone},
		{"M6", "seccomp, it is said, but without it nothing changes: THIS ATTACK DOES NOT TEST IT", cellSame},
		{"M7", "cgroup, which was not left out", cellSame},
		{"M8", "seccomp; without it the attack is inconclusive", cellInconclusive},
	} {
		if i >= len(rows) {
			t.Fatalf("%d rows", len(rows))
		}
		if m := rows[i]; m.ID != want.id || m.Cells[control.LayerSeccomp] != want.cell || m.standing() != want.standing {
			t.Errorf("%s %q %q, want %q", m.ID, m.Cells, m.standing(), want)
		}
	}
	if len(rows) != 7 {
		t.Errorf("%d rows", len(rows))
	}
}

// TestSelftestFailure: a breach, an attack without a verdict and a run that
// tested nothing do not exit with 0; what the machine lacks does.
func TestSelftestFailure(t *testing.T) {
	fine := result("F1", attack.Contained, attack.Seccomp)
	for _, test := range []struct {
		name    string
		results []attack.Result
		want    string // "" is success
	}{
		{"contained", []attack.Result{fine}, ""},
		{"by another", []attack.Result{result("F2", attack.ContainedOther, attack.Net)}, ""},
		{"unsupported", []attack.Result{fine, result("F2", attack.Unsupported, "")}, ""},
		{"breach", []attack.Result{fine, at(fine, attack.Start), at(result("F1", attack.Breach, ""), attack.Thread)}, "1 of 3 results are breaches: F1 (thread)"},
		{"inconclusive", []attack.Result{fine, result("F2", attack.Inconclusive, "")}, "1 of 2 results are inconclusive: F2"},
		{"only unsupported", []attack.Result{result("F2", attack.Unsupported, "")}, "nothing was tested"},
		{"nothing", nil, "nothing was tested"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r selftestReport
			r.take(test.results)
			err := r.failure()
			if (err == nil) != (test.want == "") || err != nil && err.Error() != test.want {
				t.Errorf("%v, want %q", err, test.want)
			}
			if code := exitCode(err); err != nil && code != exitFailed {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// TestSelftestTable: one line for each verdict, nothing of a plugin's as it is.
func TestSelftestTable(t *testing.T) {
	var r selftestReport
	r.take([]attack.Result{
		at(result("T1", attack.Contained, attack.Seccomp), attack.Start), result("T1", attack.Contained, attack.Seccomp),
		at(result("T1", attack.ContainedOther, attack.Net), attack.Thread), result("T2", attack.Breach, ""),
		{ID: "T3", Title: "does T3", Verdict: attack.NotRun, Detail: "needs a moon"},
	})
	var b bytes.Buffer
	r.printTable(&b, false)
	r.printTotals(&b, true)
	for _, want := range []string{
		"contained by seccomp     start trigger: \"host saw \\x1b[2J it\"\n", "contained-other by net, not by seccomp thread: ",
		"BREACH: T2\n", "Contained by another layer: T1 (thread)\n", "     1 not tested, 1 of them attacks that are not made here", "attacks: 2, at phases: , results: 5\n", "T3             does T3: not made: needs a moon\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
	if strings.Contains(b.String(), "\x1b") {
		t.Errorf("a plugin's words reach the terminal: %q", &b)
	}
}

func TestPick(t *testing.T) {
	all := attack.Everywhere()
	for _, test := range []struct {
		o    selftestOptions
		want []attack.Phase
	}{
		{selftestOptions{}, all},
		{selftestOptions{knockOut: []string{"pid"}}, []attack.Phase{attack.Constructor, attack.Trigger}},
		{selftestOptions{knockOut: []string{"pid"}, phases: []string{"all"}}, all},
		{selftestOptions{phases: []string{"signal", "ifunc"}}, []attack.Phase{attack.Ifunc, attack.Signal}},
	} {
		if got := test.o.pick(all); !slices.Equal(got, test.want) {
			t.Errorf("%v picks %v, want %v", test.o, got, test.want)
		}
	}
}

// TestProgress: lines now and then, none for a program, one that changes on a
// terminal.
func TestProgress(t *testing.T) {
	var b bytes.Buffer
	now := time.Unix(0, 0)
	a := &app{stderr: &b}
	for _, test := range []struct {
		machine, terminal bool
		want              string
	}{
		{false, false, "isobooth: self-test without pid: 6 of 10, 2 breaches\n"},
		{true, false, ""},
		{true, true, "\r\x1b[Kisobooth: self-test without pid: 1 of 10, 1 breaches"},
	} {
		b.Reset()
		p := a.newProgress("pid", test.machine)
		p.now, p.last, p.terminal, p.silent = func() time.Time { return now }, now, test.terminal, p.silent && !test.terminal
		p.step(0, 10, result("P1", attack.Contained, ""))
		now = now.Add(progressEvery)
		p.step(1, 10, result("P1", attack.Breach, ""))
		now = now.Add(plainEvery)
		p.step(6, 10, result("P1", attack.Breach, ""))
		p.end()
		if got := b.String(); !strings.HasPrefix(got, test.want) || test.want == "" && got != "" || !test.terminal && strings.Count(got, "\n") > 1 {
			t.Errorf("%v: %q, want %q", test, got, test.want)
		}
	}
}

// TestSelftestDir: what a killed self-test left goes, nothing else does.
func TestSelftestDir(t *testing.T) {
	// One that everybody can pass through, unlike t.TempDir's.
	temp, err := os.MkdirTemp("/tmp", "isobooth-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(temp) })
	if err := os.Chmod(temp, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", temp)
	ours, err := daemonName()
	if err != nil {
		t.Fatal(err)
	}
	self := strings.TrimPrefix(ours, daemonPrefix)
	dead := fmt.Sprintf("isobooth-selftest-%d-1", os.Getpid()) // a process with that start has ended
	for _, name := range []string{dead + "/host", "isobooth-selftest-" + self, "isobooth-selftest-x", "isobooth-other-1-1"} {
		if err := os.MkdirAll(filepath.Join(temp, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := (&app{stderr: os.Stderr}).selftestDir(ours)
	if err != nil || dir != filepath.Join(temp, "isobooth-selftest-"+self) {
		t.Errorf("%q, %v", dir, err)
	}
	entries, err := os.ReadDir(temp)
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := errors.Join(os.Mkdir(filepath.Join(temp, "private"), 0o700), passable(filepath.Join(temp, "private"))); err == nil || !strings.Contains(err.Error(), "cannot pass") {
			t.Errorf("a private folder: %v", err)
		}
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{"isobooth-other-1-1", "isobooth-selftest-" + self, "isobooth-selftest-x"}; !slices.Equal(left, want) {
		t.Errorf("left are %q, want %q", left, want)
	}
}

// TestConfirmNeedsATerminal: a script says --yes, or nothing happens.
func TestConfirmNeedsATerminal(t *testing.T) {
	var b bytes.Buffer
	a := &app{stderr: &b}
	o := &selftestOptions{knockOut: []string{"pid"}}
	var usage usageError
	if err := a.confirmKnockOut(context.Background(), o); !errors.As(err, &usage) || !strings.Contains(b.String(), "lack one layer each: pid.") {
		t.Errorf("%v, said %q", err, &b)
	}
	o.yes = true
	if err := a.confirmKnockOut(context.Background(), o); err != nil {
		t.Error(err)
	}
}

// testSelftestInterrupted: it ends, says how far it came, and leaves nothing.
func testSelftestInterrupted(t *testing.T, programs string) {
	t.Setenv("TMPDIR", "/tmp")
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"selftest", "--only", "E01", "--libexec", programs, "--json"}, nil, &stdout, &stderr)
	if code != exitInterrupted || !strings.Contains(stderr.String(), "interrupted after 0 results") || !strings.Contains(stdout.String(), `"interrupted":true`) {
		t.Errorf("exit %d, %s\n%s", code, &stderr, &stdout)
	}
	name, err := daemonName()
	if err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob("/tmp/isobooth-selftest-" + strings.TrimPrefix(name, daemonPrefix))
	if err != nil || len(left) > 0 {
		t.Errorf("left are %q, %v", left, err)
	}
}

// TestShown: only what has worked without a booth need not do so again.
func TestShown(t *testing.T) {
	var r selftestReport
	r.take([]attack.Result{
		result("S1", attack.Contained, attack.Seccomp), result("S2", attack.Inconclusive, ""), result("S3", attack.Unsupported, ""),
		result("S4", attack.Breach, ""),
	})
	for id, want := range map[string]bool{"S1": true, "S2": false, "S3": false, "S4": false, "S5": false} {
		if got := r.shown(&attack.Row{ID: id}, attack.Trigger); got != want {
			t.Errorf("%s: %v", id, got)
		}
	}
	if r.shown(&attack.Row{ID: "S1"}, attack.Start) {
		t.Error("shown at another phase")
	}
}

// TestNotKnockedOut: who asks for a layer that cannot be left out is told why.
func TestNotKnockedOut(t *testing.T) {
	r := selftestReport{NotKnockedOut: map[string]string{control.LayerUser: "only root can"}}
	var b bytes.Buffer
	r.printMatrix(&b)
	if want := "user was not left out: only root can\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}
