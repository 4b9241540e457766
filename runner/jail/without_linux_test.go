package jail

import (
	"os"
	"slices"
	"testing"

	"github.com/isobooth/isobooth/runner/control"
)

// TestOneLayerEach: to leave out a layer that is no namespace takes no
// namespace away, and one that is takes that one.
func TestOneLayerEach(t *testing.T) {
	spaces := []string{control.LayerPID, control.LayerNet, control.LayerIPC, control.LayerUTS, control.LayerUser}
	for _, layer := range control.Removable() {
		if layer == control.LayerUser && os.Geteuid() != 0 {
			continue // newWithout refuses
		}
		w, err := newWithout([]string{layer})
		if err != nil {
			t.Fatal(err)
		}
		c := containerConfig(&root{dir: t.TempDir()}, "/x", 0)
		if _, err := w.loosen(c, 1); err != nil {
			t.Fatal(err)
		}
		var gone []string
		for _, n := range namespaces {
			if !c.Namespaces.Contains(n.kind) {
				gone = append(gone, n.link)
			}
		}
		var want []string
		if slices.Contains(spaces, layer) {
			want = []string{layer}
		}
		if !slices.Equal(gone, want) {
			t.Errorf("without %s: the host's %q, want %q", layer, gone, want)
		}
	}
}
