package profiles

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// maxGrants bounds each kind of grant: all of them go to the jailer in one
// message.
const maxGrants = 64

// maxPath is shorter than the kernel's PATH_MAX, for the same reason.
const maxPath = 512

// reserved are the places in a booth that hold what the worker and its loader
// read, and what isobooth itself puts there. No grant may be one of them, lie
// in one or hold one.
var reserved = []string{
	"/proc", "/dev", "/sys", "/isobooth-worker",
	"/lib", "/lib32", "/lib64", "/libx32", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32", "/usr/local/lib",
	"/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/ld.so.conf", "/etc/ld.so.conf.d",
	"/etc/hosts",
}

// addFile checks a grant against itself and against what p has, and adds it.
func (p *Profile) addFile(g FileGrant) error {
	switch {
	case g.Path == WorkFolder:
	case strings.HasPrefix(g.Path, "~/"):
		if err := cleanPath("path", "/"+g.Path[len("~/"):]); err != nil || g.Path == "~/" {
			return fmt.Errorf(`path %q: want a clean path below "~/"`, g.Path)
		}
	default:
		if err := cleanPath("path", g.Path); err != nil {
			return err
		}
		if g.Inside == "" {
			g.Inside = g.Path
		}
	}
	if g.Inside == "" {
		return fmt.Errorf("path %q: inside is missing: say where the plugin finds it", g.Path)
	}
	if err := cleanPath("inside", g.Inside); err != nil {
		return err
	}
	for _, place := range reserved {
		if nested(g.Inside, place) {
			return fmt.Errorf("inside %q: %s belongs to the booth itself", g.Inside, place)
		}
	}
	for _, have := range p.Files {
		if nested(g.Inside, have.Inside) {
			return fmt.Errorf("inside %q: %s puts %q there", g.Inside, have.At, have.Inside)
		}
	}
	if err := checkAccess(g.Access, g.Why); err != nil {
		return err
	}
	if len(p.Files) == maxGrants {
		return fmt.Errorf("more than %d files", maxGrants)
	}
	p.Files = append(p.Files, g)
	return nil
}

// addDevice is addFile for a device.
func (p *Profile) addDevice(g DeviceGrant) error {
	if err := cleanPath("path", g.Path); err != nil {
		return err
	}
	name, ok := strings.CutPrefix(g.Path, "/dev/")
	if !ok {
		return fmt.Errorf("path %q: want a device below /dev", g.Path)
	}
	// path.Match knows no other kind of error than a bad pattern.
	if _, err := path.Match(g.Path, g.Path); err != nil {
		return fmt.Errorf("path %q: %w", g.Path, err)
	}
	if strings.ContainsAny(name[:1], `*?[\`) {
		return fmt.Errorf("path %q: would match devices of all kinds; begin with a folder or a name", g.Path)
	}
	for _, have := range []string{"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"} {
		if g.Path == have {
			return fmt.Errorf("path %q: every booth has it", g.Path)
		}
	}
	for _, have := range p.Devices {
		if have.Path == g.Path {
			return fmt.Errorf("path %q: %s grants it", g.Path, have.At)
		}
	}
	if err := checkAccess(g.Access, g.Why); err != nil {
		return err
	}
	if len(p.Devices) == maxGrants {
		return fmt.Errorf("more than %d devices", maxGrants)
	}
	p.Devices = append(p.Devices, g)
	return nil
}

// addNetwork is addFile for destinations.
func (p *Profile) addNetwork(g NetworkGrant) error {
	if len(g.To) == 0 {
		return errors.New("to is missing")
	}
	if err := oneLine("why", g.Why); err != nil {
		return err
	}
	n := len(g.To)
	for _, have := range p.Network {
		n += len(have.To)
	}
	if n > maxGrants {
		return fmt.Errorf("more than %d destinations", maxGrants)
	}
	for i, d := range g.To {
		again, err := ParseDestination(d.String())
		if err != nil {
			return err
		}
		if again != d {
			return fmt.Errorf("destination %q: want %q", d, again)
		}
		if slices.Contains(g.To[:i], d) {
			return fmt.Errorf("destination %q twice", d)
		}
		for _, have := range p.Network {
			if slices.Contains(have.To, d) {
				return fmt.Errorf("destination %q: %s grants it", d, have.At)
			}
		}
	}
	p.Network = append(p.Network, g)
	return nil
}

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

// steers are variables that change what the loader and libc of the worker do
// before the plugin is confined, or where they look for files. The dynamic
// loader ignores most of them in set-user-ID programs, ld.so(8).
var steers = []string{"GLIBC_TUNABLES", "GCONV_PATH", "GETCONF_DIR", "HOSTALIASES", "LOCALDOMAIN", "LOCPATH", "NIS_PATH", "NLSPATH",
	"RESOLV_HOST_CONF", "RES_OPTIONS", "TZDIR"}

// addEnvironment is addFile for a variable.
func (p *Profile) addEnvironment(g EnvironmentGrant) error {
	if !variable.MatchString(g.Name) {
		return fmt.Errorf("environment %q: want letters, digits and _", g.Name)
	}
	for _, prefix := range []string{"LD_", "MALLOC_", "ISOBOOTH_"} {
		if strings.HasPrefix(g.Name, prefix) {
			return fmt.Errorf("environment %q: %s* steers the worker itself", g.Name, prefix)
		}
	}
	if slices.Contains(steers, g.Name) {
		return fmt.Errorf("environment %q steers the worker itself", g.Name)
	}
	if err := oneLine("why", g.Why); err != nil {
		return err
	}
	for _, have := range p.Environment {
		if have.Name == g.Name {
			return fmt.Errorf("environment %q: %s grants it", g.Name, have.At)
		}
	}
	if len(p.Environment) == maxGrants {
		return fmt.Errorf("more than %d variables", maxGrants)
	}
	p.Environment = append(p.Environment, g)
	return nil
}

func checkAccess(a Access, why string) error {
	if a != AccessRead && a != AccessWrite {
		return fmt.Errorf("access %q: want read or write", a)
	}
	return oneLine("why", why)
}

// cleanPath takes an absolute path other than "/" without empty, "." and ".."
// elements. A byte that ends a line or a string somewhere on its way to the
// mount table is refused.
func cleanPath(what, text string) error {
	switch {
	case text == "":
		return fmt.Errorf("%s is missing", what)
	case len(text) > maxPath:
		return fmt.Errorf("%s is longer than %d bytes", what, maxPath)
	case !strings.HasPrefix(text, "/") || text == "/" || path.Clean(text) != text:
		return fmt.Errorf(`%s %q: want an absolute path without ".", ".." and final "/"`, what, text)
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }):
		return fmt.Errorf("%s %q: holds a control character", what, text)
	}
	return nil
}

// nested reports whether two clean paths are the same or one lies in the
// other.
func nested(a, b string) bool {
	return a == b || strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/")
}

// fitGrants checks grants against limits and rules, which may have changed
// since the grants were given. at is the place to correct.
func (p *Profile) fitGrants() (at Position, err error) {
	if p.Limits.TmpSize > 0 {
		for _, g := range p.Files {
			if nested(g.Inside, "/tmp") {
				return g.At, fmt.Errorf("files: inside %q: /tmp is in memory, by tmp_size (%s)", g.Inside, p.LimitsAt["tmp_size"])
			}
		}
	}
	if len(p.Network) == 0 {
		return Position{}, nil
	}
	for i := range p.Rules {
		if call := p.Rules[i].pastBroker(); call != "" {
			return p.Rules[i].At, fmt.Errorf("call %q: the kernel may not allow it while destinations are granted (%s): "+
				"the host's sockets would reach others with it", call, p.Network[0].At)
		}
	}
	return Position{}, nil
}

// pastBroker returns a call by which a plugin could take a socket that the
// host connected for it elsewhere, or "". connect(2) itself does that: for an
// address of the family AF_UNSPEC it dissolves the connection.
func (r *Rule) pastBroker() string {
	if r.Action != Allow || r.Phase != PhaseRun {
		return ""
	}
	for _, call := range r.Calls {
		switch call {
		case "connect", "bind", "listen", "sendmsg", "sendmmsg", "io_uring_setup", "io_uring_enter":
			return call
		case "sendto":
			if !implies(r.When, []Compare{{Arg: 4, Mask: long, Value: 0}}) {
				return call
			}
		}
	}
	return ""
}
