package profiles

import (
	"fmt"
	"slices"
	"testing"
)

// verdict is what becomes of a call, found by running the filter and, for a
// call that it hands over, by asking the table the jailer has.
type verdict struct{ kernel, load string }

// judge says what a profile's compiled form does.
func judge(t *testing.T, sim *simulator, f *Filter, c *Call, args [6]uint64) verdict {
	t.Helper()
	v := verdict{kernel: ret(sim.run(t, call{nr: uint32(c.Nr), arch: nativeArch(t), args: args}))}
	v.load = v.kernel
	if v.kernel == "notify" && c.Continue(args) {
		v.load = "allow"
	}
	return v
}

// allows reports what the rules themselves say: whether one of them allows the
// call with these arguments in the phase.
func allows(rules []Rule, name string, phase Phase, args [6]uint64) bool {
	return slices.ContainsFunc(rules, func(r Rule) bool {
		return r.Action == Allow && slices.Contains(r.Calls, name) && (r.Phase == PhaseRun || r.Phase == phase) && anyHolds([][]Compare{r.When}, args)
	})
}

// TestEveryRule takes each rule of each embedded profile, and each call in it:
// there are arguments that pass because of it, and would not without it and
// those that say the same or more; one bit of a condition further they do not pass,
// unless another rule says so; a bit that no condition looks at does not
// matter. What is right is read from the rules, not from the compiled table.
func TestEveryRule(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			p, err := Named(name)
			if err != nil {
				t.Fatal(err)
			}
			f := compile(t, p)
			sim := simulate(t, f)
			rules, vectors := 0, 0
			for i := range p.Rules {
				for _, called := range p.Rules[i].Calls {
					j := slices.IndexFunc(f.Calls, func(c Call) bool { return c.Name == called })
					if j < 0 {
						if !knownCall(called) {
							t.Errorf("%s: no such call", called)
						}
						continue // of another architecture
					}
					rules++
					vectors += everyBit(t, p, &p.Rules[i], sim, f, &f.Calls[j])
				}
			}
			t.Logf("%d rules of one call, %d argument vectors", rules, vectors)
		})
	}
}

// everyBit tests one call of one rule and returns how many vectors it tried.
func everyBit(t *testing.T, p *Profile, rule *Rule, sim *simulator, f *Filter, c *Call) (vectors int) {
	t.Helper()
	what := fmt.Sprintf("%s: %s (%s)", rule.At, c.Name, rule.Why)
	check := func(args [6]uint64, phase Phase, want string) {
		t.Helper()
		vectors++
		v := judge(t, sim, f, c, args)
		got := v.kernel
		if phase == PhaseLoad {
			got = v.load
		}
		if got != want {
			t.Errorf("%s: arguments %#x in phase %s: %s, want %s", what, args, phase, got, want)
		}
	}
	switch rule.Action {
	case Kill:
		check([6]uint64{}, PhaseRun, "kill")
		check([6]uint64{^uint64(0), ^uint64(0)}, PhaseLoad, "kill")
		return vectors
	case Errno:
		want := (&Call{Kernel: VerdictErrno, Errno: rule.Errno}).expected([6]uint64{})
		check([6]uint64{}, PhaseRun, want)
		check([6]uint64{^uint64(0), ^uint64(0)}, PhaseLoad, want)
		return vectors
	}
	// Rules that allow all that this one allows, itself among them.
	covers := func(r Rule) bool {
		return r.Action == Allow && slices.Contains(r.Calls, c.Name) && (r.Phase == PhaseRun || r.Phase == rule.Phase) && implies(rule.When, r.When)
	}
	without := slices.DeleteFunc(slices.Clone(p.Rules), covers)
	wider := slices.ContainsFunc(p.Rules, func(r Rule) bool { return covers(r) && !sameCompares(r.When, rule.When) })
	needed := false
	var seen [6]uint64   // bits that conditions look at
	var refused [6]int64 // how often changing one of them was refused
	for _, cmp := range rule.When {
		seen[cmp.Arg] |= cmp.Mask
	}
	for _, fill := range []uint64{0, ^uint64(0)} {
		var fits [6]uint64
		for arg := range fits {
			fits[arg] = fill
		}
		for _, cmp := range rule.When {
			fits[cmp.Arg] = fits[cmp.Arg]&^cmp.Mask | cmp.Value
		}
		check(fits, rule.Phase, "allow")
		needed = needed || !allows(without, c.Name, rule.Phase, fits)
		for arg := range fits {
			for bit := range 64 {
				near := fits
				near[arg] ^= 1 << bit
				want := "notify"
				if allows(p.Rules, c.Name, rule.Phase, near) {
					want = "allow"
				}
				if seen[arg]&(1<<bit) == 0 && want != "allow" {
					t.Errorf("internal error: %s: bit %d of argument %d matters", what, bit, arg)
				}
				if want == "notify" {
					refused[arg]++
				}
				check(near, rule.Phase, want)
			}
		}
	}
	if !needed {
		t.Errorf("%s: passes without it", what)
	}
	for arg := range seen {
		if seen[arg] != 0 && refused[arg] == 0 && !wider {
			t.Errorf("%s: no bit of argument %d matters", what, arg)
		}
	}
	return vectors
}

// TestNoRuleIsInVain: an embedded profile has no rule that another one of the
// same file covers. A group may bring what is there already.
func TestNoRuleIsInVain(t *testing.T) {
	for _, name := range Names() {
		p, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, rule := range p.Rules {
			for j, other := range p.Rules {
				if i == j || rule.Group != "" || rule.Action != Allow || other.Action != Allow || rule.At.File != other.At.File {
					continue
				}
				for _, called := range rule.Calls {
					if slices.Contains(other.Calls, called) && (other.Phase == rule.Phase || other.Phase == PhaseRun) && implies(rule.When, other.When) {
						t.Errorf("%s: %s is allowed at %s already", rule.At, called, other.At)
					}
				}
			}
		}
	}
}
