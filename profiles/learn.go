package profiles

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Moment is when a plugin makes a call.
type Moment string

const (
	MomentLoad    Moment = "load"    // until the booth is sealed
	MomentIdle    Moment = "idle"    // between two triggers
	MomentTrigger Moment = "trigger" // while the plugin answers one
)

// Seen is a call that a plugin made in a booth that learns, and that its base
// profile does not allow.
type Seen struct {
	Call    string
	Moment  Moment
	Args    [6]uint64
	Count   uint64 // at least
	Detail  string // the arguments, for people; the plugin's own words
	Granted bool   // it went on; else it was refused there, too

	Path  string // absolute, of the file that it was about; or ""
	Write bool   // it would have changed that file
	To    string // where it wanted to connect, as a grant has it; or ""
}

// NeededLimit is a limit that the base profile sets too low.
type NeededLimit struct {
	Key   string
	Value string // as a profile has it
	Why   string // what was seen, one line
}

// Learned is a profile that was written from what a plugin did.
type Learned struct {
	Text []byte // TOML
	// Refused are the calls it does not grant: those that permissive refuses.
	Refused []Seen
}

// Learn writes the smallest profile that extends base, a name or a path, and
// allows what was seen. Of the calls that permissive allows under conditions it grants no more
// than that, and of those that mean many things only the orders that were
// seen. A call that permissive refuses is not granted: its rule is a comment.
func Learn(name, description, base string, permissive *Profile, seen []Seen, limits []NeededLimit) (*Learned, error) {
	if !profileName.MatchString(name) {
		return nil, fmt.Errorf("profile name %q: want a lower-case word", name)
	}
	if strings.ContainsFunc(description, func(r rune) bool { return r < ' ' }) {
		return nil, errors.New("description: want one line")
	}
	t := &learnedText{}
	t.line("name = %q", name)
	t.line("description = %s", quoted(description))
	t.line("extends = %s", quoted(base))
	if len(limits) > 0 {
		t.line("")
		t.line("[limits]")
		for _, l := range limits {
			t.line("%s = %s  # %s", l.Key, limitValue(l.Value), l.Why)
		}
	}
	learned := &Learned{}
	for _, call := range byCall(seen) {
		granted := slices.DeleteFunc(slices.Clone(call), func(s Seen) bool { return !s.Granted })
		refused := slices.DeleteFunc(slices.Clone(call), func(s Seen) bool { return s.Granted })
		learned.Refused = append(learned.Refused, refused...)
		if len(granted) > 0 {
			t.rules(granted, permissive)
		}
		if len(refused) > 0 {
			t.refused(refused)
		}
	}
	t.grants(seen)
	learned.Text = []byte(t.b.String())
	return learned, nil
}

// byCall sorts what was seen by the call, and joins what differs only in its
// count.
func byCall(seen []Seen) [][]Seen {
	var out [][]Seen
	for _, s := range seen {
		i := slices.IndexFunc(out, func(all []Seen) bool { return all[0].Call == s.Call })
		if i < 0 {
			out = append(out, []Seen{s})
			continue
		}
		out[i] = append(out[i], s)
	}
	slices.SortStableFunc(out, func(a, b []Seen) int { return strings.Compare(a[0].Call, b[0].Call) })
	return out
}

// learnedText is the profile as it is written.
type learnedText struct{ b strings.Builder }

func (t *learnedText) line(format string, args ...any) {
	fmt.Fprintf(&t.b, format, args...)
	t.b.WriteByte('\n')
}

// rules writes those that one call needs.
func (t *learnedText) rules(seen []Seen, permissive *Profile) {
	call := seen[0].Call
	phase := PhaseRun
	if continuable(call) && onlyLoading(seen) {
		phase = PhaseLoad
	}
	for _, when := range needed(seen, permissive) {
		mine := slices.DeleteFunc(slices.Clone(seen), func(s Seen) bool { return !anyHolds([][]Compare{when}, s.Args) })
		t.line("")
		t.comments(mine)
		if phase == PhaseRun && onlyLoading(mine) {
			t.line("# Only while loading, but the jailer may not let it continue: see docs/profiles.md.")
		}
		t.line("[[rules]]")
		t.line("calls = [%q]", call)
		t.line("phase = %q", string(phase))
		r := Rule{When: when}
		if conditions := r.Conditions(call); len(conditions) > 0 {
			t.line("when = %s", quotedList(conditions))
		}
		t.line(`action = "allow"`)
		t.line("why = %s", quoted("learned: "+moments(mine)))
	}
}

// maxProposals bounds how many grants are proposed of each kind.
const maxProposals = 8

// grants proposes, as comments, those of the files and destinations that the
// plugin asked for. None is given: a booth that learns has no more of the host
// than any other.
func (t *learnedText) grants(seen []Seen) {
	var have []string
	files, places := 0, 0
	for _, s := range seen {
		switch {
		case slices.Contains(have, s.Path+s.To):
		case s.Path != "" && files < maxProposals:
			files++
			access := AccessRead
			if s.Write {
				access = AccessWrite
			}
			t.proposal("# It asked for a file of the host. To give it that one:", "files",
				"path = "+quoted(comment(s.Path)), fmt.Sprintf("access = %q", access))
		case s.To != "" && places < maxProposals:
			places++
			t.proposal("# It asked for a connection. To let it have that one:", "network", fmt.Sprintf("to = [%q]", s.To))
		}
		have = append(have, s.Path+s.To)
	}
}

func (t *learnedText) proposal(text, kind string, lines ...string) {
	t.line("")
	t.line("%s", text)
	t.line("# [[%s]]", kind)
	for _, l := range lines {
		t.line("# %s", l)
	}
	t.line(`# why = "say why this plugin may have it"`)
}

// refused writes, as a comment, the rule of a call that is not granted.
// Connections are no matter of rules.
func (t *learnedText) refused(seen []Seen) {
	t.line("")
	if seen[0].Call == "connect" {
		t.line("# NOT granted: no rule can be, only destinations.")
		t.comments(seen)
		return
	}
	t.line("# NOT granted, since it opens more than a booth keeps shut:")
	t.comments(seen)
	t.line("# [[rules]]")
	t.line("# calls = [%q]", seen[0].Call)
	t.line(`# phase = "run"`)
	t.line(`# action = "allow"`)
	t.line("# why = %s", quoted("learned: "+moments(seen)))
	t.line(`# accept_risk = "say why this plugin may have it"`)
}

// maxComments bounds how many variants of a call are listed.
const maxComments = 4

func (t *learnedText) comments(seen []Seen) {
	for i, s := range seen {
		if i == maxComments {
			t.line("# and %d more", len(seen)-i)
			return
		}
		detail := s.Detail
		if detail != "" {
			detail = "(" + detail + ")"
		}
		t.line("# %s%s: at least %s %s", s.Call, comment(detail), times(s.Count), atMoment[s.Moment])
	}
}

var atMoment = map[Moment]string{MomentLoad: "while loading", MomentIdle: "between triggers", MomentTrigger: "during a trigger"}

func moments(seen []Seen) string {
	var words []string
	for _, m := range []Moment{MomentLoad, MomentIdle, MomentTrigger} {
		if slices.ContainsFunc(seen, func(s Seen) bool { return s.Moment == m }) {
			words = append(words, atMoment[m])
		}
	}
	return strings.Join(words, ", ")
}

func onlyLoading(seen []Seen) bool {
	return !slices.ContainsFunc(seen, func(s Seen) bool { return s.Moment != MomentLoad })
}

func times(n uint64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// orders are the arguments that say what a call does, where it does many
// things. Only those that were seen are granted.
var orders = map[string][]string{
	"fcntl":      {"cmd"},
	"getsockopt": {"level", "optname"},
	"ioctl":      {"request"},
	"madvise":    {"advice"},
	"prctl":      {"option"},
	"setsockopt": {"level", "optname"},
	"socket":     {"domain", "type", "protocol"},
}

// maxOrders is how many different ones of a call are granted one by one.
const maxOrders = 32

// needed lists the conditions under which a call is to be allowed.
func needed(seen []Seen, permissive *Profile) [][]Compare {
	wide := allowedBy(permissive, seen[0].Call)
	var out [][]Compare
	for _, s := range seen {
		i := slices.IndexFunc(wide, func(all []Compare) bool { return anyHolds([][]Compare{all}, s.Args) })
		if i < 0 {
			continue // it would not have been granted
		}
		when := slices.Clone(wide[i])
		for _, name := range orders[s.Call] {
			a, ok := findArgument(s.Call, name)
			if !ok {
				continue
			}
			// It holds for these arguments, as when does: no contradiction.
			when, _ = and(when, Compare{Arg: a.index, Mask: a.bits, Value: s.Args[a.index] & a.bits})
		}
		out = append(out, when)
	}
	if out = widest(out); len(out) > maxOrders {
		return widest(wide)
	}
	return out
}

// Allows reports whether the profile allows the call with these arguments in
// any phase.
func (p *Profile) Allows(call string, args [6]uint64) bool {
	return anyHolds(allowedBy(p, call), args)
}

// allowedBy lists when a profile allows a call, in any phase.
func allowedBy(p *Profile, call string) [][]Compare {
	for _, c := range byName(p.Rules) {
		if c.Name == call {
			return c.Allowed()
		}
	}
	return nil
}

// limitValue writes a limit: counts are numbers, the rest is text.
func limitValue(text string) string {
	if strings.Trim(text, "0123456789") == "" {
		return text
	}
	return quoted(text)
}

// maxComment bounds the arguments in a comment, in bytes.
const maxComment = 300

// comment keeps a plugin's words to one line of plain text.
func comment(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, text)
	if len(text) > maxComment {
		text = strings.ToValidUTF8(text[:maxComment], "") + "..."
	}
	return text
}
