package recognize

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
)

// at is an event of a script: milliseconds, and the message.
type at struct {
	ms  int
	msg []byte
}

func play(t *testing.T, r *Recognizer, script []at) (end time.Duration) {
	t.Helper()
	for _, a := range script {
		end = time.Duration(a.ms) * time.Millisecond
		e, err := midi.FromMessage(a.msg, end, "pad")
		if err != nil {
			t.Fatal(err)
		}
		r.Hear(&e, end)
	}
	return end
}

func on(ms int, key, velocity byte) at { return at{ms, []byte{0x99, key, velocity}} }
func off(ms int, key byte) at          { return at{ms, []byte{0x89, key, 0}} }

// cc is one controller with a value every 20 ms.
func cc(number byte, values ...byte) (script []at) {
	for i, v := range values {
		script = append(script, at{20 * i, []byte{0xb0, number, v}})
	}
	return script
}

func TestRecognizer(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		name   string
		want   Kind
		script []at
		g      Gesture
	}{
		{"press", "", []at{on(0, 36, 90), off(120, 36)},
			Gesture{Kind: Note, Channel: 9, Keys: []uint8{36}, Values: []uint16{90}, Held: 120 * ms}},
		{"release as a note-on with velocity 0", "", []at{on(0, 36, 90), on(120, 36, 0)},
			Gesture{Kind: Note, Channel: 9, Keys: []uint8{36}, Values: []uint16{90}, Held: 120 * ms}},
		{"just not a long press", "", []at{on(0, 36, 90), off(499, 36)},
			Gesture{Kind: Note, Channel: 9, Keys: []uint8{36}, Values: []uint16{90}, Held: 499 * ms}},
		{"long press", "", []at{on(0, 36, 90), off(500, 36)},
			Gesture{Kind: Hold, Channel: 9, Keys: []uint8{36}, Values: []uint16{90}, Held: 500 * ms}},
		{"long press asked for as a press", Note, []at{on(0, 36, 90), off(800, 36)},
			Gesture{Kind: Note, Channel: 9, Keys: []uint8{36}, Values: []uint16{90}, Held: 800 * ms}},
		{"double tap", "", []at{on(0, 36, 90), off(80, 36), on(240, 36, 70), off(300, 36)},
			Gesture{Kind: Taps, Channel: 9, Keys: []uint8{36}, Values: []uint16{90, 70}, Held: 80 * ms, Taps: 2, Window: 240 * ms}},
		{"triple tap", "", []at{on(0, 36, 90), off(80, 36), on(200, 36, 70), off(300, 36), on(450, 36, 60), off(500, 36)},
			Gesture{Kind: Taps, Channel: 9, Keys: []uint8{36}, Values: []uint16{90, 70, 60}, Held: 80 * ms, Taps: 3, Window: 250 * ms}},
		{"double tap asked for as a press", Note, []at{on(0, 36, 90), off(80, 36), on(240, 36, 70), off(300, 36)},
			Gesture{Kind: Note, Channel: 9, Keys: []uint8{36}, Values: []uint16{90}, Held: 80 * ms, Ignored: 1}},
		{"two presses too far apart", "", []at{on(0, 36, 90), off(80, 36), on(501, 36, 70), off(600, 36)},
			Gesture{Kind: Note, Channel: 9, Keys: []uint8{36}, Values: []uint16{90}, Held: 80 * ms, Ignored: 1}},
		{"chord", "", []at{on(0, 64, 90), on(12, 60, 80), on(30, 67, 70), off(300, 60), off(310, 64), off(320, 67)},
			Gesture{Kind: Chord, Channel: 9, Keys: []uint8{60, 64, 67}, Values: []uint16{90, 80, 70}, Window: 30 * ms}},
		{"chord in no time", "", []at{on(0, 60, 90), on(0, 64, 80), off(0, 60), off(0, 64)},
			Gesture{Kind: Chord, Channel: 9, Keys: []uint8{60, 64}, Values: []uint16{90, 80}}},
		{"two keys in a row, in no time", "", []at{on(0, 60, 90), off(0, 60), on(0, 64, 80), off(0, 64)},
			Gesture{Kind: Note, Channel: 9, Keys: []uint8{60}, Values: []uint16{90}, Ignored: 1}},
		{"two keys, too slow for a chord", "", []at{on(0, 60, 90), on(151, 64, 80), off(300, 60), off(310, 64)},
			Gesture{Kind: Note, Channel: 9, Keys: []uint8{60}, Values: []uint16{90}, Held: 300 * ms, Ignored: 1}},
		{"release", Release, []at{off(0, 36)},
			Gesture{Kind: Release, Channel: 9, Keys: []uint8{36}, Values: []uint16{0}}},
		{"a key that was down before", "", []at{off(0, 40), on(100, 36, 90), off(200, 36)},
			Gesture{Kind: Note, Channel: 9, Keys: []uint8{36}, Values: []uint16{90}, Held: 100 * ms}},
		{"press with pressure", "", []at{on(0, 36, 90), {10, []byte{0xd9, 30}}, {20, []byte{0xd9, 0}}, off(120, 36)},
			Gesture{Kind: Note, Channel: 9, Keys: []uint8{36}, Values: []uint16{90}, Held: 120 * ms, Ignored: 2}},
		{"press with pressure before it", "", []at{{0, []byte{0xa9, 36, 5}}, on(2, 36, 90), off(120, 36)},
			Gesture{Kind: Note, Channel: 9, Keys: []uint8{36}, Values: []uint16{90}, Held: 118 * ms, Ignored: 1}},
		{"pressure asked for", Aftertouch, []at{on(0, 36, 90), {10, []byte{0xd9, 30}}, {20, []byte{0xd9, 70}}, off(120, 36)},
			Gesture{Kind: Aftertouch, Channel: 9, Values: []uint16{30, 70}}},
		{"pressure of a key", "", []at{{0, []byte{0xa9, 36, 5}}, {9, []byte{0xa9, 36, 50}}},
			Gesture{Kind: PolyAftertouch, Channel: 9, Keys: []uint8{36}, Values: []uint16{5, 50}}},
		{"a clock runs", "", []at{{0, []byte{0xf8}}, {1, []byte{0xfe}}, on(3, 36, 90), {4, []byte{0xf8}}, off(9, 36)},
			Gesture{Kind: Note, Channel: 9, Keys: []uint8{36}, Values: []uint16{90}, Held: 6 * ms}},

		{"fader", "", cc(7, 10, 14, 20, 31, 44, 60),
			Gesture{Kind: CC, Number: 7, Encoding: Absolute, Values: []uint16{10, 14, 20, 31, 44, 60}}},
		{"button", "", cc(64, 127, 0),
			Gesture{Kind: CC, Number: 64, Encoding: Switch, Values: []uint16{127, 0}}},
		{"encoder, two's complement, both ways", "", cc(20, 1, 1, 2, 127, 126, 127),
			Gesture{Kind: Encoder, Number: 20, Encoding: TwosComplement, Direction: Any, Values: []uint16{1, 1, 2, 127, 126, 127}}},
		{"encoder, two's complement, down", "", cc(20, 127, 126, 126),
			Gesture{Kind: Encoder, Number: 20, Encoding: TwosComplement, Direction: Down, Values: []uint16{127, 126, 126}}},
		{"encoder, signed bit, both ways", "", cc(20, 1, 1, 65, 65),
			Gesture{Kind: Encoder, Number: 20, Encoding: SignedBit, Direction: Any, Values: []uint16{1, 1, 65, 65}}},
		{"encoder, binary offset, both ways", "", cc(20, 65, 65, 63, 63),
			Gesture{Kind: Encoder, Number: 20, Encoding: BinaryOffset, Direction: Any, Values: []uint16{65, 65, 63, 63}}},
		{"encoder, binary offset, down", "", cc(20, 63, 63, 62),
			Gesture{Kind: Encoder, Number: 20, Encoding: BinaryOffset, Direction: Down, Values: []uint16{63, 63, 62}}},
		{"up: two's complement or signed bit", "", cc(20, 1, 1, 1),
			Gesture{Kind: Encoder, Number: 20, Encoding: TwosComplement, MightBe: []string{TwosComplement, SignedBit}, Direction: Up, Values: []uint16{1, 1, 1}}},
		{"down by signed bit or up by binary offset", "", cc(20, 65, 65),
			Gesture{Kind: Encoder, Number: 20, Encoding: SignedBit, MightBe: []string{SignedBit, BinaryOffset}, Direction: Down, Values: []uint16{65, 65}}},
		{"one step, or a button, or a knob", "", cc(20, 127),
			Gesture{Kind: Encoder, Number: 20, Encoding: TwosComplement, MightBe: []string{TwosComplement, Switch}, Direction: Down, Values: []uint16{127}}},
		{"a knob moved as far as an encoder", "", cc(20, 1, 2, 3),
			Gesture{Kind: Encoder, Number: 20, Encoding: TwosComplement, MightBe: []string{TwosComplement, SignedBit, Absolute}, Direction: Up, Values: []uint16{1, 2, 3}}},
		{"knob asked for", CC, cc(20, 1, 1, 1),
			Gesture{Kind: CC, Number: 20, Encoding: Absolute, Values: []uint16{1, 1, 1}}},
		{"encoder that sends where it stands", Encoder, cc(20, 30, 29, 27, 26),
			Gesture{Kind: Encoder, Number: 20, Encoding: Absolute, Direction: Down, Values: []uint16{30, 29, 27, 26}}},
		{"two controllers", "", []at{{0, []byte{0xb0, 7, 40}}, {5, []byte{0xb0, 39, 11}}, {10, []byte{0xb0, 7, 48}}},
			Gesture{Kind: CC, Number: 7, Encoding: Absolute, Values: []uint16{40, 48}, Ignored: 1}},

		{"pitch bend", "", []at{{0, []byte{0xe2, 0, 80}}, {9, []byte{0xe2, 0, 64}}},
			Gesture{Kind: PitchBend, Channel: 2, Values: []uint16{80 << 7, 8192}}},
		{"program", "", []at{{0, []byte{0xc3, 5}}},
			Gesture{Kind: Program, Channel: 3, Number: 5}},
		{"program of a bank", "", []at{{0, []byte{0xb3, 0, 1}}, {0, []byte{0xb3, 32, 2}}, {1, []byte{0xc3, 5}}},
			Gesture{Kind: Program, Channel: 3, Number: 5, Ignored: 2}},
		{"sysex", "", []at{{0, []byte{0xf0, 0x7e, 0, 6, 2, 0xf7}}},
			Gesture{Kind: SysEx, Channel: -1, SysEx: []byte{0xf0, 0x7e, 0, 6, 2, 0xf7}}},
		{"start", "", []at{{0, []byte{0xfa}}}, Gesture{Kind: Transport, Channel: -1, Transport: "start"}},
		{"stop", "", []at{{0, []byte{0xfc}}}, Gesture{Kind: Transport, Channel: -1, Transport: "stop"}},
		{"continue from a place", "", []at{{0, []byte{0xf2, 4, 1}}, {1, []byte{0xfb}}},
			Gesture{Kind: Transport, Channel: -1, Transport: "continue", Ignored: 1}},
		{"song position", SongPosition, []at{{0, []byte{0xf2, 4, 1}}, {1, []byte{0xfb}}},
			Gesture{Kind: SongPosition, Channel: -1, Values: []uint16{132}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := NewRecognizer(test.want)
			end := play(t, r, test.script)
			test.g.Device = "pad"
			if g, err := r.Gesture(end); err != nil || !reflect.DeepEqual(*g, test.g) {
				t.Errorf("%+v, %v; want %+v", g, err, test.g)
			}
		})
	}
}

func TestUnclear(t *testing.T) {
	for _, test := range []struct {
		want   Kind
		script []at
		text   string
	}{
		{Hold, []at{on(0, 36, 90), off(120, 36)}, "came up after 120ms"},
		{Taps, []at{on(0, 36, 90), off(120, 36)}, "pressed once"},
		{Chord, []at{on(0, 36, 90), off(120, 36)}, "go down together"},
		{Release, []at{on(0, 36, 90)}, "no key came up"},
		{"", []at{on(0, 36, 1), on(9, 36, 1), on(20, 36, 1), on(30, 36, 1), on(40, 36, 1)}, "pressed 5 times"},
		{"", []at{{0, []byte{0xf8}}}, ErrUnclear.Error()},
		{PitchBend, []at{on(0, 36, 90)}, ErrUnclear.Error()},
	} {
		r := NewRecognizer(test.want)
		end := play(t, r, test.script)
		if _, err := r.Gesture(end); !errors.Is(err, ErrUnclear) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s %v: %v, want %q", test.want, test.script, err, test.text)
		}
	}
}

// TestAgain: an encoder that was turned one way tells itself when it is
// turned the other, too, and the direction is that of the first time.
func TestAgain(t *testing.T) {
	for _, test := range []struct {
		first, then []byte
		encoding    string
		direction   string
	}{
		{[]byte{1, 1}, []byte{127, 127}, TwosComplement, Up},
		{[]byte{1, 1}, []byte{65}, SignedBit, Up},
		{[]byte{65, 65}, []byte{1}, SignedBit, Down},
		{[]byte{65, 65}, []byte{63, 63}, BinaryOffset, Up},
		{[]byte{127}, []byte{1}, TwosComplement, Down},
		{[]byte{127}, []byte{0}, Switch, ""},
		{[]byte{127}, []byte{127}, Switch, ""},
		{[]byte{1, 2, 3}, []byte{2, 1, 0}, Absolute, ""},
		{[]byte{10, 11, 12}, []byte{11, 10, 9}, Absolute, ""},
	} {
		r := NewRecognizer("")
		end := play(t, r, cc(20, test.first...))
		if g, err := r.Gesture(end); err != nil || len(g.MightBe) < 2 {
			t.Errorf("%d: %+v, %v", test.first, g, err)
			continue
		}
		r.Again()
		if r.Over(end + time.Hour) {
			t.Errorf("%d is over before anything more was heard", test.first)
		}
		var script []at
		for _, a := range cc(20, test.then...) {
			script = append(script, at{5000 + a.ms, a.msg})
		}
		end = play(t, r, script)
		if g, err := r.Gesture(end); err != nil || len(g.MightBe) > 0 || g.Encoding != test.encoding || g.Direction != test.direction {
			t.Errorf("%d then %d: %+v, %v; want %s %s", test.first, test.then, g, err, test.encoding, test.direction)
		}
	}
}

// TestOver: a gesture is over when the player was quiet, and not while a key
// is down, except one that does not come up.
func TestOver(t *testing.T) {
	const ms = time.Millisecond
	r := NewRecognizer("")
	if r.Over(time.Hour) {
		t.Error("over before it began")
	}
	play(t, r, []at{on(0, 36, 90)})
	if r.Over(StuckAfter - ms) {
		t.Error("over while the key is down")
	}
	if !r.Over(StuckAfter) {
		t.Error("waits for a key that does not come up")
	}
	play(t, r, []at{off(100, 36)})
	if r.Over(100*ms + Quiet - ms) {
		t.Error("over too early")
	}
	// Another control does not put the end off.
	play(t, r, []at{{700, []byte{0xb0, 7, 1}}})
	if !r.Over(100*ms + Quiet) {
		t.Error("not over")
	}
	r.Reset()
	if !r.Empty() || r.Over(time.Hour) {
		t.Error("Reset left something")
	}
}

// TestBound: a control that never rests ends by itself.
func TestBound(t *testing.T) {
	r := NewRecognizer("")
	for i := range 2 * maxEvents {
		play(t, r, []at{{i, []byte{0xb0, 7, byte(i % 128)}}})
	}
	if !r.Over(0) || len(r.heard) != maxEvents {
		t.Errorf("%d events are kept", len(r.heard))
	}
}
