package verify

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParseConf(t *testing.T) {
	for text, want := range map[string][]confLine{
		"":                                   nil,
		"# only a comment\n\n":               nil,
		"/usr/local/lib\n/opt/lib/":          {{dir: "/usr/local/lib"}, {dir: "/opt/lib"}},
		"/a:/b,/c /d\t/e # /f":               {{dir: "/a"}, {dir: "/b"}, {dir: "/c"}, {dir: "/d"}, {dir: "/e"}},
		"/a=libc5\r\n":                       {{dir: "/a"}},
		"relative\nhwcap 1 nosegneg\n":       nil,
		"include conf.d/*.conf /x.conf\n/a/": {{include: "conf.d/*.conf"}, {include: "/x.conf"}, {dir: "/a"}},
	} {
		if got := parseConf([]byte(text)); !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func TestConfReader(t *testing.T) {
	dir := t.TempDir()
	main := write(t, filepath.Join(dir, "ld.so.conf"), []byte("/first\ninclude conf.d/*.conf\n/last\n/first\ninclude /no/such\n"))
	write(t, filepath.Join(dir, "conf.d", "b.conf"), []byte("/b\n"))
	write(t, filepath.Join(dir, "conf.d", "a.conf"), []byte("/a\ninclude ../ld.so.conf\n"))
	c := confReader{seen: map[string]bool{}}
	if err := c.read(main); err != nil {
		t.Fatal(err)
	}
	if want := []string{"/first", "/a", "/b", "/last"}; !slices.Equal(c.dirs, want) {
		t.Errorf("got %q, want %q", c.dirs, want)
	}
	if err := c.read(filepath.Join(dir, "missing")); err != nil {
		t.Errorf("missing file: %v", err)
	}
	write(t, filepath.Join(dir, "large"), []byte(strings.Repeat("#", maxConf+1)))
	if err := c.read(filepath.Join(dir, "large")); err == nil {
		t.Error("no error for a file too large")
	}
}

func TestConfReaderBounds(t *testing.T) {
	dir := t.TempDir()
	var text strings.Builder
	for i := range 2 * maxConfDirs {
		fmt.Fprintf(&text, "/dir%d\n", i)
	}
	c := confReader{seen: map[string]bool{}}
	if err := c.read(write(t, filepath.Join(dir, "dirs"), []byte(text.String()))); err != nil {
		t.Fatal(err)
	}
	if len(c.dirs) != maxConfDirs {
		t.Errorf("%d folders, want %d", len(c.dirs), maxConfDirs)
	}
	for i := range maxConfFiles + 10 {
		write(t, filepath.Join(dir, fmt.Sprintf("chain%d", i)), fmt.Appendf(nil, "include chain%d\n", i+1))
	}
	if err := c.read(filepath.Join(dir, "chain0")); err != nil {
		t.Fatal(err)
	}
	if len(c.seen) != maxConfFiles {
		t.Errorf("%d files, want %d", len(c.seen), maxConfFiles)
	}
}

func FuzzParseConf(f *testing.F) {
	f.Add([]byte("include /etc/ld.so.conf.d/*.conf\n/usr/lib # x\n"))
	f.Add([]byte("/a:/b,/c=libc6\nhwcap 0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, l := range parseConf(data) {
			if (l.dir == "") == (l.include == "") {
				t.Errorf("neither or both: %+v", l)
			}
			if l.dir != "" && l.dir != filepath.Clean(l.dir) || l.dir != "" && !filepath.IsAbs(l.dir) {
				t.Errorf("no clean absolute path: %q", l.dir)
			}
		}
	})
}
