package rawmidi

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

const nonBlocking = unix.O_NONBLOCK

// bufferSize is what the kernel keeps of a device for us, in bytes: four
// system exclusive messages of midi.MaxSysEx. It begins with 4096.
const bufferSize = 256 << 10

// The structures and calls of sound/asound.h that we need.
type (
	params struct {
		stream     int32
		bufferSize uintptr
		availMin   uintptr
		_          uint32
		_          [16]byte
	}
	status struct {
		stream int32
		_      [4]byte
		_      [2]int64 // time
		avail  uintptr  // bytes that can be read
		xruns  uintptr  // bytes lost since the last call
		_      [16]byte
	}
)

const (
	streamOut = 0
	streamIn  = 1

	callParams = 0x10 // SNDRV_RAWMIDI_IOCTL_PARAMS
	callStatus = 0x20 // SNDRV_RAWMIDI_IOCTL_STATUS
)

// ioctl makes a call that reads and writes arg.
func ioctl[T any](fd uintptr, number uintptr, name string, arg *T) error {
	const readWrite = 3
	number |= readWrite<<30 | unsafe.Sizeof(*arg)<<16 | 'W'<<8 // asm-generic/ioctl.h
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, number, uintptr(unsafe.Pointer(arg)))
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return os.NewSyscallError(name, errno)
		}
	}
}

// prepare makes the kernel keep bufferSize bytes for f, and, of a device that
// we read, take what comes from now on: it begins with the first poll or read.
func prepare(f *os.File, stream int32) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	cerr := conn.Control(func(fd uintptr) {
		err = ioctl(fd, callParams, "SNDRV_RAWMIDI_IOCTL_PARAMS", &params{stream: stream, bufferSize: bufferSize, availMin: 1})
		if err == nil && stream == streamIn {
			_, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		}
	})
	return errors.Join(cerr, err)
}
