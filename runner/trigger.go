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

// event fills e for the frame. raw and json are scratch memory; the grown
// slices are returned so that the next trigger allocates nothing.
func (t Trigger) event(e *wire.Event, raw, json []byte, wantJSON bool) (rawOut, jsonOut []byte) {
	ev, m := t.Event, t.Mapping
	raw = ev.AppendRaw(raw[:0])
	kind := ev.Kind()
	*e = wire.Event{
		Kind: uint8(kind), Channel: ev.Channel(), Key: ev.Key(), Velocity: ev.Velocity(), Value: int32(ev.Value()),
		TimeUS: uint64(ev.Time / time.Microsecond),
		Raw:    raw, Action: m.Action, Device: ev.Device, Params: m.Params,
	}
	switch kind {
	case midi.SysEx, midi.System:
		e.Channel = wire.NoChannel
	case midi.ControlChange:
		e.Key = ev.Controller()
	case midi.PitchBend:
		e.Value = int32(ev.Bend())
	}
	if wantJSON {
		json = appendJSON(json[:0], e, kind, time.Now())
		e.JSON = json
	}
	return raw, json
}

// appendJSON writes the one argument of an execute plugin. Members that the
// message does not have are null, as Conductor's optional fields are.
func appendJSON(b []byte, e *wire.Event, kind midi.Kind, now time.Time) []byte {
	b = append(b, `{"action":`...)
	b = appendString(b, e.Action)
	b = append(b, `,"params":`...)
	b = append(b, e.Params...)
	note := kind == midi.NoteOn || kind == midi.NoteOff
	b = append(b, `,"context":{"velocity":`...)
	b = appendIf(b, note, int64(e.Velocity))
	b = append(b, `,"current_mode":null,"timestamp":`...)
	b = strconv.AppendInt(b, now.UnixMilli(), 10)
	b = append(b, `,"note":`...)
	b = appendIf(b, note || kind == midi.PolyAftertouch, int64(e.Key))
	b = append(b, `,"channel":`...)
	b = appendIf(b, e.Channel != wire.NoChannel, int64(e.Channel))
	b = append(b, `,"cc":`...)
	b = appendIf(b, kind == midi.ControlChange, int64(e.Key))
	b = append(b, `,"value":`...)
	b = appendIf(b, !note && kind != midi.SysEx && kind != midi.System, int64(e.Value))
	b = append(b, `,"device":`...)
	b = appendString(b, e.Device)
	b = append(b, `,"kind":"`...)
	b = append(b, kind.String()...)
	return append(b, `"}}`...)
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
