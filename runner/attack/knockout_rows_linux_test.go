package attack_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/isobooth/isobooth/runner/attack"
	"github.com/isobooth/isobooth/runner/control"
)

// outward are the rows of the network, of resources and of the pipes.
func outward(t *testing.T) []attack.Row {
	t.Helper()
	rows, err := attack.Select("E*", "F*", "G*")
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestEachLayerCounts: without the layer that a row expects, while it loads
// or once it is sealed, the row's verdict is another.
func TestEachLayerCounts(t *testing.T) {
	if os.Geteuid() != 0 {
		missing(t, "root, without whom not every layer can be left out")
	}
	rows := outward(t)
	for _, layer := range control.Removable() {
		t.Run(layer, func(t *testing.T) {
			var s *attack.Suite
			for _, row := range rows {
				for _, phase := range []attack.Phase{attack.Start, attack.Trigger} {
					expected := row.Layer
					if phase == attack.Start && row.LoadLayer != "" {
						expected = row.LoadLayer
					}
					if string(expected) != layer || !slices.Contains(row.Phases, phase) {
						continue
					}
					if s == nil {
						s = open(t, layer)
					}
					without(t, s, &row, phase, func(r attack.Result) bool { return r.Verdict != attack.Contained })
				}
			}
		})
	}
}

// TestBare leaves out all that stands behind the filter, too: the attacks
// then do what they are meant to do.
func TestBare(t *testing.T) {
	if os.Geteuid() != 0 {
		missing(t, "root, without whom not every layer can be left out")
	}
	s := open(t, control.LayerSeccomp, control.LayerLandlock, control.LayerRlimits, control.LayerCgroup, control.LayerRoot,
		control.LayerCapabilities, control.LayerUser, control.LayerNet, control.LayerIPC, control.LayerPID)
	for _, row := range outward(t) {
		// What the host stops by itself is left, and the booth's own /dev,
		// in which there are no terminals.
		stays := row.Proof == attack.ByRules || row.Harmless == attack.Protocol || row.ID == "F16/terminal" || strings.HasPrefix(row.ID, "G12")
		if stays || !slices.Contains(row.Phases, attack.Trigger) {
			continue
		}
		without(t, s, &row, attack.Trigger, func(r attack.Result) bool { return r.Verdict == attack.Breach })
	}
}

// without makes one attack, whose result must be as wanted.
func without(t *testing.T, s *attack.Suite, row *attack.Row, phase attack.Phase, wanted func(attack.Result) bool) {
	t.Run(row.ID+"/"+phase.String(), func(t *testing.T) {
		r := s.Probe(context.Background(), row, phase)
		text := string(r.Verdict) + " by " + string(r.Layer) + ": " + r.Detail
		if r.Verdict == attack.Unsupported {
			unsupported(t, r)
			return
		}
		t.Log(text)
		if !wanted(r) {
			t.Errorf("without %q still %s", r.Without, text)
		}
	})
}
