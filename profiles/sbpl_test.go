package profiles

import (
	"slices"
	"strings"
	"testing"
)

// scheme reads an SBPL text: lists, and atoms, of which strings keep their
// first quote.
func scheme(t *testing.T, text string) [][]any {
	t.Helper()
	pos := 0
	var list func() []any
	list = func() []any {
		var out []any
		for pos < len(text) {
			switch c := text[pos]; {
			case c == ';':
				for pos < len(text) && text[pos] != '\n' {
					pos++
				}
			case c == ' ' || c == '\n':
				pos++
			case c == '(':
				pos++
				out = append(out, list())
			case c == ')':
				pos++
				return out
			case c == '"':
				s := `"`
				for pos++; text[pos] != '"'; pos++ {
					if text[pos] == '\\' {
						pos++
					}
					s += text[pos : pos+1]
				}
				pos++
				out = append(out, s)
			default:
				end := pos + strings.IndexAny(text[pos:]+" ", " ()\n;")
				out, pos = append(out, text[pos:end]), end
			}
		}
		return out
	}
	var rules [][]any
	for _, x := range list() {
		rule, ok := x.([]any)
		if !ok {
			t.Fatalf("%v at the top", x)
		}
		rules = append(rules, rule)
	}
	return rules
}

// parameters are the values that a host would hand over.
var parameters = map[string]string{"WORKER": "/w/worker", "PLUGIN": "/p/plugin.dylib", "LIBRARIES": "/p/libs", "WORK": "/work", "HOME": "/Users/me"}

func value(x any) string {
	switch x := x.(type) {
	case string:
		return strings.TrimPrefix(x, `"`)
	case []any:
		switch x[0] {
		case "param":
			return parameters[value(x[1])]
		case "string-append":
			return value(x[1]) + value(x[2])
		}
	}
	return "?"
}

// decide answers as sandbox-exec does: the last rule that matches wins.
func decide(rules [][]any, operation, object string) bool {
	allowed := false
	for _, rule := range rules {
		if rule[0] != "allow" && rule[0] != "deny" {
			continue
		}
		operations, filters := false, []any{}
		for _, x := range rule[1:] {
			if name, ok := x.(string); ok {
				stem, wild := strings.CutSuffix(name, "*")
				operations = operations || name == "default" || name == operation || wild && strings.HasPrefix(operation, stem)
				continue
			}
			filters = append(filters, x)
		}
		if operations && (len(filters) == 0 || slices.ContainsFunc(filters, func(x any) bool {
			f := x.([]any)
			switch f[0] {
			case "literal", "sysctl-name":
				return value(f[1]) == object
			case "subpath":
				return value(f[1]) == object || strings.HasPrefix(object, value(f[1])+"/")
			case "sysctl-name-prefix":
				return strings.HasPrefix(object, value(f[1]))
			case "target":
				return object == "self"
			case "remote":
				return value(f[1])+" "+value(f[2]) == object
			}
			return false
		})) {
			allowed = rule[0] == "allow"
		}
	}
	return allowed
}

func TestSBPL(t *testing.T) {
	p, err := Named(Default)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := p.SBPL()
	if err != nil {
		t.Fatal(err)
	}
	p.Files = []FileGrant{
		{Path: `/a "b" \c`, Inside: "/clips", Access: AccessRead, Why: "clips\n(allow default)"},
		{Path: "~/out", Inside: "/out", Access: AccessWrite, Why: "renders"},
		{Path: WorkFolder, Inside: "/work", Access: AccessWrite, Why: "its own"},
	}
	p.Network = []NetworkGrant{{To: []Destination{{TCP, "127.0.0.1", 4455}, {UDP, "obs.lan", 9000}, {TCP, "0.0.0.0/0", 80}}, Why: "OBS"}}
	p.Devices = []DeviceGrant{{Path: "/dev/snd/*", Access: AccessWrite, Why: "sound"}}
	text, err := p.SBPL()
	if err != nil {
		t.Fatal(err)
	}
	without, with := scheme(t, bare), scheme(t, text)
	for _, test := range []struct {
		operation, object string
		bare, granted     bool
	}{
		{"process-exec", "/w/worker", true, true},
		{"process-exec", "/bin/sh", false, false},
		{"process-fork", "", false, false},
		{"file-read-data", "/p/plugin.dylib", true, true},
		{"file-map-executable", "/p/libs/x.dylib", true, true},
		{"file-write-data", "/p/plugin.dylib", false, false},
		{"file-read-data", "/etc/passwd", false, false},
		{"file-read-data", `/a "b" \c/x`, false, true},
		{"file-write-data", `/a "b" \c/x`, false, false},
		{"file-read-data", `/a "b" \cx`, false, false},
		{"file-write-data", "/Users/me/out/x", false, true},
		{"file-map-executable", "/Users/me/out/x", false, false},
		{"process-exec", "/Users/me/out/x", false, false},
		{"file-read-data", "/Users/me/x", false, false},
		{"file-write-create", "/work/x", false, true},
		{"network-outbound", "tcp localhost:4455", false, true},
		{"network-outbound", "tcp localhost:80", false, false},
		{"network-outbound", "udp localhost:9000", false, false},
		{"network-bind", "", false, false},
		{"mach-lookup", "com.apple.midiserver", false, false},
		{"sysctl-read", "hw.ncpu", true, true},
		{"sysctl-read", "kern.procargs2", false, false},
		{"signal", "self", true, true},
		{"signal", "other", false, false},
		{"file-write-data", "/dev/snd/pcm0", false, false},
	} {
		if got := decide(without, test.operation, test.object); got != test.bare {
			t.Errorf("%s %s without grants: allowed %v", test.operation, test.object, got)
		}
		if got := decide(with, test.operation, test.object); got != test.granted {
			t.Errorf("%s %s with grants: allowed %v", test.operation, test.object, got)
		}
	}
	for _, want := range []string{"; not allowed: udp://obs.lan:9000", "; not allowed: tcp://0.0.0.0/0:80", ";   devices:", ";   system calls:"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestSBPLRefuses(t *testing.T) {
	for _, path := range []string{"/a\nb", "/\x00", "/é", "/\u2028"} {
		p := Profile{Files: []FileGrant{{Path: path, Inside: "/x", Access: AccessRead}}}
		if text, err := p.SBPL(); err == nil {
			t.Errorf("path %q gave\n%s", path, text)
		}
	}
}
