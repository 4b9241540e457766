package midi

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

// The reader is our own because gomidi's smf, v2.2.19, cannot be given files
// from strangers: it panics on every file with SMPTE division and on a data
// byte without status, reserves up to 512 MiB on the word of a length field,
// takes quadratic time in the number of tempo changes and passes a file cut
// off in the middle of a message. Its writer is what our tests read back.

// smfHeader is the MThd chunk.
type smfHeader struct {
	tracks int

	// A tick is tempo / division microseconds. With SMPTE division the
	// tempo is fixed, and tempo changes in the file mean nothing.
	tempo    int64
	division int64
	smpte    bool
}

func parseSMF(data []byte) (*SMF, error) {
	h, rest, err := parseSMFHeader(data)
	if err != nil {
		return nil, err
	}
	t := smfTracks{file: &SMF{}}
	for n := 0; n < h.tracks; {
		id, body, after, err := cutChunk(rest)
		if err != nil {
			return nil, fmt.Errorf("track %d of %d: %w", n+1, h.tracks, err)
		}
		rest = after
		if id != "MTrk" {
			continue // RP-001: unknown chunks are to be skipped
		}
		n++
		if err := t.read(body); err != nil {
			return nil, fmt.Errorf("track %d of %d: %w", n, h.tracks, err)
		}
	}
	// Bytes behind the last track are ignored: many programs leave some.
	if err := t.file.timeEvents(h, t.end); err != nil {
		return nil, err
	}
	return t.file, nil
}

func parseSMFHeader(data []byte) (h smfHeader, rest []byte, err error) {
	id, body, rest, err := cutChunk(data)
	if err != nil {
		return h, nil, fmt.Errorf("header: %w", err)
	}
	if id != "MThd" || len(body) < 6 {
		return h, nil, fmt.Errorf("%w: no MThd header", ErrFormat)
	}
	format := binary.BigEndian.Uint16(body)
	h.tracks = int(binary.BigEndian.Uint16(body[2:]))
	switch {
	case format == 2:
		return h, nil, ErrFormat2
	case format > 2:
		return h, nil, fmt.Errorf("%w: format %d", ErrFormat, format)
	case h.tracks == 0:
		return h, nil, fmt.Errorf("%w: no tracks", ErrFormat)
	case format == 0 && h.tracks != 1:
		return h, nil, fmt.Errorf("%w: format 0 with %d tracks", ErrFormat, h.tracks)
	}
	err = h.setDivision(body[4], body[5])
	return h, rest, err
}

// setDivision reads the last field of the header: with bit 15 clear, ticks
// per quarter note; with it set, minus the frames per second and the ticks
// per frame, where 29 stands for 30000/1001.
func (h *smfHeader) setDivision(hi, lo byte) error {
	if hi < 0x80 {
		h.tempo = 500_000 // RP-001: 120 quarter notes a minute until told otherwise
		h.division = int64(hi)<<8 | int64(lo)
	} else {
		h.smpte = true
		h.tempo = 1_000_000
		frames := -int64(int8(hi))
		switch frames {
		case 24, 25, 30:
		case 29:
			frames, h.tempo = 30, 1_001_000
		default:
			return fmt.Errorf("%w: %d frames per second", ErrFormat, frames)
		}
		h.division = frames * int64(lo)
	}
	if h.division == 0 {
		return fmt.Errorf("%w: division 0", ErrFormat)
	}
	return nil
}

func cutChunk(data []byte) (id string, body, rest []byte, err error) {
	if len(data) < 8 {
		return "", nil, nil, fmt.Errorf("%w: ends before a chunk", ErrFormat)
	}
	n := binary.BigEndian.Uint32(data[4:])
	if uint64(n) > uint64(len(data)-8) {
		return "", nil, nil, fmt.Errorf("%w: chunk %q of %d bytes, %d left", ErrFormat, data[:4], n, len(data)-8)
	}
	return string(data[:4]), data[8 : 8+n], data[8+n:], nil
}

// smfTracks collects the events of all tracks, at in ticks.
type smfTracks struct {
	file *SMF
	end  int64 // ticks, of the longest track so far

	rest   []byte // of the track being read
	at     int64  // ticks
	status byte   // running status, 0 is none
	packet []byte // system exclusive that goes on in a later event; nil is none
}

// read reads the body of one MTrk chunk. A missing end-of-track is taken to
// be at the end of the chunk.
func (t *smfTracks) read(body []byte) error {
	t.rest, t.at, t.status, t.packet = body, 0, 0, nil
	for ended := false; !ended && len(t.rest) > 0; {
		delta, err := t.varLen()
		if err != nil {
			return err
		}
		t.at += int64(delta) // 8 M deltas of 28 bits: no overflow
		if ended, err = t.event(); err != nil {
			return err
		}
		if len(t.file.events) > MaxSMFEvents {
			return fmt.Errorf("%w of %d events", ErrTooLarge, MaxSMFEvents)
		}
	}
	if t.packet != nil {
		return t.errorf("system exclusive without its end")
	}
	t.end = max(t.end, t.at)
	return nil
}

func (t *smfTracks) event() (ended bool, err error) {
	b, err := t.byte()
	if err != nil {
		return false, err
	}
	switch {
	case b < 0x80:
		if t.status == 0 {
			return false, t.errorf("data byte %#02x without a status", b)
		}
		return false, t.channelMessage(t.status, b)
	case b < 0xf0:
		t.status = b
		if b, err = t.byte(); err != nil {
			return false, err
		}
		return false, t.channelMessage(t.status, b)
	}
	t.status = 0 // RP-001: meta and system exclusive cancel it
	switch b {
	case 0xf0, 0xf7:
		return false, t.sysEx(b)
	case 0xff:
		return t.meta()
	}
	return false, t.errorf("status %#02x outside an escape", b)
}

func (t *smfTracks) channelMessage(status, first byte) error {
	e := smfEvent{at: t.at, raw: [3]byte{status, first}, n: uint8(ShortLen(status))}
	if e.n == 3 {
		var err error
		if e.raw[2], err = t.byte(); err != nil {
			return err
		}
	}
	if (e.raw[1]|e.raw[2])&0x80 != 0 {
		return t.errorf("status byte inside message %#02x", status)
	}
	t.file.events = append(t.file.events, e)
	return nil
}

// sysEx reads the three uses of F0 and F7: a whole message, one cut into
// packets (F0 first, F7 for each further one, the last ending in F7), and
// the escape, an F7 on its own with any other bytes to send.
func (t *smfTracks) sysEx(b byte) error {
	data, err := t.block()
	if err != nil {
		return err
	}
	switch {
	case b == 0xf0 && t.packet != nil:
		return t.errorf("system exclusive without its end")
	case b == 0xf0:
		t.packet = append(make([]byte, 0, len(data)+1), 0xf0)
	case t.packet == nil:
		return t.escape(data)
	}
	if len(t.packet)+len(data) > MaxSysEx {
		return fmt.Errorf("%w: system exclusive over %d bytes", ErrTooLarge, MaxSysEx)
	}
	t.packet = append(t.packet, data...)
	if !bytes.HasSuffix(data, []byte{0xf7}) {
		return nil
	}
	var e Event
	if err := e.set(t.packet); err != nil {
		return t.errorf("%w", err)
	}
	t.packet = nil
	t.add(&e)
	return nil
}

func (t *smfTracks) escape(data []byte) error {
	// Each byte may become an event, and events are counted only between
	// blocks.
	if len(data) > MaxSysEx {
		return fmt.Errorf("%w: escape over %d bytes", ErrTooLarge, MaxSysEx)
	}
	p := NewParser("")
	p.Feed(data, 0, t.add)
	if p.Reset(); p.Stats() != (ParserStats{}) {
		return t.errorf("escape of %d bytes without whole messages", len(data))
	}
	return nil
}

func (t *smfTracks) add(e *Event) {
	se := smfEvent{at: t.at, raw: e.raw, n: e.n}
	if e.sysex != nil {
		t.file.sysex = append(t.file.sysex, e.sysex)
		se.sysex = uint32(len(t.file.sysex))
	}
	t.file.events = append(t.file.events, se)
}

// meta reads a meta event; only tempo and end-of-track concern us.
func (t *smfTracks) meta() (ended bool, err error) {
	kind, err := t.byte()
	if err != nil {
		return false, err
	}
	data, err := t.block()
	if err != nil {
		return false, err
	}
	switch kind {
	case 0x2f:
		return true, nil
	case 0x51:
		if len(data) != 3 || [3]byte(data) == ([3]byte{}) {
			return false, t.errorf("tempo of % x", data[:min(len(data), 4)])
		}
		t.file.events = append(t.file.events, smfEvent{at: t.at, raw: [3]byte(data)})
	}
	return false, nil
}

func (t *smfTracks) byte() (byte, error) {
	if len(t.rest) == 0 {
		return 0, t.errorf("ends inside an event")
	}
	b := t.rest[0]
	t.rest = t.rest[1:]
	return b, nil
}

// varLen reads a number in groups of 7 bits, at most four of them.
func (t *smfTracks) varLen() (uint32, error) {
	var n uint32
	for range 4 {
		b, err := t.byte()
		if err != nil {
			return 0, err
		}
		n = n<<7 | uint32(b&0x7f)
		if b < 0x80 {
			return n, nil
		}
	}
	return 0, t.errorf("number of more than four bytes")
}

// block reads a length and as many bytes, which stay part of the file.
func (t *smfTracks) block() ([]byte, error) {
	n, err := t.varLen()
	if err != nil {
		return nil, err
	}
	if int64(n) > int64(len(t.rest)) {
		return nil, t.errorf("%d bytes announced, %d left", n, len(t.rest))
	}
	b := t.rest[:n]
	t.rest = t.rest[n:]
	return b, nil
}

func (t *smfTracks) errorf(format string, args ...any) error {
	return fmt.Errorf("%w: tick %d: %w", ErrFormat, t.at, fmt.Errorf(format, args...))
}

// timeEvents merges the tracks, turns ticks into nanoseconds and drops the
// tempo changes. end is the tick at which the longest track ends.
func (s *SMF) timeEvents(h smfHeader, end int64) error {
	// Stable: at one tick the order is that of the tracks.
	slices.SortStableFunc(s.events, func(a, b smfEvent) int { return cmp.Compare(a.at, b.at) })

	// elapsed counts in microseconds × division, exactly, so nothing is
	// rounded twice. The limit keeps elapsed × 1000 below 2⁶³.
	limit := MaxSMFDuration.Microseconds() * h.division
	var tick, elapsed int64
	advance := func(to int64) error {
		if to-tick > (limit-elapsed)/h.tempo {
			return fmt.Errorf("%w of %v", ErrTooLarge, MaxSMFDuration)
		}
		elapsed += (to - tick) * h.tempo
		tick = to
		return nil
	}
	kept := s.events[:0]
	for _, e := range s.events {
		if err := advance(e.at); err != nil {
			return err
		}
		if e.n == 0 && e.sysex == 0 {
			if !h.smpte {
				h.tempo = int64(e.raw[0])<<16 | int64(e.raw[1])<<8 | int64(e.raw[2])
			}
			continue
		}
		e.at = elapsed * 1000 / h.division
		kept = append(kept, e)
	}
	if err := advance(end); err != nil {
		return err
	}
	s.events = slices.Clip(kept)
	s.duration = time.Duration(elapsed * 1000 / h.division)
	return nil
}
