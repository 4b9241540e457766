package jail

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/isobooth/isobooth/runner/control"
)

// bootTime bounds each step of a worker's start. They take milliseconds; a
// machine under heavy load may need a second or two.
const bootTime = 10 * time.Second

// layerByExit names the layer for each exit code in runner/worker/confine.h.
var layerByExit = map[int]string{
	64: "descriptors",
	65: "rlimits",
	66: "landlock",
	67: "no_new_privs",
	68: "seccomp",
	69: "worker",
}

// sendBoot sends the limits, the filter and the granted paths. newPrivs is for a self-test that
// does without no_new_privs. runner/worker/control.h draws the order of the
// messages and is the other end.
func sendBoot(sock *os.File, p *control.Prepare, newPrivs bool) error {
	b := binary.NativeEndian.AppendUint32(nil, control.Magic)
	var flags uint32
	if p.Landlock {
		flags |= 1
	}
	if newPrivs {
		flags |= 2
	}
	b = binary.NativeEndian.AppendUint32(b, flags)
	b = binary.NativeEndian.AppendUint32(b, uint32(len(p.Rlimits)))
	b = binary.NativeEndian.AppendUint32(b, uint32(len(p.Policy.BPF)))
	var granted []byte
	list := paths(&p.Grants)
	for _, one := range list {
		granted = binary.NativeEndian.AppendUint32(granted, one.access)
		granted = binary.NativeEndian.AppendUint32(granted, uint32(len(one.inside)+1))
		granted = append(append(granted, one.inside...), 0)
	}
	b = binary.NativeEndian.AppendUint32(b, uint32(len(list)))
	b = binary.NativeEndian.AppendUint32(b, uint32(len(granted)))
	for _, l := range p.Rlimits {
		b = binary.NativeEndian.AppendUint32(b, l.Resource)
		b = binary.NativeEndian.AppendUint32(b, 0)
		b = binary.NativeEndian.AppendUint64(b, l.Max)
	}
	b = append(append(b, p.Policy.BPF...), granted...)
	if len(list) > maxBootPaths || len(b) > maxBoot {
		return fmt.Errorf("%d granted paths in a message of %d bytes; at most %d and %d", len(list), len(b), maxBootPaths, maxBoot)
	}
	_, err := sock.Write(b)
	return err
}

// Bounds of a BOOT message; runner/worker/control.h has the first and more
// room than the second, which is the kernel's default for one message.
const (
	maxBootPaths = 80
	maxBoot      = 200 << 10
)

// What Landlock allows of a path; enum confine_access in
// runner/worker/confine.h.
const (
	accessRead   = 1
	accessWrite  = 2
	accessDevice = 4
)

type bootPath struct {
	access uint32
	inside string
}

// paths lists what Landlock lets a booth open beyond the four devices.
func paths(g *control.Grants) []bootPath {
	var list []bootPath
	add := func(kind uint32, b control.Bind) {
		if b.Write {
			kind |= accessWrite
		}
		list = append(list, bootPath{kind, b.Inside})
	}
	for _, b := range g.Files {
		add(accessRead, b)
	}
	for _, b := range g.Devices {
		add(accessRead|accessDevice, b)
	}
	if g.Tmp > 0 {
		add(accessRead, control.Bind{Inside: "/tmp", Write: true})
	}
	for inside := range nameFiles(g) {
		add(accessRead, control.Bind{Inside: inside})
	}
	return list
}

// receiveConfined waits until the worker has confined itself. The answer is
// trustworthy: nothing but our own code has run in the worker yet.
func receiveConfined(sock *os.File) (landlockABI uint32, listener int, err error) {
	const size = 16
	var b [size + 1]byte // one more, so that a longer message is seen as such
	n, err := sock.Read(b[:])
	if err != nil {
		return 0, 0, err
	}
	if n != size || binary.NativeEndian.Uint32(b[:]) != control.Magic {
		return 0, 0, errors.New("internal error: worker sent another message than it should")
	}
	return binary.NativeEndian.Uint32(b[4:]), int(int32(binary.NativeEndian.Uint32(b[8:]))), nil
}
