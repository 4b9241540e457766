package attack_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/isobooth/isobooth/runner/attack"
	"github.com/isobooth/isobooth/runner/control"
)

// TestVerdicts: an attack that is not made, a control that does not work, a
// kernel that lacks the call and a library that boasts are not passed.
func TestVerdicts(t *testing.T) {
	s := open(t)
	for _, test := range []struct {
		name string
		row  attack.Row
		want attack.Verdict
	}{
		{"no such attack", attack.Row{Family: "load", Attack: "no_such", Evidence: []attack.Evidence{attack.Canary}}, attack.Inconclusive},
		{"control without evidence", attack.Row{Family: "network", Attack: "tcp4", Calls: []string{"socket"},
			Layer: attack.Seccomp, Evidence: []attack.Evidence{attack.Canary, attack.TCP6}}, attack.Inconclusive},
		{"control without success", attack.Row{Family: "network", Attack: "tcp4", Calls: []string{"socket"}, Layer: attack.Seccomp,
			Proof: attack.ByResult}, attack.Inconclusive}, // nobody listens on its port 0
		{"no such call", attack.Row{Family: "calls", Attack: "number", Arg: 1000, Layer: attack.Seccomp, Proof: attack.ByResult}, attack.Unsupported},
		{"claims success", attack.Row{Family: "load", Attack: "nothing", Layer: attack.Seccomp, Evidence: []attack.Evidence{attack.Canary}}, attack.Breach},
		{"another call refused", attack.Row{Family: "network", Attack: "tcp4", Calls: []string{"connect"}, Layer: attack.Seccomp,
			Evidence: []attack.Evidence{attack.TCP4}}, attack.ContainedOther},
		{"another layer", attack.Row{Family: "network", Attack: "tcp4", Calls: []string{"socket"}, Layer: attack.Net,
			Evidence: []attack.Evidence{attack.TCP4}}, attack.ContainedOther},
		{"something needed", attack.Row{Family: "load", Attack: "nothing", Needs: func(*attack.Options) string { return "a moon" }}, attack.Unsupported},
		{"evidence that cannot be looked at", attack.Row{Family: "network", Attack: "tcp4", Calls: []string{"socket"}, Layer: attack.Seccomp,
			Evidence: []attack.Evidence{attack.TCP4, attack.Unseen}}, attack.Inconclusive},
		{"wrong posture", attack.Row{Family: "network", Attack: "tcp4", Calls: []string{"socket"}, Layer: attack.Seccomp,
			Evidence: []attack.Evidence{attack.TCP4, attack.Posture("Seccomp", "0")}}, attack.Breach},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.row.ID = "T01"
			if r := s.Probe(context.Background(), &test.row, attack.Trigger); r.Verdict != test.want {
				t.Errorf("%+v, want %s", r, test.want)
			}
		})
	}
}

// TestLastWords: what a destructor learns leaves by its log, and counts as what
// a trigger learns.
func TestLastWords(t *testing.T) {
	if os.Geteuid() != 0 {
		missing(t, "root, without whom not every layer can be left out")
	}
	s := open(t, control.LayerSeccomp, control.LayerUTS)
	for _, phase := range []attack.Phase{attack.Trigger, attack.Destructor} {
		if r := probe(t, s, "H04/name", phase); r.Verdict != attack.Breach || !strings.Contains(r.Detail, "it knows the host's name") {
			t.Errorf("%s: %s, %q", phase, r.Verdict, r.Detail)
		}
	}
}

// TestRun: results in the table's order, with what was not run, as JSON.
func TestRun(t *testing.T) {
	calls := 0
	tree := groups(t)
	results, err := attack.Run(context.Background(), attack.Options{Programs: programs, Profile: strict(t), Groups: tree, Landlock: true,
		Only: []string{"B05", "E01/*"}, Progress: func(done, all int, r attack.Result) {
			calls++
			if done != calls || r.ID == "" || r.Verdict == "" {
				t.Errorf("progress %d of %d: %+v", done, all, r)
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := attack.Select("B05", "E01/*")
	if err != nil {
		t.Fatal(err)
	}
	var want, have []string
	for _, row := range rows {
		for _, phase := range row.Phases {
			want = append(want, row.ID+" "+phase.String())
		}
	}
	for _, r := range results {
		have = append(have, r.ID+" "+r.Phase.String())
	}
	if !slices.Equal(have, want) || calls != len(want) {
		t.Errorf("results %q, want %q", have, want)
	}
	text, err := json.Marshal(results[0])
	if err != nil || !strings.Contains(string(text), `"phase":"ifunc","verdict":"contained","layer":"seccomp"`) {
		t.Errorf("%s, %v", text, err)
	}
}

// TestInterrupted: what was made before the end is there, and nothing is left.
func TestInterrupted(t *testing.T) {
	tree := groups(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	// Booths pass through its parents, which they may not do with t.TempDir's.
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("attack-test-%d-interrupted", os.Getpid()))
	results, err := attack.Run(ctx, attack.Options{Programs: programs, Profile: strict(t), Groups: tree, Landlock: true, Dir: dir, Parallel: 1,
		Only: []string{"E01"}, Progress: func(done, all int, r attack.Result) {
			if done == 3 {
				cancel()
			}
		}})
	if !errors.Is(err, context.Canceled) || len(results) != 3 {
		t.Errorf("%d results, %v", len(results), err)
	}
	for _, r := range results {
		if r.Verdict != attack.Contained {
			t.Errorf("%+v", r)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left: %v", dir, err)
	}
}

// TestShown: a control that has worked is not made again, any other is.
func TestShown(t *testing.T) {
	tree := groups(t)
	results, err := attack.Run(context.Background(), attack.Options{Programs: programs, Profile: strict(t), Groups: tree, Landlock: true,
		Only: []string{"E01/tcp4"}, Shown: func(row *attack.Row, p attack.Phase) bool { return row.ID == "E01/tcp4" && p == attack.Start }})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if made := strings.Contains(r.Control, "a connection to 127.0.0.1"); r.Verdict != attack.Contained || made == (r.Phase == attack.Start) {
			t.Errorf("%+v", r)
		}
	}
}

// TestPhases: a suite makes its attacks at the phases that are picked.
func TestPhases(t *testing.T) {
	tree := groups(t)
	results, err := attack.Run(context.Background(), attack.Options{Programs: programs, Profile: strict(t), Groups: tree, Landlock: true,
		Only: []string{"E01/tcp4", "A02/open"}, Phases: attack.Few})
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, r := range results {
		have = append(have, r.ID+" "+r.Phase.String())
	}
	if want := []string{"A02/open ifunc", "E01/tcp4 constructor", "E01/tcp4 trigger"}; !slices.Equal(have, want) {
		t.Errorf("results %q, want %q", have, want)
	}
	for _, p := range attack.Everywhere() {
		if got, err := attack.ParsePhase(p.String()); got != p || err != nil {
			t.Errorf("%v is %v, %v", p, got, err)
		}
	}
	if p, err := attack.ParsePhase("phase 0"); err == nil {
		t.Errorf("a phase that is none is %v", p)
	}
}

func TestNoSuchProgram(t *testing.T) {
	broken := programs
	broken.Plugins = t.TempDir()
	if s, err := attack.Open(attack.Options{Programs: broken, Profile: strict(t)}); !errors.Is(err, os.ErrNotExist) {
		if err == nil {
			s.Close()
		}
		t.Errorf("error %v", err)
	}
}

// TestTable: every row is complete, and its attack is in its library.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range attack.Rows() {
		if row.ID == "" || seen[row.ID] || row.Title == "" || !strings.Contains("CHML", string(row.Severity)) || row.Severity == "" {
			t.Errorf("row %q: an ID of its own, a title and a severity are needed", row.ID)
		}
		seen[row.ID] = true
		if row.Manual != "" || row.Elsewhere != "" {
			if len(row.Phases) > 0 {
				t.Errorf("row %s is not run, but has phases", row.ID)
			}
			continue
		}
		if len(row.Phases) == 0 || row.Layer == "" || len(row.Evidence) == 0 {
			t.Errorf("row %s: phases, a layer and evidence are needed", row.ID)
		}
		if (row.Layer == attack.Seccomp || row.LoadLayer == attack.Seccomp) && len(row.Calls) == 0 {
			t.Errorf("row %s: which calls does the filter refuse?", row.ID)
		}
		library, err := os.ReadFile(filepath.Join(programs.Plugins, row.Family+".so"))
		if err != nil || !strings.Contains(string(library), "\x00"+row.Attack+"\x00") {
			t.Errorf("row %s: no RUN(%s) in %s.c (%v)", row.ID, row.Attack, row.Family, err)
		}
	}
}

func TestSelect(t *testing.T) {
	for pattern, want := range map[string][]string{
		"E01": {"E01/tcp4", "E01/tcp6", "E01/udp4"}, "E01/tcp*": {"E01/tcp4", "E01/tcp6"}, "[AE]0[15]": {"A01/open", "E01/tcp4", "E05/path"},
	} {
		rows, err := attack.Select(pattern)
		if err != nil {
			t.Error(err)
		}
		for _, id := range want {
			if !slices.ContainsFunc(rows, func(r attack.Row) bool { return r.ID == id }) {
				t.Errorf("%s does not select %s", pattern, id)
			}
		}
		for _, r := range rows {
			if strings.HasPrefix(pattern, "E01") && !strings.HasPrefix(r.ID, "E01") {
				t.Errorf("%s selects %s", pattern, r.ID)
			}
		}
	}
	if rows, err := attack.Select("Z*", "E01/no-such"); err != nil || len(rows) > 0 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	if _, err := attack.Select("["); err == nil {
		t.Error("a pattern that is none was taken")
	}
}
