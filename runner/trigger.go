package runner

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/runner/wire"
)

// Trigger is a MIDI event that matched a mapping.
type Trigger struct {
	Event   *midi.Event
	Mapping *midi.Mapping
	// Gesture is what is known besides; zero for the message by itself.
	Gesture midi.Gesture
}

// event fills e for the frame. raw, keys and json are scratch memory; the grown
// slices are returned so that the next trigger allocates nothing.
func (t *Trigger) event(e *wire.Event, raw, keys, json []byte, wantJSON bool) (rawOut, jsonOut []byte) {
	ev, m, g := t.Event, t.Mapping, &t.Gesture
	raw = ev.AppendRaw(raw[:0])
	kind := ev.Kind()
	*e = wire.Event{
		Kind: uint8(kind), Channel: ev.Channel(), Key: ev.Key(), Velocity: ev.Velocity(), Value: int32(ev.Value()),
		TimeUS:  uint64(ev.Time / time.Microsecond),
		Gesture: uint8(g.Kind), Taps: g.Taps, Steps: g.Steps, Previous: -1, Duration: uint64(max(0, g.Duration) / time.Microsecond), Mode: g.Mode,
		Raw: raw, Action: m.Action, Device: ev.Device, Params: m.Params,
	}
	if g.HasPrevious {
		e.Previous = int32(g.Previous)
	}
	if g.Kind == midi.GestureChord {
		e.Keys = g.Keys.Append(keys[:0])
	}
	switch kind {
	case midi.SysEx:
		e.Channel = wire.NoChannel
	case midi.System:
		e.Channel, e.Value = wire.NoChannel, int32(ev.SongPosition())
	case midi.ControlChange:
		e.Key = ev.Controller()
	case midi.PitchBend:
		e.Value = int32(ev.Bend())
	}
	if wantJSON {
		json = appendJSON(json[:0], e, kind, g.Kind, time.Now())
		e.JSON = json
	}
	return raw, json
}

// maxHex is the longest message that the JSON has: with its hexadecimal form it
// takes three bytes of the frame for each.
const maxHex = 16 << 10

// appendJSON writes the one argument of an execute plugin. Members that the
// message does not have are null, as Conductor's optional fields are.
func appendJSON(b []byte, e *wire.Event, kind midi.Kind, gesture midi.GestureKind, now time.Time) []byte {
	b = append(b, `{"action":`...)
	b = appendString(b, e.Action)
	b = append(b, `,"params":`...)
	b = append(b, e.Params...)
	note := kind == midi.NoteOn || kind == midi.NoteOff
	b = append(b, `,"context":{"velocity":`...)
	b = appendIf(b, note, int64(e.Velocity))
	b = append(b, `,"current_mode":`...)
	if e.Mode == "" {
		b = append(b, "null"...)
	} else {
		b = appendString(b, e.Mode)
	}
	b = append(b, `,"timestamp":`...)
	b = strconv.AppendInt(b, now.UnixMilli(), 10)
	b = append(b, `,"note":`...)
	b = appendIf(b, note || kind == midi.PolyAftertouch, int64(e.Key))
	b = append(b, `,"channel":`...)
	b = appendIf(b, e.Channel != wire.NoChannel, int64(e.Channel))
	b = append(b, `,"cc":`...)
	b = appendIf(b, kind == midi.ControlChange, int64(e.Key))
	b = append(b, `,"value":`...)
	songPosition := kind == midi.System && len(e.Raw) == 3
	b = appendIf(b, !note && kind != midi.SysEx && kind != midi.System || songPosition, int64(e.Value))
	b = append(b, `,"device":`...)
	b = appendString(b, e.Device)
	b = append(b, `,"kind":"`...)
	b = append(b, kind.String()...)
	b = append(b, `","gesture":"`...)
	b = append(b, gesture.String()...)
	b = append(b, `","taps":`...)
	b = appendIf(b, gesture == midi.GestureTaps, int64(e.Taps))
	b = append(b, `,"steps":`...)
	b = appendIf(b, gesture == midi.GestureTurn || gesture == midi.GestureClock, int64(e.Steps))
	b = append(b, `,"previous":`...)
	b = appendIf(b, e.Previous >= 0, int64(e.Previous))
	b = append(b, `,"duration_us":`...)
	b = strconv.AppendUint(b, e.Duration, 10)
	b = append(b, `,"keys":`...)
	b = appendKeys(b, e.Keys)
	b = append(b, `,"raw":`...)
	b = appendHex(b, e.Raw)
	return append(b, "}}"...)
}

// appendKeys writes keys as an array, or null when there are none.
func appendKeys(b, keys []byte) []byte {
	if len(keys) == 0 {
		return append(b, "null"...)
	}
	for i, key := range keys {
		sep := byte(',')
		if i == 0 {
			sep = '['
		}
		b = strconv.AppendUint(append(b, sep), uint64(key), 10)
	}
	return append(b, ']')
}

// appendHex writes bytes as a string of two digits each. A message too long for
// a frame in this form is left out: null.
func appendHex(b, raw []byte) []byte {
	const hex = "0123456789abcdef"
	if len(raw) > maxHex {
		return append(b, "null"...)
	}
	b = append(b, '"')
	for _, v := range raw {
		b = append(b, hex[v>>4], hex[v&0xf])
	}
	return append(b, '"')
}

func appendIf(b []byte, ok bool, v int64) []byte {
	if !ok {
		return append(b, "null"...)
	}
	return strconv.AppendInt(b, v, 10)
}

// appendString writes s as a JSON string, RFC 8259 section 7, without the
// allocations of encoding/json. Bytes that are not UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&0xf])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
