package packaging

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// plist reads the values that a property list of ours may hold: dictionaries,
// arrays, strings, whole numbers, true and false; plist(5) of macOS.
type plist struct{ d *xml.Decoder }

// next is the next element's start, or nil at the end of the one around it.
func (p plist) next() (*xml.StartElement, error) {
	for {
		token, err := p.d.Token()
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			return &token, nil
		case xml.EndElement:
			return nil, nil
		case xml.CharData:
			if strings.TrimSpace(string(token)) != "" {
				return nil, fmt.Errorf("text %q between elements", token)
			}
		}
	}
}

func (p plist) text(start *xml.StartElement) (s string, err error) {
	err = p.d.DecodeElement(&s, start)
	return s, err
}

func (p plist) value(start *xml.StartElement) (any, error) {
	switch start.Name.Local {
	case "string":
		return p.text(start)
	case "integer":
		s, err := p.text(start)
		if err != nil {
			return nil, err
		}
		return strconv.Atoi(s)
	case "true", "false":
		return start.Name.Local == "true", p.d.Skip()
	case "array":
		list := []any{}
		for {
			e, err := p.next()
			if e == nil {
				return list, err
			}
			v, err := p.value(e)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
	case "dict":
		dict := map[string]any{}
		for {
			e, err := p.next()
			if e == nil {
				return dict, err
			}
			if e.Name.Local != "key" {
				return nil, fmt.Errorf("<%s> where a key belongs", e.Name.Local)
			}
			key, err := p.text(e)
			if err != nil {
				return nil, err
			}
			if _, twice := dict[key]; twice {
				return nil, fmt.Errorf("key %q twice", key)
			}
			if e, err = p.next(); err != nil || e == nil {
				return nil, fmt.Errorf("key %q without a value: %w", key, errors.Join(err, io.ErrUnexpectedEOF))
			}
			if dict[key], err = p.value(e); err != nil {
				return nil, fmt.Errorf("key %q: %w", key, err)
			}
		}
	}
	return nil, fmt.Errorf("<%s> is no value", start.Name.Local)
}

func parsePlist(text string) (any, error) {
	p := plist{xml.NewDecoder(strings.NewReader(text))}
	root, err := p.next()
	if err != nil || root == nil || root.Name.Local != "plist" {
		return nil, fmt.Errorf("no plist: %w", err)
	}
	first, err := p.next()
	if err != nil || first == nil {
		return nil, fmt.Errorf("an empty plist: %w", err)
	}
	v, err := p.value(first)
	if err != nil {
		return nil, err
	}
	if more, err := p.next(); more != nil || err != nil {
		return nil, fmt.Errorf("more than one value: %w", err)
	}
	return v, nil
}

// TestLaunchd: the agent is a property list, of keys that launchd.plist(5)
// knows, with values of their kinds.
func TestLaunchd(t *testing.T) {
	text := read(t, "launchd/io.github.isobooth.plist.in")
	got, err := parsePlist(strings.ReplaceAll(text, "@PREFIX@", "/usr/local"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"Label":            "io.github.isobooth", // of the file's name
		"ProgramArguments": []any{"/usr/local/bin/isobooth", "run"},
		"RunAtLoad":        true,
		"KeepAlive":        map[string]any{"SuccessfulExit": false},
		"ThrottleInterval": 30,
		"ProcessType":      "Interactive",
		"ExitTimeOut":      20,
		"Umask":            0o077,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("it holds %v\nwant %v", got, want)
	}
	if !strings.Contains(text, "Booths do not work on macOS yet") {
		t.Error("it does not say that booths do not work there")
	}
	for _, broken := range []string{
		strings.Replace(text, "<true/>", "<yes/>", 1),
		strings.Replace(text, "<key>RunAtLoad</key>", "", 1),
		strings.Replace(text, "</dict>\n</plist>", "</plist>", 1),
		strings.Replace(text, "RunAtLoad", "Label", 1),
		strings.Replace(text, "<integer>30", "<integer>thirty", 1),
	} {
		if v, err := parsePlist(broken); err == nil {
			t.Errorf("a broken one was read: %v", v)
		}
	}
}

// TestAppArmor: the profile's syntax, by the machine's parser. AppArmor knows
// abi/4.0 and the rule "userns," since 4.0; an older one sees the profile
// without them.
func TestAppArmor(t *testing.T) {
	parser, err := exec.LookPath("apparmor_parser")
	if err != nil {
		parser = "/usr/sbin/apparmor_parser" // not in every user's $PATH
	}
	if _, err := os.Stat(parser); err != nil {
		missing(t, "apparmor_parser")
	}
	text := read(t, "apparmor/isobooth-jail")
	for _, want := range []string{"abi <abi/4.0>,\n", "\n  userns,\n", "\nprofile isobooth-jail /usr/lib/isobooth/isobooth-jail flags=(unconfined) {\n"} {
		if strings.Count(text, want) != 1 {
			t.Errorf("the profile has not once %q", want)
		}
	}
	if _, err := os.Stat("/etc/apparmor.d/abi/4.0"); err != nil {
		t.Logf("this parser is older than 4.0: without abi and userns")
		text = strings.NewReplacer("abi <abi/4.0>,\n", "", "\n  userns,\n", "\n").Replace(text)
	}
	parse := func(text string) (string, error) {
		file := filepath.Join(t.TempDir(), "isobooth-jail")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(parser, "--skip-kernel-load", "--skip-cache", "--quiet", file).CombinedOutput()
		return string(out), err
	}
	if out, err := parse(text); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := parse(strings.Replace(text, "flags=(unconfined) {", "flags=(unconfined)", 1)); err == nil {
		t.Error("a broken profile was accepted")
	}
}
