package main

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// socketDir is a folder of ours with no symbolic link above.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// left lists what is in a folder.
func left(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestSocketIsOursAlone(t *testing.T) {
	dir := socketDir(t)
	path := filepath.Join(dir, "m.sock")
	old := unix.Umask(0)
	l, err := listenSocket(path)
	unix.Umask(old)
	if err != nil {
		t.Fatal(err)
	}
	st, err := os.Lstat(path)
	if err != nil || st.Mode() != os.ModeSocket|0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if _, err := listenSocket(path); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("a second one: %v", err)
	}
	if c, err = net.Dial("unix", path); err != nil { // and it spoilt nothing
		t.Fatal(err)
	}
	c.Close()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if names := left(t, dir); len(names) != 0 {
		t.Errorf("left behind: %q", names)
	}
}

// TestStaleSocket: what a daemon that was killed left is replaced, and closing
// does not remove what belongs to the next daemon.
func TestStaleSocket(t *testing.T) {
	path := filepath.Join(socketDir(t), "m.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Fatal(err) // control: it is there
	}
	l, err := listenSocket(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	next, err := listenSocket(path)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("unix", path); err != nil {
		t.Errorf("the next one's: %v", err)
	} else {
		c.Close()
	}
}

// TestSocketFolder: nobody else may be able to put something in its place, and
// nothing that is there is touched.
func TestSocketFolder(t *testing.T) {
	dir := socketDir(t)
	open, real, file := filepath.Join(dir, "open"), filepath.Join(dir, "real"), filepath.Join(dir, "real", "file")
	for _, d := range []string{open, real} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chmod(open, 0o777), os.WriteFile(file, []byte("precious"), 0o600),
		os.Symlink(real, filepath.Join(dir, "link")), os.Symlink(file, filepath.Join(real, "toFile")),
		os.Symlink(filepath.Join(real, "none"), filepath.Join(real, "dangling"))); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(open, "m"):        "others than root and we can write to it",
		filepath.Join(dir, "link", "m"): "symbolic link",
		filepath.Join(dir, "none", "m"): "no such file",
		file:                            "no socket",
		filepath.Join(real, "toFile"):   "no socket",
		filepath.Join(real, "dangling"): "no socket",
		filepath.Join(file, "m"):        "not a directory",
	} {
		if l, err := listenSocket(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
			if err == nil {
				l.Close()
			}
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "precious" {
		t.Errorf("%q, %v", text, err)
	}
	if names := left(t, real); len(names) != 3 {
		t.Errorf("now there are %q", names)
	}
	// Control: the same folder, the same way, without anything in the way.
	l, err := listenSocket(filepath.Join(real, "m"))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}
