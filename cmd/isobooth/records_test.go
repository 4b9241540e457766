package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/isobooth/isobooth/runner"
)

// TestQuarantineIsNotOverwritten: neither another daemon with the same plugin,
// nor another build of it, lifts a quarantine by what it writes.
func TestQuarantineIsNotOverwritten(t *testing.T) {
	held := runner.History{Quarantine: &runner.Quarantine{At: time.Now(), Cause: runner.Cause{Kind: runner.CauseDenials}}}
	crashed := runner.History{Crashes: 1}
	for _, test := range []struct {
		name   string
		sha256 string // of what is written after the quarantine of "a"
		before runner.History
		held   bool
	}{
		{"another daemon", "a", runner.History{}, true},
		{"another build", "b", runner.History{}, true},
		{"control: the release of this one", "a", held, false},
	} {
		r := &records{filepath.Join(t.TempDir(), "plugins.json")}
		if err := r.put("p", "a", runner.History{}, held); err != nil {
			t.Fatal(err)
		}
		if err := r.put("p", test.sha256, test.before, crashed); err != nil {
			t.Fatal(err)
		}
		h, err := r.get("p", "a")
		if err != nil || (h.Quarantine != nil) != test.held {
			t.Errorf("%s: %+v, %v", test.name, h, err)
		}
		if h, err := r.get("p", test.sha256); err != nil || h.Crashes != 1 {
			t.Errorf("%s: of what was written: %+v, %v", test.name, h, err)
		}
		if ok, err := r.release("p"); err != nil || ok != test.held {
			t.Errorf("%s: released %v, %v", test.name, ok, err)
		}
		if h, err := r.get("p", "a"); err != nil || h.Quarantine != nil {
			t.Errorf("%s: after the release %+v, %v", test.name, h, err)
		}
	}
}

// TestForeignRecords: a folder that others can write to holds no records.
func TestForeignRecords(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	if _, err := openRecords(); err != nil {
		t.Errorf("control: %v", err)
	}
	if err := os.Chmod(filepath.Join(os.Getenv("XDG_STATE_HOME"), "isobooth"), 0o777); err != nil {
		t.Fatal(err)
	}
	if r, err := openRecords(); err == nil {
		t.Errorf("taken: %s", r.path)
	}
}
