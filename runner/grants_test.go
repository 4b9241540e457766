//go:build linux

package runner

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner/control"
)

func TestResolveFiles(t *testing.T) {
	home, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"clips", "work", "late", ".config/isobooth/trusted-keys", "kept/deep", "conf/clips"} {
		if err := os.MkdirAll(filepath.Join(home, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(home, "clips/one"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"link": "clips/one", "broken": "nowhere", "to-keys": ".config/isobooth", "bell\a": "clips"} {
		if err := os.Symlink(to, filepath.Join(home, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(home, "loud\a"), 0o700); err != nil {
		t.Fatal(err)
	}
	// A home that is a link, as /home may be, and a second name of a file.
	if err := os.Symlink(home, filepath.Join(home, "moved")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "kept/list"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(home, "kept/list"), filepath.Join(home, "clips/list")); err != nil {
		t.Fatal(err)
	}
	at := Places{Home: home, Work: home + "/work", Keep: []string{
		home + "/.config/isobooth", home + "/kept", home + "/conf/isobooth.toml", home + "/moved/late/isobooth/keys", home + "/kept/list",
	}}
	type grants = []profiles.FileGrant
	read := func(path, inside string) grants {
		return grants{{Path: path, Inside: inside, Access: profiles.AccessRead, At: profiles.Position{File: "p.toml", Line: 7}}}
	}
	write := func(path, inside string) grants {
		g := read(path, inside)
		g[0].Access = profiles.AccessWrite
		return g
	}
	for _, test := range []struct {
		name   string
		grants grants
		tmp    uint64
		want   []control.Bind
		err    string
	}{
		{"home", read("~/clips", "/c"), 0, []control.Bind{{Path: home + "/clips", Inside: "/c"}}, ""},
		{"a file", write(home+"/clips/one", "/one"), 0, []control.Bind{{Path: home + "/clips/one", Inside: "/one", Write: true}}, ""},
		{"through a link", read("~/link", "/one"), 0, []control.Bind{{Path: home + "/clips/one", Inside: "/one"}}, ""},
		{"work", write(profiles.WorkFolder, "/work"), 0, []control.Bind{{Path: home + "/work", Inside: "/work", Write: true}}, ""},
		{"two", append(read("~/clips", "/a"), write("~/work", "/b")...), 0,
			[]control.Bind{{Path: home + "/clips", Inside: "/a"}, {Path: home + "/work", Inside: "/b", Write: true}}, ""},
		{"not there", read("~/none", "/c"), 0, nil, `p.toml:7: files "~/none": no such file or directory`},
		{"broken link", read("~/broken", "/c"), 0, nil, "no such file"},
		{"relative", read("clips", "/c"), 0, nil, "not absolute"},
		{"root", read("/", "/c"), 0, nil, `"/" cannot be granted`},
		{"the kernel's", read("/proc/self", "/c"), 0, nil, "cannot be granted"},
		{"a device", read("/dev/null", "/c"), 0, nil, "neither a file nor a folder"},
		{"devices", read("/dev", "/c"), 0, nil, `"/dev" cannot be granted`},
		{"control characters", read("~/loud\a", "/c"), 0, nil, "no plain text"},
		{"inside /proc", read("~/clips", "/proc/x"), 0, nil, "booth's own"},
		{"inside is the root", read("~/clips", "/"), 0, nil, "booth's root"},
		{"inside unclean", read("~/clips", "/a/../b"), 0, nil, "absolute and clean"},
		{"inside with bell", read("~/clips", "/a\a"), 0, nil, "no plain text"},
		{"inside /tmp", read("~/clips", "/tmp/x"), 0, []control.Bind{{Path: home + "/clips", Inside: "/tmp/x"}}, ""},
		{"inside a /tmp in memory", read("~/clips", "/tmp/x"), 4096, nil, "tmp_size"},
		{"same place", append(read("~/clips", "/a"), read("~/work", "/a")...), 0, nil, "the grant at p.toml:7"},
		{"place in another", append(read("~/clips", "/a"), read("~/work", "/a/b")...), 0, nil, "the grant at p.toml:7"},
		{"place around another", append(read("~/clips", "/a/b"), read("~/work", "/a")...), 0, nil, "the grant at p.toml:7"},
		{"places with one beginning", append(read("~/clips", "/a"), read("~/work", "/ab")...), 0,
			[]control.Bind{{Path: home + "/clips", Inside: "/a"}, {Path: home + "/work", Inside: "/ab"}}, ""},
		{"reads our keys", read("~/.config/isobooth", "/a"), 0, []control.Bind{{Path: home + "/.config/isobooth", Inside: "/a"}}, ""},
		{"writes our keys", write("~/.config/isobooth", "/a"), 0, nil, "decides what plugins may do"},
		{"writes in our keys", write("~/.config/isobooth/trusted-keys", "/a"), 0, nil, "decides what plugins may do"},
		{"writes above our keys", write("~/.config", "/a"), 0, nil, "decides what plugins may do"},
		{"writes our keys by a link", write("~/to-keys", "/a"), 0, nil, "decides what plugins may do"},
		{"writes above our file", write("~/conf", "/a"), 0, nil, "decides what plugins may do"},
		{"writes beside our file", write("~/conf/clips", "/a"), 0, []control.Bind{{Path: home + "/conf/clips", Inside: "/a", Write: true}}, ""},
		{"writes above what is not there yet, behind a link", write("~/late", "/a"), 0, nil, "decides what plugins may do"},
		{"writes our file by a second name", write("~/clips/list", "/a"), 0, nil, "decides what plugins may do"},
		{"reads it", read("~/clips/list", "/a"), 0, []control.Bind{{Path: home + "/clips/list", Inside: "/a"}}, ""},
		{"writes home", write(home, "/a"), 0, nil, "decides what plugins may do"},
	} {
		p := &profiles.Profile{Name: "test", Files: test.grants, Limits: profiles.Limits{TmpSize: test.tmp}}
		g, err := resolveGrants(p, at)
		switch {
		case test.err == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
			t.Errorf("%s: %v, want %q", test.name, err, test.err)
		case !slices.Equal(g.Files, test.want) || err == nil && g.Tmp != test.tmp:
			t.Errorf("%s: %+v, want %+v", test.name, g, test.want)
		}
		var grant *GrantError
		if err != nil && !errors.As(err, &grant) {
			t.Errorf("%s: %T is no GrantError", test.name, err)
		}
	}
	if _, err := resolveGrants(&profiles.Profile{Files: read("~/none", "/c")}, at); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there: %v", err)
	}
	for name, without := range map[string]grants{"no home": read("~/clips", "/c"), "no work folder": read(profiles.WorkFolder, "/c")} {
		if _, err := resolveGrants(&profiles.Profile{Files: without}, Places{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	var many grants
	for i := range maxPaths + 1 {
		many = append(many, read("~/clips", "/many/"+string(rune('a'+i/26))+string(rune('a'+i%26)))...)
	}
	if _, err := resolveGrants(&profiles.Profile{Files: many[1:]}, at); err != nil {
		t.Errorf("%d paths: %v", maxPaths, err)
	}
	if _, err := resolveGrants(&profiles.Profile{Files: many}, at); err == nil {
		t.Errorf("%d paths: no error", maxPaths+1)
	}
}

// TestResolveMovedLink: a plugin that may write in a folder can move a link of
// the user's to where a grant begins. Where nobody writes it is followed.
func TestResolveMovedLink(t *testing.T) {
	home, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"clips/sub/deep", "secret/deep"} {
		if err := os.MkdirAll(filepath.Join(home, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"clips/link": home + "/secret", "to-clips": "clips", "loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(home, name)); err != nil {
			t.Fatal(err)
		}
	}
	grant := func(path string) *profiles.Profile {
		return &profiles.Profile{Files: []profiles.FileGrant{{Path: path, Inside: "/in", Access: profiles.AccessWrite}}}
	}
	open := Places{Home: home}
	writes := Places{Home: home, Writable: open.Writes(grant("~/to-clips"))}
	look := func(at Places, path, want, fault string) {
		t.Helper()
		g, err := resolveGrants(grant(path), at)
		switch {
		case fault == "" && (err != nil || g.Files[0].Path != home+want):
			t.Errorf("%s: %v, %v; want %s", path, g.Files, err, want)
		case fault != "" && (err == nil || !strings.Contains(err.Error(), fault)):
			t.Errorf("%s: %v, %v; want %q", path, g.Files, err, fault)
		}
	}
	look(writes, "~/clips/sub/deep", "/clips/sub/deep", "")
	if err := errors.Join(os.RemoveAll(home+"/clips/sub"), os.Rename(home+"/clips/link", home+"/clips/sub")); err != nil {
		t.Fatal(err)
	}
	look(open, "~/clips/sub/deep", "/secret/deep", "")
	look(writes, "~/clips/sub/deep", "", "a link in a folder that a plugin may write to")
	look(writes, "~/to-clips/sub", "", "a link in a folder that a plugin may write to")
	look(writes, "~/to-clips", "/clips", "")
	look(writes, "~/clips/../to-clips/./", "/clips", "")
	look(writes, "~/loop", "", "too many levels of symbolic links")
}

func TestResolveDevices(t *testing.T) {
	for _, test := range []struct {
		path   string
		access profiles.Access
		want   []control.Bind
		err    string
	}{
		{"/dev/full", profiles.AccessWrite, []control.Bind{{Path: "/dev/full", Inside: "/dev/full", Write: true}}, ""},
		{"/dev/ful[kl]", profiles.AccessRead, []control.Bind{{Path: "/dev/full", Inside: "/dev/full"}}, ""},
		{"/dev/null", profiles.AccessRead, nil, "in every booth"},
		{"/dev/isobooth-none*", profiles.AccessRead, nil, "no such device"},
		{"/dev/../etc/passwd", profiles.AccessRead, nil, "not below /dev"},
		{"/etc/passwd", profiles.AccessRead, nil, "not below /dev"},
		{"/dev/pts", profiles.AccessRead, nil, "no character device"},
		{"/dev/[", profiles.AccessRead, nil, "syntax error"},
	} {
		got, err := resolveDevices(&profiles.DeviceGrant{Path: test.path, Access: test.access, At: profiles.Position{File: "p.toml", Line: 3}})
		switch {
		case test.err == "" && err != nil:
			t.Errorf("%s: %v", test.path, err)
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err) || !strings.HasPrefix(err.Error(), "p.toml:3: ")):
			t.Errorf("%s: %v, want %q", test.path, err, test.err)
		case !slices.Equal(got, test.want):
			t.Errorf("%s: %+v", test.path, got)
		}
	}
	both := []profiles.DeviceGrant{{Path: "/dev/full", Access: profiles.AccessRead}, {Path: "/dev/ful?", Access: profiles.AccessWrite}}
	g, err := resolveGrants(&profiles.Profile{Devices: both}, Places{})
	if err != nil || !slices.Equal(g.Devices, []control.Bind{{Path: "/dev/full", Inside: "/dev/full", Write: true}}) {
		t.Errorf("one device, granted twice: %+v, %v", g.Devices, err)
	}
}

func TestResolveEnvironment(t *testing.T) {
	host := map[string]string{
		"TZ": "Europe/Berlin", "LANG": "de_DE.UTF-8", "EMPTY": "", "LINES": "a\nb", "ESCAPE": "\x1b[2J", "BROKEN": "\xff", "LONG": strings.Repeat("x", maxValue+1),
		"LD_PRELOAD": "/tmp/x.so", "LD_anything": "x", "GLIBC_TUNABLES": "x", "GCONV_PATH": "x", "MALLOC_PERTURB_": "1", "LOCPATH": "x", "LDX": "fine",
	}
	lookup := func(name string) (string, bool) { v, ok := host[name]; return v, ok }
	for _, test := range []struct {
		names string
		want  string
		err   string
	}{
		{"TZ LANG", "LANG=de_DE.UTF-8 TZ=Europe/Berlin", ""},
		{"TZ ABSENT EMPTY TZ", "EMPTY= TZ=Europe/Berlin", ""},
		{"LDX", "LDX=fine", ""},
		{"LINES", "", "no plain text"},
		{"ESCAPE", "", "no plain text"},
		{"BROKEN", "", "no plain text"},
		{"LONG", "", "longer than"},
		{"LD_PRELOAD", "", "what code is loaded"},
		{"LD_anything", "", "what code is loaded"},
		{"LD_ABSENT", "", "what code is loaded"},
		{"GLIBC_TUNABLES", "", "what code is loaded"},
		{"GCONV_PATH", "", "what code is loaded"},
		{"MALLOC_PERTURB_", "", "what code is loaded"},
		{"LOCPATH", "", "what code is loaded"},
		{"A=B", "", "not the name"},
		{"", "", ""},
	} {
		var grants []profiles.EnvironmentGrant
		for _, name := range strings.Fields(test.names) {
			grants = append(grants, profiles.EnvironmentGrant{Name: name, At: profiles.Position{File: "p.toml", Line: 3}})
		}
		got, err := resolveEnvironment(grants, lookup)
		switch {
		case test.err == "" && err != nil:
			t.Errorf("%q: %v", test.names, err)
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err) || !strings.HasPrefix(err.Error(), "p.toml:3: environment")):
			t.Errorf("%q: %v, want %q", test.names, err, test.err)
		case strings.Join(got, " ") != test.want:
			t.Errorf("%q: %q", test.names, got)
		}
	}
}
