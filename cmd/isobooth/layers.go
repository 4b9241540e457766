package main

import (
	"fmt"

	"github.com/isobooth/isobooth/runner/control"
)

type controlLayer = control.Layer

// ownLayers are those that the daemon itself sees to.
func (s *session) ownLayers(g *plug) []controlLayer {
	sig := "UNSIGNED, its sha256 is allowed by the config"
	if g.plugin.Signature.Signed {
		sig = fmt.Sprintf("%s minisign signature by key %s", g.plugin.Signature.Form, g.plugin.Signature.KeyID)
	}
	l := &g.current().Limits
	swap := "without swap"
	if l.Swap > 0 {
		swap = "and " + l.Text("swap") + " of swap"
	}
	limits := fmt.Sprintf("memory %d MiB %s, CPU %.0f %% of a core, %d tasks", l.Memory>>20, swap, l.CPU*100, l.Pids)
	if l.CPUs != nil {
		limits += ", processors " + l.Text("cpus")
	}
	if s.tree == nil {
		limits = "MISSING, allowed by the config"
	}
	return []controlLayer{
		{Name: "limits", Detail: limits},
		{Name: "signature", Detail: sig},
		{Name: "sealed memory", Detail: fmt.Sprintf("the plugin and %d libraries it needs; the bytes that were checked are the bytes that were loaded", len(g.plugin.Libs))},
	}
}
