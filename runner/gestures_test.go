//go:build linux

package runner_test

import (
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/runner"
)

// TestGesturesReachThePlugin: what a trigger has seen arrives, decoded, beside
// the bytes; a plugin of the time before reads what it knows.
func TestGesturesReachThePlugin(t *testing.T) {
	h := newHost(t)
	now, old := h.must(build(t, "gestures"), nil), h.must(build(t, "gestures", "-DOLD"), nil)
	lane := newLane(t, h)
	keys := midi.KeySet{1 << 60, 1<<0 | 1<<3}
	for name, tc := range map[string]struct {
		raw     []byte
		gesture midi.Gesture
		want    string
		old     string
	}{
		"message":       {[]byte{0x90, 60, 100}, midi.Gesture{}, "kind 2 value 0 raw 90 gesture 0 taps 0 steps 0 previous -1 duration 0 mode  keys", "kind 2 key 60 raw 3 a {} pad"},
		"chord":         {[]byte{0x90, 67, 100}, midi.Gesture{Kind: midi.GestureChord, Keys: keys, Duration: 20 * time.Millisecond, Mode: "edit"}, "kind 2 value 0 raw 90 gesture 3 taps 0 steps 0 previous -1 duration 20000 mode edit keys 60 64 67", "kind 2 key 67 raw 3 a {} pad"},
		"turn":          {[]byte{0xb0, 20, 65}, midi.Gesture{Kind: midi.GestureTurn, Steps: -3, Previous: 0, HasPrevious: true, Mode: "live"}, "kind 4 value 65 raw b0 gesture 4 taps 0 steps -3 previous 0 duration 0 mode live keys", "kind 4 key 20 raw 3 a {} pad"},
		"taps":          {[]byte{0x90, 60, 100}, midi.Gesture{Kind: midi.GestureTaps, Taps: 3, Duration: -1}, "kind 2 value 0 raw 90 gesture 2 taps 3 steps 0 previous -1 duration 0 mode  keys", "kind 2 key 60 raw 3 a {} pad"},
		"song position": {[]byte{0xf2, 16, 1}, midi.Gesture{}, "kind 9 value 144 raw f2 gesture 0 taps 0 steps 0 previous -1 duration 0 mode  keys", "kind 9 key 0 raw 3 a {} pad"},
	} {
		ev, err := midi.FromMessage(tc.raw, 0, "pad")
		if err != nil {
			t.Fatal(err)
		}
		trigger := runner.Trigger{Event: &ev, Mapping: &midi.Mapping{Name: "m", Action: "a", Params: []byte("{}")}, Gesture: tc.gesture}
		for b, want := range map[*booth]string{now: tc.want, old: tc.old} {
			send(t, lane, b, trigger)
			if r := b.reply(); r.status != 0 || r.result != want {
				t.Errorf("%s, %s: status %d, %q, want %q", name, b.name, r.status, r.result, want)
			}
		}
	}
}
