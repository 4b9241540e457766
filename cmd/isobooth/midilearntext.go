package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/isobooth/isobooth/midi/recognize"
)

// maxLearnedSysEx is how many bytes of a system exclusive message a trigger
// is made of; of a longer one the rest may be anything.
const maxLearnedSysEx = 32

// triggerOf is the trigger for a gesture, in the order in which a person
// would write it. With from, it takes the gesture of that port alone.
func triggerOf(g *recognize.Gesture, from string) []tomlField {
	fields := gestureFields(g)
	if g.Channel >= 0 {
		fields = append(fields, tomlField{"channel", g.Channel + 1})
	}
	if from != "" {
		fields = append(fields, tomlField{"device", from})
	}
	return fields
}

func gestureFields(g *recognize.Gesture) []tomlField {
	key := func() any { return int(g.Keys[0]) }
	switch g.Kind {
	case recognize.Note:
		return []tomlField{{"note", key()}}
	case recognize.Release:
		return []tomlField{{"note", key()}, {"release", true}}
	case recognize.Hold:
		return []tomlField{{"note", key()}, {"hold", recognize.HoldAfter.String()}}
	case recognize.Taps:
		return []tomlField{{"note", key()}, {"taps", g.Taps}, {"within", window(g.Window, 300*time.Millisecond, 100*time.Millisecond)}}
	case recognize.Chord:
		var keys []any
		for _, k := range g.Keys {
			keys = append(keys, int(k))
		}
		return []tomlField{{"chord", keys}, {"within", window(g.Window, 50*time.Millisecond, 10*time.Millisecond)}}
	case recognize.Encoder:
		return []tomlField{{"cc", int(g.Number)}, {"encoder", g.Encoding}, {"direction", g.Direction}}
	case recognize.CC:
		if g.Encoding == recognize.Switch {
			return []tomlField{{"cc", int(g.Number)}, {"value", "1-127"}}
		}
		return []tomlField{{"cc", int(g.Number)}, {"value", "0-127"}}
	case recognize.PitchBend:
		return []tomlField{{"pitch_bend", bendRange(g)}}
	case recognize.Aftertouch:
		return []tomlField{{"aftertouch", "1-127"}}
	case recognize.PolyAftertouch:
		return []tomlField{{"poly_aftertouch", key()}, {"value", "1-127"}}
	case recognize.Program:
		return []tomlField{{"program", int(g.Number)}}
	case recognize.SysEx:
		return []tomlField{{"sysex", sysexPattern(g.SysEx)}}
	case recognize.Transport:
		return []tomlField{{"transport", g.Transport}}
	case recognize.SongPosition:
		return []tomlField{{"song_position", int(g.Values[0])}}
	}
	return nil
}

// window is the time that a trigger gives a player who took d: the usual one,
// or, for one who is slower, d and a little more.
func window(d, usual, step time.Duration) string {
	if d > usual {
		usual = d.Truncate(step) + step
	}
	return usual.String()
}

// bendRange is the side of the centre to which the wheel was moved, or both.
func bendRange(g *recognize.Gesture) string {
	switch low, high := g.Span(); {
	case low >= 8192 && high > 8192:
		return "8193-16383"
	case high <= 8192 && low < 8192:
		return "0-8191"
	}
	return "0-16383"
}

// sysexPattern writes a message without its F7, which a pattern implies.
func sysexPattern(msg []byte) string {
	msg = msg[:len(msg)-1]
	if len(msg) <= maxLearnedSysEx {
		return strings.ToUpper(hexBytes(msg))
	}
	return strings.ToUpper(hexBytes(msg[:maxLearnedSysEx])) + " *"
}

// wordsFor says what was heard.
func wordsFor(g *recognize.Gesture) string {
	var text string
	switch g.Kind {
	case recognize.Note:
		text = fmt.Sprintf("a press of key %s with velocity %d", keyWords(g.Keys), g.Values[0])
	case recognize.Release:
		text = fmt.Sprintf("key %s coming up", keyWords(g.Keys))
	case recognize.Hold:
		text = fmt.Sprintf("a long press of key %s, %v", keyWords(g.Keys), g.Held.Round(10*time.Millisecond))
	case recognize.Taps:
		text = fmt.Sprintf("%s of key %s, at most %v apart", map[int]string{2: "a double tap", 3: "a triple tap", 4: "four taps"}[g.Taps], keyWords(g.Keys), g.Window.Round(time.Millisecond))
	case recognize.Chord:
		text = fmt.Sprintf("a chord of keys %s within %v", keyWords(g.Keys), g.Window.Round(time.Millisecond))
	case recognize.Encoder:
		text = fmt.Sprintf("an encoder (%s) on controller %d, turned %s", readingWords[g.Encoding], g.Number, map[string]string{recognize.Any: "both ways"}[g.Direction]+strings.TrimSuffix(g.Direction, recognize.Any))
	case recognize.CC:
		low, high := g.Span()
		switch {
		case g.Encoding == recognize.Switch:
			text = fmt.Sprintf("a button on controller %d, with %d when it is down", g.Number, high)
		case low == high:
			text = fmt.Sprintf("controller %d at %d", g.Number, low)
		default:
			text = fmt.Sprintf("a knob or fader on controller %d, between %d and %d", g.Number, low, high)
		}
	case recognize.PitchBend:
		low, high := g.Span()
		text = fmt.Sprintf("pitch bend between %d and %d; 8192 is the centre", low, high)
	case recognize.Aftertouch:
		_, high := g.Span()
		text = fmt.Sprintf("aftertouch of the whole channel, up to %d", high)
	case recognize.PolyAftertouch:
		_, high := g.Span()
		text = fmt.Sprintf("aftertouch of key %s, up to %d", keyWords(g.Keys), high)
	case recognize.Program:
		text = fmt.Sprintf("program %d", g.Number)
	case recognize.SysEx:
		text = fmt.Sprintf("a system exclusive message of %d bytes", len(g.SysEx))
	case recognize.Transport:
		text = "transport: " + g.Transport
	case recognize.SongPosition:
		text = fmt.Sprintf("song position %d", g.Values[0])
	}
	if g.Channel >= 0 {
		text += fmt.Sprintf(", on channel %d", g.Channel+1)
	}
	return text
}

// readingWords are what a control change may come from.
var readingWords = map[string]string{
	recognize.Absolute:       "sends where it stands",
	recognize.Switch:         "a button",
	recognize.TwosComplement: "two's complement: 1 up, 127 down",
	recognize.SignedBit:      "signed bit: 1 up, 65 down",
	recognize.BinaryOffset:   "binary offset: 65 up, 63 down",
}

// doubtWords lists what a control may be.
func doubtWords(g *recognize.Gesture) string {
	var list []string
	for _, reading := range g.MightBe {
		word := readingWords[reading]
		switch reading {
		case recognize.Absolute:
			word = "a knob or fader"
		case recognize.Switch:
		default:
			word = "an encoder (" + word + ")"
		}
		list = append(list, word)
	}
	return strings.Join(list, ", or ")
}

// keyWords writes keys as numbers and names; middle C, 60, is C4.
func keyWords(keys []uint8) string {
	names := [...]string{"C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"}
	var list []string
	for _, k := range keys {
		list = append(list, fmt.Sprintf("%d (%s%d)", k, names[k%12], int(k)/12-1))
	}
	return strings.Join(list, ", ")
}

// mappingName is a short name for what a gesture triggers.
func mappingName(g *recognize.Gesture) string {
	var keys []string
	for _, k := range g.Keys {
		keys = append(keys, fmt.Sprint(k))
	}
	switch g.Kind {
	case recognize.Note, recognize.Release, recognize.Hold, recognize.Chord:
		return string(g.Kind) + " " + strings.Join(keys, " ")
	case recognize.Taps:
		return fmt.Sprintf("%d taps %s", g.Taps, keys[0])
	case recognize.Encoder:
		return fmt.Sprintf("encoder %d %s", g.Number, g.Direction)
	case recognize.CC:
		return fmt.Sprintf("cc %d", g.Number)
	case recognize.Program:
		return fmt.Sprintf("program %d", g.Number)
	case recognize.PolyAftertouch:
		return "aftertouch " + keys[0]
	case recognize.Transport:
		return g.Transport
	case recognize.SongPosition:
		return fmt.Sprintf("song position %d", g.Values[0])
	}
	return strings.ReplaceAll(string(g.Kind), "_", " ")
}

// clientPort is what ALSA's sequencer puts after the name of a port through
// RtMidi; the numbers change when a device is plugged in again.
var clientPort = regexp.MustCompile(` \d+:\d+$`)

// deviceGlob is the glob that matches a port of this name, also when it is
// plugged in again.
func deviceGlob(name string) string {
	rest := ""
	if at := clientPort.FindStringIndex(name); at != nil {
		name, rest = name[:at[0]], " *"
	}
	name = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
	// A byte that is no UTF-8 is one character to a glob.
	return strings.ToValidUTF8(name, "?") + rest
}
