package runner

import (
	"github.com/isobooth/isobooth/runner/control"
)

// Try builds the booth of a plan up to standby, confined and with no foreign
// code in it, and removes it again. It returns the layers as the jailer found
// them from outside, or what NewBooth and Run would fail with; errors.As with
// *LayerError then names the layer. The plan's plugin is not used.
func (h *Host) Try(plan *Plan) ([]control.Layer, error) {
	in, err := h.newInstance(plan)
	if err != nil {
		return nil, err
	}
	layers := in.about.Layers
	in.kill()
	in.end(&Cause{Kind: CauseStopped, Text: "stopped"})
	return layers, in.release()
}
