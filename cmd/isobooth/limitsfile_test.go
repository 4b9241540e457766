package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/isobooth/isobooth/profiles"
)

func TestParseLimits(t *testing.T) {
	good := "# mine\n[arp]\nmemory = \"128MiB\"\npids = 12 # few\n\n[\"two words\"]\ncpu = '80%'\n"
	got, err := parseLimits("f", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	want := savedLimits{
		"arp":       {"memory": {"128MiB", profiles.Position{File: "f", Line: 3}}, "pids": {"12", profiles.Position{File: "f", Line: 4}}},
		"two words": {"cpu": {"80%", profiles.Position{File: "f", Line: 7}}},
	}
	if !maps.EqualFunc(got, want, maps.Equal) {
		t.Errorf("got %v, want %v", got, want)
	}
	for text, message := range map[string]string{
		"memory = \"1MiB\"\n":                            "f:1: ",
		"[arp]\nmemori = \"1MiB\"\n":                     `f:2: plugin "arp": unknown limit "memori"`,
		"[arp]\nMemory = \"1MiB\"\n":                     `unknown limit "Memory"`,
		"[arp]\nmemory = 1.5\n":                          "f:2: ",
		"[arp]\nmemory = [\"1MiB\"]\n":                   "f:2: ",
		"[arp]\n\n[arp]\n":                               "f:",
		"[arp]\npids = 1\npids = 2\n":                    "f:3: ",
		"[arp.below]\nmemory = \"1MiB\"\n":               "f:1: ",
		"[arp]\nmemory.max = \"1MiB\"\n":                 "f:2: ",
		"[[arp]]\nmemory = \"1MiB\"\n":                   "f:",
		"[arp]\nmemory = {}\n":                           "f:2: ",
		"[arp\n":                                         "f:1: ",
		"\n\n\narp = { memory = \"1MiB\" }\n[other]\n\n": "f:4: ",
	} {
		if l, err := parseLimits("f", []byte(text)); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%q: %v, %v; want %q", text, l, err, message)
		}
	}
}

func FuzzParseLimits(f *testing.F) {
	for _, text := range []string{
		"", "[a]\nmemory = \"1MiB\"\n", "[\"a b\"]\ncpu='1%'\npids = 3\n[c]\n", "[a]\nmemory = [1, {b = 2}]\n",
		"a.b.c = 1\n", "[[a]]\nx = 1979-05-27\n", "[a]\nswap = \"\"\"\n0B\"\"\"\n", "[\"\"]\n\"pids\" = 0x1f\n", "[a]\npids=+9\n#\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := parseLimits("f", data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f:") {
				t.Errorf("an error without its place: %v", err)
			}
			return
		}
		for plugin, limits := range first {
			for key, l := range limits {
				if !slices.Contains(profiles.LimitNames(), key) || l.at.Line < 1 {
					t.Errorf("plugin %q: %q at %v", plugin, key, l.at)
				}
			}
		}
		// What is written back is read as the same.
		text, err := first.text()
		if err != nil {
			t.Fatal(err)
		}
		second, err := parseLimits("f", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		maps.DeleteFunc(first, func(_ string, l map[string]placedLimit) bool { return len(l) == 0 })
		same := func(a, b map[string]placedLimit) bool {
			return maps.EqualFunc(a, b, func(a, b placedLimit) bool { return a.value == b.value })
		}
		if !maps.EqualFunc(first, second, same) {
			t.Errorf("%v became %v", first, second)
		}
	})
}

// TestLimitsFileTrust: what others can write decides nothing.
func TestLimitsFileTrust(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, limitsFile)
	if l, err := readLimits(file); err != nil || len(l) != 0 {
		t.Errorf("no file: %v, %v", l, err)
	}
	if err := saveLimits(file, "arp", map[string]string{"memory": "1MiB", "pids": "3"}); err != nil {
		t.Fatal(err)
	}
	if err := saveLimits(file, "other", map[string]string{"cpu": "5%"}); err != nil {
		t.Fatal(err)
	}
	if err := saveLimits(file, "arp", map[string]string{"memory": "", "swap": "2MiB"}); err != nil {
		t.Fatal(err)
	}
	l, err := readLimits(file)
	if err != nil || len(l) != 2 || len(l["arp"]) != 2 || l["arp"]["swap"].value != "2MiB" || l["arp"]["pids"].at.Line < 2 {
		t.Fatalf("control: %v, %v", l, err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
		t.Errorf("beside it: %v, %v", names, err)
	}
	chmod := func(path string, mode os.FileMode) func() error {
		return func() error { return os.Chmod(path, mode) }
	}
	for name, c := range map[string]struct{ spoil, mend func() error }{
		"file":   {chmod(file, 0o664), chmod(file, 0o644)},
		"folder": {chmod(dir, 0o777), chmod(dir, 0o755)},
	} {
		if err := c.spoil(); err != nil {
			t.Fatal(err)
		}
		if _, err := readLimits(file); err == nil || !strings.Contains(err.Error(), "can be written by others") {
			t.Errorf("%s: %v", name, err)
		}
		if err := saveLimits(file, "arp", map[string]string{"pids": "4"}); err == nil {
			t.Errorf("%s: it was written all the same", name)
		}
		if err := c.mend(); err != nil {
			t.Fatal(err)
		}
		if _, err := readLimits(file); err != nil {
			t.Errorf("control: %s: %v", name, err)
		}
	}
	link := filepath.Join(t.TempDir(), limitsFile)
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if _, err := readLimits(link); err == nil {
		t.Error("a symbolic link was followed")
	}
	if err := os.WriteFile(file, make([]byte, maxLimitsFile+1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readLimits(file); err == nil {
		t.Error("an endless file was read")
	}
}

// TestLay: limits that only fit together do, and an error is about the one
// that cannot be, at its place.
func TestLay(t *testing.T) {
	p, err := profiles.Named("strict")
	if err != nil {
		t.Fatal(err)
	}
	at := func(line int) profiles.Position { return profiles.Position{File: "f", Line: line} }
	q, err := lay(p, map[string]placedLimit{"restart_pause": {"50s", at(2)}, "restart_pause_max": {"55s", at(3)}})
	if err != nil {
		t.Fatal(err)
	}
	if q.LimitsAt["restart_pause"] != at(2) || q.LimitsAt["restart_pause_max"] != at(3) || q.Limits.Text("restart_pause") != "50s" || p.Limits.Text("restart_pause") == "50s" {
		t.Errorf("limits %+v", q.Limits)
	}
	if _, err := lay(p, map[string]placedLimit{"memory": {"1MiB", at(2)}, "pids": {"none", at(3)}}); err == nil || !strings.HasPrefix(err.Error(), "f:3: ") {
		t.Errorf("one that cannot be: %v", err)
	}
	_, err = lay(p, map[string]placedLimit{"memory": {"much", profiles.Position{File: limitCommand}}})
	if text := why(err).Error(); err == nil || !strings.HasPrefix(text, "memory: ") {
		t.Errorf("of a command: %v", text)
	}
}

func TestParseChanges(t *testing.T) {
	got, err := parseChanges([]string{"memory=1MiB", "cpus=0,2", "swap="})
	if err != nil || got["memory"] != "1MiB" || got["cpus"] != "0,2" || got["swap"] != "" || len(got) != 3 {
		t.Errorf("%v, %v", got, err)
	}
	for _, words := range [][]string{{"memory"}, {"size=3"}, {"pids=1", "pids=2"}, {"=3"}} {
		if got, err := parseChanges(words); err == nil {
			t.Errorf("%q: %v", words, got)
		}
	}
}
