package profiles

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Compare is one masked comparison with a system call's argument; it holds
// when args[Arg]&Mask == Value. An argument the kernel itself cuts to 32
// bits has no upper bits in Mask: what a caller leaves there is garbage, and
// a comparison that saw it could be made to miss.
type Compare struct {
	Arg   int // 0 to 5
	Mask  uint64
	Value uint64 // no bit outside Mask
}

// holds reports whether the comparison is true of these arguments.
func (c Compare) holds(args [6]uint64) bool { return args[c.Arg]&c.Mask == c.Value }

// parseCompare reads one condition of a rule on call:
//
//	condition = argument [ "&" set ] "==" set
//	set       = item { "|" item }
//	item      = constant | number
//
// The argument is a name this package knows for the call, or arg0 to arg5,
// which compare all 64 bits.
func parseCompare(call, text string) (Compare, error) {
	left, right, ok := strings.Cut(text, "==")
	if !ok {
		return Compare{}, fmt.Errorf(`condition %q: want "argument & mask == value"`, text)
	}
	name, maskText, masked := strings.Cut(left, "&")
	arg, ok := findArgument(call, strings.TrimSpace(name))
	if !ok {
		return Compare{}, fmt.Errorf("condition %q: call %q has no argument %q", text, call, strings.TrimSpace(name))
	}
	c := Compare{Arg: arg.index, Mask: arg.bits}
	if masked {
		mask, err := parseSet(maskText)
		if err != nil {
			return Compare{}, fmt.Errorf("condition %q: %w", text, err)
		}
		if mask == 0 || mask&^arg.bits != 0 {
			return Compare{}, fmt.Errorf("condition %q: mask %#x does not fit the argument's bits %#x", text, mask, arg.bits)
		}
		c.Mask = mask
	}
	value, err := parseSet(right)
	if err != nil {
		return Compare{}, fmt.Errorf("condition %q: %w", text, err)
	}
	if value&^c.Mask != 0 {
		return Compare{}, fmt.Errorf("condition %q: never true, value %#x has bits outside %#x", text, value, c.Mask)
	}
	c.Value = value
	return c, nil
}

func parseSet(text string) (uint64, error) {
	var set uint64
	for item := range strings.SplitSeq(text, "|") {
		item = strings.TrimSpace(item)
		v, ok := constants[item]
		if !ok {
			var err error
			if v, err = strconv.ParseUint(item, 0, 64); err != nil {
				return 0, fmt.Errorf("unknown constant %q", item)
			}
		}
		set |= v
	}
	return set, nil
}

// and adds c to comparisons that must all hold. Two on one argument become
// one, because libseccomp takes only one per argument.
func and(all []Compare, c Compare) ([]Compare, error) {
	for i, have := range all {
		if have.Arg != c.Arg {
			continue
		}
		if both := have.Mask & c.Mask; have.Value&both != c.Value&both {
			return nil, fmt.Errorf("conditions on argument %d contradict each other", c.Arg)
		}
		all[i].Mask |= c.Mask
		all[i].Value |= c.Value
		return all, nil
	}
	all = append(all, c)
	slices.SortFunc(all, func(a, b Compare) int { return a.Arg - b.Arg })
	return all, nil
}

func sameCompares(a, b []Compare) bool { return slices.Equal(a, b) }

// implies reports whether everything that passes all of a passes all of b.
func implies(a, b []Compare) bool {
	for _, want := range b {
		if !slices.ContainsFunc(a, func(have Compare) bool {
			return have.Arg == want.Arg && have.Mask&want.Mask == want.Mask && have.Value&want.Mask == want.Value
		}) {
			return false
		}
	}
	return true
}

// impliesAny reports whether a implies one of the alternatives. It does not
// see that several alternatives may cover a together; it then says no, which
// errs to the side of a warning.
func impliesAny(a []Compare, alternatives [][]Compare) bool {
	return slices.ContainsFunc(alternatives, func(b []Compare) bool { return implies(a, b) })
}
