package attack_test

import (
	"context"
	"os"
	"slices"
	"testing"

	"github.com/isobooth/isobooth/runner/attack"
	"github.com/isobooth/isobooth/runner/control"
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
	for _, layer := range []attack.Layer{attack.Seccomp, attack.Root, attack.Landlock, attack.PID} {
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

// TestLastLayer: with what stands in front left out both times, an attack is
// stopped, and without the last layer, too, it works.
func TestLastLayer(t *testing.T) {
	if os.Geteuid() != 0 {
		missing(t, "root, without whom not every layer can be left out")
	}
	const (
		seccomp, landlock, root = control.LayerSeccomp, control.LayerLandlock, control.LayerRoot
		capabilities, user, pid = control.LayerCapabilities, control.LayerUser, control.LayerPID
	)
	for _, test := range []struct {
		row  string
		base []string
		last string
	}{
		{"C03/climb", []string{seccomp, landlock, capabilities}, root},
		{"C04/remount", []string{seccomp, landlock}, capabilities},
		{"C04/bind", []string{seccomp, landlock}, capabilities},
		{"C06/fifo", []string{seccomp, landlock}, root},
		{"C06/character", []string{seccomp, landlock, root, capabilities}, user},
		{"C11/maps", []string{seccomp}, landlock},
		{"C11/root-of-sentinel", []string{seccomp, landlock, pid}, user},
		{"C13/link", []string{seccomp, landlock}, root},
		{"C17/execute", []string{seccomp, landlock}, root},
		{"C17/map", []string{seccomp, landlock}, root},
		{"C18", []string{seccomp, landlock, root, user}, control.LayerNoNewPrivs},
		{"C20/dotdot", []string{seccomp, landlock}, root},
		{"C20/proc-root", []string{seccomp, landlock}, root},
		{"C20/below-root", []string{seccomp, landlock}, root},
		{"C20/openat2", []string{seccomp, root}, landlock},
		{"C27/queue", []string{seccomp, landlock}, control.LayerIPC},
		{"C27/make-segment", []string{seccomp}, control.LayerIPC},
		{"D02/sigqueue", []string{seccomp, landlock}, pid},
		{"D06", []string{seccomp, control.LayerRlimits}, control.LayerCgroup},
		{"D07", []string{seccomp, control.LayerRlimits}, control.LayerCgroup},
		{"D14/memory", []string{seccomp}, control.LayerRlimits},
		{"H04/kernel", []string{seccomp, landlock}, pid},
		{"H04/machine", []string{seccomp, landlock}, root},
	} {
		t.Run(test.row, func(t *testing.T) {
			with := probe(t, open(t, test.base...), test.row, attack.Trigger)
			// Inconclusive where the program ran, without its owner's rights, in
			// the worker's place.
			if with.Verdict == attack.Breach {
				t.Errorf("with %s %s", test.last, with.Verdict)
			}
			without := probe(t, open(t, append(slices.Clone(test.base), test.last)...), test.row, attack.Trigger)
			if without.Verdict != attack.Breach {
				t.Errorf("without %s %s by %q", test.last, without.Verdict, without.Layer)
			}
		})
	}
}
