package midi

import (
	"sync/atomic"
	"time"
)

// Parser splits a stream of MIDI bytes into Events: it completes running
// status, takes real-time bytes out of the middle of other messages and
// skips what makes no sense.
//
// It is our own because the reader in gomidi v2.2.19 takes a status byte
// inside an unfinished message for data, indexes past its buffer on a system
// exclusive message longer than that, allocates for each message and does
// not count what it drops.
//
// One goroutine feeds a Parser; Stats may be called from any.
type Parser struct {
	ev Event // the message being delivered

	status  byte // running status or that of the unfinished message; 0 is none
	data    [2]byte
	n       int  // bytes in data
	fresh   bool // status itself arrived since the last complete message
	inSysEx bool
	tooLong bool // the message in sysex went over MaxSysEx
	sysex   []byte

	skipped, sysexDropped atomic.Uint64
}

// ParserStats counts what never became an Event.
type ParserStats struct {
	Skipped      uint64 // bytes outside any complete message
	SysExDropped uint64 // system exclusive messages over MaxSysEx; their bytes are in Skipped too
}

// NewParser makes a Parser whose events carry device.
func NewParser(device string) *Parser {
	return &Parser{ev: Event{Device: device}}
}

// Stats returns the counts so far.
func (p *Parser) Stats() ParserStats {
	return ParserStats{Skipped: p.skipped.Load(), SysExDropped: p.sysexDropped.Load()}
}

// Feed takes the next bytes of the stream, received at the time at, and
// calls deliver for every message they complete. A message may begin in one
// call and end in another.
func (p *Parser) Feed(b []byte, at time.Duration, deliver func(*Event)) {
	p.ev.Time = at
	for _, c := range b {
		switch {
		case c >= 0xf8:
			p.realTime(c, deliver)
		case c >= 0x80:
			p.begin(c, deliver)
		case p.inSysEx:
			p.addSysEx(c)
		default:
			p.addData(c, deliver)
		}
	}
}

// Reset forgets the unfinished message and the running status, for use after
// bytes were lost.
func (p *Parser) Reset() {
	p.abandon()
	p.status = 0
}

// realTime handles a byte that may stand anywhere, even inside another
// message, which goes on behind it.
func (p *Parser) realTime(c byte, deliver func(*Event)) {
	if ShortLen(c) == 0 {
		p.skipped.Add(1)
		return
	}
	p.emit(c, deliver)
}

// begin handles every other status byte; all of them end what was before.
func (p *Parser) begin(c byte, deliver func(*Event)) {
	if c == 0xf7 && p.inSysEx {
		p.endSysEx(deliver)
		return
	}
	p.abandon()
	p.status = 0 // MIDI 1.0: F0 to F7 clear the running status
	switch n := ShortLen(c); {
	case c == 0xf0:
		p.inSysEx = true
		p.sysex = append(p.sysex[:0], c)
	case n == 0: // F7 without F0, or undefined
		p.skipped.Add(1)
	case n == 1:
		p.emit(c, deliver)
	default:
		p.status, p.fresh = c, true
	}
}

func (p *Parser) addData(c byte, deliver func(*Event)) {
	if p.status == 0 {
		p.skipped.Add(1)
		return
	}
	p.data[p.n] = c
	p.n++
	if p.n < ShortLen(p.status)-1 {
		return
	}
	status := p.status
	if status >= 0xf0 {
		p.status = 0 // only channel messages may be continued
	}
	p.n, p.fresh = 0, false
	p.emit(status, deliver)
}

// emit delivers the short message of status and the collected data.
func (p *Parser) emit(status byte, deliver func(*Event)) {
	p.ev.sysex = nil
	p.ev.raw = [3]byte{status}
	p.ev.n = uint8(ShortLen(status))
	copy(p.ev.raw[1:p.ev.n], p.data[:])
	deliver(&p.ev)
}

func (p *Parser) addSysEx(c byte) {
	// One byte is kept free for the F7.
	if p.tooLong || len(p.sysex) == MaxSysEx-1 {
		p.tooLong = true
		p.skipped.Add(1)
		return
	}
	p.sysex = append(p.sysex, c)
}

func (p *Parser) endSysEx(deliver func(*Event)) {
	if p.tooLong {
		p.abandon()
		p.status = 0
		p.skipped.Add(1) // the F7
		return
	}
	p.ev.sysex = append(append(make([]byte, 0, len(p.sysex)+1), p.sysex...), 0xf7)
	p.ev.n = 0
	p.ev.raw = [3]byte{}
	p.inSysEx = false
	p.sysex = p.sysex[:0]
	deliver(&p.ev)
}

// abandon gives up the unfinished message and counts its bytes.
func (p *Parser) abandon() {
	p.skipped.Add(p.pending())
	if p.tooLong {
		p.sysexDropped.Add(1)
	}
	p.n, p.fresh, p.inSysEx, p.tooLong = 0, false, false, false
	p.sysex = p.sysex[:0]
}

// pending counts the bytes of the unfinished message.
func (p *Parser) pending() uint64 {
	n := uint64(p.n + len(p.sysex))
	if p.fresh {
		n++
	}
	return n
}
