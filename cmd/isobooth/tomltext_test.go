package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// TestTOMLText: what is written is read as the same value.
func TestTOMLText(t *testing.T) {
	for _, text := range []string{
		`{}`,
		`{"semitones":7}`,
		`{"a":{"b":[1,2.5,"x",true,{"c":{}}]},"e":[]}`,
		`{"big":9007199254740993,"less":-1,"f":1e300,"whole":2.0}`,
		`{"quote \" back \\":"line\nfeed\ttab \u0000 \u007f \u009b \u202e \ud83c\udfb9"}`,
		`{"":"empty key","dotted.key":1,"key = 1 } # no":2}`,
	} {
		params, err := parseParams(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		line, err := tomlValue(params)
		if err != nil || strings.ContainsAny(line, "\n\x00\x7f\u009b\u202e") {
			t.Errorf("%s: %q, %v", text, line, err)
			continue
		}
		var back struct{ V map[string]any }
		if err := toml.Unmarshal([]byte("V = "+line), &back); err != nil {
			t.Errorf("%s: %s: %v", text, line, err)
			continue
		}
		var want any
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		got, _ := json.Marshal(back.V)
		var again any
		if err := json.Unmarshal(got, &again); err != nil {
			t.Fatal(err)
		}
		a, _ := json.Marshal(want)
		b, _ := json.Marshal(again)
		if !bytes.Equal(a, b) {
			t.Errorf("%s became %s, which is %s", text, line, b)
		}
	}
}

func TestTOMLTextRefuses(t *testing.T) {
	for text, why := range map[string]string{
		`[1]`:         "not a JSON object",
		`{} {}`:       "more than one",
		`{"a":null}`:  "TOML has no null",
		`{"a":1e999}`: "out of range",
		`{"a":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`: "nested deeper",
	} {
		if _, err := parseParams(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want %q", text, err, why)
		}
	}
}
