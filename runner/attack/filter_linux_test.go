package attack_test

import (
	"context"
	"slices"
	"testing"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner/attack"
)

// TestFilterIsNeeded runs what the filter must stop without it. Where the
// verdict were the same, the row would not test the filter.
func TestFilterIsNeeded(t *testing.T) {
	rows, err := attack.Select("A*", "B*")
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, string(attack.Seccomp))
	order := []attack.Phase{attack.Trigger, attack.Constructor, attack.Ifunc, attack.Thread, attack.Destructor}
	t.Run("rows", func(t *testing.T) {
		for _, row := range rows {
			at := slices.IndexFunc(order, func(p attack.Phase) bool { return slices.Contains(row.Phases, p) })
			if row.Layer != attack.Seccomp || at < 0 {
				continue
			}
			phase := order[at]
			t.Run(row.ID+"/"+phase.String(), func(t *testing.T) {
				t.Parallel()
				r := s.Probe(context.Background(), &row, phase)
				t.Logf("%s by %s: %q; control: %q", r.Verdict, r.Layer, r.Detail, r.Control)
				switch r.Verdict {
				case attack.Contained:
					t.Error("contained all the same")
				case attack.Unsupported:
					unsupported(t, r)
				case attack.Inconclusive:
					missing(t, r.Detail)
				}
			})
		}
	})
}

// TestWithThreads makes attacks from threads and signal handlers where a
// profile gives a library both; strict refuses them, so that nothing is made
// there.
func TestWithThreads(t *testing.T) {
	profile, err := profiles.Named("threads")
	if err != nil {
		t.Fatal(err)
	}
	s, err := attack.Open(attack.Options{Programs: programs, Profile: profile, Groups: groups(t), Landlock: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Run("rows", func(t *testing.T) {
		for id, phases := range map[string][]attack.Phase{
			"A01/open": {attack.Thread, attack.Signal}, "A01/fork": {attack.Thread, attack.Signal},
			"A03/across": {attack.Constructor, attack.Start}, "A03/later": {attack.Thread},
			"A04/fork": attack.Loading(), "A04/vfork": attack.Loading(),
			"A14/protect": {attack.Thread, attack.Signal}, "A16/execveat": {attack.Thread, attack.Signal},
			"A18/seccomp": {attack.Thread, attack.Signal}, "A18/prctl": {attack.Thread, attack.Signal},
			"B01": {attack.Thread, attack.Signal}, "B02/open": {attack.Thread, attack.Signal},
			"B04/clone3": {attack.Thread, attack.Signal}, "B04/clone-user": attack.Everywhere(),
			"B05": {attack.Thread, attack.Signal}, "B11": {attack.Thread, attack.Signal},
			"B12/attach": {attack.Thread, attack.Signal}, "B14/open": {attack.Thread, attack.Signal},
		} {
			for _, phase := range phases {
				t.Run(id+"/"+phase.String(), func(t *testing.T) {
					t.Parallel()
					rows := slices.DeleteFunc(attack.Rows(), func(r attack.Row) bool { return r.ID != id })
					if len(rows) != 1 {
						t.Fatalf("%d rows", len(rows))
					}
					judge(t, s.Probe(context.Background(), &rows[0], phase))
				})
			}
		}
	})
}
