package profiles

import (
	"net/netip"
	"path"
	"slices"
	"strings"
)

var openCalls = []string{"open", "openat", "openat2", "creat"}

// checkReach looks for grants that nothing can use and calls that have nothing
// to reach.
func (p *Profile) checkReach() []Finding {
	var found []Finding
	opens := p.allowsAny(openCalls...)
	for _, g := range p.Files {
		if p.own(g.At) && !opens {
			found = append(found, lintNoCall.at(g.At, "file %s: no rule of phase run allows openat, so it can be opened while loading only", g.Inside))
		}
	}
	for _, g := range p.Devices {
		if p.own(g.At) && !opens {
			found = append(found, lintNoCall.at(g.At, "device %s: no rule of phase run allows openat, so it can be opened while loading only", g.Path))
		}
	}
	for _, g := range p.Network {
		if p.own(g.At) && !p.allowsAny("socket") {
			found = append(found, lintNoCall.at(g.At, "network: no rule of phase run allows socket, which every connection begins with"))
		}
	}
	for _, rule := range p.ownRules() {
		if rule.Action != Allow || rule.Phase != PhaseRun {
			continue
		}
		for _, call := range rule.Calls {
			if slices.Contains(openCalls, call) && len(p.Files)+len(p.Devices) == 0 {
				found = append(found, lintNoGrant.at(rule.At, "files can be opened, and without [[files]] and [[devices]] there are only /dev/null, zero, random and urandom"))
			}
			if call == "socket" && len(p.Network) == 0 && !localOnly(&rule) {
				found = append(found, lintNoGrant.at(rule.At, "sockets can be made, and without [[network]] there is nothing to connect to"))
			}
		}
	}
	return found
}

// localOnly reports whether a rule for socket allows AF_UNIX only.
func localOnly(rule *Rule) bool {
	domain := cubeOf(rule.When)[0]
	return domain.mask == word && domain.value == constants["AF_UNIX"]
}

// machine are folders and devices of a host that hold what every other program
// or user has: whoever has them has the machine, or its users' keys.
var machine = []string{
	"/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/opt", "/proc", "/root", "/run", "/sbin", "/srv",
	"/sys", "/tmp", "/usr", "/var", "/var/lib", "/var/run", "/run/user", "/mnt", "/media",
	"~", "~/", "~/.ssh", "~/.gnupg", "~/.config", "~/.local", "~/.aws", "~/.kube", "~/.mozilla",
}

// machineDevices are likewise, as globs below /dev.
var machineDevices = []string{
	"mem", "kmem", "port", "kmsg", "sd*", "nvme*", "vd*", "dm-*", "loop*", "mapper/*", "kvm", "fuse", "uinput", "uhid",
	"tty*", "ptmx", "pts/*", "console", "net/tun", "mtd*", "cpu/*", "input/*", "hidraw*", "bus/usb/*",
}

func (p *Profile) checkGrants() []Finding {
	var found []Finding
	for i, g := range p.Files {
		if !p.own(g.At) {
			continue
		}
		clean := path.Clean(g.Path)
		if g.Path != WorkFolder && slices.Contains(machine, clean) {
			found = append(found, lintWideFiles.at(g.At, "file %s: name the one folder that is needed", g.Path))
		}
		for j, other := range p.Files {
			if same := i > j && g.Path == other.Path || below(g.Path, other.Path); same && (other.Access == AccessWrite || g.Access == AccessRead) {
				found = append(found, lintSameGrant.at(g.At, "file %s: %s has it, too", g.Inside, other.Inside))
			}
		}
		if text := emptyReason(g.Why); text != "" {
			found = append(found, lintReason.at(g.At, "file %s: %s", g.Inside, text))
		}
	}
	for _, g := range p.Devices {
		if !p.own(g.At) {
			continue
		}
		name := strings.TrimPrefix(g.Path, "/dev/")
		if slices.ContainsFunc(machineDevices, func(glob string) bool { return overlap(name, glob) }) {
			found = append(found, lintWideFiles.at(g.At, "device %s: it is, or matches, a device that controls the machine", g.Path))
		}
		if text := emptyReason(g.Why); text != "" {
			found = append(found, lintReason.at(g.At, "device %s: %s", g.Path, text))
		}
	}
	return found
}

// below reports whether a path is strictly below another.
func below(inner, outer string) bool {
	return inner != outer && strings.HasPrefix(inner, strings.TrimSuffix(outer, "/")+"/")
}

// overlap reports whether a name or glob meets a glob with at most one star, at
// its end.
func overlap(name, glob string) bool {
	stem := strings.TrimSuffix(glob, "*")
	head, _, wild := strings.Cut(strings.NewReplacer("?", "*", "[", "*").Replace(name), "*")
	if wild {
		return strings.HasPrefix(head, stem) && stem != glob || strings.HasPrefix(stem, head)
	}
	return name == glob || stem != glob && strings.HasPrefix(name, stem)
}

func (p *Profile) checkNetwork() []Finding {
	var found []Finding
	for _, g := range p.Network {
		if !p.own(g.At) {
			continue
		}
		for _, to := range g.To {
			if text := wideHost(to.Host); text != "" {
				found = append(found, lintWideNet.at(g.At, "%s: %s", to.String(), text))
			}
		}
		if text := emptyReason(g.Why); text != "" {
			found = append(found, lintReason.at(g.At, "network: %s", text))
		}
	}
	for _, g := range p.Environment {
		if p.own(g.At) && secret(g.Name) {
			found = append(found, lintSecrets.at(g.At, "%s: a plugin that has it can use it", g.Name))
		}
	}
	return found
}

// Networks with fewer fixed bits hold more than one organisation's hosts.
const (
	narrowIPv4 = 16
	narrowIPv6 = 48
)

func wideHost(host string) string {
	network, err := netip.ParsePrefix(host)
	if err != nil {
		addr, err := netip.ParseAddr(host)
		if err != nil {
			return "" // a name
		}
		network = netip.PrefixFrom(addr, addr.BitLen())
	}
	// The address at which clouds hand out credentials of the machine.
	if network.Contains(netip.MustParseAddr("169.254.169.254")) {
		return "169.254.169.254 is in it, where clouds hand out the machine's credentials"
	}
	least := narrowIPv4
	if network.Addr().Is6() {
		least = narrowIPv6
	}
	if network.Bits() < least && !network.Addr().IsLoopback() {
		return "name the host, or a smaller network"
	}
	return ""
}

func secret(name string) bool {
	upper := strings.ToUpper(name)
	if strings.HasPrefix(upper, "LD_") || upper == "SSH_AUTH_SOCK" || upper == "DBUS_SESSION_BUS_ADDRESS" {
		return true
	}
	return slices.ContainsFunc([]string{"TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "COOKIE", "API_KEY", "PRIVATE_KEY", "ACCESS_KEY"},
		func(part string) bool { return strings.Contains(upper, part) })
}
