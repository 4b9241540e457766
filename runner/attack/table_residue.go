package attack

import (
	"strings"

	"golang.org/x/sys/unix"
)

// residueRows are the rows of section 8: information and residue.
func residueRows() []Row {
	identity := func(id, title, path string, needs func(*Options) string) Row {
		r := Row{ID: id, Title: title, Severity: Low, Family: "residue", Attack: "identity", Text: path, Phases: Everywhere(),
			Layer: Seccomp, LoadLayer: Root, Calls: []string{"openat"}, Evidence: []Evidence{Content(path), Worker}, Needs: needs}
		if strings.HasPrefix(path, "/proc/") {
			r.LoadLayer, r.Errnos = PID, notInProc
		}
		return r
	}
	ofHost := func(id, title, name string, severity Severity) Row {
		return Row{ID: id, Title: title, Severity: severity, Family: "residue", Attack: "of_host", Text: name, Phases: Everywhere(),
			Layer: Seccomp, LoadLayer: PID, Errnos: notInProc, Calls: []string{"openat"}, Evidence: []Evidence{Environment, Host, Worker}}
	}
	command := ofHost("H02/command", "reads the daemon's command line", "/cmdline", Medium)
	command.Evidence = []Evidence{Content("/proc/self/cmdline"), Host, Worker}
	return []Row{
		ofHost("H01/daemon", "reads the daemon's environment", "/environ", High),
		{ID: "H01/own", Title: "looks for secrets of the daemon's environment in its own", Severity: High,
			Elsewhere: "TestNothingInherited in runner"},
		command,
		{ID: "H02/own", Title: "looks for paths of the host in its arguments and its stack", Severity: Medium,
			Elsewhere: "TestNothingInherited in runner"},
		{ID: "H04/name", Title: "learns the host's name", Severity: Low,
			Family: "residue", Attack: "host_name", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"uname"}, Evidence: []Evidence{HostName, Worker}, Harmless: UTS},
		identity("H04/machine", "learns the machine's ID", "/etc/machine-id", has("/etc/machine-id")),
		identity("H04/boot", "learns this boot's ID", "/proc/sys/kernel/random/boot_id", nil),
		identity("H04/kernel", "learns the kernel's version", "/proc/version", nil),
		identity("H04/processor", "learns the processor's model", "/proc/cpuinfo", nil),
		identity("H04/product", "learns the machine's serial number", "/sys/class/dmi/id/product_uuid", has("/sys/class/dmi/id/product_uuid", root)),
		opens("H04/network", "lists network interfaces and their addresses", Low, "/sys/class/net", unix.O_RDONLY|unix.O_DIRECTORY, Root, has("/sys/class/net")),
		{ID: "H04/state", Title: "learns the machine's uptime, load and memory", Severity: Low,
			Family: "residue", Attack: "machine_state", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"sysinfo"}, AllowedBy: []string{"sysinfo"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "H04/uptime", Title: "learns when the machine was started", Severity: Low,
			Manual: "not stopped: CLOCK_BOOTTIME is the host's, since the time namespace has no offsets; docs/threat-model.md says so"},
		{ID: "H04/inode", Title: "learns inode numbers and times of the host's C library", Severity: Low,
			Manual: "not stopped while it loads: the loader needs newfstatat, which Landlock does not govern; docs/threat-model.md says so"},
		{ID: "H05", Title: "learns where other booths have their code", Severity: Medium,
			Elsewhere: "TestLayoutDiffers in runner"},
		{ID: "H06", Title: "finds what the worker before it left behind", Severity: High,
			Elsewhere: "TestNothingLeftBehind in runner: the next worker, the one from the reserve, is another process without it"},
		{ID: "H07", Title: "crashes so that the report holds its memory", Severity: Medium,
			Elsewhere: "TestCrashReport in runner"},
		{ID: "H08", Title: "measures time exactly", Severity: Low,
			Manual: "allowed: clocks are for plugins to use, and the processor's counter cannot be kept from them while they are; docs/threat-model.md says so"},
	}
}
