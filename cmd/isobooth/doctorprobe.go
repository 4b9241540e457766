package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/isobooth/isobooth/cgroups"
	"github.com/isobooth/isobooth/profiles"
	"golang.org/x/sys/unix"
)

// probe finds out about this machine, for one profile.
func (a *app) probe(p *profiles.Profile) *machine {
	library, highest := profiles.CallTable()
	m := &machine{
		kernel: checkKernel().Detail, root: os.Geteuid() == 0, allowed: a.settings.AllowMissing,
		spaces: trySpaces(a.jailerPath()), seccomp: trySeccomp(), landlock: tryLandlock(), sealed: trySealed(), rlimits: hardLimits(),
		library: fmt.Sprintf("libseccomp %s knows calls up to number %d; newer ones fail with ENOSYS", library, highest),
		booth:   map[string]attempt{},
	}
	a.tryBooth(m, p)
	return m
}

// trySpaces makes namespaces, all at once, and where that fails each alone.
// jailer is the path of the program that makes those of booths.
func trySpaces(jailer string) map[string]attempt {
	kinds := map[string]uintptr{
		"user": 0, "mount": syscall.CLONE_NEWNS, "pid": syscall.CLONE_NEWPID, "net": syscall.CLONE_NEWNET,
		"ipc": syscall.CLONE_NEWIPC, "uts": syscall.CLONE_NEWUTS, "cgroupns": syscall.CLONE_NEWCGROUP, "time": unix.CLONE_NEWTIME,
	}
	var flags uintptr
	for _, f := range kinds {
		flags |= f
	}
	together := startIn(flags)
	tried := map[string]attempt{}
	for name, f := range kinds {
		t := attempt{err: together, how: "a process was started in one"}
		if together != nil {
			t.err = startIn(f)
		}
		if t.err != nil {
			here := thisInstallation()
			t.hint = here.namespaceHint()
			if name == "time" {
				t.hint = "this kernel lacks time namespaces (CONFIG_TIME_NS, Linux 5.6)"
			}
			if here.jailerMay(jailer) {
				t = attempt{how: "isobooth-jail may make one, by its AppArmor profile; the empty booth has it"}
			}
		}
		tried[name] = t
	}
	return tried
}

// startIn runs this very program in a new user namespace and others. The others
// are made by the new process: Ubuntu's AppArmor lets anybody make a user
// namespace, and whoever is in it have no capability.
func startIn(flags uintptr) error {
	cmd := exec.Command("/proc/self/exe", "--version")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER, Unshareflags: flags &^ syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start a process in one: %w", err)
	}
	// It ran, whatever it then thought of its arguments.
	_ = cmd.Wait()
	return nil
}

// trySealed writes to memory, seals it, and writes again; then it maps it as
// code.
func trySealed() attempt {
	hint := "plugins are loaded from sealed memory; vm.memfd_noexec=2 with an old kernel forbids it"
	fd, err := unix.MemfdCreate("doctor", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return attempt{err: os.NewSyscallError("memfd_create", err), hint: hint}
	}
	defer unix.Close(fd)
	page := make([]byte, os.Getpagesize())
	if _, err := unix.Write(fd, page); err != nil {
		return attempt{err: os.NewSyscallError("write", err), hint: hint}
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL); err != nil {
		return attempt{err: os.NewSyscallError("fcntl F_ADD_SEALS", err), hint: hint}
	}
	if _, err := unix.Pwrite(fd, page, 0); !errors.Is(err, unix.EPERM) {
		return attempt{err: fmt.Errorf("sealed memory could be written to: %v", err), hint: hint}
	}
	code, err := unix.Mmap(fd, 0, len(page), unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE)
	if err != nil {
		return attempt{err: fmt.Errorf("map sealed memory as code: %w", os.NewSyscallError("mmap", err)), hint: hint}
	}
	if err := unix.Munmap(code); err != nil {
		return attempt{err: os.NewSyscallError("munmap", err), hint: hint}
	}
	return attempt{how: "written, sealed, refused to be written again, mapped as code"}
}

func hardLimits() map[string]uint64 {
	hard := map[string]uint64{}
	for key, resource := range map[string]int{"open_files": unix.RLIMIT_NOFILE, "file_size": unix.RLIMIT_FSIZE, "address_space": unix.RLIMIT_AS} {
		var r unix.Rlimit
		if unix.Getrlimit(resource, &r) == nil {
			hard[key] = r.Max
		}
	}
	return hard
}

// tryGroups makes a group for each limit of the profile, or a modest one
// where the profile wants none.
func tryGroups(tree *cgroups.Tree, l *profiles.Limits) map[string]attempt {
	r := cgroups.Probe()
	tried := map[string]attempt{"": {how: fmt.Sprintf("%s, controllers %s", r.Version, strings.Join(r.Controllers, " "))}}
	base := cgroups.Limits{Memory: l.Memory, CPU: l.CPU, Pids: l.Pids}
	for _, k := range groupKeys {
		limits, hint := base, ""
		switch k.key {
		case "swap":
			if limits.Swap = l.Swap; limits.Swap == 0 {
				limits.Swap = 1 << 20
			}
			hint = "boot with swapaccount=1"
		case "cpu_weight":
			if limits.CPUWeight = l.CPUWeight; !k.needed(l) {
				limits.CPUWeight = 200
			}
		case "cpus":
			if limits.CPUs = l.CPUs; len(l.CPUs) == 0 {
				limits.CPUs = firstCPU()
			}
			hint = "the controller cpuset has to be there, on v2 delegated: Delegate=cpu memory pids cpuset, for a user's session in user@.service, too"
		case "io_weight":
			if limits.IOWeight = l.IOWeight; !k.needed(l) {
				limits.IOWeight = 200
			}
			hint = "the controller io has to be there, on v1 blkio with the scheduler bfq, on v2 delegated: Delegate=cpu memory pids io, for a user's session in user@.service, too"
		}
		name := "try-" + strings.ReplaceAll(k.key, "_", "-")
		g, err := tree.New(name, limits)
		if err == nil {
			err = g.Delete()
		}
		t := attempt{err: err, how: "a group with such a limit was made, and read back"}
		if err != nil {
			t.hint = hint
		}
		tried[k.key] = t
	}
	return tried
}

// firstCPU is a processor that this process may use.
func firstCPU() []int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) == nil {
		for cpu := range 1024 {
			if set.IsSet(cpu) {
				return []int{cpu}
			}
		}
	}
	return []int{0}
}
