package profiles

import (
	"errors"
	"fmt"
	"strings"
)

// Phase is when a rule that allows holds.
type Phase string

const (
	// PhaseRun rules hold as long as the booth lives; the kernel decides.
	PhaseRun Phase = "run"
	// PhaseLoad rules hold until the host seals the booth; the call is
	// handed to the jailer, which knows the phase.
	PhaseLoad Phase = "load"
)

// Action is what a rule does.
type Action string

const (
	Allow Action = "allow"
	Errno Action = "errno" // fail in the kernel with Rule.Errno
	Kill  Action = "kill"  // SIGSYS for the whole process
)

// Rule says what happens to some system calls. Several rules may allow the
// same call, each under its own conditions; a call that fails or kills has
// one rule and no conditions.
type Rule struct {
	Calls  []string
	Phase  Phase     // Allow only
	When   []Compare // all must hold; Allow only; at most one per argument
	Action Action
	Errno  int // Errno only
	Why    string
	At     Position // of the call's name in the profile
	Group  string   // the group that brought it, with its "@", or ""
}

type ruleDocument struct {
	Calls  []string `toml:"calls"`
	Phase  string   `toml:"phase"`
	When   []string `toml:"when"`
	Action string   `toml:"action"`
	Why    string   `toml:"why"`
}

func (p *parser) rules(docs []ruleDocument) ([]Rule, error) {
	if len(docs) == 0 {
		return nil, p.fail("rules", errors.New("no rules"))
	}
	var rules []Rule
	seen := map[string]Action{}
	for i := range docs {
		path := fmt.Sprintf("rules[%d]", i)
		split, err := p.rule(path, &docs[i])
		if err != nil {
			return nil, err
		}
		for _, rule := range split {
			for j, call := range rule.Calls {
				before, again := seen[call]
				if again && (before != Allow || rule.Action != Allow) {
					return nil, p.fail(path+fmt.Sprintf(".calls[%d]", j),
						fmt.Errorf("call %q: another rule says %s, this one %s", call, before, rule.Action))
				}
				seen[call] = rule.Action
			}
		}
		rules = append(rules, split...)
	}
	return rules, nil
}

// rule returns more than one Rule where the calls of one text rule know its
// argument names at different places: "prot" is argument 2 of mmap.
func (p *parser) rule(path string, doc *ruleDocument) ([]Rule, error) {
	base := Rule{Why: doc.Why, Phase: Phase(doc.Phase)}
	if doc.Why == "" {
		return nil, p.fail(path+".why", errors.New("why is missing: say who needs this rule"))
	}
	if strings.ContainsFunc(doc.Why, func(r rune) bool { return r < ' ' }) {
		return nil, p.fail(path+".why", fmt.Errorf("why %q: want one line", doc.Why))
	}
	var err error
	if base.Action, base.Errno, err = parseAction(doc.Action); err != nil {
		return nil, p.fail(path+".action", err)
	}
	switch {
	case base.Action == Allow && base.Phase != PhaseRun && base.Phase != PhaseLoad:
		return nil, p.fail(path+".phase", fmt.Errorf("phase %q: want run or load", doc.Phase))
	case base.Action != Allow && base.Phase != "":
		return nil, p.fail(path+".phase", fmt.Errorf("phase %q: only a rule that allows has a phase", doc.Phase))
	case base.Action != Allow && len(doc.When) > 0:
		return nil, p.fail(path+".when", errors.New("only a rule that allows has conditions"))
	case len(doc.Calls) == 0:
		return nil, p.fail(path+".calls", errors.New("calls is missing"))
	}
	var rules []Rule
	for i, call := range doc.Calls {
		at := path + fmt.Sprintf(".calls[%d]", i)
		if !knownCall(call) {
			return nil, p.fail(at, fmt.Errorf("unknown syscall %q", call))
		}
		if base.Phase == PhaseLoad && !continuable(call) {
			return nil, p.fail(at, fmt.Errorf("call %q: not one the jailer may let continue", call))
		}
		rule := base
		rule.Calls = []string{call}
		for j, text := range doc.When {
			c, err := parseCompare(call, text)
			if err != nil {
				return nil, p.fail(path+fmt.Sprintf(".when[%d]", j), err)
			}
			if rule.When, err = and(rule.When, c); err != nil {
				return nil, p.fail(path+fmt.Sprintf(".when[%d]", j), err)
			}
		}
		if last := len(rules) - 1; last >= 0 && sameCompares(rules[last].When, rule.When) {
			rules[last].Calls = append(rules[last].Calls, call)
			continue
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func parseAction(text string) (Action, int, error) {
	if name, ok := strings.CutPrefix(text, string(Errno)+":"); ok {
		n, ok := errnos[name]
		if !ok {
			return "", 0, fmt.Errorf("action %q: unknown errno", text)
		}
		return Errno, n, nil
	}
	switch Action(text) {
	case Allow, Kill:
		return Action(text), 0, nil
	}
	return "", 0, fmt.Errorf("action %q: want allow, kill or errno:NAME", text)
}
