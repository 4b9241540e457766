package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/isobooth/isobooth/cmd/isobooth/internal/conductor"
	"github.com/spf13/pflag"
)

// FuzzImport: whatever the file, the result is a config, of as many mappings
// as it says, or an error.
func FuzzImport(f *testing.F) {
	for _, seed := range []string{
		"[device]\nname = \"Mikro [1]\\n\"\n[[modes]]\nname = \"A\"\n[[modes.mappings]]\ndescription = \"x\\n[[plugins]]\"\ntrigger = { type = \"Note\", note = 36 }\naction = { type = \"plugin\", plugin = \"obs\", data = { a = [1, 2.5, { b = true }], \"c d\" = 1e300 } }\n",
		"[[global_mappings]]\nnote = 1\naction = { type = \"sequence\", actions = [{ type = \"Plugin\", plugin = \"a\" }, { type = \"Delay\", ms = 3 }] }\n",
		"[[modes]]\nname = \"A\"\n[[modes]]\nname = \"B\"\n[[global_mappings]]\ntrigger = { type = \"PitchBend\", min_value = 8193 }\n[global_mappings.action]\ntype = \"Conditional\"\ncondition = { type = \"ModeIs\", mode = \"A\" }\nthen_action = { type = \"ModeChange\", mode = \"B\" }\nelse_action = { type = \"ModeChange\", mode = \"A\" }\n",
		"[[modes]]\nname = \"\\u0000\"\n[[modes.mappings]]\ntrigger = { type = \"NoteChord\", notes = [1, 2, 3] }\naction = { type = \"Plugin\", plugin = \"../x\" }\n",
		"a = " + strings.Repeat("[", 100),
		"[[modes]]\nname = \"A\"\n[[modes.mappings]]\ntrigger = { type = \"LongPress\", note = 200, min_duration_ms = -1 }\n",
		"x = '''\n[[modes]]\n'''\n" + strings.Repeat("a.", 100) + "b = 1",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := conductor.Convert(data)
		if err != nil {
			return
		}
		text, out := importedConfig("in.toml", r)
		s, err := settingsOf("in.toml", text, pflag.NewFlagSet("", pflag.ContinueOnError))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if len(s.Mappings) != len(out.Mappings) || len(s.Plugins) != len(out.Plugins) {
			t.Errorf("%d mappings of %d plugins, want %d of %d:\n%s", len(s.Mappings), len(s.Plugins), len(out.Mappings), len(out.Plugins), text)
		}
	})
}

func TestImportBounds(t *testing.T) {
	for _, data := range [][]byte{
		bytes.Repeat([]byte("#"), conductor.MaxSize+1),
		[]byte("a = " + strings.Repeat("[", 1000) + strings.Repeat("]", 1000)),
		[]byte("a = " + strings.Repeat("{a=", 1000) + "1" + strings.Repeat("}", 1000)),
		[]byte(strings.Repeat("a.", 1000) + "a = 1"),
	} {
		if _, err := conductor.Convert(data); err == nil || !strings.Contains(err.Error(), "larger than") && !strings.Contains(err.Error(), "deeper") {
			t.Errorf("%.20q: %v", data, err)
		}
	}
}

// TestImportGrowth: what a small file becomes is not much larger than that.
func TestImportGrowth(t *testing.T) {
	mode := func(name string) string { return "[[modes]]\nname = \"" + name + "\"\n" }
	modes := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(mode(fmt.Sprint(i)))
		}
		return b.String()
	}
	const press = "[[modes.mappings]]\ndescription = \"x\"\ntrigger = { type = \"Note\", note = 1 }\naction = { type = \"Plugin\", plugin = \"p\" }\n"
	const steps = "[[global_mappings]]\nnote = 1\naction = { type = \"Sequence\", actions = ["
	step := "{ type = \"Plugin\", plugin = \"p\" },"
	for name, tc := range map[string]struct {
		file string
		bad  string
	}{
		"modes":             {modes(conductor.MaxModes), ""},
		"too many modes":    {modes(conductor.MaxModes + 1), "more than 256 modes"},
		"mappings":          {steps + strings.Repeat(step, conductor.MaxMappings) + "] }\n", ""},
		"too many mappings": {steps + strings.Repeat(step, conductor.MaxMappings+1) + "] }\n", "more than 4096 mappings"},
		"a long name":       {mode(strings.Repeat("m", 100_000)) + strings.Repeat(press, 1000), ""},
	} {
		r, err := conductor.Convert([]byte(tc.file))
		if tc.bad != "" {
			if !errors.Is(err, conductor.ErrFormat) || !strings.Contains(err.Error(), tc.bad) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		size := 0
		for _, l := range r.Left {
			size += len(l.What) + len(l.Why)
		}
		if size > len(tc.file) {
			t.Errorf("%s: %d bytes of reasons for a file of %d", name, size, len(tc.file))
		}
	}
}
