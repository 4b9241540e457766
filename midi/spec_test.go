package midi_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/isobooth/isobooth/midi"
	"github.com/pelletier/go-toml/v2"
)

// decode reads TOML the way a config file is read: unknown keys are errors.
func decode(text string) ([]midi.MappingSpec, error) {
	var config struct {
		Mappings []midi.MappingSpec `toml:"mappings"`
	}
	err := toml.NewDecoder(strings.NewReader(text)).DisallowUnknownFields().Decode(&config)
	return config.Mappings, err
}

func compileTrigger(t *testing.T, text string) midi.Trigger {
	t.Helper()
	specs, err := decode("[[mappings]]\nname = 'x'\nplugin = 'p'\ntrigger = {" + text + "}")
	if err != nil {
		t.Fatal(err)
	}
	m, err := specs[0].Compile()
	if err != nil {
		t.Fatal(err)
	}
	return m.Trigger
}

func TestConfigExample(t *testing.T) {
	specs, err := decode(`
[[mappings]]
name = "pad one"
plugin = "transpose"
action = "transpose"
params = { semitones = 7, "a<b" = [1.5, true], Big = 9007199254740993 }
trigger = { note = "C1-C3", velocity = "1-127", channel = 10, device = "*Launchpad*" }

[[mappings]]
name = "volume"
plugin = "mixer"
[mappings.trigger]
cc = 7
value = "64-127"
`)
	if err != nil {
		t.Fatal(err)
	}
	mappings, err := midi.CompileAll(specs)
	if err != nil {
		t.Fatal(err)
	}
	m := mappings[0]
	if m.Name != "pad one" || m.Plugin != "transpose" || m.Action != "transpose" {
		t.Errorf("got %+v", m)
	}
	if want := `{"Big":9007199254740993,"a<b":[1.5,true],"semitones":7}`; string(m.Params) != want {
		t.Errorf("params %s, want %s", m.Params, want)
	}
	if string(mappings[1].Params) != "{}" {
		t.Errorf("absent params are %s", mappings[1].Params)
	}
	pad := event(t, "Launchpad Mini", 0x99, 24, 1)
	if !m.Trigger.Match(&pad) || mappings[1].Trigger.Match(&pad) {
		t.Error("the pad matches the wrong mapping")
	}
	if _, err := decode("[[mappings]]\nname = 'x'\ntrigger = { nota = 1 }"); err == nil {
		t.Error("an unknown key was taken")
	}
}

func TestTriggers(t *testing.T) {
	type msg struct {
		device string
		raw    []byte
	}
	on := func(raw ...byte) msg { return msg{"port", raw} }
	for _, tc := range []struct {
		trigger string
		yes, no []msg
	}{
		{
			`note = "C1-C3"`,
			[]msg{on(0x90, 24, 1), on(0x9f, 48, 127)},
			[]msg{on(0x90, 23, 1), on(0x90, 49, 1), on(0x90, 24, 0), on(0x80, 24, 1), on(0xa0, 24, 1), on(0xb0, 24, 1)},
		}, {
			`note = [36, 51], velocity = "64-100", channel = 10`,
			[]msg{on(0x99, 36, 64), on(0x99, 51, 100)},
			[]msg{on(0x99, 36, 63), on(0x99, 36, 101), on(0x90, 36, 64), on(0x9a, 36, 64)},
		}, {
			`note = 36, release = true`,
			[]msg{on(0x80, 36, 0), on(0x80, 36, 127), on(0x90, 36, 0)},
			[]msg{on(0x90, 36, 1), on(0x80, 37, 0)},
		}, {
			`note = 36, release = true, velocity = "1-127"`,
			[]msg{on(0x80, 36, 1)},
			[]msg{on(0x80, 36, 0), on(0x90, 36, 0), on(0x90, 36, 1)},
		}, {
			`cc = 7, value = "64-127"`,
			[]msg{on(0xb0, 7, 64), on(0xb5, 7, 127)},
			[]msg{on(0xb0, 7, 63), on(0xb0, 8, 64), on(0x90, 7, 64)},
		}, {
			`cc = 0`,
			[]msg{on(0xb0, 0, 0), on(0xb0, 0, 127)},
			[]msg{on(0xb0, 1, 0)},
		}, {
			`program = 5`,
			[]msg{on(0xc0, 5)},
			[]msg{on(0xc0, 4), on(0xd0, 5)},
		}, {
			`program = "5-7", channel = 1`,
			[]msg{on(0xc0, 5), on(0xc0, 7)},
			[]msg{on(0xc0, 8), on(0xc1, 5)},
		}, {
			`pitch_bend = "8193-16383"`,
			[]msg{on(0xe0, 1, 64), on(0xe0, 127, 127)},
			[]msg{on(0xe0, 0, 64), on(0xe0, 127, 63)},
		}, {
			`aftertouch = "1-127"`,
			[]msg{on(0xd0, 1), on(0xd0, 127)},
			[]msg{on(0xd0, 0), on(0xa0, 60, 1)},
		}, {
			`poly_aftertouch = "C3", value = "1-127"`,
			[]msg{on(0xa0, 48, 1)},
			[]msg{on(0xa0, 48, 0), on(0xa0, 49, 1), on(0xd0, 48)},
		}, {
			`note = "C-1-G9", device = "Launchpad*"`,
			[]msg{{"Launchpad Mini", []byte{0x90, 0, 1}}},
			[]msg{{"My Launchpad", []byte{0x90, 0, 1}}, {"", []byte{0x90, 0, 1}}},
		}, {
			`note = "C-1-G9", channel = 16`,
			[]msg{on(0x9f, 127, 127)},
			[]msg{on(0x9e, 127, 127), on(0xf0, 1, 0xf7), on(0xff)},
		},
	} {
		trigger := compileTrigger(t, tc.trigger)
		for want, msgs := range map[bool][]msg{true: tc.yes, false: tc.no} {
			for _, m := range msgs {
				e := event(t, m.device, m.raw...)
				if trigger.Match(&e) != want {
					t.Errorf("{%s} matches % x from %q: %v", tc.trigger, m.raw, m.device, !want)
				}
			}
		}
	}
}

func TestZeroTriggerMatchesNoMessage(t *testing.T) {
	var trigger midi.Trigger
	for _, raw := range [][]byte{{0x80, 0, 0}, {0xf8}, {0xf0, 0xf7}, {0xc0, 0}} {
		e := event(t, "", raw...)
		if trigger.Match(&e) {
			t.Errorf("zero Trigger matches % x", raw)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	for _, tc := range []struct{ mapping, want string }{
		{`trigger = { note = "C9-C1" }`, `mapping "pad": trigger: key range "C9-C1": low above high`},
		{`trigger = { }`, `mapping "pad": trigger: needs one of note, chord, cc, program, pitch_bend, aftertouch, poly_aftertouch, sysex, transport, song_position, clock`},
		{`trigger = { note = 1, cc = 2 }`, `mapping "pad": trigger: has note and cc, needs only one of them`},
		{`trigger = { note = 1, velocity = 128 }`, `mapping "pad": trigger: velocity 128: above 127`},
		{`trigger = { note = 1, velocity = 0 }`, `mapping "pad": trigger: velocity 0 is a release: use release = true`},
		{`trigger = { note = 1, value = 1 }`, `mapping "pad": trigger: value does not go with note`},
		{`trigger = { cc = 1, velocity = 1 }`, `mapping "pad": trigger: velocity does not go with cc`},
		{`trigger = { program = 1, release = true }`, `mapping "pad": trigger: release does not go with program`},
		{`trigger = { cc = "1-2" }`, `mapping "pad": trigger: cc "1-2": needs one controller`},
		{`trigger = { cc = 1, value = "9-1" }`, `mapping "pad": trigger: value range "9-1": low above high`},
		{`trigger = { program = -1 }`, `mapping "pad": trigger: program -1: below 0`},
		{`trigger = { pitch_bend = "0-16384" }`, `mapping "pad": trigger: pitch_bend range "0-16384": above 16383`},
		{`trigger = { aftertouch = "C3" }`, `mapping "pad": trigger: aftertouch "C3": not a number or a range of numbers`},
		{`trigger = { poly_aftertouch = "X" }`, `mapping "pad": trigger: poly_aftertouch key "X": not a key (C-1 to G9, 0 to 127) or a range of keys`},
		{`trigger = { note = 1, channel = 0 }`, `mapping "pad": trigger: channel 0: channels are 1 to 16`},
		{`trigger = { note = 1, channel = 17 }`, `mapping "pad": trigger: channel 17: above 16`},
		{`trigger = { note = 1, channel = "2-1" }`, `mapping "pad": trigger: channel range "2-1": low above high`},
		{`trigger = { note = 1, channel = [] }`, `mapping "pad": trigger: channel []: names none`},
		{`trigger = { sysex = "F0 *", channel = 1 }`, `mapping "pad": trigger: channel does not go with sysex`},
		{`trigger = { note = 1, velocity = "loud" }`, `mapping "pad": trigger: velocity "loud": no such name; there are hard, medium, soft`},
		{`trigger = { note = 1, hold = "500" }`, `mapping "pad": trigger: hold "500": not a time such as 500ms`},
		{`trigger = { note = 1, hold = "9ms" }`, `mapping "pad": trigger: hold "9ms": want 10ms to 1m0s`},
		{`trigger = { cc = 1, hold = "1s" }`, `mapping "pad": trigger: hold does not go with cc`},
		{`trigger = { note = 1, hold = "1s", release = true }`, `mapping "pad": trigger: hold does not go with release`},
		{`trigger = { note = 1, hold = "1s", taps = 2 }`, `mapping "pad": trigger: taps does not go with hold`},
		{`trigger = { note = 1, taps = 1 }`, `mapping "pad": trigger: taps 1: want one number, 2 to 4`},
		{`trigger = { note = 1, taps = 5 }`, `mapping "pad": trigger: taps 5: above 4`},
		{`trigger = { note = 1, taps = 2, within = "11s" }`, `mapping "pad": trigger: within "11s": want 1ms to 10s`},
		{`trigger = { note = 1, within = "1s" }`, `mapping "pad": trigger: within needs taps or chord`},
		{`trigger = { chord = ["C4"] }`, `mapping "pad": trigger: chord: want 2 to 10 keys, have 1`},
		{`trigger = { chord = ["C4", 60] }`, `mapping "pad": trigger: chord key 60: is there twice`},
		{`trigger = { chord = ["C4-E4", 70] }`, `mapping "pad": trigger: chord key "C4-E4": needs one key`},
		{`trigger = { chord = ["C4", "E4"], release = true }`, `mapping "pad": trigger: release does not go with chord`},
		{`trigger = { cc = 1, encoder = "relative" }`, `mapping "pad": trigger: encoder "relative": want absolute, twos_complement, signed_bit or binary_offset`},
		{`trigger = { cc = 1, encoder = "absolute", direction = "left" }`, `mapping "pad": trigger: direction "left": want up, down or any`},
		{`trigger = { cc = 1, direction = "up" }`, `mapping "pad": trigger: direction needs encoder or crosses`},
		{`trigger = { cc = 1, steps = 2 }`, `mapping "pad": trigger: steps needs encoder`},
		{`trigger = { cc = 1, encoder = "absolute", steps = 0 }`, `mapping "pad": trigger: steps 0: want one number, 1 to 127`},
		{`trigger = { cc = 1, encoder = "absolute", value = 1 }`, `mapping "pad": trigger: value does not go with encoder`},
		{`trigger = { cc = 1, encoder = "absolute", every = "1s" }`, `mapping "pad": trigger: every does not go with encoder`},
		{`trigger = { cc = 1, crosses = 0 }`, `mapping "pad": trigger: crosses 0: want one number, 1 to 127`},
		{`trigger = { aftertouch = "0-63", crosses = 64 }`, `mapping "pad": trigger: crosses 64: the range of values lies on one side of it`},
		{`trigger = { note = 1, every = "1s" }`, `mapping "pad": trigger: every does not go with note`},
		{`trigger = { note = 1, previous = 1 }`, `mapping "pad": trigger: previous does not go with note`},
		{`trigger = { sysex = "7E" }`, `mapping "pad": trigger: sysex "7E": does not begin with F0`},
		{`trigger = { sysex = "F0 * 7E" }`, `mapping "pad": trigger: sysex "F0 * 7E": * stands at the end only`},
		{`trigger = { sysex = "F0 80" }`, `mapping "pad": trigger: sysex "F0 80": 80 is no data byte, 00 to 7F`},
		{`trigger = { sysex = "F0 7" }`, `mapping "pad": trigger: sysex "F0 7": "7" is not two hexadecimal digits, ?? or *`},
		{`trigger = { transport = "pause" }`, `mapping "pad": trigger: transport "pause": want start, stop or continue`},
		{`trigger = { clock = 0 }`, `mapping "pad": trigger: clock 0: want one number, 1 to 9999`},
		{`trigger = { note = 1, mode = 5 }`, `mapping "pad": trigger: mode 5: not a name`},
		{`trigger = { note = 1, mode = [] }`, `mapping "pad": trigger: mode []: names none`},
		{`trigger = { note = 1, mode = "" }`, `mapping "pad": trigger: mode "": want 1 to 64 bytes without control characters`},
		{`trigger = { note = 1, time = "25:00-02:00" }`, `mapping "pad": trigger: time "25:00-02:00": not two times of day, 00:00 to 24:00, such as 18:00-02:00`},
		{`trigger = { note = 1, time = "2:00-02:00" }`, `mapping "pad": trigger: time "2:00-02:00": begins and ends at the same time`},
		{"set_mode = 'edit'\ntrigger = { note = 1 }", `mapping "pad": has plugin and set_mode, needs only one of them`},
		{"momentary = true\ntrigger = { note = 1 }", `mapping "pad": momentary goes with set_mode only`},
		{`trigger = { note = 1, device = "[" }`, `mapping "pad": trigger: device: malformed pattern "[": bracket not closed`},
		{"params = { a = nan }\ntrigger = { note = 1 }", `mapping "pad": params: json: unsupported value: NaN`},
	} {
		specs, err := decode("[[mappings]]\nname = 'pad'\nplugin = 'p'\n" + tc.mapping)
		if err != nil {
			t.Errorf("%s: %v", tc.mapping, err)
			continue
		}
		m, err := specs[0].Compile()
		if err == nil || err.Error() != tc.want {
			t.Errorf("%s:\ngot  %v\nwant %s", tc.mapping, err, tc.want)
		}
		if m.Name != "" || m.Trigger.Kind() != 0 {
			t.Errorf("%s: half a mapping besides the error", tc.mapping)
		}
	}
}

func TestCompileAllNames(t *testing.T) {
	ok := midi.MappingSpec{Name: "a", Plugin: "p", Trigger: midi.TriggerSpec{Note: 1}}
	nameless, pluginless, other := ok, ok, ok
	nameless.Name, pluginless.Plugin, other.Name = "", "", "b"
	for _, tc := range []struct {
		specs []midi.MappingSpec
		want  string
	}{
		{[]midi.MappingSpec{ok, other}, ""},
		{[]midi.MappingSpec{ok, ok}, `mapping "a": name used twice`},
		{[]midi.MappingSpec{ok, nameless}, `mapping 2: name missing`},
		{[]midi.MappingSpec{pluginless}, `mapping "a": plugin missing`},
	} {
		mappings, err := midi.CompileAll(tc.specs)
		if tc.want == "" {
			if err != nil || len(mappings) != len(tc.specs) || mappings[1].Name != "b" {
				t.Errorf("got %v, %v", mappings, err)
			}
		} else if err == nil || err.Error() != tc.want {
			t.Errorf("got %v, want %s", err, tc.want)
		}
	}
}

func FuzzMappingSpec(f *testing.F) {
	f.Add(`name = "pad one"
plugin = "transpose"
params = { semitones = 7 }
trigger = { note = "C1-C3", velocity = "1-127", channel = 10, device = "*Launchpad*" }`, []byte{0x99, 24, 1})
	f.Add(`name="a"
plugin="b"
trigger={pitch_bend=[0,16383]}`, []byte{0xe0, 0, 64})
	f.Add(`name="a"
plugin="b"
trigger={note="C-1-G9",release=true}`, []byte{0x90, 0, 0})
	f.Fuzz(func(t *testing.T, text string, raw []byte) {
		specs, err := decode("[[mappings]]\n" + text)
		if err != nil {
			return
		}
		mappings, err := midi.CompileAll(specs)
		if err != nil {
			if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' }) {
				t.Fatalf("control characters in %q", err)
			}
			return
		}
		e, err := midi.FromMessage(raw, 0, "port")
		if err != nil {
			return
		}
		direct := 0
		for i := range mappings {
			m := &mappings[i]
			var params map[string]any
			if err := json.Unmarshal(m.Params, &params); err != nil || params == nil || bytes.ContainsAny(m.Params, "\n") {
				t.Fatalf("params %q: %v", m.Params, err)
			}
			if m.Trigger.Match(&e) {
				direct++
				if m.Trigger.Kind() != e.Kind() {
					t.Fatalf("a %v trigger matches %v", m.Trigger.Kind(), e.Kind())
				}
			}
		}
		midi.NewRouter(mappings).Match(&e, func(*midi.Mapping) { direct-- })
		if direct != 0 {
			t.Fatalf("router and triggers differ by %d", direct)
		}
	})
}

func TestParamsKeepNumbers(t *testing.T) {
	m, err := midi.MappingSpec{
		Name: "a", Plugin: "p",
		Params:  map[string]any{"max": int64(math.MaxInt64), "html": "<&>"},
		Trigger: midi.TriggerSpec{Program: 0},
	}.Compile()
	if want := `{"html":"<&>","max":9223372036854775807}`; err != nil || string(m.Params) != want {
		t.Errorf("got %s, %v, want %s", m.Params, err, want)
	}
}
