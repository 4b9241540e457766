package rawmidi

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/isobooth/isobooth/midi"
	"golang.org/x/sys/unix"
)

// stall is how long Send waits for a device that takes no bytes. A cable
// carries 3125 bytes in that time.
const stall = time.Second

// errStalled: the device took no bytes for that long.
var errStalled = fmt.Errorf("the device took no bytes in %v", stall)

// OpenOut opens a port that Ports has listed.
func (Driver) OpenOut(p midi.Port) (midi.Out, error) {
	f, err := open(p, true)
	if err == nil {
		if err = prepare(f, streamOut); err != nil {
			f.Close()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open MIDI out port %q: %w", p.Name, err)
	}
	return &Out{name: p.Name, file: f}, nil
}

// Out is an open device, a midi.Out. Any goroutine may use it.
type Out struct {
	name string

	mu   sync.Mutex
	file *os.File // nil once closed
}

// Name returns the name of the port.
func (o *Out) Name() string { return o.name }

// Send sends one complete message, status byte included, and returns when the
// kernel has it; msg is the caller's again. Anything but one message is
// refused with an error that wraps midi.ErrMessage. After Close it returns
// midi.ErrClosed, and once the device was unplugged an error that wraps
// midi.ErrGone.
func (o *Out) Send(msg []byte) error {
	_, err := midi.FromMessage(msg, 0, "")
	if err == nil {
		err = o.write(msg)
	}
	if err == nil || err == midi.ErrClosed {
		return err
	}
	if errors.Is(err, unix.ENODEV) {
		err = midi.ErrGone
	}
	return fmt.Errorf("send to MIDI port %q: %w", o.name, err)
}

func (o *Out) write(msg []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file == nil {
		return midi.ErrClosed
	}
	conn, err := o.file.SyscallConn()
	if err != nil {
		return err
	}
	cerr := conn.Control(func(fd uintptr) { err = write(int(fd), msg) })
	return errors.Join(cerr, err)
}

// write writes all of msg. If it cannot, the device ends the part it has with
// the status byte of the next message, as MIDI 1.0 says.
func write(fd int, msg []byte) error {
	for len(msg) > 0 {
		n, err := unix.Write(fd, msg)
		switch {
		case err == nil:
			msg = msg[n:]
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			if err := waitFor(fd); err != nil {
				return err
			}
		default:
			return os.NewSyscallError("write", err)
		}
	}
	return nil
}

func waitFor(fd int) error {
	end := time.Now().Add(stall)
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, int(max(0, time.Until(end)).Milliseconds()))
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return os.NewSyscallError("poll", err)
		case n == 0:
			return errStalled
		default:
			return nil
		}
	}
}

// Close closes the device. Only the first call has an effect.
func (o *Out) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file == nil {
		return nil
	}
	err := o.file.Close()
	o.file = nil
	if err != nil {
		return fmt.Errorf("close MIDI port %q: %w", o.name, err)
	}
	return nil
}
