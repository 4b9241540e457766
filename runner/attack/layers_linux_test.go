package attack_test

import (
	"context"
	"os"
	"testing"

	"github.com/isobooth/isobooth/runner/attack"
)

// TestLayersCount: a row whose layer is left out is no longer contained by it.
// One that is, all the same, tests nothing.
func TestLayersCount(t *testing.T) {
	if os.Geteuid() != 0 {
		missing(t, "root, without whom not every layer can be left out")
	}
	rows, err := attack.Select("C*", "D*", "H*")
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range []attack.Layer{attack.Seccomp, attack.Root, attack.Landlock} {
		t.Run(string(layer), func(t *testing.T) {
			s := open(t, string(layer))
			counts := map[attack.Verdict]int{}
			for _, row := range rows {
				for _, phase := range []attack.Phase{attack.Constructor, attack.Trigger} {
					expected := row.Layer
					if phase == attack.Constructor && row.LoadLayer != "" {
						expected = row.LoadLayer
					}
					if expected != layer || len(row.Phases) == 0 {
						continue
					}
					r := s.Probe(context.Background(), &row, phase)
					counts[r.Verdict]++
					t.Logf("%s at %s: %s by %s: %q; control %q", row.ID, phase, r.Verdict, r.Layer, r.Detail, r.Control)
					if r.Verdict == attack.Contained {
						t.Errorf("%s at %s: contained by %s, which is left out: %q", row.ID, phase, r.Layer, r.Detail)
					}
				}
			}
			t.Logf("without %s: %v", layer, counts)
			if counts[attack.Breach]+counts[attack.ContainedOther] == 0 {
				t.Error("nothing was tried")
			}
		})
	}
}
