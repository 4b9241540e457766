package profiles

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestLintDocs runs every example of docs/profile-lints.md: it has the finding
// it is for, and no error besides. Each lint has its section, in order.
func TestLintDocs(t *testing.T) {
	data, err := os.ReadFile("../docs/profile-lints.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := strings.Split(string(data), "\n## ")[1:]
	if len(sections) != len(Lints()) {
		t.Fatalf("%d sections, %d lints", len(sections), len(Lints()))
	}
	example := regexp.MustCompile("(?s)```toml\n(.*?)```")
	for i, lint := range Lints() {
		t.Run(lint.ID, func(t *testing.T) {
			title, _, _ := strings.Cut(sections[i], "\n")
			if want := fmt.Sprintf("%s %s: %s", lint.ID, lint.Severity, lint.Title); title != want {
				t.Errorf("section is %q, want %q", title, want)
			}
			found := example.FindStringSubmatch(sections[i])
			if found == nil {
				t.Fatal("no example")
			}
			dir := t.TempDir()
			if err := os.Chmod(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "example.toml")
			if err := os.WriteFile(file, []byte(found[1]), 0o600); err != nil {
				t.Fatal(err)
			}
			findings := examine(t, dir, file)
			at := slices.IndexFunc(findings, func(f Finding) bool { return f.ID == lint.ID })
			if at < 0 {
				t.Fatalf("not found in its example: %v", findings)
			}
			if findings[at].At.File != file || findings[at].At.Line < 2 {
				t.Errorf("found at %s", findings[at].At)
			}
			for _, f := range findings {
				if f.Severity == Error && f.ID != lint.ID {
					t.Errorf("another error: %v", f)
				}
			}
		})
	}
}

func examine(t *testing.T, dir, file string) []Finding {
	t.Helper()
	library := NewLibrary("", dir)
	p, err := library.Load("example")
	if err != nil {
		return []Finding{LoadFinding(file, err)}
	}
	parent, err := library.Load(p.Chain[1].Name)
	if err != nil {
		t.Fatal(err)
	}
	return append(p.Check(), p.CheckParent(parent)...)
}
