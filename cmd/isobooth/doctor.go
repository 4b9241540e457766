package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"github.com/isobooth/isobooth/cgroups"
	"github.com/isobooth/isobooth/midi"
	"github.com/isobooth/isobooth/runner"
	"github.com/isobooth/isobooth/verify"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// finding is one line of doctor.
type finding struct {
	Name     string `json:"name"`
	OK       bool   `json:"ok"`
	Required bool   `json:"required"` // no booth starts without it
	Detail   string `json:"detail"`
	Hint     string `json:"hint,omitempty"` // only when not OK
}

func (a *app) doctorCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "doctor [PROFILE]", Short: "Say what each sandbox layer needs and whether this machine has it", Args: a.args(0, 1),
		ValidArgsFunction: a.completeProfiles(1),
		Long: `Doctor tries each thing that a booth is made of, changes nothing, and gives a
hint for each lack. It exits with 4 when something required is missing.

With a PROFILE, a name or a path, it says of each layer what in that profile
needs it, whether this machine enforces it, how that is known, and what becomes
of a booth without it. It builds an empty booth of that profile and removes it
again. It exits with 4 when a plugin with that profile could not be started.`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.load(c); err != nil {
				return err
			}
			if len(args) == 1 {
				return a.doctorProfile(args[0], asJSON)
			}
			list := a.examine()
			missing := 0
			for _, f := range list {
				if f.Required && !f.OK {
					missing++
				}
			}
			if asJSON {
				writeJSON(a.stdout, list)
			} else {
				for _, f := range list {
					mark := "ok     "
					switch {
					case !f.OK && f.Required:
						mark = "MISSING"
					case !f.OK:
						mark = "absent "
					}
					fmt.Fprintf(a.stdout, "%s %-16s %s\n", mark, f.Name, f.Detail)
					if f.Hint != "" {
						fmt.Fprintf(a.stdout, "        %-16s hint: %s\n", "", f.Hint)
					}
				}
			}
			if missing > 0 {
				return fmt.Errorf("%d of what a booth needs is missing: %w", missing, errMissing)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) examine() []finding {
	here := thisInstallation()
	list := []finding{checkKernel(), a.checkUserNamespaces(), checkSeccomp(), a.checkLandlock(), checkMemfd(), a.checkCgroups()}
	for _, name := range []string{"isobooth-jail", "isobooth-worker"} {
		f := finding{Name: name, Required: true, OK: true}
		path, err := findProgram(name, a.settings.Libexec)
		if f.Detail = path; err != nil {
			f.OK, f.Detail, f.Hint = false, err.Error(), "make builds it beside isobooth; --libexec names another folder"
		}
		list = append(list, f)
	}
	return append(list, checkScheduling(), a.checkKeys(), a.checkMIDI(), here.checkMIDIAccess(), here.checkAppArmor(a.jailerPath()), here.checkService())
}

func bad(f finding, err error, hint string) finding {
	f.OK, f.Detail, f.Hint = false, err.Error(), hint
	return f
}

func checkKernel() finding {
	var u unix.Utsname
	f := finding{Name: "kernel", Required: true}
	if err := unix.Uname(&u); err != nil {
		return bad(f, err, "")
	}
	release := unix.ByteSliceToString(u.Release[:])
	f.Detail = fmt.Sprintf("Linux %s %s", release, runtime.GOARCH)
	var major, minor int
	// A release that does not begin with two numbers leaves zeros.
	_, _ = fmt.Sscanf(release, "%d.%d", &major, &minor)
	// 5.6: pidfd_getfd and time namespaces; 5.10: Seccomp_filters in
	// /proc/PID/status, which the check from outside reads.
	if f.OK = major > 5 || major == 5 && minor >= 10; !f.OK {
		f.Hint = "booths need Linux 5.10 or newer"
	}
	return f
}

// checkUserNamespaces runs this very program in a namespace of each kind that
// an ordinary user gets through a user namespace.
func (a *app) checkUserNamespaces() finding {
	f := finding{Name: "namespaces", Required: true, OK: true, Detail: "user, mount, pid, net, ipc, uts, cgroup and time namespaces work"}
	err := startIn(syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET |
		syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | syscall.CLONE_NEWCGROUP)
	if err != nil {
		here := thisInstallation()
		if !here.jailerMay(a.jailerPath()) {
			return bad(f, err, here.namespaceHint())
		}
		f.Detail = "isobooth-jail may make them, by its AppArmor profile, and this program may not"
	}
	if _, err := os.Stat("/proc/self/ns/time"); err != nil {
		return bad(f, err, "this kernel lacks time namespaces (CONFIG_TIME_NS)")
	}
	return f
}

// jailerPath is where the jailer is, or "".
func (a *app) jailerPath() string {
	path, err := findProgram("isobooth-jail", a.settings.Libexec)
	if err != nil {
		return "" // another finding says so
	}
	return path
}

// checkSeccomp asks for the action a filter needs to hand calls over;
// seccomp(2), SECCOMP_GET_ACTION_AVAIL.
func checkSeccomp() finding {
	f := finding{Name: "seccomp", Required: true, OK: true, Detail: "filters that hand calls to a listener work"}
	const getActionAvail, userNotif = 2, 0x7fc00000
	action := uint32(userNotif)
	if _, _, e := unix.Syscall(unix.SYS_SECCOMP, getActionAvail, 0, uintptr(unsafe.Pointer(&action))); e != 0 {
		return bad(f, os.NewSyscallError("seccomp", e), "the kernel needs CONFIG_SECCOMP_FILTER and Linux 5.0")
	}
	return f
}

func (a *app) checkLandlock() finding {
	f := finding{Name: "landlock", Required: !a.settings.mayMiss("landlock"), OK: true}
	abi, err := landlockABI()
	if err != nil {
		return bad(f, err, "boot with lsm=landlock,... (Linux 5.13 or newer), or allow_missing = [\"landlock\"]")
	}
	f.Detail = fmt.Sprintf("ABI %d", abi)
	return f
}

func checkMemfd() finding {
	f := finding{Name: "sealed memory", Required: true, OK: true}
	fd, err := unix.MemfdCreate("doctor", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return bad(f, os.NewSyscallError("memfd_create", err), "plugins are loaded from sealed memory; vm.memfd_noexec=2 with an old kernel forbids it")
	}
	unix.Close(fd)
	policy := "no policy"
	if data, err := os.ReadFile("/proc/sys/vm/memfd_noexec"); err == nil {
		policy = "vm.memfd_noexec=" + strings.TrimSpace(string(data))
	}
	f.Detail = "memfd_create with seals works; " + policy
	return f
}

func (a *app) checkCgroups() finding {
	f := finding{Name: "cgroup", Required: !a.settings.mayMiss("cgroup")}
	r := cgroups.Probe()
	f.OK = r.Usable
	f.Detail = fmt.Sprintf("%s, controllers %s", r.Version, strings.Join(r.Controllers, " "))
	if !r.Usable {
		f.Detail += ": " + r.Reason
		f.Hint = r.Hint
	}
	return f
}

// checkScheduling is about latency, not safety.
func checkScheduling() finding {
	f := finding{Name: "scheduling", Detail: runner.LaneUrgency()}
	if f.OK = f.Detail == "realtime"; !f.OK {
		f.Hint = "for the lowest latency allow real-time priority 1: ulimit -r, LimitRTPRIO=1 in a unit, or /etc/security/limits.d"
	}
	return f
}

func (a *app) checkKeys() finding {
	f := finding{Name: "trusted keys", OK: true}
	keys, err := verify.LoadKeys(a.settings.TrustedKeys)
	if err != nil {
		return bad(f, err, "")
	}
	n := len(keys.List())
	f.Detail = fmt.Sprintf("%d in %s", n, a.settings.TrustedKeys)
	if n == 0 {
		f.OK, f.Hint = false, "put the plugin author's minisign .pub file there; isobooth key generate makes one of your own"
	}
	return f
}

func (a *app) checkMIDI() finding {
	f := finding{Name: "midi", OK: true}
	d, err := driverNamed(a.settings.MIDI.Driver)
	if err != nil {
		return bad(f, err, "")
	}
	ins, outs, err := d.Ports()
	switch {
	case errors.Is(err, midi.ErrNoPorts):
		return bad(f, err, "plug in a controller; files and stdin work without")
	case err != nil:
		return bad(f, err, "")
	}
	f.Detail = fmt.Sprintf("%s: %d in, %d out", d.Name(), len(ins), len(outs))
	return f
}
