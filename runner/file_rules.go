package runner

import (
	"fmt"
	"math"
	"slices"

	"github.com/isobooth/isobooth/profiles"
)

// A socket that lies in a folder of the host leads to the host's program that
// listens there: network namespaces do not tell such sockets apart, unix(7),
// a mount that is read-only does not stop connect(2), and no access right of
// Landlock is about it.

// familyUnix is AF_UNIX.
const familyUnix = 1

// checkFileRules refuses a profile with file grants whose rules would let a
// plugin connect to the sockets in what is granted. The error names the rule's
// file and line.
func checkFileRules(p *profiles.Profile, f *profiles.Filter) error {
	if len(p.Files) == 0 || !slices.ContainsFunc(f.Calls, func(c profiles.Call) bool { return makesUnix(&c) }) {
		return nil
	}
	for i := range f.Calls {
		if c := &f.Calls[i]; reachesSockets(c) {
			return fmt.Errorf("%s: call %q: not with file grants and sockets of AF_UNIX: a socket in a granted folder leads to a program of the host",
				ruleOf(p, c.Name), c.Name)
		}
	}
	return nil
}

// makesUnix reports whether a call is allowed to make a socket of AF_UNIX, in
// any phase.
func makesUnix(c *profiles.Call) bool {
	switch c.Name {
	case "io_uring_setup":
		return len(c.Allowed()) > 0
	case "socket", "socketpair":
	default:
		return false
	}
	return slices.ContainsFunc(c.Allowed(), func(all []profiles.Compare) bool {
		return !slices.ContainsFunc(all, func(cmp profiles.Compare) bool {
			return cmp.Arg == 0 && (cmp.Value^familyUnix)&cmp.Mask&math.MaxUint32 != 0
		})
	})
}

// reachesSockets reports whether a call is allowed to name a socket by its
// path, in any phase.
func reachesSockets(c *profiles.Call) bool {
	switch c.Name {
	case "connect", "sendmsg", "sendmmsg", "io_uring_setup":
		return len(c.Allowed()) > 0
	case "sendto":
		return slices.ContainsFunc(c.Allowed(), func(all []profiles.Compare) bool {
			address, ok := fixed(all, 4, math.MaxUint64)
			return !ok || address != 0
		})
	}
	return false
}
