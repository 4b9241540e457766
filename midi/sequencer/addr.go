package sequencer

import (
	"fmt"
	"strconv"
	"strings"
)

// Addr is the address of a port: its client and its number there. It is given
// to another port when this one has gone.
type Addr struct{ Client, Port uint8 }

func (a Addr) String() string { return fmt.Sprintf("%d:%d", a.Client, a.Port) }

// ParseAddr is the reverse of String.
func ParseAddr(s string) (Addr, error) {
	client, port, _ := strings.Cut(s, ":")
	c, err1 := strconv.ParseUint(client, 10, 8)
	p, err2 := strconv.ParseUint(port, 10, 8)
	if err1 != nil || err2 != nil {
		return Addr{}, fmt.Errorf("port address %q is not CLIENT:PORT", s)
	}
	return Addr{uint8(c), uint8(p)}, nil
}

// Port is a port of any client but the kernel's own, number 0.
type Port struct {
	Addr Addr
	Name string
	Caps Caps
	Type uint32 // SNDRV_SEQ_PORT_TYPE bits
	Own  bool   // of a Client of this process
}

// Caps are the SNDRV_SEQ_PORT_CAP bits of a port.
type Caps uint32

// What others may do with a port, once they are connected to it.
const (
	CapRead      Caps = 1 << 0
	CapWrite     Caps = 1 << 1
	CapSubsRead  Caps = 1 << 5 // others may connect, to read
	CapSubsWrite Caps = 1 << 6
	capNoExport  Caps = 1 << 7 // nobody else may change its connections
)
