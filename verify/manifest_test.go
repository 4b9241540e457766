package verify

import (
	"errors"
	"strings"
	"testing"
)

const fullManifest = `# as the MIDIMon and Conductor hosts write it
[plugin]
name = "http_request"
version = "0.1.0"
description = "Make HTTP requests"
author = "A. Author"
homepage = "https://example.org"
license = "MIT"
type = "action"
binary = "libhttp_request.so"

[plugin.capabilities]
network = true
filesystem = false
audio = false
midi = true
subprocess = false
system_control = false
`

func TestParseManifest(t *testing.T) {
	m, err := ParseManifest("plugin.toml", []byte(fullManifest))
	if err != nil {
		t.Fatal(err)
	}
	want := Manifest{
		Name: "http_request", Version: "0.1.0", Description: "Make HTTP requests",
		Author: "A. Author", Homepage: "https://example.org", License: "MIT",
		Type: "action", Binary: "libhttp_request.so",
		Capabilities: Capabilities{Network: true, MIDI: true},
	}
	if m != want {
		t.Errorf("got %+v\nwant %+v", m, want)
	}
}

// base with one line put in place of, or after, the three that must be there.
func manifestWith(lines ...string) string {
	base := []string{`name = "arp"`, `version = "1"`, `binary = "arp.so"`}
	for _, l := range lines {
		key, _, _ := strings.Cut(l, " ")
		replaced := false
		for i := range base {
			if strings.HasPrefix(base[i], key+" ") {
				base[i], replaced = l, true
			}
		}
		if !replaced {
			base = append(base, l)
		}
	}
	return "[plugin]\n" + strings.Join(base, "\n") + "\n"
}

func TestManifestAccepts(t *testing.T) {
	for name, text := range map[string]string{
		"least":            manifestWith(),
		"inline table":     `plugin = {name = "arp", version = "1", binary = "arp.so"}`,
		"dotted keys":      "plugin.name = \"arp\"\nplugin.version = \"1\"\nplugin.binary = \"arp.so\"\n",
		"long name":        manifestWith(`name = "` + strings.Repeat("a", 64) + `"`),
		"name characters":  manifestWith(`name = "0-a_b.c"`),
		"trigger":          manifestWith(`type = "trigger"`),
		"abi":              manifestWith(`abi = "isobooth/1"`),
		"abi lv2":          manifestWith(`abi = "lv2"`),
		"binary in UTF-8":  manifestWith(`binary = "größe.so"`),
		"long description": manifestWith(`description = """two` + "\n" + `lines"""`),
		"quoted key":       manifestWith(`"license" = "MIT"`),
	} {
		t.Run(name, func(t *testing.T) {
			m, err := ParseManifest("plugin.toml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if m.Type == "" {
				t.Error("type is empty, want the default")
			}
		})
	}
}

func TestManifestRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", manifestWith(`colour = "red"`), `"plugin.toml":5:1: unknown key "plugin.colour"`},
		{"unknown table", manifestWith() + "[other]\na = 1\n", `:5:2: unknown key "other"`},
		{"unknown capability", manifestWith() + "[plugin.capabilities]\nroot = true\n", `:6:1: unknown key "plugin.capabilities.root"`},
		{"capital key", manifestWith(`Name = "x"`), `:5:1: unknown key "Name"`},
		{"capital table", "[Plugin]\nname = \"a\"\nversion = \"1\"\nbinary = \"b\"\n", `:1:2: unknown key "Plugin"`},
		{"capital in inline table", `plugin = {name = "arp", version = "1", binary = "arp.so", capabilities = {MIDI = true}}`, `unknown key "MIDI"`},
		{"same key twice", manifestWith() + "name = \"b\"\n", `"plugin.toml":`},
		{"wrong type", manifestWith(`description = 5`), `"plugin.toml":5:`},
		{"capability text", manifestWith() + "[plugin.capabilities]\nmidi = \"yes\"\n", `:6:`},
		{"no TOML", "plugin: name", `"plugin.toml":1:`},
		{"empty file", "", "no [plugin] table"},
		{"array of plugins", "[[plugin]]\nname = \"a\"\n", `"plugin.toml":1:`},
		{"no name", "[plugin]\nversion = \"1\"\nbinary = \"b\"\n", `key "name" is missing or empty`},
		{"empty version", manifestWith(`version = " "`), `key "version" is missing or empty`},
		{"no binary", "[plugin]\nname = \"a\"\nversion = \"1\"\n", `key "binary" is missing or empty`},
		{"capital name", manifestWith(`name = "Arp"`), `a name is of a-z`},
		{"name with slash", manifestWith(`name = "a/b"`), `a name is of a-z`},
		{"name with dot first", manifestWith(`name = ".arp"`), `starts with a letter`},
		{"name too long", manifestWith(`name = "` + strings.Repeat("a", 65) + `"`), `longer than 64`},
		{"name outside ASCII", manifestWith(`name = "ärp"`), `a name is of a-z`},
		{"binary path", manifestWith(`binary = "/etc/passwd"`), `is a path`},
		{"binary up", manifestWith(`binary = ".."`), `is no file name`},
		{"binary up and down", manifestWith(`binary = "../b.so"`), `is a path`},
		{"binary backslash", manifestWith(`binary = 'a\b.so'`), `is a path`},
		{"binary NUL", manifestWith(`binary = "a\u0000b"`), `control character`},
		{"binary newline", manifestWith(`binary = "a\nb"`), `control character`},
		{"binary too long", manifestWith(`binary = "` + strings.Repeat("a", 256) + `"`), `256 bytes`},
		{"escape in author", manifestWith(`author = "\u001b[2J"`), `key "author": control character '\x1b'`},
		{"newline in licence", manifestWith(`license = "a\nb"`), `key "license": control character`},
		{"text too long", manifestWith(`description = "` + strings.Repeat("a", 1025) + `"`), `key "description": longer`},
		{"type", manifestWith(`type = "filter"`), `key "type": "filter"`},
		{"abi", manifestWith(`abi = "isobooth/2"`), `key "abi": "isobooth/2" is none of`},
		{"not UTF-8", manifestWith("author = \"\xff\""), `"plugin.toml":5:`},
		{"too large", manifestWith() + strings.Repeat("#", 64<<10), "larger than 65536"},
		{"quotes in the name of a key", manifestWith(`"a\"b" = 1`), `unknown key "plugin.a\"b"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseManifest("plugin.toml", []byte(c.text))
			if !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant ErrManifest with %s", err, c.want)
			}
		})
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(fullManifest))
	f.Add([]byte(manifestWith(`abi = "execute"`)))
	f.Add([]byte(`plugin = {name = "arp", version = "1", binary = "arp.so", capabilities = {midi = true}}`))
	f.Add([]byte("[[plugin]]\n[Plugin]\n\"plugin\".'name' = \"\"\"a\"\"\""))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ParseManifest("plugin.toml", data)
		if err != nil {
			if !errors.Is(err, ErrManifest) {
				t.Errorf("error of another kind: %v", err)
			}
			if strings.ContainsAny(err.Error(), "\x00\x1b\r\n") {
				t.Errorf("control character in the error %q", err)
			}
			return
		}
		if err := m.check(); err != nil {
			t.Errorf("accepted but not valid: %v", err)
		}
	})
}
