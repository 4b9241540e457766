package wire

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

var le = binary.LittleEndian

// Head is the header of a frame.
type Head struct {
	Size int // of the whole frame, Header to Max
	Type Type
	ID   uint64
}

// ParseHead reads the header of a frame of which at least Header bytes are in
// b.
func ParseHead(b []byte) (Head, error) {
	if len(b) < Header {
		return Head{}, frameErrorf("header of %d bytes", len(b))
	}
	size, version := le.Uint32(b), le.Uint16(b[6:])
	if size < Header || size > Max {
		return Head{}, frameErrorf("frame of %d bytes", size)
	}
	if version != Version {
		return Head{}, frameErrorf("version %d", version)
	}
	return Head{Size: int(size), Type: Type(le.Uint16(b[4:])), ID: le.Uint64(b[8:])}, nil
}

func appendHead(b []byte, t Type, id uint64) []byte {
	b = le.AppendUint32(b, 0)
	b = le.AppendUint16(b, uint16(t))
	b = le.AppendUint16(b, Version)
	return le.AppendUint64(b, id)
}

// finish writes the size of the frame that starts at from.
func finish(b []byte, from int) []byte {
	le.PutUint32(b[from:], uint32(len(b)-from))
	return b
}

// AppendHello appends a HELLO; READY must come back with the same id and
// nonce.
func AppendHello(b []byte, id uint64, nonce [Nonce]byte) []byte {
	from := len(b)
	return finish(append(appendHead(b, Hello, id), nonce[:]...), from)
}

// AppendStop appends a STOP.
func AppendStop(b []byte, id uint64) []byte { return finish(appendHead(b, Stop, id), len(b)) }

// Event is a trigger on its way to the plugin. All slices are only read.
type Event struct {
	Kind     uint8 // enum isobooth_kind in plugin.h
	Channel  uint8 // 0 to 15, or NoChannel
	Key      uint8
	Velocity uint8
	Value    int32
	TimeUS   uint64 // microseconds since the source started
	Gesture  uint8  // enum isobooth_gesture in plugin.h
	Taps     uint8
	Steps    int32
	Previous int32  // the value before, or -1
	Duration uint64 // microseconds; see plugin.h
	Raw      []byte // the message as received
	Keys     []byte // of a chord, ascending; 255 at most
	Mode     string
	Action   string
	Device   string
	Params   []byte // JSON object
	JSON     []byte // for plugins that take one JSON text; else empty
}

// NoChannel is the Channel of a message that has none.
const NoChannel = 255

// AppendTrigger appends a TRIGGER. It fails when a part is too long for the
// frame or holds a NUL byte, which would end it early in C. It allocates only
// when b has too little room.
func AppendTrigger(b []byte, id uint64, e *Event) ([]byte, error) {
	size := Header + triggerFixed + len(e.Raw) + len(e.Action) + len(e.Device) + len(e.Params) + len(e.JSON) + len(e.Keys) + len(e.Mode) + 5
	if size > Max || len(e.Keys) > 0xff || len(e.Mode) > 0xff || len(e.Action) > 0xffff || len(e.Device) > 0xffff {
		return b, frameErrorf("trigger of %d bytes", size)
	}
	if strings.IndexByte(e.Action, 0) >= 0 || strings.IndexByte(e.Device, 0) >= 0 || strings.IndexByte(e.Mode, 0) >= 0 ||
		bytes.IndexByte(e.Params, 0) >= 0 || bytes.IndexByte(e.JSON, 0) >= 0 {
		return b, frameErrorf("NUL in a trigger's text")
	}
	from := len(b)
	b = appendHead(b, Trigger, id)
	b = append(b, e.Kind, e.Channel, e.Key, e.Velocity)
	b = le.AppendUint32(b, uint32(e.Value))
	b = le.AppendUint64(b, e.TimeUS)
	b = le.AppendUint32(b, uint32(len(e.Raw)))
	b = le.AppendUint16(b, uint16(len(e.Action)))
	b = le.AppendUint16(b, uint16(len(e.Device)))
	b = le.AppendUint32(b, uint32(len(e.Params)))
	b = le.AppendUint32(b, uint32(len(e.JSON)))
	b = append(b, e.Gesture, e.Taps, uint8(len(e.Keys)), uint8(len(e.Mode)))
	b = le.AppendUint32(b, uint32(e.Steps))
	b = le.AppendUint32(b, uint32(e.Previous))
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, e.Duration)
	b = append(b, e.Raw...)
	b = append(b, e.Keys...)
	b = append(append(b, e.Mode...), 0)
	b = append(append(b, e.Action...), 0)
	b = append(append(b, e.Device...), 0)
	b = append(append(b, e.Params...), 0)
	b = append(append(b, e.JSON...), 0)
	return finish(b, from), nil
}

// Answer is a checked REPLY or LOADED frame; its slices lead into the frame.
type Answer struct {
	// Status is what the plugin returned; in LOADED, the interface version.
	Status int32
	// Dropped counts what the plugin said that found no room.
	Dropped uint32
	items   []byte
}

// ParseAnswer checks the whole frame, of type Reply or Loaded.
func ParseAnswer(frame []byte) (Answer, error) {
	if len(frame) < Header+replyFixed {
		return Answer{}, frameErrorf("answer of %d bytes", len(frame))
	}
	b := frame[Header:]
	a := Answer{Status: int32(le.Uint32(b)), Dropped: le.Uint32(b[4:]), items: b[replyFixed:]}
	loaded := Type(le.Uint16(frame[4:])) == Loaded
	rest := a.items
	for len(rest) > 0 {
		if len(rest) < itemFixed {
			return Answer{}, frameErrorf("%d bytes after the last item", len(rest))
		}
		kind, n := ItemKind(rest[0]), int(le.Uint16(rest[2:]))
		if n > len(rest)-itemFixed {
			return Answer{}, frameErrorf("item of %d bytes, %d are left", n, len(rest)-itemFixed)
		}
		if !kind.fits(n, loaded) {
			return Answer{}, frameErrorf("item of type %d with %d bytes", kind, n)
		}
		rest = rest[itemFixed+n:]
	}
	return a, nil
}

// ItemKind says what an item in an answer is.
type ItemKind uint8

const (
	ItemLog    ItemKind = 1 // Level and UTF-8 text, as the plugin gave it
	ItemMIDI   ItemKind = 2 // bytes the plugin wants sent; not checked here
	ItemResult ItemKind = 3 // the answer, text or JSON
	// ItemName and ItemVersion come with LOADED only: the plugin's own words.
	ItemName    ItemKind = 4
	ItemVersion ItemKind = 5
)

func (k ItemKind) fits(n int, loaded bool) bool {
	switch k {
	case ItemLog:
		return n <= MaxLog
	case ItemMIDI:
		return n > 0
	case ItemResult:
		return n <= MaxResult
	case ItemName, ItemVersion:
		return loaded && n < 64
	}
	return false
}

// Item is one part of an answer.
type Item struct {
	Kind  ItemKind
	Level uint8 // enum isobooth_level of a log line
	Data  []byte
}

// Items calls yield for every item in order, until it returns false.
func (a Answer) Items(yield func(Item) bool) {
	rest := a.items
	for len(rest) >= itemFixed {
		n := int(le.Uint16(rest[2:]))
		if !yield(Item{Kind: ItemKind(rest[0]), Level: rest[1], Data: rest[itemFixed : itemFixed+n]}) {
			return
		}
		rest = rest[itemFixed+n:]
	}
}

// ParseReady checks a READY frame and returns its nonce.
func ParseReady(frame []byte) (nonce [Nonce]byte, err error) {
	if len(frame) != Header+Nonce {
		return nonce, frameErrorf("ready frame of %d bytes", len(frame))
	}
	copy(nonce[:], frame[Header:])
	return nonce, nil
}

// ParseError checks an ERROR frame. The result is a *WorkerError, or an error
// that wraps ErrFrame.
func ParseError(frame []byte) error {
	n := len(frame) - Header - 4
	if n < 0 || n > MaxLog {
		return frameErrorf("error frame of %d bytes", len(frame))
	}
	code := Code(le.Uint32(frame[Header:]))
	if code < CodeDlopen || code > CodeProtocol {
		return frameErrorf("error code %d", code)
	}
	text := frame[Header+4:]
	if !utf8.Valid(text) {
		text = []byte("(text that is not UTF-8)")
	}
	return &WorkerError{Code: code, Text: string(text)}
}
