package runner

import (
	"slices"

	"github.com/isobooth/isobooth/cgroups"
	"github.com/isobooth/isobooth/runner/control"
)

// without is whether a self-test left a layer out.
func (h *Host) without(layer string) bool { return slices.Contains(h.o.KnockOut, layer) }

// groupLimits are the plan's, or, for a self-test without them, limits that
// nothing reaches: the worker is in its group all the same.
func (h *Host) groupLimits(p *Plan) cgroups.Limits {
	if h.without(control.LayerCgroup) {
		return cgroups.Limits{Memory: 1 << 40, CPU: 64, Pids: 1 << 20}
	}
	return p.Limits.Group
}
