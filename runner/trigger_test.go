package runner

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/runner/wire"
)

// TestTriggerAsJSON: every member is always there, in one order.
func TestTriggerAsJSON(t *testing.T) {
	const begin = `{"action":"a\"","params":{"n":1},"context":`
	for name, tc := range map[string]struct {
		raw     []byte
		gesture midi.Gesture
		want    string
	}{
		"note":          {[]byte{0x99, 36, 100}, midi.Gesture{}, `{"velocity":100,"current_mode":null,"timestamp":7,"note":36,"channel":9,"cc":null,"value":null,"device":"pad","kind":"note_on","gesture":"message","taps":null,"steps":null,"previous":null,"duration_us":0,"keys":null,"raw":"992464"}`},
		"chord":         {[]byte{0x90, 67, 1}, midi.Gesture{Kind: midi.GestureChord, Keys: midi.KeySet{1 << 60, 1 << 3}, Duration: 20 * time.Millisecond, Mode: "ed\"it"}, `{"velocity":1,"current_mode":"ed\"it","timestamp":7,"note":67,"channel":0,"cc":null,"value":null,"device":"pad","kind":"note_on","gesture":"chord","taps":null,"steps":null,"previous":null,"duration_us":20000,"keys":[60,67],"raw":"904301"}`},
		"turn":          {[]byte{0xb0, 20, 65}, midi.Gesture{Kind: midi.GestureTurn, Steps: -3, Previous: 5, HasPrevious: true}, `{"velocity":null,"current_mode":null,"timestamp":7,"note":null,"channel":0,"cc":20,"value":65,"device":"pad","kind":"cc","gesture":"turn","taps":null,"steps":-3,"previous":5,"duration_us":0,"keys":null,"raw":"b01441"}`},
		"taps":          {[]byte{0x90, 60, 1}, midi.Gesture{Kind: midi.GestureTaps, Taps: 2}, `{"velocity":1,"current_mode":null,"timestamp":7,"note":60,"channel":0,"cc":null,"value":null,"device":"pad","kind":"note_on","gesture":"taps","taps":2,"steps":null,"previous":null,"duration_us":0,"keys":null,"raw":"903c01"}`},
		"sysex":         {[]byte{0xf0, 1, 0xf7}, midi.Gesture{}, `{"velocity":null,"current_mode":null,"timestamp":7,"note":null,"channel":null,"cc":null,"value":null,"device":"pad","kind":"sysex","gesture":"message","taps":null,"steps":null,"previous":null,"duration_us":0,"keys":null,"raw":"f001f7"}`},
		"song position": {[]byte{0xf2, 16, 1}, midi.Gesture{}, `{"velocity":null,"current_mode":null,"timestamp":7,"note":null,"channel":null,"cc":null,"value":144,"device":"pad","kind":"system","gesture":"message","taps":null,"steps":null,"previous":null,"duration_us":0,"keys":null,"raw":"f21001"}`},
		"clock":         {[]byte{0xf8}, midi.Gesture{Kind: midi.GestureClock, Steps: 4}, `{"velocity":null,"current_mode":null,"timestamp":7,"note":null,"channel":null,"cc":null,"value":null,"device":"pad","kind":"system","gesture":"clock","taps":null,"steps":4,"previous":null,"duration_us":0,"keys":null,"raw":"f8"}`},
	} {
		ev, err := midi.FromMessage(tc.raw, 0, "pad")
		if err != nil {
			t.Fatal(err)
		}
		trigger := Trigger{Event: &ev, Mapping: &midi.Mapping{Action: `a"`, Params: []byte(`{"n":1}`)}, Gesture: tc.gesture}
		var e wire.Event
		var keys [16]byte
		trigger.event(&e, nil, keys[:], nil, false)
		got := string(appendJSON(nil, &e, ev.Kind(), tc.gesture.Kind, time.UnixMilli(7)))
		if got != begin+tc.want+"}" || !json.Valid([]byte(got)) {
			t.Errorf("%s:\ngot  %s\nwant %s}", name, got, begin+tc.want)
		}
	}
}

// TestLongMessageFitsAsJSON: the raw bytes are left out rather than the
// trigger dropped.
func TestLongMessageFitsAsJSON(t *testing.T) {
	for n, has := range map[int]bool{maxHex: true, maxHex + 1: false, 40 << 10: false} {
		raw := make([]byte, n)
		raw[0], raw[n-1] = 0xf0, 0xf7
		ev, err := midi.FromMessage(raw, 0, "pad")
		if err != nil {
			t.Fatal(err)
		}
		trigger := Trigger{Event: &ev, Mapping: &midi.Mapping{Params: []byte("{}")}}
		var e wire.Event
		trigger.event(&e, nil, nil, nil, true)
		var got struct{ Context struct{ Raw *string } }
		if err := json.Unmarshal(e.JSON, &got); err != nil || (got.Context.Raw != nil) != has {
			t.Errorf("%d bytes: raw %v, %v", n, got.Context.Raw != nil, err)
		}
		if _, err := wire.AppendTrigger(nil, 1, &e); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}
