package audit

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestWorkedExample: what docs/audit.md shows verifies, and the commands it
// gives print what it says they print.
func TestWorkedExample(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```")
	var log, session string
	for _, b := range blocks {
		b = strings.TrimPrefix(b, "\n")
		switch {
		case strings.HasPrefix(b, `{"seq":1,`):
			log = b
		case strings.HasPrefix(b, "$ "):
			session = b
		}
	}
	if r := check(t, []byte(log)); !r.OK || r.Records != 3 {
		t.Fatalf("the example: %+v", r)
	}
	var script, want strings.Builder
	for line := range strings.Lines(session) {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			script.WriteString(command)
		} else {
			want.WriteString(line)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "audit.jsonl"), []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	sh := exec.Command("sh", "-ec", script.String())
	sh.Dir = dir
	out, err := sh.CombinedOutput()
	if err != nil || string(out) != want.String() || !strings.Contains(script.String(), "sha256sum") {
		t.Errorf("%s prints %q, %v; the page says %q", script.String(), out, err, want.String())
	}
}
