package attack_test

import (
	"os"
	"slices"
	"testing"

	"github.com/isobooth/isobooth/runner/attack"
	"github.com/isobooth/isobooth/runner/control"
)

// TestKnockOut leaves one layer out and sees one attack's verdict flip. Where
// other layers stand in front, they are out both times: base is what the
// attack meets with the layer in place, by that very layer.
func TestKnockOut(t *testing.T) {
	tested := []string{}
	for _, test := range []struct {
		layer string
		base  []string
		row   string
		phase attack.Phase
	}{
		{control.LayerSeccomp, nil, "C01/unshare", attack.Trigger},
		{control.LayerCgroup, nil, "F01/balloon", attack.Trigger},
		{control.LayerRlimits, nil, "F01/reserve", attack.Trigger},
		{control.LayerRoot, []string{control.LayerLandlock}, "A01/open", attack.Constructor},
		{control.LayerLandlock, []string{control.LayerRoot}, "A01/open", attack.Constructor},
		{control.LayerNet, []string{control.LayerSeccomp, control.LayerLandlock}, "E01/tcp4", attack.Trigger},
		{control.LayerPID, []string{control.LayerSeccomp, control.LayerLandlock}, "D02/kill", attack.Trigger},
		{control.LayerIPC, []string{control.LayerSeccomp}, "C27/segment", attack.Trigger},
		{control.LayerUTS, []string{control.LayerSeccomp}, "H04/name", attack.Trigger},
		{control.LayerCapabilities, []string{control.LayerSeccomp, control.LayerUser}, "B25/syslog", attack.Trigger},
		{control.LayerUser, []string{control.LayerSeccomp, control.LayerCapabilities}, "B25/syslog", attack.Trigger},
		{control.LayerNoNewPrivs, []string{control.LayerSeccomp}, "B32/status", attack.Trigger},
	} {
		tested = append(tested, test.layer)
		t.Run(test.layer, func(t *testing.T) {
			if os.Geteuid() != 0 {
				missing(t, "root, without whom not every layer can be left out")
			}
			with := probe(t, open(t, test.base...), test.row, test.phase)
			if with.Verdict != attack.Contained && with.Verdict != attack.ContainedOther || with.Layer != attack.Layer(test.layer) {
				t.Errorf("with the layer %s by %q", with.Verdict, with.Layer)
			}
			without := probe(t, open(t, append(slices.Clone(test.base), test.layer)...), test.row, test.phase)
			if without.Verdict != attack.Breach {
				t.Errorf("without the layer %s by %q", without.Verdict, without.Layer)
			}
		})
	}
	slices.Sort(tested)
	all := control.Removable()
	slices.Sort(all)
	if !slices.Equal(tested, all) {
		t.Errorf("tested are %q, there are %q", tested, all)
	}
}

// TestKnockOutOfNothing: a layer that is none is an error, not a suite that
// tests less than it says.
func TestKnockOutOfNothing(t *testing.T) {
	if s, err := attack.Open(attack.Options{Programs: programs, Profile: strict(t), KnockOut: []string{"secomp"}}); err == nil {
		s.Close()
		t.Error("a layer that does not exist was left out")
	}
}
