package attack

import (
	"bytes"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Values for Row.Needs.

func root(*Options) string {
	if os.Geteuid() != 0 {
		return "the control has to be root"
	}
	return ""
}

// ownProgram is for what wants to write to the control's program, which an
// ordinary user may not where isobooth is installed.
func ownProgram(o *Options) string {
	if err := unix.Access(o.Programs.Control, unix.W_OK); err != nil {
		return "the control's program: " + err.Error()
	}
	return ""
}

func ip6(*Options) string {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return "no IPv6: " + err.Error()
	}
	l.Close()
	return ""
}

func groups(o *Options) string {
	if o.Groups == nil {
		return "no cgroups"
	}
	return ""
}

func amd64(*Options) string {
	if runtime.GOARCH != "amd64" {
		return "amd64 only"
	}
	return ""
}

// vsyscalls is for amd64's page of old calls, which a kernel may leave out.
func vsyscalls(*Options) string {
	maps, err := os.ReadFile("/proc/self/maps")
	switch {
	case err != nil:
		return err.Error()
	case !bytes.Contains(maps, []byte("[vsyscall]")):
		return "this kernel has no vsyscall page"
	}
	return ""
}

// executableDevices is for code from a device, which a noexec /dev stops for
// the control, too.
func executableDevices(*Options) string {
	var st unix.Statfs_t
	if err := unix.Statfs("/dev/zero", &st); err != nil {
		return "/dev/zero: " + err.Error()
	}
	if st.Flags&unix.ST_NOEXEC != 0 {
		return "nothing in /dev can be executed"
	}
	return ""
}

// resources is for what CAP_SYS_RESOURCE is asked for, which root in a
// container may lack.
func resources(o *Options) string {
	if lacks := root(o); lacks != "" {
		return lacks
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var have [2]unix.CapUserData
	switch err := unix.Capget(&header, &have[0]); {
	case err != nil:
		return err.Error()
	case have[0].Effective&(1<<unix.CAP_SYS_RESOURCE) == 0:
		return "the control has to have CAP_SYS_RESOURCE"
	}
	return ""
}
