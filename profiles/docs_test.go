package profiles

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func readDocs(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "docs", "profiles.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// groupsTable is the table of groups in the documentation.
func groupsTable() string {
	var b strings.Builder
	b.WriteString("| group | for | own calls | includes |\n|---|---|---|---|\n")
	for _, g := range Groups() {
		fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s |\n", g.Name, g.Description, strings.Join(g.own(), "` `"), strings.Join(g.Include, ", "))
	}
	return b.String()
}

// argumentsTable is the table of arguments in the documentation.
func argumentsTable() string {
	var b strings.Builder
	b.WriteString("| call | arguments |\n|---|---|\n")
	for _, call := range slices.Sorted(maps.Keys(arguments)) {
		names := slices.SortedFunc(maps.Keys(arguments[call]), func(a, b string) int { return arguments[call][a].index - arguments[call][b].index })
		fmt.Fprintf(&b, "| `%s` | `%s` |\n", call, strings.Join(names, "`, `"))
	}
	return b.String()
}

// TestDocs compares the documentation with the data.
func TestDocs(t *testing.T) {
	text := readDocs(t)
	flat := strings.Join(strings.Fields(text), " ")
	for what, table := range map[string]string{"groups": groupsTable(), "arguments": argumentsTable()} {
		if !strings.Contains(text, table) {
			t.Errorf("the table of %s should be\n%s", what, table)
		}
	}
	words := map[string][]string{"limit": LimitNames(), "layer": Layers(), "profile": Names(), "constant": slices.Collect(maps.Keys(constants)),
		"errno": slices.Collect(maps.Keys(errnos))}
	for what, names := range words {
		for _, name := range names {
			if !strings.Contains(flat, "`"+name+"`") && !(what == "errno" && strings.Contains(flat, name)) {
				t.Errorf("%s %s is not documented", what, name)
			}
		}
	}
	for _, name := range LimitNames() {
		if !strings.Contains(text, "\n| `"+name+"` | ") {
			t.Errorf("limit %s is not in the table", name)
		}
	}
}

// examples finds the profiles in the documentation, which may extend one
// another.
func examples(text string) shelf {
	all := shelf{}
	for _, block := range regexp.MustCompile("(?s)```toml\n(.*?)```").FindAllStringSubmatch(text, -1) {
		if name := regexp.MustCompile(`(?m)^name = "([^"]*)"`).FindStringSubmatch(block[1]); name != nil {
			all[name[1]] = block[1]
		}
	}
	return all
}

// TestExamplesParse reads and compiles every profile of the documentation.
func TestExamplesParse(t *testing.T) {
	all := examples(readDocs(t))
	if len(all) < 6 {
		t.Errorf("only %d examples", len(all))
	}
	for name, text := range all {
		p, err := ParseProfile(name+".toml", []byte(text))
		if err != nil {
			t.Error(err)
			continue
		}
		checkProfile(t, p)
	}
}
