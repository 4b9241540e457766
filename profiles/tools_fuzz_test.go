package profiles

import (
	"os"
	"testing"
)

// FuzzTools: whatever text is a profile, the tools have an answer for it, and
// written out as one it means the same.
func FuzzTools(f *testing.F) {
	for _, name := range Names() {
		data, err := os.ReadFile(name + ".toml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "openat", uint64(0))
	}
	f.Add([]byte(everything), "ptrace", uint64(5))
	f.Add([]byte("name = \"x\"\ndescription = \"d\"\nextends = \"strict\"\n"+
		"[[rules]]\ncalls = [\"kill\", \"tgkill\"]\nphase = \"run\"\nwhen = [\"arg0 & 0x8000000000000001 == 1\"]\naction = \"allow\"\nwhy = \"\u2028 \\\"\"\n"), "kill", uint64(1)<<63)
	f.Fuzz(func(t *testing.T, data []byte, call string, arg uint64) {
		p, err := ParseProfile("fuzz.toml", data)
		if err != nil {
			return
		}
		for _, phase := range []Phase{PhaseLoad, PhaseRun} {
			args := [6]uint64{arg, arg, arg, arg, arg, arg}
			e := p.Explain(call, phase, &args)
			edit := p.EditFor(call, phase, &args)
			if e.Text == "" || edit.Text == "" || e.Outcome == Allowed && edit.Lines != nil {
				t.Errorf("%s: %+v, %+v", call, e, edit)
			}
		}
		p.Check()
		p.Abilities()
		if _, err := p.SBPL(); err == nil && len(p.Warnings()) == 0 && len(p.Files) > 0 {
			t.Error("files are granted and nothing is looser than strict")
		}
		text := p.TOML()
		flat, err := ParseProfile("flat.toml", []byte(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		for _, d := range Diff(p, flat) {
			t.Errorf("%s\n%s", d.Text(), text)
		}
	})
}
