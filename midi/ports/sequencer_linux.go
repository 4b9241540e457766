package ports

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel's structures for a sequencer client, as <sound/asequencer.h> has
// them since the first ALSA; what was added since lies in the reserved bytes.
type (
	seqAddress struct{ client, port uint8 }

	// struct snd_seq_client_info, 188 bytes.
	seqClientInfo struct {
		client          int32
		kind            int32
		name            [64]byte
		filter          uint32
		multicastFilter [8]byte
		eventFilter     [32]byte
		ports           int32
		eventsLost      int32
		card            int32
		pid             int32 // of a program's thread, since Linux 4.6; else -1
		_               [56]byte
	}

	// struct snd_seq_port_info, 168 bytes where a pointer has 8.
	seqPortInfo struct {
		addr         seqAddress
		name         [64]byte
		capability   uint32
		kind         uint32
		midiChannels int32
		midiVoices   int32
		synthVoices  int32
		readUse      int32
		writeUse     int32
		kernel       uintptr
		flags        uint32
		timeQueue    uint8
		_            [59]byte
	}

	// struct snd_seq_port_subscribe, 80 bytes.
	seqSubscribe struct {
		sender, dest seqAddress
		voices       uint32
		flags        uint32
		queue        uint8
		_            [3]byte
		_            [64]byte
	}
)

// The request numbers of ioctl(2): direction, size, type 'S', number.
const (
	iocWrite, iocRead = 1 << 30, 2 << 30

	seqClientID      = iocRead | 4<<16 | 'S'<<8 | 0x01
	seqGetClientInfo = iocRead | iocWrite | unsafe.Sizeof(seqClientInfo{})<<16 | 'S'<<8 | 0x10
	seqSetClientInfo = iocWrite | unsafe.Sizeof(seqClientInfo{})<<16 | 'S'<<8 | 0x11
	seqCreatePort    = iocRead | iocWrite | unsafe.Sizeof(seqPortInfo{})<<16 | 'S'<<8 | 0x20
	seqSubscribePort = iocWrite | unsafe.Sizeof(seqSubscribe{})<<16 | 'S'<<8 | 0x30
)

// filterUseEvent is SNDRV_SEQ_FILTER_USE_EVENT: eventFilter has a bit for each
// kind of event that is to be delivered, on little-endian machines in this
// order of bytes.
const filterUseEvent = 1 << 31

const (
	capWrite    = 1 << 1 // SNDRV_SEQ_PORT_CAP_WRITE: the kernel may deliver to it
	capNoExport = 1 << 7 // and nobody else may connect it

	typeApplication = 1 << 20 // SNDRV_SEQ_PORT_TYPE_APPLICATION
)

// openSequencer becomes a client of the ALSA sequencer at path, with one port
// that nobody else sees, to which the System Announce port sends what happens.
func openSequencer(path string) (*os.File, error) {
	// Without waiting: so that Close ends a Read.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err := subscribe(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func subscribe(f *os.File) error {
	var id int32
	if err := seqIoctl(f, "SNDRV_SEQ_IOCTL_CLIENT_ID", seqClientID, unsafe.Pointer(&id)); err != nil {
		return err
	}
	info := seqClientInfo{client: id}
	if err := seqIoctl(f, "SNDRV_SEQ_IOCTL_GET_CLIENT_INFO", seqGetClientInfo, unsafe.Pointer(&info)); err != nil {
		return err
	}
	info.name = [64]byte{}
	copy(info.name[:], "isobooth watch")
	// Nothing but what is of use: anybody may send to the port.
	info.filter |= filterUseEvent
	for kind := clientStart; kind <= portChange; kind++ {
		info.eventFilter[kind/8] |= 1 << (kind % 8)
	}
	if err := seqIoctl(f, "SNDRV_SEQ_IOCTL_SET_CLIENT_INFO", seqSetClientInfo, unsafe.Pointer(&info)); err != nil {
		return err
	}
	// No SUBS_WRITE: listings of ports leave it out.
	port := seqPortInfo{addr: seqAddress{client: uint8(id)}, capability: capWrite | capNoExport, kind: typeApplication}
	copy(port.name[:], "announcements")
	if err := seqIoctl(f, "SNDRV_SEQ_IOCTL_CREATE_PORT", seqCreatePort, unsafe.Pointer(&port)); err != nil {
		return err
	}
	// 0:1 is SNDRV_SEQ_CLIENT_SYSTEM and its SNDRV_SEQ_PORT_SYSTEM_ANNOUNCE.
	sub := seqSubscribe{sender: seqAddress{0, 1}, dest: port.addr}
	return seqIoctl(f, "SNDRV_SEQ_IOCTL_SUBSCRIBE_PORT", seqSubscribePort, unsafe.Pointer(&sub))
}

// ownClient reports whether a client is this process's.
func ownClient(f *os.File, client uint8) bool {
	info := seqClientInfo{client: int32(client)}
	err := seqIoctl(f, "SNDRV_SEQ_IOCTL_GET_CLIENT_INFO", seqGetClientInfo, unsafe.Pointer(&info))
	// The number is that of the thread that opened it (snd_seq_open takes
	// current). Signal 0 asks whether this process has such a thread, tgkill(2).
	return err == nil && unix.Tgkill(os.Getpid(), int(info.pid), 0) == nil
}

// seqIoctl makes one call; call is its name, for the error.
func seqIoctl(f *os.File, call string, request uintptr, arg unsafe.Pointer) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var errno unix.Errno
	if err := conn.Control(func(fd uintptr) {
		_, _, errno = unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(arg))
	}); err != nil {
		return err
	}
	if errno != 0 {
		return os.NewSyscallError(call, errno)
	}
	return nil
}
