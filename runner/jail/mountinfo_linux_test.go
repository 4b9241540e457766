package jail

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestParseMounts(t *testing.T) {
	const text = `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
37 35 0:5 / /with\040space\134 ro,nosuid - tmpfs tmpfs rw,size=4k
38 35 0:6 /a\011b /b c//deleted rw shared:2 propagate_from:1 - xfs none rw
`
	want := []mountLine{
		{36, "98:0", "/mnt1", "/mnt2", []string{"rw", "noatime"}, "ext3", []string{"rw", "errors=continue"}},
		{37, "0:5", "/", `/with space\`, []string{"ro", "nosuid"}, "tmpfs", []string{"rw", "size=4k"}},
		{38, "0:6", "/a\tb", "/b\u00a0c//deleted", []string{"rw"}, "xfs", []string{"rw"}},
	}
	got, err := parseMounts(text)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, line := range []string{"", "\n", "36", "x 35 98:0 / / rw - ext3 a rw", "36 35 98:0 / / rw master:1 ext3 a rw", "36 35 98:0 / / rw - ext3 a"} {
		if _, err := parseMounts("36 35 98:0 / / rw - ext3 a rw\n" + line); err == nil && line != "" {
			t.Errorf("%q: no error", line)
		}
	}
}

// FuzzParseMounts: whatever the text, every mount has all its parts, and
// nothing is out of bounds.
func FuzzParseMounts(f *testing.F) {
	own, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{string(own), "36 35 98:0 / / rw - ext3 a rw", `36 35 98:0 /\04 /\999 rw - ext3 a rw`, "1 - - - - - - - -", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		mounts, err := parseMounts(text)
		if err != nil {
			return
		}
		if want := len(strings.Split(strings.TrimSuffix(text, "\n"), "\n")); len(mounts) != want && text != "" {
			t.Errorf("%d mounts of %d lines", len(mounts), want)
		}
		for _, m := range mounts {
			if m.device == "" || m.root == "" || m.point == "" || len(m.options) == 0 || m.kind == "" || len(m.super) == 0 {
				t.Errorf("%+v", m)
			}
		}
	})
}

// TestFindMount: where a path of the host is in its file system, as mountinfo
// has it for whoever binds it.
func TestFindMount(t *testing.T) {
	mounts, err := hostMounts()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m, root, err := findMount(mounts, dir)
	if err != nil || filepath.Join(m.point, strings.TrimPrefix(root, strings.TrimSuffix(m.root, "/"))) != dir {
		t.Errorf("%s: %q of %+v, %v", dir, root, m, err)
	}
	if m, root, err := findMount(mounts, "/proc/1"); err != nil || m.kind != "proc" || root != "/1" {
		t.Errorf("/proc/1: %q of %+v, %v", root, m, err)
	}
	if _, _, err := findMount(mounts, dir+"/none"); err == nil {
		t.Error("what is not there was found")
	}
}

// TestLayout removes what it made, and nothing that was put there since.
func TestLayout(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "root")
	l, err := newLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{l.file("/lib/x/lib.so", nil), l.folder("/proc"), l.folder("/lib/x"), l.file("/etc/hosts", []byte("text"))} {
		if err != nil {
			t.Error(err)
		}
	}
	if err := l.file("/etc/hosts", nil); err == nil {
		t.Error("a file was made over another")
	}
	kept := filepath.Join(dir, "proc", "kept")
	if err := os.WriteFile(kept, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.remove(); err == nil {
		t.Error("what could not be removed is no error")
	}
	if _, err := os.Stat(kept); err != nil {
		t.Errorf("what was put there is gone: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "lib")); err == nil {
		t.Error("what was made is still there")
	}
	if err := os.Remove(kept); err != nil {
		t.Fatal(err)
	}
	if err := l.remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder is still there")
	}
}
