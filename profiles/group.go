package profiles

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"
)

// Group is a set of calls that serve one intent, each under the conditions
// that keep it to that intent.
type Group struct {
	Name        string // with its "@"
	Description string
	// Include names the groups whose rules are among Allow besides its own.
	Include []string
	// Allow are the rules that naming the group in a rule that allows stands
	// for; they have no Phase, and no At.
	Allow []Rule
}

// dangerousGroup is the list of calls that take accept_risk.
const dangerousGroup = "@dangerous"

type groupsDocument struct {
	Groups []struct {
		Name        string   `toml:"name"`
		Description string   `toml:"description"`
		Include     []string `toml:"include"`
		Allow       []struct {
			Calls []string `toml:"calls"`
			When  []string `toml:"when"`
			Why   string   `toml:"why"`
		} `toml:"allow"`
	} `toml:"groups"`
}

// Groups lists the groups in the order of the documentation. The caller must
// not change what they hold.
func Groups() []Group {
	all, err := groups()
	if err != nil {
		return nil // a test reads the embedded groups
	}
	return slices.Clone(all)
}

// groups are read once: they are part of the program.
var groups = sync.OnceValues(func() ([]Group, error) {
	data, err := embedded.ReadFile(groupsFile)
	if err != nil {
		return nil, err
	}
	return parseGroups(data)
})

// parseGroups reads the text of the groups. It does not ask whether the
// machine knows their calls, which a newer kernel may have: one that it does
// not know fails with ENOSYS whatever a rule says.
func parseGroups(data []byte) ([]Group, error) {
	var doc groupsDocument
	dec := toml.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return nil, tomlError(embeddedFile+groupsFile, err)
	}
	var all []Group
	for _, d := range doc.Groups {
		g := Group{Name: d.Name, Description: d.Description, Include: d.Include}
		for _, entry := range d.Allow {
			for _, call := range entry.Calls {
				rule := Rule{Calls: []string{call}, Action: Allow, Why: entry.Why, Group: d.Name}
				for _, text := range entry.When {
					c, err := parseCompare(call, text)
					if err == nil {
						rule.When, err = and(rule.When, c)
					}
					if err != nil {
						return nil, fmt.Errorf("group %s: %w", d.Name, err)
					}
				}
				if last := len(g.Allow) - 1; last >= 0 && g.Allow[last].joins(&rule) {
					g.Allow[last].Calls = append(g.Allow[last].Calls, call)
					continue
				}
				g.Allow = append(g.Allow, rule)
			}
		}
		// A group includes only groups before it, so there are no circles.
		for _, name := range d.Include {
			i := slices.IndexFunc(all, func(g Group) bool { return g.Name == name })
			if i < 0 {
				return nil, fmt.Errorf("group %s: includes %q, which is not above it", d.Name, name)
			}
			g.Allow = append(g.Allow, all[i].Allow...)
		}
		all = append(all, g)
	}
	return all, nil
}

func findGroup(name string) (*Group, error) {
	all, err := groups()
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range all {
		if all[i].Name == name {
			return &all[i], nil
		}
		names = append(names, all[i].Name)
	}
	return nil, fmt.Errorf("unknown group %q; there are %s", name, strings.Join(names, " "))
}

// own lists the group's calls without those of the groups it includes. That
// is what removing, refusing and forbidding the group means: to refuse
// sockets is not to refuse the event loop that waits for them.
func (g *Group) own() []string {
	var calls []string
	for _, rule := range g.Allow {
		for _, call := range rule.Calls {
			if rule.Group == g.Name && !slices.Contains(calls, call) {
				calls = append(calls, call)
			}
		}
	}
	return calls
}
