package midi

import (
	"fmt"
	"unicode/utf8"
)

// Glob is a compiled pattern for port names, in the syntax of path.Match:
// * is any run of characters, ? any one, [a-z] and [^a-z] a class, and a
// backslash takes the next character literally. Unlike there, a slash is an
// ordinary character, since port names are not paths. Letters match only in
// their own case. The zero Glob matches only the empty name.
type Glob struct {
	pattern string
	ops     []globOp
}

// globOp matches a run (star) or one character: any, or one inside ranges,
// or, negated, one outside them. A literal is a range of one.
type globOp struct {
	star, any, negated bool
	ranges             []runeRange
}

type runeRange struct{ lo, hi rune }

// ParseGlob compiles pattern. A malformed one is an error that wraps ErrGlob.
func ParseGlob(pattern string) (Glob, error) {
	if !utf8.ValidString(pattern) {
		return Glob{}, fmt.Errorf("%w %q: not UTF-8", ErrGlob, pattern)
	}
	g := Glob{pattern: pattern}
	for rest := []rune(pattern); len(rest) > 0; {
		var op globOp
		var why string
		op, rest, why = parseGlobOp(rest)
		if why != "" {
			return Glob{}, fmt.Errorf("%w %q: %s", ErrGlob, pattern, why)
		}
		// Two stars in a row match what one does, and cost a
		// backtracking step each.
		if op.star && len(g.ops) > 0 && g.ops[len(g.ops)-1].star {
			continue
		}
		g.ops = append(g.ops, op)
	}
	return g, nil
}

func parseGlobOp(in []rune) (op globOp, rest []rune, why string) {
	switch in[0] {
	case '*':
		return globOp{star: true}, in[1:], ""
	case '?':
		return globOp{any: true}, in[1:], ""
	case '[':
		return parseGlobClass(in[1:])
	case '\\':
		if len(in) == 1 {
			return op, nil, "backslash at the end"
		}
		in = in[1:]
	}
	return globOp{ranges: []runeRange{{in[0], in[0]}}}, in[1:], ""
}

func parseGlobClass(in []rune) (op globOp, rest []rune, why string) {
	if len(in) > 0 && in[0] == '^' {
		op.negated = true
		in = in[1:]
	}
	for {
		if len(in) > 0 && in[0] == ']' && len(op.ranges) > 0 {
			return op, in[1:], ""
		}
		var r runeRange
		if r.lo, in, why = parseGlobClassRune(in); why != "" {
			return op, nil, why
		}
		r.hi = r.lo
		if len(in) > 0 && in[0] == '-' {
			if r.hi, in, why = parseGlobClassRune(in[1:]); why != "" {
				return op, nil, why
			}
		}
		if r.hi < r.lo {
			return op, nil, "backward range in a class"
		}
		op.ranges = append(op.ranges, r)
	}
}

func parseGlobClassRune(in []rune) (r rune, rest []rune, why string) {
	if len(in) == 0 {
		return 0, nil, "bracket not closed"
	}
	switch in[0] {
	case ']':
		return 0, nil, "empty class or half a range"
	case '-':
		return 0, nil, "dash without a start"
	case '\\':
		if in = in[1:]; len(in) == 0 {
			return 0, nil, "backslash at the end"
		}
	}
	return in[0], in[1:], ""
}

// Match reports whether the whole of name matches. It does not allocate and
// takes time proportional to len(name) times the length of the pattern.
func (g Glob) Match(name string) bool {
	// Only the last star ever needs a second try: an earlier one taking
	// more could not help what the last one can also take.
	op, pos := 0, 0
	star, mark := -1, 0
	for pos < len(name) {
		if op < len(g.ops) && g.ops[op].star {
			star, mark = op, pos
			op++
			continue
		}
		r, size := utf8.DecodeRuneInString(name[pos:])
		if op < len(g.ops) && g.ops[op].matches(r) {
			op++
			pos += size
			continue
		}
		if star < 0 {
			return false
		}
		_, size = utf8.DecodeRuneInString(name[mark:])
		mark += size
		op, pos = star+1, mark
	}
	for op < len(g.ops) && g.ops[op].star {
		op++
	}
	return op == len(g.ops)
}

func (o *globOp) matches(r rune) bool {
	if o.any {
		return true
	}
	for _, rg := range o.ranges {
		if rg.lo <= r && r <= rg.hi {
			return !o.negated
		}
	}
	return o.negated
}

// String returns the pattern as it was written.
func (g Glob) String() string { return g.pattern }
