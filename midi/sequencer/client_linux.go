//go:build 386 || amd64 || arm || arm64 || loong64 || riscv64 || s390x

package sequencer

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Client is the client of a library in this process.
type Client struct{ number int }

// own has the numbers of these clients. The kernel does not tell whose a
// client is, only the thread that opened it, which may be gone. It goes with
// opening.
var own = map[int]bool{}

// Forget is called before the library closes c.
func (c *Client) Forget() {
	opening.Lock()
	defer opening.Unlock()
	delete(own, c.number)
}

// Opened runs open, which makes a library open the sequencer once, and finds
// the client that the library has made: none has a call that tells. It then
// lets the kernel keep as much for this client as it does for any. If open
// fails, its error is returned.
func Opened(open func() error) (*Client, error) {
	opening.Lock()
	defer opening.Unlock()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := descriptors()
	if err != nil {
		return nil, err
	}
	if err := open(); err != nil {
		return nil, err
	}
	after, err := descriptors()
	if err != nil {
		return nil, err
	}
	var found []int // their clients
	var h handle
	for fd := range after {
		// Others of this process may open it meanwhile, on other threads.
		if number, ok := fd.openedHere(); ok && !before[fd] {
			found, h = append(found, number), fd
		}
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("%s was opened %d times, not once", path, len(found))
	}
	own[found[0]] = true
	return &Client{found[0]}, h.widen()
}

// openedHere returns the client of h, if this thread has opened it.
func (h handle) openedHere() (int, bool) {
	number, err := h.client()
	if err != nil {
		return 0, false
	}
	info := clientInfo{client: int32(number)}
	if err := ioctl(h, callGetClient, &info); err != nil {
		return 0, false
	}
	return number, int(info.pid) == unix.Gettid()
}

// Lost returns how many messages to c were lost since it was opened, because
// c had not read those before them. The kernel tells c of it as well, in a
// way that PortMidi passes over.
func (c *Client) Lost() (uint64, error) {
	f, err := os.Open("/proc/asound/seq/clients")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return parseLost(f, c.number)
}

// descriptors returns which of this process's descriptors are the sequencer.
func descriptors() (map[handle]bool, error) {
	var device unix.Stat_t
	if err := unix.Stat(path, &device); err != nil {
		return nil, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	found := map[handle]bool{}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil {
			return nil, err
		}
		var s unix.Stat_t
		// Other descriptors may be closed meanwhile.
		if unix.Fstat(fd, &s) == nil && s.Mode&unix.S_IFMT == unix.S_IFCHR && s.Rdev == device.Rdev {
			found[handle(fd)] = true
		}
	}
	return found, nil
}
