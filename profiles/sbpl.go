package profiles

import (
	"fmt"
	"net/netip"
	"path"
	"strings"
)

// sbplBase is what a worker needs under (deny default) on macOS: the loader,
// its shared cache, and the few values that libSystem asks for. The program,
// the plugin and its libraries come as parameters, since only the host knows
// their paths, and none of them may lie where the plugin can write.
const sbplBase = `
(version 1)
(deny default)
; What (deny default) does not cover.
(deny process-info*)
(deny nvram*)
(deny iokit-get-properties)
(deny file-map-executable)

; The worker, once, by sandbox-exec itself; no other program and no process.
(allow process-exec (literal (param "WORKER")))
(deny process-fork)
(allow signal (target self))
(allow process-info* (target self))

; The loader opens / as its root, and looks at each folder of a path.
(allow file-read-data (literal "/"))
(allow file-read-metadata)
(allow file-read* file-map-executable
  (subpath "/System/Library/Frameworks")
  (subpath "/System/Library/PrivateFrameworks")
  (subpath "/usr/lib")
  (subpath "/System/Cryptexes/OS")
  (subpath "/System/Cryptexes/App")
  (subpath "/System/Volumes/Preboot/Cryptexes"))
(allow file-read* file-map-executable
  (literal (param "WORKER"))
  (literal (param "PLUGIN"))
  (subpath (param "LIBRARIES")))
(allow file-read* (literal "/dev/null") (literal "/dev/zero") (literal "/dev/random") (literal "/dev/urandom"))
(allow file-write-data (literal "/dev/null"))
(allow file-read* file-write-data file-ioctl (literal "/dev/dtracehelper"))

(allow sysctl-read
  (sysctl-name "hw.ncpu") (sysctl-name "hw.activecpu") (sysctl-name "hw.memsize")
  (sysctl-name "hw.pagesize") (sysctl-name "hw.pagesize_compat") (sysctl-name "hw.cputype")
  (sysctl-name "hw.byteorder") (sysctl-name "hw.logicalcpu_max") (sysctl-name "hw.physicalcpu_max")
  (sysctl-name-prefix "hw.optional.")
  (sysctl-name "kern.osversion") (sysctl-name "kern.osrelease") (sysctl-name "kern.ostype")
  (sysctl-name "kern.version") (sysctl-name "kern.osproductversion") (sysctl-name "kern.osvariant_status")
  (sysctl-name "kern.secure_kernel") (sysctl-name "kern.usrstack64") (sysctl-name "kern.argmax")
  (sysctl-name "kern.maxfilesperproc") (sysctl-name "sysctl.proc_cputype"))
`

// SBPL is the profile in the language of macOS's sandbox-exec, for a file that
// it reads with -f and the parameters WORKER, PLUGIN and LIBRARIES. It denies
// by default and allows what the grants allow; what macOS has no counterpart
// for is named in comments, and never allowed in its place. Nothing in
// isobooth runs it yet.
func (p *Profile) SBPL() (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "; %s, for sandbox-exec. Not a whole booth: see the end.\n", sbplComment(p.Name+": "+p.Description))
	b.WriteString(strings.TrimPrefix(sbplBase, "\n"))
	for _, part := range []func(*strings.Builder) error{p.sbplFiles, p.sbplNetwork} {
		if err := part(&b); err != nil {
			return "", err
		}
	}
	p.sbplLacks(&b)
	return b.String(), nil
}

func (p *Profile) sbplFiles(b *strings.Builder) error {
	for _, g := range p.Files {
		fmt.Fprintf(b, "\n; %s\n", sbplComment(g.Why))
		where := `(subpath (param "WORK"))`
		if g.Path != WorkFolder {
			home := ""
			text, ok := strings.CutPrefix(g.Path, "~/")
			if ok {
				home, text = `(string-append (param "HOME") `, "/"+text
			}
			quoted, err := sbplString(path.Clean(text))
			if err != nil {
				return fmt.Errorf("file %s: %w", g.Path, err)
			}
			if home != "" {
				quoted = home + quoted + ")"
			}
			where = fmt.Sprintf("(subpath %s)", quoted)
		}
		fmt.Fprintf(b, "(allow file-read* %s)\n", where)
		if g.Access == AccessWrite {
			fmt.Fprintf(b, "(allow file-write* %s)\n", where)
		}
		// Last match wins: nothing of it is ever run as code.
		fmt.Fprintf(b, "(deny file-map-executable process-exec %s)\n", where)
		if g.Inside != g.Path {
			fmt.Fprintf(b, "; there is no other view of files on macOS: the plugin finds it at its own path, not at %s\n", sbplComment(g.Inside))
		}
	}
	return nil
}

// sbplNetwork: (remote ...) takes no host but "localhost" and "*".
func (p *Profile) sbplNetwork(b *strings.Builder) error {
	for _, g := range p.Network {
		fmt.Fprintf(b, "\n; %s\n", sbplComment(g.Why))
		for _, to := range g.To {
			if !onlyLoopback(to.Host) {
				fmt.Fprintf(b, "; not allowed: %s: a rule can name no host but this machine\n", sbplComment(to.String()))
				continue
			}
			fmt.Fprintf(b, "(allow network-outbound (remote %s \"localhost:%d\"))\n", to.Protocol, to.Port)
		}
	}
	return nil
}

func onlyLoopback(host string) bool {
	if network, err := netip.ParsePrefix(host); err == nil {
		return network.Addr().IsLoopback() && (network.Addr().Is4() && network.Bits() >= 8 || network.Bits() == 128)
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// sbplLacks lists what the profile says and this text cannot.
func (p *Profile) sbplLacks(b *strings.Builder) {
	b.WriteString("\n; Without a counterpart here:\n")
	for _, c := range []struct {
		is   bool
		text string
	}{
		{true, "system calls: they are not filtered one by one; threads cannot be refused"},
		{true, "phases: this holds from the start, so what only loading needs is allowed for good"},
		{true, "limits: open_files and file_size are rlimits there, too; address_space is ignored, memory, cpu and pids have none"},
		{true, "namespaces: processes and the network are those of the machine"},
		{len(p.Devices) > 0, "devices: they have other names and other rules on macOS; none is allowed"},
		{len(p.Environment) > 0, "environment: whoever starts the worker hands it over"},
		{len(p.Require) > 0, "require: none of " + strings.Join(p.Require, ", ") + " is there"},
	} {
		if c.is {
			fmt.Fprintf(b, ";   %s\n", c.text)
		}
	}
}

// sbplString quotes a path. The language is Scheme: a backslash and a quote
// are escaped; what is no printable ASCII is refused, since nothing says how
// it would be compared.
func sbplString(text string) (string, error) {
	for _, r := range text {
		if r < ' ' || r > '~' {
			return "", fmt.Errorf("path %q: only printable ASCII can be said to sandbox-exec", text)
		}
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`, nil
}

// sbplComment keeps text of a profile inside its comment.
func sbplComment(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, text)
}
