package runner

import (
	"fmt"
	"math"
	"slices"

	"github.com/isobooth/isobooth/profiles"
)

// A socket that the jailer has made for a plugin is one of the host's network:
// what can turn it elsewhere, or ask it about that network, no filter of a
// booth with network grants may let through. The jailer alone connects.

// waysAround are calls that no such profile may allow once the booth is sealed.
var waysAround = map[string]string{
	"connect":           "the jailer makes the connections that are granted",
	"bind":              "a socket of the host's network would take part of it",
	"listen":            "a socket of the host's network would let others in",
	"accept":            "a socket of the host's network would let others in",
	"accept4":           "a socket of the host's network would let others in",
	"sendmsg":           "its address is in memory, where no filter sees it; use send, sendto without an address, or write",
	"sendmmsg":          "its addresses are in memory, where no filter sees them",
	"io_uring_setup":    "it makes calls that no filter sees",
	"io_uring_enter":    "it makes calls that no filter sees",
	"io_uring_register": "it makes calls that no filter sees",
}

// Numbers of Linux on amd64 and arm64: asm-generic/socket.h, linux/tcp.h,
// linux/in6.h, sockios.h, wireless.h.
const (
	levelSocket = 1
	levelTCP    = 6
	levelIPv6   = 41

	ioctlSockets  = 0x89 // second byte of the requests
	ioctlWireless = 0x8b
)

// optionsSafe are what may be set: nothing that says where packets go or come
// from (IP_OPTIONS can), and no program. Nor SO_LINGER: the jailer holds a
// plugin's socket for a moment, and with it waits for the plugin's peer when
// it is the last to close it.
var optionsSafe = map[uint64][]uint64{
	levelSocket: {
		2, 6, 7, 8, 9, 10, // SO_REUSEADDR, SO_BROADCAST (the peer is given by then), SO_SNDBUF, SO_RCVBUF, SO_KEEPALIVE, SO_OOBINLINE
		18, 19, 20, 21, 66, 67, // SO_RCVLOWAT, SO_SNDLOWAT, SO_RCVTIMEO, SO_SNDTIMEO and for 64 bits
	},
	levelTCP: {
		1, 3, 4, 5, 6, // TCP_NODELAY, TCP_CORK, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT
		12, 18, 25, // TCP_QUICKACK, TCP_USER_TIMEOUT, TCP_NOTSENT_LOWAT
	},
	levelIPv6: {26}, // IPV6_V6ONLY
}

// checkStandby refuses a profile whose filter would let the worker's own
// recvmsg through, by which the jailer knows that the booth is in standby: it
// would wait for that in vain. Its flag is MSG_CMSG_CLOEXEC.
func checkStandby(p *profiles.Profile, f *profiles.Filter) error {
	const closeOnExec = 0x40000000
	for i := range f.Calls {
		c := &f.Calls[i]
		if c.Name == "recvmsg" && c.KernelVerdict([6]uint64{2: closeOnExec}) == profiles.VerdictAllow {
			return fmt.Errorf(`%s: call "recvmsg": needs the condition "flags & %#x == 0": the worker's own is answered by the jailer`, ruleOf(p, c.Name), closeOnExec)
		}
	}
	return nil
}

// checkNetworkRules refuses a profile with network grants whose rules would
// leave a way around them. The error names the rule's file and line.
func checkNetworkRules(p *profiles.Profile, f *profiles.Filter) error {
	if len(p.Network) == 0 {
		return nil
	}
	for i := range f.Calls {
		c := &f.Calls[i]
		if c.Kernel != profiles.VerdictAllow {
			continue
		}
		why := waysAround[c.Name]
		if why == "" {
			why = tooWide(c)
		}
		if why != "" {
			return fmt.Errorf("%s: call %q: not with network grants: %s", ruleOf(p, c.Name), c.Name, why)
		}
	}
	return nil
}

// tooWide is why the conditions of a call allow too much, or empty.
func tooWide(c *profiles.Call) string {
	for _, all := range alternatives(c) {
		switch c.Name {
		case "sendto":
			if address, ok := fixed(all, 4, math.MaxUint64); !ok || address != 0 {
				return `needs the condition "arg4 == 0": no address of its own`
			}
		case "ioctl":
			request, ok := fixed(all, 1, 0xff00)
			if kind := request >> 8; !ok || kind == ioctlSockets || kind == ioctlWireless {
				return "needs a condition on the request: those of sockets tell of the host's interfaces and change them"
			}
		case "setsockopt":
			level, ok := fixed(all, 1, math.MaxUint32)
			name, okay := fixed(all, 2, math.MaxUint32)
			if !ok || !okay || !slices.Contains(optionsSafe[level], name) {
				return "needs conditions on level and option: some say where packets go, IP_OPTIONS and SO_BINDTODEVICE among them"
			}
		case "getsockopt":
			if level, ok := fixed(all, 1, math.MaxUint32); !ok || level != levelSocket && level != levelTCP && level != levelIPv6 {
				return "needs a condition on the level: SOL_SOCKET, IPPROTO_TCP or IPPROTO_IPV6; others tell of the host's network"
			}
		}
	}
	return ""
}

func alternatives(c *profiles.Call) [][]profiles.Compare {
	if len(c.Run) == 0 {
		return [][]profiles.Compare{nil}
	}
	return c.Run
}

// fixed is the value that comparisons leave for some bits of an argument.
func fixed(all []profiles.Compare, arg int, bits uint64) (value uint64, ok bool) {
	for _, c := range all {
		if c.Arg == arg && c.Mask&bits == bits {
			return c.Value & bits, true
		}
	}
	return 0, false
}

// ruleOf is where a profile allows a call, in the run phase if it does.
func ruleOf(p *profiles.Profile, call string) (at profiles.Position) {
	for i := range p.Rules {
		r := &p.Rules[i]
		if r.Action != profiles.Allow || !slices.Contains(r.Calls, call) {
			continue
		}
		if at = r.At; r.Phase == profiles.PhaseRun {
			break
		}
	}
	return at
}
