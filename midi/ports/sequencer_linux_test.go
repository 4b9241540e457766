package ports

import (
	"testing"
	"unsafe"
)

// The sizes are part of the kernel's interface: they stand in the numbers of
// its requests, which are those of <sound/asequencer.h> on a 64-bit machine.
func TestSequencerInterface(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("the numbers are those of a 64-bit machine")
	}
	for _, c := range []struct {
		what       string
		have, want uintptr
	}{
		{"CLIENT_ID", seqClientID, 0x80045301},
		{"GET_CLIENT_INFO", seqGetClientInfo, 0xc0bc5310},
		{"SET_CLIENT_INFO", seqSetClientInfo, 0x40bc5311},
		{"CREATE_PORT", seqCreatePort, 0xc0a85320},
		{"SUBSCRIBE_PORT", seqSubscribePort, 0x40505330},
		{"offset of pid", unsafe.Offsetof(seqClientInfo{}.pid), 128},
		{"offset of capability", unsafe.Offsetof(seqPortInfo{}.capability), 68},
		{"offset of kernel", unsafe.Offsetof(seqPortInfo{}.kernel), 96},
		{"offset of time queue", unsafe.Offsetof(seqPortInfo{}.timeQueue), 108},
	} {
		if c.have != c.want {
			t.Errorf("%s: %#x, want %#x", c.what, c.have, c.want)
		}
	}
}
