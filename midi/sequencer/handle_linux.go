//go:build 386 || amd64 || arm || arm64 || loong64 || riscv64 || s390x

package sequencer

import (
	"bytes"
	"fmt"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// path is the device through which ALSA gives access to all ports.
const path = "/dev/snd/seq"

// poolMax is the most that the sequencer keeps for a client to read, in
// messages without data of their own, SNDRV_SEQ_MAX_CLIENT_EVENTS. It begins
// with 200.
const poolMax = 2000

// handle is an open /dev/snd/seq, a client of the sequencer.
type handle int

// The structures of sound/asequencer.h that the calls below take. Their sizes
// are part of the call numbers: the kernel refuses a wrong one.
type (
	clientInfo struct {
		client int32
		_      int32
		name   [64]byte
		_      [56]byte // filters and counts
		pid    int32    // of the thread that opened it
		_      [56]byte
	}

	portInfo struct {
		addr Addr
		name [64]byte
		caps Caps
		kind uint32
		_    [5]int32
		_    uintptr
		_    uint32
		_    [60]byte
	}

	subscription struct {
		sender, dest Addr
		_            [2]uint32
		_            [68]byte
	}

	clientPool struct {
		client int32
		_      int32
		input  int32
		_      [3]int32
		_      [64]byte
	}
)

// call is the number of an ioctl of the sequencer, and its name.
type call struct {
	dir, nr uintptr
	name    string
}

const (
	reads  = 2 // the kernel writes
	writes = 1
)

var (
	callClientID   = call{reads, 0x01, "SNDRV_SEQ_IOCTL_CLIENT_ID"}
	callGetClient  = call{reads | writes, 0x10, "SNDRV_SEQ_IOCTL_GET_CLIENT_INFO"}
	callSetClient  = call{writes, 0x11, "SNDRV_SEQ_IOCTL_SET_CLIENT_INFO"}
	callCreatePort = call{reads | writes, 0x20, "SNDRV_SEQ_IOCTL_CREATE_PORT"}
	callGetPort    = call{reads | writes, 0x22, "SNDRV_SEQ_IOCTL_GET_PORT_INFO"}
	callSubscribe  = call{writes, 0x30, "SNDRV_SEQ_IOCTL_SUBSCRIBE_PORT"}
	callLeave      = call{writes, 0x31, "SNDRV_SEQ_IOCTL_UNSUBSCRIBE_PORT"}
	callGetPool    = call{reads | writes, 0x4b, "SNDRV_SEQ_IOCTL_GET_CLIENT_POOL"}
	callSetPool    = call{writes, 0x4c, "SNDRV_SEQ_IOCTL_SET_CLIENT_POOL"}
	callConnected  = call{reads | writes, 0x50, "SNDRV_SEQ_IOCTL_GET_SUBSCRIPTION"}
	callNextClient = call{reads | writes, 0x51, "SNDRV_SEQ_IOCTL_QUERY_NEXT_CLIENT"}
	callNextPort   = call{reads | writes, 0x52, "SNDRV_SEQ_IOCTL_QUERY_NEXT_PORT"}
)

// opening keeps descriptors from coming and going while Opened compares them.
var opening sync.RWMutex

func open() (handle, error) {
	opening.RLock()
	defer opening.RUnlock()
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return handle(fd), nil
}

func (h handle) close() {
	opening.RLock()
	defer opening.RUnlock()
	unix.Close(int(h))
}

// ioctl makes the call c with arg, a structure of the type that it takes.
func ioctl[T any](h handle, c call, arg *T) error {
	number := c.dir<<30 | unsafe.Sizeof(*arg)<<16 | 'S'<<8 | c.nr // asm-generic/ioctl.h
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(h), number, uintptr(unsafe.Pointer(arg)))
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return fmt.Errorf("%s: %w", c.name, errno)
		}
	}
}

// widen lets the kernel keep as much for h to read as it does for any client.
func (h handle) widen() error {
	own, err := h.client()
	if err != nil {
		return err
	}
	pool := clientPool{client: int32(own)}
	if err := ioctl(h, callGetPool, &pool); err != nil {
		return err
	}
	pool.input = poolMax
	return ioctl(h, callSetPool, &pool)
}

// client returns the number of h's own client.
func (h handle) client() (int, error) {
	var id int32
	err := ioctl(h, callClientID, &id)
	return int(id), err
}

// text is a name of another client, up to its NUL.
func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}
