//go:build 386 || amd64 || arm || arm64 || loong64 || riscv64 || s390x

package sequencer

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Check returns why this process cannot open the sequencer, if it cannot.
func Check() error {
	if err := unix.Faccessat(unix.AT_FDCWD, path, unix.R_OK|unix.W_OK, unix.AT_EACCESS); err != nil {
		return &os.PathError{Op: "access", Path: path, Err: err}
	}
	return nil
}

// Ports lists the ports of all clients, in the order of their addresses.
func Ports() ([]Port, error) {
	h, err := open()
	if err != nil {
		return nil, err
	}
	defer h.close()
	opening.RLock()
	defer opening.RUnlock()
	var ports []Port
	for c := (clientInfo{client: -1}); ; {
		// ENOENT ends the list.
		if err := ioctl(h, callNextClient, &c); errors.Is(err, unix.ENOENT) {
			return ports, nil
		} else if err != nil {
			return nil, err
		}
		if c.client == 0 {
			continue
		}
		p := portInfo{addr: Addr{uint8(c.client), 255}} // the next of -1 is 0
		for {
			// Besides its end, the client may go meanwhile.
			if err := ioctl(h, callNextPort, &p); err != nil {
				break
			}
			ports = append(ports, Port{Addr: p.addr, Name: text(p.name[:]), Caps: p.caps, Type: p.kind, Own: own[int(c.client)]})
		}
	}
}
