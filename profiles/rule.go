package profiles

import (
	"errors"
	"fmt"
	"maps"
	"slices"
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
	Errno  int    // Errno only
	Why    string // of a rule by a group: the rule's own, ": ", the group's
	// AcceptRisk is why a dangerous call is allowed, else "".
	AcceptRisk string
	At         Position // of the call's name in the profile
	Group      string   // the group that brought it, with its "@", or ""
}

type ruleDocument struct {
	Calls      []string `toml:"calls"`
	Phase      string   `toml:"phase"`
	When       []string `toml:"when"`
	Action     string   `toml:"action"`
	Why        string   `toml:"why"`
	AcceptRisk string   `toml:"accept_risk"`
}

// rules adds to the rules that profile has from its parents. Nothing is
// overridden: a call that a parent fails or kills for must be removed first.
func (p *parser) rules(profile *Profile) error {
	seen := map[string]*Rule{}
	note := func(rules []Rule) {
		for i := range rules {
			for _, call := range rules[i].Calls {
				seen[call] = &rules[i]
			}
		}
	}
	note(profile.Rules)
	for i := range p.doc.Rules {
		path := fmt.Sprintf("rules[%d]", i)
		split, err := p.rule(path, &p.doc.Rules[i])
		if err != nil {
			return err
		}
		for _, rule := range split {
			for _, call := range rule.Calls {
				before, again := seen[call]
				if !again || before.Action == Allow && rule.Action == Allow {
					continue
				}
				err := fmt.Errorf("call %q: another rule says %s, this one %s", call, before.Action, rule.Action)
				if before.At.File != p.file {
					err = fmt.Errorf("call %q: %s says %s, this rule %s; a [[remove]] must name the call first", call, before.At, before.Action, rule.Action)
				}
				return &parseError{file: p.file, line: rule.At.Line, err: err}
			}
		}
		note(split)
		profile.Rules = append(profile.Rules, split...)
	}
	return nil
}

// rule returns more than one Rule where the calls of one text rule stand on
// several lines, are groups, or know their argument names at different
// places: "prot" is argument 2 of mmap.
func (p *parser) rule(path string, doc *ruleDocument) ([]Rule, error) {
	base, err := p.ruleBase(path, doc)
	if err != nil {
		return nil, err
	}
	var rules []Rule
	risky := false
	for i, call := range doc.Calls {
		at := path + fmt.Sprintf(".calls[%d]", i)
		base.At = p.at(at)
		var split []Rule
		if strings.HasPrefix(call, "@") {
			split, err = p.groupRules(path, at, call, base, doc)
		} else {
			split, err = p.callRule(path, at, call, base, doc)
		}
		if err != nil {
			return nil, err
		}
		for _, rule := range split {
			if err := p.mayAllow(at, &rule); err != nil {
				return nil, err
			}
			risky = risky || rule.AcceptRisk != ""
			if last := len(rules) - 1; last >= 0 && rules[last].joins(&rule) {
				rules[last].Calls = append(rules[last].Calls, rule.Calls...)
				continue
			}
			rules = append(rules, rule)
		}
	}
	if base.AcceptRisk != "" && !risky {
		return nil, p.fail(path+".accept_risk", errors.New("accept_risk: this rule allows no dangerous call"))
	}
	return rules, nil
}

// ruleBase checks all of a rule but its calls and conditions.
func (p *parser) ruleBase(path string, doc *ruleDocument) (Rule, error) {
	base := Rule{Why: doc.Why, Phase: Phase(doc.Phase), AcceptRisk: doc.AcceptRisk}
	switch {
	case doc.Why == "":
		return base, p.fail(path+".why", errors.New("why is missing: say who needs this rule"))
	case len(doc.Calls) == 0:
		return base, p.fail(path+".calls", errors.New("calls is missing"))
	}
	if err := oneLine("why", doc.Why); err != nil {
		return base, p.fail(path+".why", err)
	}
	if _, here := p.pos[path+".accept_risk"]; here {
		if err := oneLine("accept_risk", doc.AcceptRisk); err != nil {
			return base, p.fail(path+".accept_risk", err)
		}
	}
	var err error
	if base.Action, base.Errno, err = parseAction(doc.Action); err != nil {
		return base, p.fail(path+".action", err)
	}
	switch {
	case base.Action == Allow && base.Phase != PhaseRun && base.Phase != PhaseLoad:
		return base, p.fail(path+".phase", fmt.Errorf("phase %q: want run or load", doc.Phase))
	case base.Action != Allow && base.Phase != "":
		return base, p.fail(path+".phase", fmt.Errorf("phase %q: only a rule that allows has a phase", doc.Phase))
	case base.Action != Allow && len(doc.When) > 0:
		return base, p.fail(path+".when", errors.New("only a rule that allows has conditions"))
	}
	return base, nil
}

func (p *parser) callRule(path, at, call string, rule Rule, doc *ruleDocument) ([]Rule, error) {
	if !knownCall(call) {
		return nil, p.fail(at, fmt.Errorf("unknown syscall %q%s", call, meant(call, CallNames())))
	}
	rule.Calls = []string{call}
	for j, text := range doc.When {
		c, err := parseCompare(call, text)
		if err == nil {
			rule.When, err = and(rule.When, c)
		}
		if err != nil {
			return nil, p.fail(path+fmt.Sprintf(".when[%d]", j), err)
		}
	}
	return []Rule{rule}, nil
}

// groupRules lists the rules of a group. A rule that fails or kills takes
// the calls of the group, whatever their arguments.
func (p *parser) groupRules(path, at, name string, base Rule, doc *ruleDocument) ([]Rule, error) {
	group, err := findGroup(name)
	if err != nil {
		return nil, p.fail(at, err)
	}
	if len(doc.When) > 0 {
		return nil, p.fail(path+".when", fmt.Errorf("group %q brings its own conditions", name))
	}
	base.Group = name
	if base.Action != Allow {
		base.Calls = group.own()
		return []Rule{base}, nil
	}
	var rules []Rule
	for _, entry := range group.Allow {
		rule := base
		rule.Calls, rule.When = slices.Clone(entry.Calls), slices.Clone(entry.When)
		rule.Why = base.Why + ": " + entry.Why
		rules = append(rules, rule)
	}
	return rules, nil
}

// mayAllow refuses a rule that allows what must not be: in the load phase a
// call that the jailer cannot judge, and dangerous ones silently. Of a rule
// that needs none it drops the reason for accepting a risk.
func (p *parser) mayAllow(at string, rule *Rule) error {
	risky := false
	for _, call := range rule.Calls {
		if rule.Action != Allow {
			break
		}
		if rule.Phase == PhaseLoad && !continuable(call) {
			return p.fail(at, fmt.Errorf("call %q: not one the jailer may let continue", call))
		}
		// The worker asks the jailer for its plugin by this call with that flag;
		// unheard, it would wait for ever.
		if call == "recvmsg" && rule.Phase == PhaseRun && !implies(rule.When, []Compare{{Arg: 2, Mask: constants["MSG_CMSG_CLOEXEC"]}}) {
			return p.fail(at, errors.New(`call "recvmsg": the jailer must hear of it; keep when = ["flags & MSG_CMSG_CLOEXEC == 0"]`))
		}
		if !dangerous(call, rule.When) {
			continue
		}
		if risky = true; rule.AcceptRisk == "" {
			return p.fail(at, fmt.Errorf("call %q is dangerous: %s; allowing it takes accept_risk, one line that says why it is worth it", call, danger(call)))
		}
	}
	if !risky {
		rule.AcceptRisk = ""
	}
	return nil
}

// joins reports whether two rules differ in nothing but their calls.
func (r *Rule) joins(b *Rule) bool {
	return r.At == b.At && r.Group == b.Group && r.Why == b.Why && r.AcceptRisk == b.AcceptRisk && sameCompares(r.When, b.When)
}

func parseAction(text string) (Action, int, error) {
	if name, ok := strings.CutPrefix(text, string(Errno)+":"); ok {
		n, ok := errnos[name]
		if !ok {
			return "", 0, fmt.Errorf("action %q: unknown errno; there are %s", text, strings.Join(slices.Sorted(maps.Keys(errnos)), ", "))
		}
		return Errno, n, nil
	}
	switch Action(text) {
	case Allow, Kill:
		return Action(text), 0, nil
	}
	return "", 0, fmt.Errorf("action %q: want allow, kill or errno:NAME", text)
}
