//go:build cgo

package portmidi

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/midi/sequencer"
	"github.com/isobooth/isobooth/midi/sequencer/quiet"
	pm "gitlab.com/gomidi/midi/v2/drivers/portmididrv/imported/portmidi"
)

// library is the one PortMidi of this process. A package variable is not our
// habit, but neither are there two of them: its devices, streams and, with
// ALSA, its sequencer handle are global in C and not safe for concurrent
// use. Every call goes through mu; none of them waits.
var library struct {
	mu      sync.Mutex
	started bool
	client  *sequencer.Client // nil where there is no sequencer
	past    uint64            // lost to former clients
	ins     []device
	outs    []device
	streams []*pmStream // open ones
}

// device is a port that PortMidi knows, and its number for it.
type device struct {
	midi.Port
	id pm.DeviceID
}

// restarts is how often PortMidi is started while ports come and go in the
// very moment, before we give up.
const restarts = 10

// start makes PortMidi look for devices. It does that only then, and starting
// it again invalidates what is open: the streams, if there are any, are opened
// again, those of ports that have gone excepted. What arrived so far is kept;
// a stream to which more was sent meanwhile learns that it lost that.
// library.mu is held.
func start() error {
	for _, s := range library.streams {
		s.suspend()
	}
	err := restart()
	for _, s := range library.streams {
		s.resume(err)
	}
	return err
}

func restart() error {
	if library.started {
		library.started = false
		library.past = lost()
		forget()
		if err := pm.Terminate(); err != nil {
			return fmt.Errorf("Pm_Terminate: %w", err)
		}
	}
	quiet.ALSA()
	for range restarts {
		before, err := listed()
		if err != nil {
			return err
		}
		if err := initialize(); err != nil {
			return fmt.Errorf("Pm_Initialize: %w", err)
		}
		after, err := listed()
		if err == nil && slices.Equal(before, after) {
			library.started = true
			return table(after)
		}
		forget()
		if err := errors.Join(err, pm.Terminate()); err != nil {
			return fmt.Errorf("Pm_Terminate: %w", err)
		}
	}
	return errors.New("MIDI ports come and go all the time")
}

func initialize() (err error) {
	if !sequencer.Supported {
		return pm.Initialize()
	}
	library.client, err = sequencer.Opened(pm.Initialize)
	return err
}

// forget is called before PortMidi ends. library.mu is held.
func forget() {
	if library.client != nil {
		library.client.Forget()
		library.client = nil
	}
}

// lost returns how many messages the system had to drop because we had not
// read those before them. library.mu is held.
func lost() uint64 {
	if library.client == nil {
		return library.past
	}
	// Without this count there is nothing that could count.
	n, _ := library.client.Lost()
	return library.past + n
}

// listed lists the ports that PortMidi is about to find.
func listed() ([]sequencer.Port, error) {
	if !sequencer.Supported {
		return nil, nil
	}
	ports, err := sequencer.Ports()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", midi.ErrNoPorts, err)
	}
	return ports, nil
}

// table takes over PortMidi's list of devices. It does not tell their
// addresses, but has them in the order of ports.
func table(ports []sequencer.Port) error {
	library.ins, library.outs = nil, nil
	for id := range pm.DeviceID(pm.CountDevices()) {
		info := pm.Info(id)
		if info == nil {
			continue
		}
		if info.IsInputAvailable {
			p := midi.Port{Name: info.Name, ID: fmt.Sprint(len(library.ins))}
			library.ins = append(library.ins, device{p, id})
		}
		if info.IsOutputAvailable {
			p := midi.Port{Name: info.Name, ID: fmt.Sprint(len(library.outs))}
			library.outs = append(library.outs, device{p, id})
		}
	}
	if !sequencer.Supported {
		return nil
	}
	return errors.Join(
		address(library.ins, ports, sequencer.CapSubsRead),
		address(library.outs, ports, sequencer.CapSubsWrite))
}

// address gives devices the addresses of ports as their IDs.
func address(devices []device, ports []sequencer.Port, wanted sequencer.Caps) error {
	i := 0
	for _, p := range ports {
		if p.Caps&wanted == 0 {
			continue
		}
		if i == len(devices) || devices[i].Name != p.Name {
			return fmt.Errorf("internal error: port %d of PortMidi is not %q", i, p.Name)
		}
		devices[i].ID = p.Addr.String()
		i++
	}
	if i != len(devices) {
		return fmt.Errorf("internal error: PortMidi has %d ports, the sequencer %d", len(devices), i)
	}
	return nil
}

// find returns PortMidi's number for p. library.mu is held.
func find(p midi.Port, out bool) (id pm.DeviceID, ok bool) {
	list := library.ins
	if out {
		list = library.outs
	}
	for _, d := range list {
		// An address is enough, and the name of the port there may have
		// changed since PortMidi was started.
		if d.ID == p.ID && (sequencer.Supported || d.Name == p.Name) {
			return d.id, library.started
		}
	}
	return 0, false
}
