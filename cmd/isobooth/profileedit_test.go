package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestEditInterrupted: Ctrl-C while the editor is open leaves the profile as
// it was, and no copy. The same editor, not interrupted, changes it.
func TestEditInterrupted(t *testing.T) {
	for _, interrupt := range []bool{true, false} {
		t.Setenv("XDG_CONFIG_HOME", t.TempDir())
		t.Setenv("VISUAL", "")
		// The editor says that it is open and waits for a word, or for the end.
		dir := t.TempDir()
		open, proceed := filepath.Join(dir, "open"), filepath.Join(dir, "go")
		script := filepath.Join(dir, "editor.sh")
		text := "printf 'name = \"mine\"\\ndescription = \"d\"\\nextends = \"strict\"\\n[limits]\\npids = 4\\n' > \"$1\"\n" +
			"touch " + open + "\nwhile [ ! -e " + proceed + " ]; do sleep 0.02; done\n"
		if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("EDITOR", "sh "+script)
		var out, messages bytes.Buffer
		if code := run(context.Background(), []string{"profile", "new", "mine"}, os.Stdin, &out, &messages); code != 0 {
			t.Fatalf("new: exit code %d: %s", code, messages.String())
		}
		file := filepath.Join(userProfiles(), "mine.toml")
		before, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		ended := make(chan int, 1)
		go func() { ended <- run(ctx, []string{"profile", "edit", "mine"}, os.Stdin, &out, &messages) }()
		waitFor(t, open)
		want := exitDone
		if interrupt {
			want = exitInterrupted
			cancel()
		} else if err := os.WriteFile(proceed, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		select {
		case code := <-ended:
			if code != want {
				t.Errorf("interrupted %v: exit code %d, want %d: %s", interrupt, code, want, messages.String())
			}
		case <-time.After(editPatience):
			t.Fatal("edit does not end")
		}
		after, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(before, after) != interrupt {
			t.Errorf("interrupted %v: the profile is\n%s", interrupt, after)
		}
		left, err := os.ReadDir(userProfiles())
		if err != nil || len(left) != 1 {
			t.Errorf("interrupted %v: left behind: %v %v", interrupt, left, err)
		}
	}
}

// editPatience bounds every wait for something that must happen.
const editPatience = 20 * time.Second

func waitFor(t *testing.T, file string) {
	t.Helper()
	for end := time.Now().Add(editPatience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(file); err == nil {
			return
		}
	}
	t.Fatalf("%s does not come", file)
}
