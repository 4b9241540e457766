//go:build cgo

package portmidi

import (
	"fmt"
	"strings"
	"sync"

	pm "gitlab.com/gomidi/midi/v2/drivers/portmididrv/imported/portmidi"
)

// bufferWords is the buffer PortMidi keeps for each port.
const bufferWords = 1024

// library is the one PortMidi of this process. A package variable is not our
// habit, but neither are there two of them: its devices, streams and, with
// ALSA, its sequencer handle are global in C and not safe for concurrent
// use. Every call goes through mu; none of them waits.
var library struct {
	mu      sync.Mutex
	started bool
	open    int // streams; their device IDs must stay as they are
}

// devices lists the ports with PortMidi's IDs for them.
type devices struct {
	ins, outs     []Port
	inIDs, outIDs []pm.DeviceID
}

// scan starts PortMidi, anew if no stream is open, since it looks for
// devices only then. library.mu is held.
func scan() (devices, error) {
	if library.open == 0 {
		if library.started {
			library.started = false
			if err := pm.Terminate(); err != nil {
				return devices{}, fmt.Errorf("Pm_Terminate: %w", err)
			}
		}
		quiet()
		// PortMidi would find no devices, without a reason.
		if err := checkSequencer(); err != nil {
			return devices{}, fmt.Errorf("%w: %w", ErrNoPorts, err)
		}
		if err := pm.Initialize(); err != nil {
			return devices{}, fmt.Errorf("Pm_Initialize: %w", err)
		}
		library.started = true
	}
	var d devices
	for id := range pm.DeviceID(pm.CountDevices()) {
		info := pm.Info(id)
		if info == nil {
			continue
		}
		if info.IsInputAvailable {
			d.ins = append(d.ins, Port{info.Name, len(d.ins)})
			d.inIDs = append(d.inIDs, id)
		}
		if info.IsOutputAvailable {
			d.outs = append(d.outs, Port{info.Name, len(d.outs)})
			d.outIDs = append(d.outIDs, id)
		}
	}
	return d, nil
}

// Ports lists the ports of this machine. With none at all the error wraps
// ErrNoPorts.
func Ports() (ins, outs []Port, err error) {
	library.mu.Lock()
	defer library.mu.Unlock()
	d, err := scan()
	if err != nil {
		return nil, nil, err
	}
	if len(d.ins) == 0 && len(d.outs) == 0 {
		return nil, nil, ErrNoPorts
	}
	return d.ins, d.outs, nil
}

// OpenIn opens the first in port whose name pattern, a midi.Glob, matches.
// The error wraps ErrNoPorts, ErrNoSuchPort or midi.ErrGlob where one of
// them is the reason.
func OpenIn(pattern string) (*In, error) {
	library.mu.Lock()
	defer library.mu.Unlock()
	d, err := scan()
	if err != nil {
		return nil, err
	}
	i, err := match(d.ins, pattern, "in")
	if err != nil {
		return nil, err
	}
	name := d.ins[i].Name
	s, err := pm.NewInputStream(d.inIDs[i], bufferWords)
	if err != nil {
		return nil, fmt.Errorf("open MIDI in port %q: %w", name, err)
	}
	// Active sensing says three times a second that the cable is still
	// there. PortMidi does not act on it, and no trigger can ask for it.
	if err := s.SetFilter(pm.FILTER_ACTIVE); err != nil {
		s.Close()
		return nil, fmt.Errorf("open MIDI in port %q: %w", name, err)
	}
	library.open++
	return newIn(name, &pmStream{s: s}), nil
}

// OpenOut opens the first out port whose name pattern, a midi.Glob, matches.
// Its errors are those of OpenIn.
func OpenOut(pattern string) (*Out, error) {
	library.mu.Lock()
	defer library.mu.Unlock()
	d, err := scan()
	if err != nil {
		return nil, err
	}
	i, err := match(d.outs, pattern, "out")
	if err != nil {
		return nil, err
	}
	name := d.outs[i].Name
	s, err := pm.NewOutputStream(d.outIDs[i], bufferWords, 0) // latency 0: send at once
	if err != nil {
		return nil, fmt.Errorf("open MIDI out port %q: %w", name, err)
	}
	library.open++
	return &Out{name: name, stream: &pmStream{s: s}}, nil
}

// pmStream is an inStream or outStream of PortMidi.
type pmStream struct{ s *pm.Stream }

func (p *pmStream) poll() (bool, error) {
	library.mu.Lock()
	defer library.mu.Unlock()
	return p.s.Poll()
}

func (p *pmStream) read(buf []word) (int, error) {
	library.mu.Lock()
	defer library.mu.Unlock()
	events, err := p.s.Read(len(buf))
	if err != nil {
		// The binding passes on only the text of PortMidi's error.
		if strings.Contains(err.Error(), "Buffer overflow") {
			err = errOverflow
		}
		return 0, err
	}
	for i, e := range events {
		buf[i] = word{byte(e.Status), byte(e.Data1), byte(e.Data2), byte(e.Rest)}
	}
	return len(events), nil
}

func (p *pmStream) writeShort(msg [3]byte) error {
	library.mu.Lock()
	defer library.mu.Unlock()
	return p.s.WriteShort(int64(msg[0]), int64(msg[1]), int64(msg[2]))
}

func (p *pmStream) writeSysEx(msg []byte) error {
	library.mu.Lock()
	defer library.mu.Unlock()
	return p.s.WriteSysExBytes(0, msg)
}

func (p *pmStream) close() error {
	library.mu.Lock()
	defer library.mu.Unlock()
	library.open--
	return p.s.Close()
}
