package verify

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// place is a plugin folder and a system library folder, both of tiny files.
type place struct {
	signer
	dir, sys string
}

func newPlace(t *testing.T) place {
	t.Helper()
	p := place{signer: newSigner(t), dir: t.TempDir(), sys: filepath.Join(t.TempDir(), "lib")}
	if err := os.Mkdir(p.sys, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(p.dir, "plugin.toml"), []byte(manifestWith()))
	return p
}

// lib writes a library that needs others. The plugin itself is "arp.so".
func (p place) lib(t *testing.T, dir, name string, needed ...string) {
	t.Helper()
	o := tiny{soname: name, needed: needed, symbols: executeOnly().symbols, runpath: ptr("$ORIGIN")}
	file := write(t, filepath.Join(dir, name), o.build())
	if dir == p.dir {
		p.sign(t, file)
	}
}

func (p place) open(o Options) (string, error) {
	e := examination{options: o, system: &system{dirs: []string{filepath.Join(p.sys, "none"), p.sys}, owner: os.Geteuid()}}
	e.options.Keys = p.keys
	e.run(p.dir)
	defer e.plugin.Close()
	var names []string
	for _, m := range e.plugin.Libs {
		names = append(names, m.Name)
	}
	return strings.Join(names, " "), e.err
}

func TestClosureOrder(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(t *testing.T, p place)
		want  string
	}{
		{"none", func(t *testing.T, p place) { p.lib(t, p.dir, "arp.so") }, ""},
		{"provided", func(t *testing.T, p place) { p.lib(t, p.dir, "arp.so", "libc.so.6") }, ""},
		{"chain", func(t *testing.T, p place) {
			p.lib(t, p.dir, "arp.so", "a", "libc.so.6")
			p.lib(t, p.dir, "a", "b")
			p.lib(t, p.sys, "b", "c")
			p.lib(t, p.sys, "c", "libc.so.6")
		}, "c b a"},
		{"diamond", func(t *testing.T, p place) {
			p.lib(t, p.dir, "arp.so", "a", "b")
			p.lib(t, p.dir, "a", "c")
			p.lib(t, p.dir, "b", "c", "a")
			p.lib(t, p.dir, "c")
		}, "c a b"},
		{"own folder first", func(t *testing.T, p place) {
			p.lib(t, p.dir, "arp.so", "a")
			p.lib(t, p.dir, "a", "only-here")
			p.lib(t, p.dir, "only-here")
			p.lib(t, p.sys, "a")
		}, "only-here a"},
		{"no run path, no own folder", func(t *testing.T, p place) {
			o := tiny{soname: "arp.so", needed: []string{"a"}, symbols: executeOnly().symbols}
			p.sign(t, write(t, filepath.Join(p.dir, "arp.so"), o.build()))
			p.lib(t, p.dir, "a", "never-asked")
			p.lib(t, p.sys, "a")
		}, "a"},
		{"system library by link", func(t *testing.T, p place) {
			p.lib(t, p.dir, "arp.so", "a.so.1")
			p.lib(t, p.sys, "a.so.1")
			if err := errors.Join(os.Rename(filepath.Join(p.sys, "a.so.1"), filepath.Join(p.sys, "a.so.1.2")),
				os.Symlink("a.so.1.2", filepath.Join(p.sys, "a.so.1"))); err != nil {
				t.Fatal(err)
			}
		}, "a.so.1"},
		{"32 libraries", func(t *testing.T, p place) { p.many(t, 32) },
			strings.TrimSpace(strings.Join(numbered(32), " "))},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlace(t)
			c.build(t, p)
			got, err := p.open(Options{Provided: []string{"libc.so.6"}})
			if err != nil || got != c.want {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func numbered(n int) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("lib%d", i))
	}
	return names
}

func (p place) many(t *testing.T, n int) {
	p.lib(t, p.dir, "arp.so", numbered(n)...)
	for _, name := range numbered(n) {
		p.lib(t, p.sys, name)
	}
}

func TestClosureRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(t *testing.T, p place)
		err   error
		want  string
	}{
		{"unsigned beside the plugin", func(t *testing.T, p place) {
			p.lib(t, p.dir, "arp.so", "a")
			p.lib(t, p.dir, "a")
			os.Remove(filepath.Join(p.dir, "a.minisig"))
		}, ErrUnsigned, `"a" has no "a.minisig"`},
		{"by a stranger", func(t *testing.T, p place) {
			p.lib(t, p.dir, "arp.so", "a")
			p.lib(t, p.dir, "a")
			newSigner(t).sign(t, filepath.Join(p.dir, "a"))
		}, ErrUntrusted, `"a.minisig"`},
		{"changed", func(t *testing.T, p place) {
			p.lib(t, p.dir, "arp.so", "a")
			p.lib(t, p.dir, "a")
			write(t, filepath.Join(p.dir, "a"), []byte("other"))
		}, ErrBadSignature, "does not match"},
		{"link beside the plugin", func(t *testing.T, p place) {
			p.lib(t, p.dir, "arp.so", "a")
			p.lib(t, p.sys, "a")
			if err := os.Symlink(filepath.Join(p.sys, "a"), filepath.Join(p.dir, "a")); err != nil {
				t.Fatal(err)
			}
		}, ErrLibrary, "symbolic link"},
		{"missing", func(t *testing.T, p place) {
			p.lib(t, p.dir, "arp.so", "a")
			p.lib(t, p.dir, "a", "b")
		}, ErrMissingLibrary, `"b", needed by "a"`},
		{"other soname", func(t *testing.T, p place) {
			p.lib(t, p.dir, "arp.so", "a")
			p.lib(t, p.sys, "b")
			os.Rename(filepath.Join(p.sys, "b"), filepath.Join(p.sys, "a"))
		}, ErrLibrary, `calls itself "b"`},
		{"no soname", func(t *testing.T, p place) {
			p.lib(t, p.dir, "arp.so", "a")
			write(t, filepath.Join(p.sys, "a"), tiny{}.build())
		}, ErrLibrary, `calls itself ""`},
		{"cycle", func(t *testing.T, p place) {
			p.lib(t, p.dir, "arp.so", "a")
			p.lib(t, p.dir, "a", "b")
			p.lib(t, p.dir, "b", "a")
		}, ErrLibrary, `"arp.so" → "a" → "b" → "a"`},
		{"needs itself", func(t *testing.T, p place) {
			p.lib(t, p.dir, "arp.so", "a")
			p.lib(t, p.dir, "a", "a")
		}, ErrLibrary, "needed by what it needs itself"},
		{"33 libraries", func(t *testing.T, p place) { p.many(t, 33) }, ErrLibrary, "more than 32"},
		{"run path of a library beside", func(t *testing.T, p place) {
			p.lib(t, p.dir, "arp.so", "a")
			p.sign(t, write(t, filepath.Join(p.dir, "a"), tiny{soname: "a", runpath: ptr("/tmp")}.build()))
		}, ErrELF, `"/tmp"`},
		{"system library for another machine", func(t *testing.T, p place) {
			p.lib(t, p.dir, "arp.so", "a")
			data := tiny{soname: "a"}.build()
			put16(18, 8)(data) // MIPS
			write(t, filepath.Join(p.sys, "a"), data)
		}, ErrMissingLibrary, `"a"`},
		{"system library writable by others", func(t *testing.T, p place) {
			p.lib(t, p.dir, "arp.so", "a")
			p.lib(t, p.sys, "a")
			os.Chmod(filepath.Join(p.sys, "a"), 0o666)
		}, ErrLibrary, "writable by group or others"},
		{"system folder writable by group", func(t *testing.T, p place) {
			p.lib(t, p.dir, "arp.so", "a")
			p.lib(t, p.sys, "a")
			os.Chmod(p.sys, 0o775)
		}, ErrLibrary, "writable by group or others"},
		{"system library of someone else", func(t *testing.T, p place) {
			requireRoot(t)
			p.lib(t, p.dir, "arp.so", "a")
			p.lib(t, p.sys, "a")
			os.Chown(filepath.Join(p.sys, "a"), 12345, 0)
		}, ErrLibrary, "belongs to user 12345"},
		{"link out of the system folder", func(t *testing.T, p place) {
			p.lib(t, p.dir, "arp.so", "a")
			open := t.TempDir()
			p.lib(t, open, "a")
			if err := errors.Join(os.Chmod(open, 0o777), os.Symlink(filepath.Join(open, "a"), filepath.Join(p.sys, "a"))); err != nil {
				t.Fatal(err)
			}
		}, ErrLibrary, "writable by group or others"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlace(t)
			c.build(t, p)
			_, err := p.open(Options{})
			if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %v with %s", err, c.err, c.want)
			}
		})
	}
}

// What real plugins need comes from the real system folders.
func TestRealLibraries(t *testing.T) {
	host, err := hostSystem()
	if err != nil {
		missing(t, err.Error())
	}
	for _, name := range []string{"libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "libpthread.so.0", "libdl.so.2"} {
		t.Run(name, func(t *testing.T) {
			m, err := host.find(name, maxImage)
			if errors.Is(err, os.ErrNotExist) {
				missing(t, name)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			lib, err := readLibrary(m.data, fromSystem)
			if err != nil || lib.soname != name {
				t.Errorf("%+v, %v", lib, err)
			}
		})
	}
}
