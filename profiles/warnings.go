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
// weaker conditions or for longer, and calls strict kills for. It is empty
// for a profile that is as tight as strict or tighter. Where it cannot tell
// it warns.
func (p *Profile) Warnings() []string {
	strict, err := Named(Default)
	if err != nil {
		return []string{"internal error: " + err.Error()} // a test parses every embedded profile
	}
	return append(p.Limits.looserThan(&strict.Limits), looserRules(p.Rules, strict.Rules)...)
}

// Warning is the one about a call or a limit, by its name; "" where p is as
// tight as strict.
func (p *Profile) Warning(about string) string {
	for _, text := range p.Warnings() {
		// Every warning begins with "call NAME" or "limit NAME".
		if words := strings.Fields(text); len(words) > 1 && words[1] == about {
			return text
		}
	}
	return ""
}

func (l *Limits) looserThan(s *Limits) []string {
	var out []string
	for _, limit := range []struct {
		name   string
		looser bool
		have   string
		strict string
	}{
		{"memory", l.Memory > s.Memory, size(uint64(l.Memory)), size(uint64(s.Memory))},
		{"cpu", l.CPU > s.CPU, share(l.CPU), share(s.CPU)},
		{"pids", l.Pids > s.Pids, strconv.FormatInt(l.Pids, 10), strconv.FormatInt(s.Pids, 10)},
		{"open_files", l.OpenFiles > s.OpenFiles, strconv.FormatUint(l.OpenFiles, 10), strconv.FormatUint(s.OpenFiles, 10)},
		{"file_size", l.FileSize > s.FileSize, size(l.FileSize), size(s.FileSize)},
		{"address_space", l.AddressSpace > s.AddressSpace, size(l.AddressSpace), size(s.AddressSpace)},
		{"threads", l.Threads > s.Threads, strconv.Itoa(l.Threads), strconv.Itoa(s.Threads)},
		{"load_timeout", l.LoadTimeout > s.LoadTimeout, l.LoadTimeout.String(), s.LoadTimeout.String()},
		{"trigger_timeout", l.TriggerTimeout > s.TriggerTimeout, l.TriggerTimeout.String(), s.TriggerTimeout.String()},
		{"stop_timeout", l.StopTimeout > s.StopTimeout, l.StopTimeout.String(), s.StopTimeout.String()},
		{"restart_free", l.RestartFree > s.RestartFree, strconv.Itoa(l.RestartFree), strconv.Itoa(s.RestartFree)},
		{"restart_pause", l.RestartPause < s.RestartPause, l.RestartPause.String(), s.RestartPause.String()},
		{"restart_pause_max", l.RestartPauseMax < s.RestartPauseMax, l.RestartPauseMax.String(), s.RestartPauseMax.String()},
		{"restart_reset", l.RestartReset < s.RestartReset, l.RestartReset.String(), s.RestartReset.String()},
		{"denials", l.Denials > s.Denials, strconv.Itoa(l.Denials), strconv.Itoa(s.Denials)},
		{"violations", l.Violations > s.Violations, strconv.Itoa(l.Violations), strconv.Itoa(s.Violations)},
	} {
		if limit.looser {
			out = append(out, fmt.Sprintf("limit %s is %s; strict has %s", limit.name, limit.have, limit.strict))
		}
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
