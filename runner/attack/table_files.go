package attack

import (
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// fileRows are the rows of section 3: namespaces, mounts, files.
func fileRows() []Row {
	return slices.Concat(spaceRows(), mountRows(), procRows(), nameRows(), spellingRows(), deviceRows(), ipcRows(), clockRows(), grantRows())
}

// made are errors by which the kernel shows that it made a call whose pointer
// or descriptor is none.
var made = []syscall.Errno{unix.EFAULT, unix.EBADF}

// spaceRows make namespaces or leave those of the booth.
func spaceRows() []Row {
	rows := []Row{
		{ID: "C01/setns", Title: "enters a namespace", Severity: Critical,
			Family: "spaces", Attack: "join_none", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"setns"}, Evidence: []Evidence{Worker}, Proof: ByResult, Reached: made},
		{ID: "C03/climb", Title: "climbs out of its root by another one below", Severity: Critical,
			Family: "spaces", Attack: "climb", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"chroot"}, Evidence: []Evidence{Canary, Worker}, Control: OwnUser},
		{ID: "C03/pivot", Title: "changes its root", Severity: Critical,
			Family: "spaces", Attack: "pivot_nowhere", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"pivot_root"}, Evidence: []Evidence{Worker}, Proof: ByResult, Reached: made, Control: OwnMount},
		{ID: "C23/overlay", Title: "mounts an overlay in a user namespace", Severity: Critical,
			Family: "spaces", Attack: "overlay_in_userns", Phases: ButThread(),
			Layer: Seccomp, Calls: []string{"unshare"}, Evidence: []Evidence{Worker}, Proof: ByResult},
	}
	for _, ns := range []struct {
		name, what string
		flags      int64
	}{
		// A user namespace of its own gives the rights for all the others.
		{"", "a user namespace", unix.CLONE_NEWUSER},
		{"-mount", "user and mount namespaces", unix.CLONE_NEWUSER | unix.CLONE_NEWNS},
		{"-net", "user and network namespaces", unix.CLONE_NEWUSER | unix.CLONE_NEWNET},
	} {
		rows = append(rows,
			Row{ID: "C01/unshare" + ns.name, Title: "makes " + ns.what + " of its own", Severity: Critical,
				Family: "spaces", Attack: "unshare_some", Arg: ns.flags, Phases: ButThread(),
				Layer: Seccomp, Calls: []string{"unshare"}, Evidence: []Evidence{Worker}, Proof: ByResult},
			Row{ID: "C01/clone" + ns.name, Title: "starts a child in " + ns.what + " of its own", Severity: Critical,
				Family: "spaces", Attack: "clone_some", Arg: ns.flags, Phases: Everywhere(),
				Layer: Seccomp, Calls: []string{"clone"}, Evidence: []Evidence{Worker}, Proof: ByResult},
			Row{ID: "C01/clone3" + ns.name, Title: "asks for " + ns.what + " by flags in memory", Severity: Critical,
				Family: "spaces", Attack: "clone3_some", Arg: ns.flags, Phases: Everywhere(),
				Layer: Seccomp, Calls: []string{"clone3"}, Evidence: []Evidence{Worker}, Proof: ByResult})
	}
	return rows
}

// mountRows change what is mounted.
func mountRows() []Row {
	return []Row{
		{ID: "C04/remount", Title: "remounts its root to be written to", Severity: Critical,
			Family: "spaces", Attack: "remount", Text: "/", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"mount"}, Evidence: []Evidence{Worker}, Proof: ByResult, Control: OwnMount},
		{ID: "C04/bind", Title: "mounts one folder over another", Severity: Critical,
			Family: "spaces", Attack: "bind_over", Text: "/proc", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"mount"}, Evidence: []Evidence{Worker}, Proof: ByResult, Control: OwnMount},
		{ID: "C04/unmount", Title: "takes a mount away", Severity: Critical,
			Family: "spaces", Attack: "unmount_nowhere", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"umount2"}, Evidence: []Evidence{Worker}, Proof: ByResult, Reached: made},
		{ID: "C05/mount", Title: "mounts cgroups for their release agent", Severity: Critical,
			Family: "spaces", Attack: "mount_agent", Text: "memory", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"mount"}, Evidence: []Evidence{Worker}, Proof: ByResult, Control: OwnMount, Needs: cgroup1("memory")},
		opens("C05/agent", "opens the release agent of the host's cgroups", Critical, "/sys/fs/cgroup/memory/release_agent", unix.O_WRONLY, Root,
			has("/sys/fs/cgroup/memory/release_agent", root)),
		{ID: "C09/null", Title: "puts a link where the next booth's root has a device", Severity: Critical,
			Family: "files", Attack: "link_over", Text: "/dev/null", Phases: Everywhere(), Layer: Seccomp, Calls: []string{"symlinkat"},
			Evidence: []Evidence{Skeleton, Worker}, Proof: ByResult, Reached: []syscall.Errno{unix.EEXIST}},
		{ID: "C09/folder", Title: "puts a link where the next booth's root has a folder", Severity: Critical,
			Family: "files", Attack: "link_over", Text: "/dev", Phases: Everywhere(), Layer: Seccomp, Calls: []string{"symlinkat"},
			Evidence: []Evidence{Skeleton, Worker}, Proof: ByResult, Reached: []syscall.Errno{unix.EEXIST}},
	}
}

// opens is a row that opens one file, in a way that flags say; load is what
// stops it before the seal, when files may be opened.
func opens(id, title string, severity Severity, path string, flags int64, load Layer, needs func(*Options) string) Row {
	row := Row{ID: id, Title: title, Severity: severity,
		Family: "files", Attack: "open_named", Text: path, Arg: flags, Phases: Everywhere(),
		Layer: Seccomp, LoadLayer: load, Calls: []string{"openat"}, Evidence: []Evidence{Worker, Host}, Proof: ByResult, Needs: needs}
	if load == PID {
		row.Errnos = notInProc
	}
	return row
}

// notInProc is for what the /proc of a booth's own pid namespace does not show.
var notInProc = map[syscall.Errno][]Layer{unix.ENOENT: {PID}}

// procRows are about what the kernel shows in /proc and /sys. A booth has a
// /proc of its own pid namespace, with processes only; Landlock closes that.
func procRows() []Row {
	const dir = unix.O_RDONLY | unix.O_DIRECTORY
	rows := []Row{
		{ID: "C07/reopen", Title: "opens its own program to write, by a descriptor's name", Severity: Critical,
			Family: "files", Attack: "reopen_path", Text: "/proc/self/exe", Phases: Everywhere(), Layer: Seccomp, LoadLayer: Landlock, Calls: []string{"openat"},
			Evidence: []Evidence{Installed, Worker}, Proof: ByResult, Reached: []syscall.Errno{unix.ETXTBSY}, Needs: ownProgram},
		opens("C10/core-pattern", "opens the pattern for core files to write", Critical, "/proc/sys/kernel/core_pattern", unix.O_WRONLY, PID, root),
		opens("C10/hostname", "opens the host's name to write", Critical, "/proc/sys/kernel/hostname", unix.O_WRONLY, PID, root),
		opens("C10/sysrq", "opens the trigger of the magic keys to write", Critical, "/proc/sysrq-trigger", unix.O_WRONLY, PID, has("/proc/sysrq-trigger", root)),
		opens("C10/overcommit", "opens the kernel's policy on memory to write", Critical, "/proc/sys/vm/overcommit_memory", unix.O_WRONLY, PID, root),
		opens("C11/kcore", "opens the kernel's memory", High, "/proc/kcore", unix.O_RDONLY, PID, has("/proc/kcore", root)),
		opens("C11/kallsyms", "opens the kernel's symbols", High, "/proc/kallsyms", unix.O_RDONLY, PID, has("/proc/kallsyms")),
		opens("C11/processes", "lists the processes", High, "/proc", dir, Landlock, nil),
		opens("C11/root", "opens its root by its own name in /proc", High, "/proc/self/root", dir, Landlock, nil),
		opens("C11/cwd", "opens its working folder by its name in /proc", High, "/proc/self/cwd", dir, Landlock, nil),
		opens("C11/environ", "opens its own environment", High, "/proc/self/environ", unix.O_RDONLY, Landlock, nil),
		opens("C11/maps", "opens its own map of memory", High, "/proc/self/maps", unix.O_RDONLY, Landlock, nil),
		opens("C11/mountinfo", "opens its own list of mounts", High, "/proc/self/mountinfo", unix.O_RDONLY, Landlock, nil),
		opens("C12/sys", "lists /sys", High, "/sys", dir, Root, nil),
		opens("C12/notes", "opens the kernel's build ID", High, "/sys/kernel/notes", unix.O_RDONLY, Root, has("/sys/kernel/notes")),
		opens("C12/debugfs", "lists debugfs", High, "/sys/kernel/debug", dir, Root, has("/sys/kernel/debug", root)),
		opens("C12/tracefs", "lists tracefs", High, "/sys/kernel/tracing", dir, Root, has("/sys/kernel/tracing", root)),
		opens("C12/firmware", "lists the firmware's tables and variables", High, "/sys/firmware", dir, Root, has("/sys/firmware")),
		opens("C12/cgroup", "lists the control groups", High, "/sys/fs/cgroup", dir, Root, has("/sys/fs/cgroup")),
		opens("C22/memory", "opens its own memory as a file, past what may be written", Critical, "/proc/self/mem", unix.O_RDWR, Root, nil),
		opens("C30/offsets", "opens the offsets of clocks to write", Critical, "/proc/self/timens_offsets", unix.O_WRONLY, Root, has("/proc/self/timens_offsets")),
	}
	exe := opens("C07/exe", "opens its own program to write", Critical, "/proc/self/exe", unix.O_WRONLY, Landlock, ownProgram)
	exe.Evidence, exe.Reached = []Evidence{Installed, Worker}, []syscall.Errno{unix.ETXTBSY}
	mapped := opens("C07/mapped", "lists the files that are mapped, its program and libraries", Critical, "/proc/self/map_files", dir, Landlock, root)
	mapped.Evidence = []Evidence{Installed, Worker}
	rows = append(rows, exe, mapped)
	for _, of := range []struct {
		name string
		arg  int64
	}{{"sentinel", 0}, {"host", 1}} {
		rows = append(rows, Row{ID: "C11/root-of-" + of.name, Title: "reads a secret in the root of another process: " + of.name, Severity: High,
			Family: "files", Attack: "read_root_of", Arg: of.arg, Phases: Everywhere(),
			Layer: Seccomp, LoadLayer: PID, Errnos: notInProc, Calls: []string{"openat"}, Evidence: []Evidence{Secret, Sentinel, Host, Worker}})
	}
	return rows
}

// nameRows make names in folders, and code of what is in them.
func nameRows() []Row {
	name := func(id, title string, severity Severity, attack, call string, arg int64, needs func(*Options) string) Row {
		return Row{ID: id, Title: title, Severity: severity, Family: "files", Attack: attack, Arg: arg, Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{call}, Evidence: []Evidence{Secret, Canary, Worker}, Needs: needs}
	}
	dropped := func(id, title, attack string) Row {
		return Row{ID: id, Title: title, Severity: High, Family: "files", Attack: attack, Phases: Everywhere(),
			Layer: Seccomp, LoadLayer: Root, Calls: []string{"openat"}, Evidence: []Evidence{Canary, Worker}}
	}
	return []Row{
		name("C06/character", "makes a character device", Critical, "make_node", "mknodat", unix.S_IFCHR, root),
		name("C06/block", "makes a block device", Critical, "make_node", "mknodat", unix.S_IFBLK, root),
		name("C06/fifo", "makes a named pipe", Critical, "make_node", "mknodat", unix.S_IFIFO, nil),
		name("C13/link", "makes a symbolic link to a secret", Critical, "link_symbolic", "symlinkat", 0, nil),
		name("C13/folder", "makes a folder", Critical, "make_folder", "mkdirat", 0, nil),
		{ID: "C13/followed", Title: "a link where the daemon opens something", Severity: Critical,
			Elsewhere: "TestOpenRefuses in verify, for what is a plugin's; a booth can write nowhere, which C13/link and C13/folder show"},
		name("C15/link", "makes a second name for a secret", High, "link_hard", "linkat", 0, nil),
		name("C15/rename", "moves a secret", High, "rename_secret", "renameat2", 0, nil),
		dropped("C17/execute", "writes a program and executes it", "drop_and_execute"),
		dropped("C17/map", "writes a file and maps it as code", "drop_and_map"),
		// The device may be opened, so what stops this is that its mount is
		// noexec.
		{ID: "C17/device", Title: "maps a device as code", Severity: High,
			Family: "files", Attack: "map_device", Text: "/dev/zero", Phases: Everywhere(),
			Layer: Seccomp, LoadLayer: Root, Calls: []string{"openat", "mmap"}, Evidence: []Evidence{Worker}, Proof: ByResult,
			Errnos: map[syscall.Errno][]Layer{unix.EPERM: {Root}}},
		{ID: "C18", Title: "executes a set-uid program", Severity: Critical,
			Family: "files", Attack: "execute_other", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"execve"}, Evidence: []Evidence{SetUID, Worker}, Needs: setUID},
		{ID: "C19/file", Title: "reads a secret that anyone may read", Severity: High,
			Family: "files", Attack: "read_secret", Phases: Everywhere(),
			Layer: Seccomp, LoadLayer: Root, Calls: []string{"openat"}, Evidence: []Evidence{Secret, Worker}},
		opens("C19/root", "lists the root folder", High, "/", unix.O_RDONLY|unix.O_DIRECTORY, Landlock, nil),
		opens("C19/home", "lists the homes", High, "/home", unix.O_RDONLY|unix.O_DIRECTORY, Root, has("/home")),
		opens("C19/users", "opens the list of users", High, "/etc/passwd", unix.O_RDONLY, Root, nil),
		opens("C19/state", "lists what services keep", High, "/var/lib", unix.O_RDONLY|unix.O_DIRECTORY, Root, has("/var/lib")),
	}
}

// spellingRows read the secret by other names for the same file.
func spellingRows() []Row {
	row := func(id, attack, text string) Row {
		return Row{ID: "C20/" + id, Title: "reads a secret by another spelling: " + id, Severity: High,
			Family: "files", Attack: attack, Text: text, Phases: Everywhere(),
			Layer: Seccomp, LoadLayer: Root, Calls: []string{"openat"}, Evidence: []Evidence{Secret, Worker}}
	}
	rows := []Row{
		row("dotdot", "read_spelled", "/../../../.."),
		row("slashes", "read_spelled", "///"),
		row("dot", "read_spelled", "/."),
		row("device-folder", "read_spelled", "/dev/../."),
		row("proc-root", "read_spelled", "/proc/self/root"),
		row("thread-root", "read_spelled", "/proc/thread-self/root"),
		row("task-folder", "read_spelled", "/proc/self/task/../root"),
		row("working-folder", "read_spelled", "/proc/self/cwd/../../../../../../../.."),
		row("inside-dot", "read_inside", "/."),
		row("inside-slashes", "read_inside", "//"),
		row("below-root", "read_below", "/"),
		row("below-proc-root", "read_below", "/proc/self/root"),
		row("openat2", "read_openat2", ""),
		row("open", "read_open", ""),
	}
	for i := range rows {
		// Of the calls that open, the load phase has but one.
		if call := strings.TrimPrefix(rows[i].ID, "C20/"); call == "openat2" || call == "open" {
			rows[i].LoadLayer, rows[i].Calls = "", []string{call}
		}
	}
	return rows
}

// deviceRows open devices and misuse terminals.
func deviceRows() []Row {
	rows := []Row{
		{ID: "C25/sweep", Title: "opens any of some forty devices", Severity: High,
			Family: "files", Attack: "open_devices", Phases: Everywhere(),
			Layer: Seccomp, LoadLayer: Root, Calls: []string{"openat"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		opens("C25/folder", "lists the devices", High, "/dev", unix.O_RDONLY|unix.O_DIRECTORY, Landlock, nil),
		opens("C25/log", "opens the kernel's log", High, "/dev/kmsg", unix.O_RDONLY, Root, has("/dev/kmsg", root)),
		opens("C25/terminal", "opens a new terminal", High, "/dev/ptmx", unix.O_RDWR, Root, nil),
		granted("C25/full", "opens a harmless device that is not among its four", "/dev/full", "/dev/full", nil),
		granted("C25/card", "opens a sound card", "/dev/snd/controlC0", "/dev/snd/control*", has("/dev/snd/controlC0")),
		opens("C25/write-zero", "opens a device of its own to write", High, "/dev/zero", unix.O_WRONLY, Landlock, nil),
		opens("C23/fuse", "opens the device of user file systems", Critical, "/dev/fuse", unix.O_RDWR, Root, has("/dev/fuse", root)),
		{ID: "C26/type", Title: "types into a terminal of the host", Severity: Critical,
			Family: "spaces", Attack: "type_in", Phases: Everywhere(),
			Layer: Seccomp, LoadLayer: Root, Calls: []string{"openat"}, Evidence: []Evidence{Terminal, Worker}, Needs: root},
		{ID: "C26/write", Title: "writes to a terminal of the host", Severity: Critical,
			Family: "spaces", Attack: "write_terminal", Phases: Everywhere(),
			Layer: Seccomp, LoadLayer: Root, Calls: []string{"openat"}, Evidence: []Evidence{Terminal, Worker}},
	}
	for _, request := range []struct {
		name   string
		number int64
	}{{"TIOCSTI", unix.TIOCSTI}, {"TIOCLINUX", unix.TIOCLINUX}, {"TIOCSETD", unix.TIOCSETD}, {"TIOCSPGRP", unix.TIOCSPGRP}, {"TIOCSCTTY", unix.TIOCSCTTY}} {
		rows = append(rows, Row{ID: "C26/" + request.name, Title: "asks a terminal for " + request.name, Severity: Critical,
			Family: "spaces", Attack: "control_nothing", Arg: request.number, Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"ioctl"}, Evidence: []Evidence{Worker}, Proof: ByResult, Reached: made})
	}
	return rows
}

// granted is a row that opens a device, which a profile may grant under the
// name grant.
func granted(id, title, path, grant string, needs func(*Options) string) Row {
	row := opens(id, title, High, path, unix.O_RDONLY, Root, needs)
	row.AllowedBy = []string{grant}
	return row
}

// ipcRows are about what processes share without files.
func ipcRows() []Row {
	object := func(id, title, attack, call string) Row {
		return Row{ID: id, Title: title, Severity: High, Family: "spaces", Attack: attack, Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{call}, Evidence: []Evidence{NoObject, Worker}, Harmless: IPC}
	}
	return []Row{
		{ID: "C27/segment", Title: "reads shared memory of the host", Severity: High,
			Family: "spaces", Attack: "read_segment", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"shmget"}, Evidence: []Evidence{Segment, Worker},
			Errnos: map[syscall.Errno][]Layer{unix.ENOENT: {IPC}}},
		object("C27/make-segment", "makes shared memory", "make_segment", "shmget"),
		object("C27/make-queue", "makes a message queue", "make_queue", "msgget"),
		object("C27/make-semaphore", "makes a semaphore", "make_semaphore", "semget"),
		{ID: "C27/queue", Title: "reads a message queue of the host", Severity: High,
			Family: "spaces", Attack: "read_queue", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"mq_open"}, Evidence: []Evidence{Queue, Worker},
			Errnos: map[syscall.Errno][]Layer{unix.ENOENT: {IPC}}},
		{ID: "C27/named", Title: "reads named shared memory of the host", Severity: High,
			Family: "files", Attack: "read_secret", Phases: Everywhere(),
			Layer: Seccomp, LoadLayer: Root, Calls: []string{"openat"}, Evidence: []Evidence{NamedMemory, Worker}},
		// Its only files of the host are devices and what is bound in to be
		// read; of those stdin is open.
		{ID: "C28/flock", Title: "locks the host's /dev/null", Severity: Medium,
			Family: "spaces", Attack: "lock_stdin", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"flock"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "C28/ofd", Title: "locks a range of the host's /dev/null", Severity: Medium,
			Family: "spaces", Attack: "lock_description", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"fcntl"}, Evidence: []Evidence{Worker}, Proof: ByResult},
		{ID: "C28/lease", Title: "takes a lease", Severity: Medium,
			Family: "spaces", Attack: "lease_nothing", Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{"fcntl"}, Evidence: []Evidence{Worker}, Proof: ByResult, Reached: made},
	}
}

// clockRows are about clocks, and calls that older kernels have bugs behind.
func clockRows() []Row {
	bad := func(id, title string, severity Severity, attack, call string) Row {
		return Row{ID: id, Title: title, Severity: severity, Family: "spaces", Attack: attack, Phases: Everywhere(),
			Layer: Seccomp, Calls: []string{call}, Evidence: []Evidence{Worker, Host}, Proof: ByResult, Reached: made}
	}
	copies := bad("C22/copy", "copies one file to another in the kernel", Critical, "copy_nothing", "copy_file_range")
	// Into files that it may write anyway, and no pipe.
	copies.AllowedBy = []string{"copy_file_range"}
	return []Row{
		bad("C22/splice", "moves pages of a file into a pipe", Critical, "splice_nothing", "splice"),
		bad("C22/tee", "shares pages of a pipe", Critical, "tee_nothing", "tee"),
		bad("C22/vmsplice", "moves its own pages into a pipe", Critical, "splice_memory", "vmsplice"),
		bad("C22/sendfile", "sends pages of a file", Critical, "send_nothing", "sendfile"),
		copies,
		{ID: "C22/races", Title: "wins a race in an old kernel", Severity: Critical,
			Manual: "those kernels cannot be had here; what their bugs need is refused, as the other rows of C22 show. madvise stays open, for malloc"},
		{ID: "C30/timens", Title: "makes a time namespace", Severity: Medium,
			Family: "spaces", Attack: "unshare_some", Arg: unix.CLONE_NEWTIME, Phases: ButThread(),
			Layer: Seccomp, Calls: []string{"unshare"}, Evidence: []Evidence{Worker, Host}, Proof: ByResult, Control: OwnUser},
		bad("C30/settime", "sets the clock", Medium, "set_clock", "clock_settime"),
		bad("C30/settimeofday", "sets the time of day", Medium, "set_time_of_day", "settimeofday"),
		bad("C30/adjtimex", "adjusts the clock", Medium, "adjust_clock", "adjtimex"),
		bad("C30/adjtime", "adjusts one clock", Medium, "adjust_one_clock", "clock_adjtime"),
	}
}
