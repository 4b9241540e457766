package profiles

import "slices"

// maxCover bounds how many pieces covers looks at. Conditions of people fit
// into a few hundred; past the bound the answer is no, which errs to the side
// of a warning.
const maxCover = 1 << 14

// covers reports whether everything that passes all of inner passes one of
// the alternatives, also where only several of them together cover it.
func covers(alternatives [][]Compare, inner []Compare) bool {
	budget := maxCover
	return covered(cubeOf(inner), alternatives, &budget)
}

// coversAll is covers for each of several.
func coversAll(alternatives, inner [][]Compare) bool {
	return !slices.ContainsFunc(inner, func(all []Compare) bool { return !covers(alternatives, all) })
}

// cube is a conjunction of comparisons: per argument the bits that are fixed,
// and their values.
type cube [6]struct{ mask, value uint64 }

func cubeOf(all []Compare) cube {
	var c cube
	for _, compare := range all {
		c[compare.Arg].mask |= compare.Mask
		c[compare.Arg].value |= compare.Value
	}
	return c
}

// covered takes from c what the first alternative that meets it covers, and
// asks the same of each piece that is left.
func covered(c cube, alternatives [][]Compare, budget *int) bool {
	for i, all := range alternatives {
		other := cubeOf(all)
		if !c.meets(other) {
			continue
		}
		for _, piece := range c.without(other) {
			if *budget--; *budget < 0 || !covered(piece, alternatives[i+1:], budget) {
				return false
			}
		}
		return true
	}
	return false
}

func (c cube) meets(o cube) bool {
	for i := range c {
		if both := c[i].mask & o[i].mask; c[i].value&both != o[i].value&both {
			return false
		}
	}
	return true
}

// without cuts what o covers out of c: one piece for each bit that o fixes and
// c leaves open, none of which meet.
func (c cube) without(o cube) []cube {
	var pieces []cube
	for i := range c {
		for open := o[i].mask &^ c[i].mask; open != 0; open &= open - 1 {
			bit := open & -open
			piece := c
			piece[i].mask |= bit
			piece[i].value |= bit &^ o[i].value
			pieces = append(pieces, piece)
			c[i].mask |= bit
			c[i].value |= bit & o[i].value
		}
	}
	return pieces
}
