package midi

import (
	"errors"
	"path"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestGlob(t *testing.T) {
	for _, tc := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "", true},
		{"*", "any/thing", true},
		{"", "", true},
		{"", "x", false},
		{"*Launchpad*", "Launchpad Mini MK3 MIDI 1", true},
		{"*Launchpad*", "launchpad", false},
		{"VirMIDI 0-?", "VirMIDI 0-1", true},
		{"VirMIDI 0-?", "VirMIDI 0-", false},
		{"VirMIDI 0-?", "VirMIDI 0-10", false},
		{"in/out *", "in/out 1", true},
		{"*/out", "in/out", true},
		{"port [1-3]", "port 2", true},
		{"port [1-3]", "port 4", false},
		{"port [^1-3]", "port 4", true},
		{`\*`, "*", true},
		{`\*`, "x", false},
		{"?", "é", true},
		{"*é*", "caféx", true},
		{"a*b*c", "axbxbxc", true},
		{"a*b*c", "axbxbx", false},
	} {
		g, err := ParseGlob(tc.pattern)
		if err != nil {
			t.Errorf("ParseGlob(%q): %v", tc.pattern, err)
			continue
		}
		if got := g.Match(tc.name); got != tc.want {
			t.Errorf("%q matches %q: %v, want %v", tc.pattern, tc.name, got, tc.want)
		}
		if g.String() != tc.pattern {
			t.Errorf("String() = %q, want %q", g, tc.pattern)
		}
	}
	for _, bad := range []string{"[", "[]", "[a", "[^]", "[-a]", "[a-]", "[z-a]", `\`, `[\`, "\xff"} {
		if _, err := ParseGlob(bad); !errors.Is(err, ErrGlob) {
			t.Errorf("ParseGlob(%q) = %v, want ErrGlob", bad, err)
		}
	}
}

// A pattern that makes naive backtracking take forever; a hang here is the
// failure.
func TestGlobManyStars(t *testing.T) {
	g, err := ParseGlob(strings.Repeat("a*", 200) + "b")
	if err != nil {
		t.Fatal(err)
	}
	if g.Match(strings.Repeat("a", 5000)) {
		t.Error("matched without a b")
	}
}

func FuzzGlob(f *testing.F) {
	f.Add("*Launch[a-p]ad?", "xLaunchpad1")
	f.Add(`a\*[^x-z]*`, "a*bcd")
	f.Add("[]-]", "]")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		g, err := ParseGlob(pattern)
		if strings.Contains(pattern+name, "/") || !utf8.ValidString(pattern) || !utf8.ValidString(name) {
			if err == nil {
				g.Match(name)
			}
			return // path.Match means something else there
		}
		if err != nil && strings.HasSuffix(err.Error(), "backward range in a class") {
			return // path.Match takes it, and matches nothing
		}
		want, wantErr := path.Match(pattern, name)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("ParseGlob(%q): %v, path.Match: %v", pattern, err, wantErr)
		}
		if err == nil && g.Match(name) != want {
			t.Fatalf("%q matches %q: %v, path.Match says %v", pattern, name, !want, want)
		}
	})
}
