package attack_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/isobooth/isobooth/cgroups"
	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner/attack"
)

// programs are what TestMain builds.
var programs attack.Programs

func TestMain(m *testing.M) {
	code, err := testMain(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func testMain(m *testing.M) (int, error) {
	bin, err := os.MkdirTemp("", "attack-test-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(bin)
	if err := os.Chmod(bin, 0o755); err != nil {
		return 1, err
	}
	programs = attack.Programs{
		Jailer: filepath.Join(bin, "isobooth-jail"), Worker: filepath.Join(bin, "isobooth-worker"),
		Control: filepath.Join(bin, "selftest", "isobooth-control"), Plugins: filepath.Join(bin, "selftest"),
	}
	// The same rules as for an installation.
	for _, args := range [][]string{
		{"make", "-s", "-C", "../..", "BIN=" + bin, "-o", "setup", "selftest", programs.Worker},
		{"go", "build", "-o", programs.Jailer, "../../cmd/isobooth-jail"},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return 1, fmt.Errorf("%v: %w\n%s", args, err, out)
		}
	}
	return m.Run(), nil
}

// missing skips a test for lack of something, or fails it where everything
// must run.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("ISOBOOTH_MUST_RUN") == "1" {
		t.Fatalf("missing: %s", what)
	}
	t.Skipf("missing: %s", what)
}

// mayLack are the attacks on what some kernels do not have, and on what root in
// a container may not do: it is counted and named, and no test fails for it.
var mayLack = []string{"B07/", "C10/sysrq", "C11/kcore", "C25/card", "H04/product", "B09", "B22/SET_MM", "B22/SET_IO_FLUSHER", "B23/iopl", "B23/ioperm", "B24/init", "B24/finit", "B24/delete", "B24/kexec", "E09/alg", "E09/vsock"}

// unsupported reports an attack that this machine has no use for.
func unsupported(t *testing.T, r attack.Result) {
	t.Helper()
	if !slices.ContainsFunc(mayLack, func(id string) bool { return strings.HasPrefix(r.ID, id) }) {
		missing(t, r.Detail)
	}
	t.Logf("UNSUPPORTED: %s; control: %q", r.Detail, r.Control)
}

// groups opens a tree of cgroups for the test.
func groups(t *testing.T) *cgroups.Tree {
	t.Helper()
	tree, err := cgroups.Open(fmt.Sprintf("isobooth-test-%d-%d", os.Getpid(), time.Now().UnixNano()))
	if err != nil {
		missing(t, err.Error())
	}
	t.Cleanup(func() {
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	})
	return tree
}

func strict(t *testing.T) *profiles.Profile {
	t.Helper()
	return named(t, "strict")
}

func named(t *testing.T, name string) *profiles.Profile {
	t.Helper()
	profile, err := profiles.Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return profile
}

// open makes a suite under the strict profile, and checks at the end that it
// leaves nothing behind.
func open(t *testing.T, without ...string) *attack.Suite {
	t.Helper()
	return openWith(t, strict(t), without...)
}

func openWith(t *testing.T, profile *profiles.Profile, without ...string) *attack.Suite {
	t.Helper()
	tree := groups(t)
	s, err := attack.Open(attack.Options{Programs: programs, Profile: profile, Groups: tree, Landlock: true, KnockOut: without})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestAttacks makes every attack of the table at every phase, under strict.
func TestAttacks(t *testing.T) {
	attackAll(t, open(t), judge)
}

// TestThreads makes every attack under the profile threads, where threads and
// signal handlers are to be had. What that profile allows, the row says.
func TestThreads(t *testing.T) {
	profile := named(t, "threads")
	// Of a row whose calls the profile allows, another layer may have to stop
	// the harm; where that is none, the row says so itself.
	looser := map[string]bool{}
	for _, row := range attack.Rows() {
		looser[row.ID] = slices.ContainsFunc(slices.Concat(row.AllowedBy, row.Calls), func(about string) bool { return profile.Warning(about) != "" })
	}
	results := attackAll(t, openWith(t, profile), func(t *testing.T, r attack.Result) {
		if looser[r.ID] && (r.Verdict == attack.Allowed || r.Verdict == attack.ContainedOther) {
			t.Logf("%s: %q", r.Verdict, r.Detail)
			return
		}
		judge(t, r)
	})
	attacked := map[attack.Phase]bool{}
	for _, r := range results {
		// The run phase: of a thread or a handler that is refused, the record
		// would be of the load phase.
		if strings.HasSuffix(r.Detail, "refused in the run phase") {
			attacked[r.Phase] = true
		}
	}
	if !attacked[attack.Thread] || !attacked[attack.Signal] {
		t.Errorf("no attack was made by a thread, or none by a handler: %v", attacked)
	}
}

// attackAll makes every attack of the table at every phase and hands each result
// to judge.
func attackAll(t *testing.T, s *attack.Suite, judge func(*testing.T, attack.Result)) []attack.Result {
	t.Helper()
	var mu sync.Mutex
	var results []attack.Result
	t.Run("rows", func(t *testing.T) {
		for _, row := range attack.Rows() {
			for _, phase := range row.Phases {
				t.Run(row.ID+"/"+phase.String(), func(t *testing.T) {
					t.Parallel()
					r := s.Probe(context.Background(), &row, phase)
					mu.Lock()
					results = append(results, r)
					mu.Unlock()
					judge(t, r)
				})
			}
			if len(row.Phases) == 0 {
				mu.Lock()
				results = append(results, attack.Result{ID: row.ID, Verdict: attack.NotRun})
				mu.Unlock()
			}
		}
	})
	c := attack.Cover(results)
	t.Logf("contained by the intended layer: %d, by another: %d, not tested: %d, allowed: %d", c.Contained, c.Other, c.NotTested, c.Allowed)
	return results
}

// TestAllowed: what a profile allows is reported as that under it, and only
// for the rows that say so.
func TestAllowed(t *testing.T) {
	row, err := attack.Select("F01/reserve")
	if err != nil || len(row) != 1 {
		t.Fatalf("%d rows, %v", len(row), err)
	}
	s := openWith(t, named(t, "threads"))
	if r := s.Probe(context.Background(), &row[0], attack.Trigger); r.Verdict != attack.Allowed || !strings.Contains(r.Detail, "address_space is unlimited") {
		t.Errorf("%+v", r)
	}
	row[0].AllowedBy = []string{"file_size"}
	if r := s.Probe(context.Background(), &row[0], attack.Trigger); r.Verdict != attack.Breach {
		t.Errorf("%+v", r)
	}
}

// judge fails for what a suite must not show.
func judge(t *testing.T, r attack.Result) {
	t.Helper()
	text := fmt.Sprintf("%s by %s (expected %s): %q; control: %q", r.Verdict, r.Layer, r.Expected, r.Detail, r.Control)
	switch r.Verdict {
	case attack.Contained:
		t.Log(text)
	case attack.Unsupported:
		unsupported(t, r)
	case attack.Inconclusive:
		missing(t, text)
	default:
		t.Error(text)
	}
}

// probe makes one attack of the table.
func probe(t *testing.T, s *attack.Suite, id string, phase attack.Phase) attack.Result {
	t.Helper()
	rows, err := attack.Select(id)
	// "C18" selects C18/granted as well.
	rows = slices.DeleteFunc(rows, func(r attack.Row) bool { return r.ID != id })
	if err != nil || len(rows) != 1 {
		t.Fatalf("row %s: %d, %v", id, len(rows), err)
	}
	r := s.Probe(context.Background(), &rows[0], phase)
	t.Logf("without %s: %s by %s: %q; control %q", strings.Join(r.Without, ", "), r.Verdict, r.Layer, r.Detail, r.Control)
	return r
}
