package profiles

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Warnings lists every way in which p is looser than strict, one sentence
// each: higher limits, calls strict does not allow, the same calls under
// weaker conditions or for longer, calls strict kills for, and everything that
// is granted. It is empty for a profile that is as tight as strict or tighter.
// Where it cannot tell it warns.
func (p *Profile) Warnings() []string {
	strict, err := Named(Default)
	if err != nil {
		return []string{"internal error: " + err.Error()} // a test parses every embedded profile
	}
	return slices.Concat(p.Limits.looserThan(&strict.Limits), looserRules(p.Rules, strict.Rules), p.grantWarnings())
}

// Warning is the one about a call, a limit or a grant, by its name; "" where p
// is as tight as strict.
func (p *Profile) Warning(about string) string {
	for _, text := range p.Warnings() {
		// Every warning begins with a kind and a name: "call NAME".
		if words := strings.Fields(text); len(words) > 1 && words[1] == about {
			return text
		}
	}
	return ""
}

func (l *Limits) looserThan(s *Limits) []string {
	var out []string
	for i := range limitKeys {
		if key := &limitKeys[i]; key.looser(l, s) {
			out = append(out, fmt.Sprintf("limit %s is %s; strict has %s", key.name, key.text(l), key.text(s)))
		}
	}
	return out
}

// grantWarnings has one for everything granted: strict grants nothing.
func (p *Profile) grantWarnings() []string {
	var out []string
	for _, g := range p.Files {
		out = append(out, fmt.Sprintf("file %s is there as %s to %s (%s); strict has no files", g.Path, g.Inside, g.Access, g.Why))
	}
	for _, g := range p.Devices {
		out = append(out, fmt.Sprintf("device %s is there to %s (%s); strict has none", g.Path, g.Access, g.Why))
	}
	for _, g := range p.Network {
		for _, d := range g.To {
			out = append(out, fmt.Sprintf("network %s may be reached (%s); strict has no network", d, g.Why))
		}
	}
	for _, g := range p.Environment {
		out = append(out, fmt.Sprintf("variable %s is handed over (%s); strict has none", g.Name, g.Why))
	}
	return out
}

// looserRules works on names, not numbers, so that it says the same on every
// system.
func looserRules(rules, strict []Rule) []string {
	have, want := byName(rules), byName(strict)
	var out []string
	for _, call := range have {
		i := slices.IndexFunc(want, func(c Call) bool { return c.Name == call.Name })
		base := Call{Name: call.Name, Kernel: VerdictNotify}
		if i >= 0 {
			base = want[i]
		}
		if w := call.looserThan(&base); w != "" {
			out = append(out, w)
		}
	}
	for _, call := range want {
		named := slices.ContainsFunc(have, func(c Call) bool { return c.Name == call.Name })
		if call.Kernel == VerdictKill && !named {
			out = append(out, fmt.Sprintf("call %s is refused; strict kills for it", call.Name))
		}
	}
	return out
}

// byName compiles rules for the calls they name, in order of appearance.
func byName(rules []Rule) []Call {
	var names []syscallNumber
	for _, rule := range rules {
		for _, call := range rule.Calls {
			if !slices.ContainsFunc(names, func(k syscallNumber) bool { return k.name == call }) {
				names = append(names, syscallNumber{name: call})
			}
		}
	}
	p := Profile{Rules: rules}
	return p.calls(names)
}

func (c *Call) looserThan(strict *Call) string {
	run, load := c.always(), c.Load
	strictRun := strict.always()
	strictLoad := append(slices.Clone(strict.Load), strictRun...)
	inside := func(alternatives, of [][]Compare) bool {
		return !slices.ContainsFunc(alternatives, func(all []Compare) bool { return !impliesAny(all, of) })
	}
	switch {
	case !inside(run, strictRun) && len(strictRun) == 0 && len(strict.Load) == 0:
		return fmt.Sprintf("call %s is allowed%s (%s); strict %s it", c.Name, underConditions(run), c.Why, strict.refusal())
	case !inside(run, strictRun) && len(strictRun) == 0:
		return fmt.Sprintf("call %s is allowed at any time%s (%s); strict allows it only while loading", c.Name, underConditions(run), c.Why)
	case !inside(run, strictRun):
		return fmt.Sprintf("call %s is allowed under weaker conditions (%s)", c.Name, c.Why)
	case !inside(load, strictLoad) && len(strictLoad) == 0:
		return fmt.Sprintf("call %s is allowed while loading%s (%s); strict %s it", c.Name, underConditions(load), c.Why, strict.refusal())
	case !inside(load, strictLoad):
		return fmt.Sprintf("call %s is allowed while loading under weaker conditions (%s)", c.Name, c.Why)
	case strict.Kernel == VerdictKill && c.Kernel != VerdictKill:
		return fmt.Sprintf("call %s is refused (%s); strict kills for it", c.Name, c.Why)
	}
	return ""
}

// always lists when the kernel allows the call, with an alternative that
// always holds in place of none.
func (c *Call) always() [][]Compare {
	if c.Kernel != VerdictAllow {
		return nil
	}
	if len(c.Run) == 0 {
		return [][]Compare{nil}
	}
	return c.Run
}

func (c *Call) refusal() string {
	if c.Kernel == VerdictKill {
		return "kills for"
	}
	return "refuses"
}

func underConditions(alternatives [][]Compare) string {
	if slices.ContainsFunc(alternatives, func(all []Compare) bool { return len(all) == 0 }) {
		return ""
	}
	return " under conditions"
}

func size(n uint64) string {
	if n == Unlimited {
		return "unlimited"
	}
	for _, unit := range []string{"B", "KiB", "MiB"} {
		if n%1024 != 0 || n == 0 {
			return strconv.FormatUint(n, 10) + unit
		}
		n /= 1024
	}
	return strconv.FormatUint(n, 10) + "GiB"
}

func share(cores float64) string {
	return strconv.FormatFloat(math.Round(cores*1e4)/100, 'f', -1, 64) + "%"
}
