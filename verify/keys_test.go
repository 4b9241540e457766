package verify

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadKeys(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.pub"), vector(t, "key.pub"))
	write(t, filepath.Join(dir, "again.pub"), vector(t, "key.pub"))
	write(t, filepath.Join(dir, "b.pub"), vector(t, "other.pub"))
	write(t, filepath.Join(dir, "README"), []byte("not a key"))
	keys, err := LoadKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	list := keys.List()
	if len(list) != 2 || list[0].ID >= list[1].ID {
		t.Fatalf("got %v, want two sorted keys", list)
	}
	for _, k := range list {
		if !strings.Contains(string(read(t, k.File)), k.ID) {
			t.Errorf("%q does not hold key %s", k.File, k.ID)
		}
		if filepath.Base(k.File) == "again.pub" {
			t.Errorf("key %s is not from the first file", k.ID)
		}
	}
}

func TestLoadKeysMissingFolder(t *testing.T) {
	keys, err := LoadKeys(filepath.Join(t.TempDir(), "none"))
	if err != nil || len(keys.List()) != 0 {
		t.Errorf("got %v, %v, want no keys", keys, err)
	}
}

func TestLoadKeysRefuses(t *testing.T) {
	key := filepath.Join("keys", "a.pub")
	chmod := func(name string, mode os.FileMode) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	chown := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			requireRoot(t)
			if err := os.Chown(filepath.Join(dir, name), 12345, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	change := func(f func(string) string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			file := filepath.Join(dir, key)
			write(t, file, []byte(f(string(read(t, file)))))
		}
	}
	for _, c := range []struct {
		name string
		do   func(*testing.T, string)
		want string
		hint string
	}{
		{"file writable by group", chmod(key, 0o664), `a.pub": bad file: writable by group or others`, "chmod"},
		{"file writable by others", chmod(key, 0o646), "writable by group or others", "chmod"},
		{"folder writable by group", chmod("keys", 0o775), "writable by group or others", "chmod"},
		{"sticky folder writable by others", chmod("keys", 0o777|os.ModeSticky), "writable by group or others", "chmod"},
		{"parent writable by others", chmod(".", 0o777), "writable by group or others", "chmod"},
		{"file of someone else", chown(key), "belongs to user 12345", "chown"},
		{"folder of someone else", chown("keys"), "belongs to user 12345", "chown"},
		{"parent of someone else", chown("."), "belongs to user 12345", "chown"},
		{"empty file", change(func(string) string { return "" }), `a.pub": last line`, ""},
		{"line more", change(func(s string) string { return s + "x\n" }), "3 lines", ""},
		{"too large", change(func(s string) string { return strings.Repeat("x", 17<<10) }), "larger than 16384", ""},
		{"algorithm", change(func(s string) string { return strings.Replace(s, "\nRW", "\nUW", 1) }), "algorithm", ""},
		{"same ID, other key", func(t *testing.T, dir string) {
			text := string(read(t, filepath.Join(dir, key)))
			at := len(text) - 5
			other := text[:at] + string(text[at]^1) + text[at+1:]
			write(t, filepath.Join(dir, "keys", "b.pub"), []byte(other))
		}, "is also that of another key", ""},
		{"link", func(t *testing.T, dir string) {
			if err := os.Symlink("a.pub", filepath.Join(dir, "keys", "l.pub")); err != nil {
				t.Fatal(err)
			}
		}, "symbolic link", ""},
		{"folder called .pub", func(t *testing.T, dir string) {
			if err := os.Mkdir(filepath.Join(dir, "keys", "d.pub"), 0o755); err != nil {
				t.Fatal(err)
			}
		}, "no regular file", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, key), vector(t, "key.pub"))
			if _, err := LoadKeys(filepath.Join(dir, "keys")); err != nil {
				t.Fatalf("before the change: %v", err)
			}
			c.do(t, dir)
			_, err := LoadKeys(filepath.Join(dir, "keys"))
			if !errors.Is(err, ErrKeys) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant ErrKeys with %s", err, c.want)
			}
			if !strings.Contains(Hint(err), c.hint) {
				t.Errorf("hint %q, want %q in it", Hint(err), c.hint)
			}
		})
	}
}
