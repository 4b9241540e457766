//go:build 386 || amd64 || arm || arm64 || loong64 || riscv64 || s390x

package sequencer

import (
	"encoding/binary"
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// The event that Mark sends.
const (
	eventSysEx = 130
	eventQueue = 3
	eventDest  = 14
	direct     = 253 // SNDRV_SEQ_QUEUE_DIRECT
)

// Mark sends msg, a short system exclusive message, to c's first port and to
// nobody else. It comes to c after all that was sent to c before.
func (c *Client) Mark(msg []byte) error {
	h, err := open()
	if err != nil {
		return err
	}
	defer h.close()
	own, err := h.client()
	if err != nil {
		return err
	}
	port := portInfo{addr: Addr{Client: uint8(own)}, caps: capNoExport}
	if err := ioctl(h, callCreatePort, &port); err != nil {
		return err
	}
	e := make([]byte, eventSize, eventSize+len(msg))
	e[0], e[1], e[eventQueue] = eventSysEx, eventVariable, direct
	e[eventSource], e[eventDest] = uint8(own), uint8(c.number)
	binary.NativeEndian.PutUint32(e[eventData:], uint32(len(msg)))
	e = append(e, msg...)
	for range 1000 {
		_, err = unix.Write(int(h), e)
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.ENOMEM) && !errors.Is(err, unix.EINTR) {
			break
		}
		time.Sleep(time.Millisecond) // c has to read
	}
	return err
}
