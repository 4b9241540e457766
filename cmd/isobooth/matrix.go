package main

import (
	"slices"
	"strings"

	"github.com/isobooth/isobooth/runner/attack"
	"github.com/isobooth/isobooth/runner/control"
)

// matrixRow is what leaving out each layer does to one attack.
type matrixRow struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	// Layers stop it, with all layers there.
	Layers []attack.Layer `json:"layers"`
	// Cells are by the layer that is left out.
	Cells map[string]cell `json:"cells"`
	// Instead are the layers that then stop it, by the layer left out.
	Instead map[string][]attack.Layer `json:"instead,omitempty"`
}

// cell is one letter of the matrix.
type cell string

// Of several phases the first of these that occurs is shown.
const (
	cellBreach       cell = "B"
	cellInconclusive cell = "?"
	cellAllowed      cell = "a"
	cellOther        cell = "o" // another layer than with all layers
	cellSame         cell = "."
	cellNone         cell = "-" // unsupported, or not made
)

var cells = []cell{cellBreach, cellInconclusive, cellAllowed, cellOther, cellSame, cellNone}

const matrixLegend = `. as with all layers; o another layer stops it; B breach; a the profile allows it; ? inconclusive; - not made`

// cellOf compares a result without a layer with the one with all.
func cellOf(with, without *attack.Result) cell {
	switch without.Verdict {
	case attack.Breach:
		return cellBreach
	case attack.Inconclusive:
		return cellInconclusive
	case attack.Unsupported, attack.NotRun:
		return cellNone
	case attack.Allowed:
		if with.Verdict != attack.Allowed {
			return cellAllowed
		}
	default:
		if with.Layer != without.Layer {
			return cellOther
		}
	}
	return cellSame
}

// newMatrix has a row for each attack that was made.
func newMatrix(results []attack.Result, knockOuts []knockOut) []matrixRow {
	var rows []matrixRow
	at := map[string]int{}
	for _, r := range results {
		if r.Verdict == attack.NotRun {
			continue
		}
		i, known := at[r.ID]
		if !known {
			i, at[r.ID] = len(rows), len(rows)
			rows = append(rows, matrixRow{ID: r.ID, Title: r.Title, Layers: []attack.Layer{}, Cells: map[string]cell{}, Instead: map[string][]attack.Layer{}})
		}
		rows[i].Layers = addLayer(rows[i].Layers, r.Layer)
	}
	for _, k := range knockOuts {
		for _, without := range k.Results {
			i, known := at[without.ID]
			w := slices.IndexFunc(results, func(r attack.Result) bool { return r.ID == without.ID && r.Phase == without.Phase })
			if !known || w < 0 {
				continue
			}
			row, c := &rows[i], cellOf(&results[w], &without)
			if have, ok := row.Cells[k.Layer]; !ok || slices.Index(cells, c) < slices.Index(cells, have) {
				row.Cells[k.Layer] = c
			}
			if c == cellOther {
				row.Instead[k.Layer] = addLayer(row.Instead[k.Layer], without.Layer)
			}
		}
	}
	return rows
}

func addLayer(list []attack.Layer, l attack.Layer) []attack.Layer {
	if l == "" || slices.Contains(list, l) {
		return list
	}
	return append(list, l)
}

// standing explains why no single layer's absence lets the attack through; ""
// when one's does, or nothing stopped it in the first place. It names who is
// in front, and who comes next.
func (m *matrixRow) standing() string {
	for _, c := range m.Cells {
		if c == cellBreach {
			return ""
		}
	}
	var parts []string
	for _, front := range m.Layers {
		c, tried := m.Cells[string(front)]
		text := string(front)
		switch {
		case !slices.Contains(control.Removable(), string(front)):
			text += ", which cannot be left out"
		case !tried:
			text += ", which was not left out"
		case len(m.Instead[string(front)]) > 0:
			text += ", then " + joinLayers(m.Instead[string(front)])
		case c == cellInconclusive:
			text += "; without it the attack is inconclusive"
		case c == cellAllowed:
			text += "; without it the profile allows it"
		case c == cellNone:
			text += "; without it the attack is not made"
		default:
			text += ", it is said, but without it nothing changes: THIS ATTACK DOES NOT TEST IT"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

func joinLayers(list []attack.Layer) string {
	var names []string
	for _, l := range list {
		names = append(names, string(l))
	}
	return strings.Join(names, ", ")
}
