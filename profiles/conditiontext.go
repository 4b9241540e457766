package profiles

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Conditions are the rule's conditions as a profile has them, with the names
// that the arguments of call have.
func (r *Rule) Conditions(call string) []string {
	out := make([]string, len(r.When))
	for i, c := range r.When {
		out[i] = c.text(call)
	}
	return out
}

// text is the condition in the form that parseCompare reads.
func (c Compare) text(call string) string {
	name, bits := c.argument(call)
	left := name
	if c.Mask != bits {
		left += " & " + setText(call, name, c.Mask)
	}
	return left + " == " + setText(call, name, c.Value)
}

// argument names the argument; of several names for one place the first by
// alphabet, and one that leaves no bit of the mask out.
func (c Compare) argument(call string) (name string, bits uint64) {
	for have, a := range arguments[call] {
		if a.index == c.Arg && c.Mask&^a.bits == 0 && (name == "" || have < name) {
			name, bits = have, a.bits
		}
	}
	if name == "" {
		return "arg" + strconv.Itoa(c.Arg), long
	}
	return name, bits
}

// vocabulary is how the constants begin that an argument is made of, and
// whether they are bits, which add up, or numbers.
var vocabulary = map[[2]string]struct {
	prefix string
	bits   bool
}{
	{"mmap", "prot"}:          {"PROT_", true},
	{"mprotect", "prot"}:      {"PROT_", true},
	{"pkey_mprotect", "prot"}: {"PROT_", true},
	{"mmap", "flags"}:         {"MAP_", true},
	{"clone", "flags"}:        {"CLONE_", true},
	{"open", "flags"}:         {"O_", true},
	{"openat", "flags"}:       {"O_", true},
	{"pipe2", "flags"}:        {"O_", true},
	{"fcntl", "cmd"}:          {"F_", false},
	{"prctl", "option"}:       {"PR_", false},
	{"socket", "domain"}:      {"AF_", false},
	{"socketpair", "domain"}:  {"AF_", false},
	{"socket", "protocol"}:    {"IPPROTO_", false},
	{"futex", "op"}:           {"FUTEX_", false},
	{"setpriority", "which"}:  {"PRIO_", false},
}

// setText writes a value of an argument, with names where there are some.
func setText(call, argument string, set uint64) string {
	words, ok := vocabulary[[2]string{call, argument}]
	if !ok || set == 0 {
		return number(set)
	}
	var names []string
	for name := range constants {
		if strings.HasPrefix(name, words.prefix) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(constants[a], constants[b]) })
	var have []string
	rest := set
	for _, name := range names {
		v := constants[name]
		if v == set {
			return name
		}
		if words.bits && v != 0 && rest&v == v {
			have, rest = append(have, name), rest&^v
		}
	}
	if rest != 0 {
		have = append(have, number(rest))
	}
	return strings.Join(have, "|")
}

// number is short for small values, which are mostly descriptors and counts.
func number(v uint64) string {
	if v < 10 {
		return strconv.FormatUint(v, 10)
	}
	return fmt.Sprintf("%#x", v)
}

// ArgumentNames are the names that conditions on call may use, beside arg0 to
// arg5.
func ArgumentNames(call string) []string {
	var names []string
	for name := range arguments[call] {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// ParseArgument reads NAME=VALUE for a call: an argument's name, and a number
// or constants joined by "|".
func ParseArgument(call, text string) (Compare, error) {
	name, right, ok := strings.Cut(text, "=")
	if !ok {
		return Compare{}, fmt.Errorf("argument %q: want NAME=VALUE", text)
	}
	a, ok := findArgument(call, name)
	if !ok {
		return Compare{}, fmt.Errorf("argument %q: call %s has %s", text, call, strings.Join(append(ArgumentNames(call), "arg0 to arg5"), ", "))
	}
	value, err := parseSet(right)
	if err != nil {
		return Compare{}, fmt.Errorf("argument %q: %w", text, err)
	}
	if value&^a.bits != 0 {
		return Compare{}, fmt.Errorf("argument %q: the kernel looks at 32 bits only", text)
	}
	return Compare{Arg: a.index, Mask: a.bits, Value: value}, nil
}
