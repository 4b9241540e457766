//go:build amd64 || arm64

package sequencer

import (
	"encoding/binary"
	"testing"
	"unsafe"
)

// The sizes that sound/asequencer.h gives on 64-bit systems; they are part of
// the call numbers.
func TestSizes(t *testing.T) {
	for name, sizes := range map[string][2]uintptr{
		"snd_seq_client_info":    {unsafe.Sizeof(clientInfo{}), 188},
		"snd_seq_port_info":      {unsafe.Sizeof(portInfo{}), 168},
		"snd_seq_port_subscribe": {unsafe.Sizeof(subscription{}), 80},
		"snd_seq_client_pool":    {unsafe.Sizeof(clientPool{}), 88},
	} {
		if sizes[0] != sizes[1] {
			t.Errorf("%s: %d bytes, want %d", name, sizes[0], sizes[1])
		}
	}
}

func event(kind byte, source Addr, about Addr) []byte {
	e := make([]byte, eventSize)
	e[0], e[eventSource], e[eventSource+1] = kind, source.Client, source.Port
	e[eventData], e[eventData+1] = about.Client, about.Port
	return e
}

func sysexEvent(source Addr, data []byte) []byte {
	e := event(eventSysEx, source, Addr{})
	e[1] = eventVariable
	binary.NativeEndian.PutUint32(e[eventData:], uint32(len(data)))
	e = append(e, data...)
	return append(e, make([]byte, (eventSize-len(data)%eventSize)%eventSize)...)
}

func TestWatchTake(t *testing.T) {
	port := Addr{20, 1}
	exit := event(eventPortExit, announce, port)
	for _, tc := range []struct {
		name       string
		events     [][]byte
		sent, gone bool
	}{
		{"nothing", nil, false, false},
		{"exit", [][]byte{exit}, false, true},
		{"exit of the client", [][]byte{event(eventClientExit, announce, Addr{20, 0})}, false, true},
		{"exit of others", [][]byte{event(eventPortExit, announce, Addr{20, 0}), event(eventClientExit, announce, Addr{21, 1})}, false, false},
		{"start", [][]byte{event(63, announce, port)}, false, false},
		{"exit that is not announced", [][]byte{event(eventPortExit, port, port)}, true, false},
		{"exit in a message", [][]byte{sysexEvent(port, exit)}, true, false},
		{"exit behind messages", [][]byte{event(6, port, Addr{}), sysexEvent(port, make([]byte, 29)), exit}, true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := &Watch{addr: port}
			var all []byte
			for _, e := range tc.events {
				all = append(all, e...)
			}
			if sent := w.take(all); sent != tc.sent || w.gone != tc.gone {
				t.Errorf("sent %v, gone %v", sent, w.gone)
			}
		})
	}
}

// Others choose what a message says about itself.
func FuzzWatchTake(f *testing.F) {
	f.Add(sysexEvent(Addr{20, 1}, []byte{0xf0, 0xf7}))
	f.Add(event(eventPortExit, announce, Addr{20, 1}))
	f.Fuzz(func(t *testing.T, b []byte) {
		w := &Watch{addr: Addr{20, 1}}
		w.take(b)
	})
}
