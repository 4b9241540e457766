package control

import (
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Magic starts every message on a worker's control socket;
// runner/worker/control.h draws their order and is the other end.
const Magic = 0x69736231

// entryLen is the room for the name of a plugin's entry.
const entryLen = 64

// HandOver gives a worker its plugin, over the socket that came with Prepared.
// files are the sealed memfds of its libraries in load order, the plugin last;
// they stay the caller's. From then on foreign code runs in the worker.
func HandOver(sock *os.File, kind Kind, entry string, files []*os.File) error {
	if len(entry) >= entryLen || len(files) == 0 {
		return fmt.Errorf("internal error: hand over %q with %d files", entry, len(files))
	}
	b := binary.NativeEndian.AppendUint32(nil, Magic)
	b = binary.NativeEndian.AppendUint32(b, uint32(kind))
	b = binary.NativeEndian.AppendUint32(b, uint32(len(files)))
	b = append(b, entry...)
	b = append(b, make([]byte, entryLen-len(entry))...)
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	for {
		// It does not wait: nothing was sent on this socket since the worker
		// read its boot message.
		err := unix.Sendmsg(int(sock.Fd()), b, unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		if err != unix.EINTR {
			return os.NewSyscallError("sendmsg", err)
		}
	}
}
