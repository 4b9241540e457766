package portmidi

import (
	"sync/atomic"

	"github.com/isobooth/isobooth/midi"
)

// sysexGuard drops system exclusive messages during which something was lost
// that PortMidi did not report: the system passes a long one on in several
// parts, and one of them may be missing.
type sysexGuard struct {
	// mangles: PortMidi loses three bytes of such a message behind a real-time
	// message. With ALSA it does.
	mangles bool

	lost    func() uint64
	before  uint64 // lost when the message began
	mangled bool
	dropped atomic.Uint64
}

// guard returns a deliver that drops them.
func (g *sysexGuard) guard(lost func() uint64, deliver func(*midi.Event)) func(*midi.Event) {
	g.lost = lost
	return func(e *midi.Event) {
		// One word holds what begins and ends in it: no begin.
		if e.Kind() == midi.SysEx && e.Len() > len(word{}) && (g.mangled || g.lost() != g.before) {
			g.dropped.Add(1)
			return
		}
		deliver(e)
	}
}

// begin is called at the first word of a message that has more.
func (g *sysexGuard) begin() { g.before, g.mangled = g.lost(), false }

// realTime is called at a real-time message before its last.
func (g *sysexGuard) realTime() { g.mangled = g.mangles }
