package profiles

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestGroups(t *testing.T) {
	all := Groups()
	if len(all) == 0 {
		_, err := groups()
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, g := range all {
		if !strings.HasPrefix(g.Name, "@") || !profileName.MatchString(g.Name[1:]) || g.Description == "" || seen[g.Name] {
			t.Errorf("group %+v", g)
		}
		seen[g.Name] = true
		own := g.own()
		if len(own) == 0 {
			t.Errorf("group %s has no call of its own", g.Name)
		}
		for i, rule := range g.Allow {
			if rule.Why == "" || rule.Group == "" || rule.Action != Allow {
				t.Errorf("%s: %+v", g.Name, rule)
			}
			for _, call := range rule.Calls {
				if checksNames() && !knownCall(call) {
					t.Errorf("%s: unknown syscall %q", g.Name, call)
				}
				// A rule that another one of the group covers says nothing.
				for j, other := range g.Allow {
					if i != j && rule.Group == other.Group && slices.Contains(other.Calls, call) && implies(rule.When, other.When) {
						t.Errorf("%s: %s twice, of which one is enough", g.Name, call)
					}
				}
				if g.Name != dangerousGroup && g.Name != "@processes" && dangerous(call, rule.When) {
					t.Errorf("%s: %s is dangerous", g.Name, call)
				}
			}
		}
	}
	if _, err := Named("groups"); err == nil || slices.Contains(Names(), "groups") {
		t.Error("the groups are taken for a profile")
	}
}

func TestParseGroupsRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"[[groups]]\nname = \"@a\"\ncalls = []":                                                            `unknown key "groups.calls"`,
		"[[groups]]\nname = \"@a\"\ninclude = [\"@b\"]\n[[groups]]\nname = \"@b\"":                         `group @a: includes "@b", which is not above it`,
		"[[groups]]\nname = \"@a\"\ninclude = [\"@a\"]":                                                    `group @a: includes "@a"`,
		"[[groups]]\nname = \"@a\"\n[[groups.allow]]\ncalls = [\"read\"]\nwhen = [\"x == 1\"]\nwhy = \"\"": `group @a: condition "x == 1"`,
	} {
		if g, err := parseGroups([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v; want %s", text, g, err, want)
		}
	}
}

// TestStrictIsItsGroups: strict spells out what @compute and @loader hold, so
// that a profile without a parent can begin as strict does.
func TestStrictIsItsGroups(t *testing.T) {
	strict, err := Named(Default)
	if err != nil {
		t.Fatal(err)
	}
	for name, phase := range map[string]Phase{"@compute": PhaseRun, "@loader": PhaseLoad} {
		g, err := findGroup(name)
		if err != nil {
			t.Fatal(err)
		}
		var of []Rule
		for _, rule := range strict.Rules {
			if rule.Action == Allow && rule.Phase == phase {
				of = append(of, Rule{Calls: rule.Calls, When: rule.When, Action: Allow, Why: rule.Why, Group: name})
			}
		}
		if !reflect.DeepEqual(of, g.Allow) {
			t.Errorf("strict has in phase %s\n%+v\n%s has\n%+v", phase, of, name, g.Allow)
		}
	}
}

func TestDangerous(t *testing.T) {
	when := func(call string, texts ...string) (all []Compare) {
		t.Helper()
		for _, text := range texts {
			c, err := parseCompare(call, text)
			if err == nil {
				all, err = and(all, c)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		return all
	}
	tests := []struct {
		call string
		when []string
		want bool
	}{
		{"read", nil, false},
		{"execve", nil, true},
		{"execve", []string{"arg0 == 0"}, true},
		{"bpf", nil, true},
		{"clone", nil, true},
		{"clone", []string{"flags & 0x7e020000 == 0"}, false},
		{"clone", []string{"flags & 0x7e020001 == 1"}, false},
		{"clone", []string{"flags & 0x7e020000 == CLONE_NEWUSER"}, true},
		{"clone", []string{"flags & 0x6e020000 == 0"}, true},
		{"socket", []string{"domain == AF_INET"}, false},
		{"socket", []string{"domain == AF_UNIX", "type == SOCK_STREAM"}, false},
		{"socket", []string{"domain == AF_NETLINK"}, true},
		{"socket", []string{"domain & 2 == 2"}, true},
		{"socket", []string{"type == SOCK_STREAM"}, true},
		{"socketpair", nil, true},
		{"prctl", nil, true},
		{"prctl", []string{"option == PR_SET_NAME"}, false},
		{"prctl", []string{"option == PR_SET_SECCOMP"}, true},
		{"prctl", []string{"option & 2 == 2"}, true},
		{"prctl", []string{"arg2 == 0"}, true},
	}
	for _, test := range tests {
		if got := dangerous(test.call, when(test.call, test.when...)); got != test.want {
			t.Errorf("%s %q: dangerous %v, want %v", test.call, test.when, got, test.want)
		}
	}
}
