package profiles

import "slices"

// risk is what a plugin gains by some calls.
type risk struct {
	calls []string
	text  string
	// never: no edit is offered; a person who wants such a call writes its
	// rule, and the risk taken, without help.
	never bool
}

var risks = []risk{
	{never: true, text: "it starts another program in place of the plugin",
		calls: []string{"execve", "execveat", "uselib"}},
	{never: true, text: "it makes another process, outside what the seal checked",
		calls: []string{"fork", "vfork"}},
	{never: true, text: "its flags are in memory, where no filter sees them, so it could make processes and namespaces; libc falls back to clone",
		calls: []string{"clone3"}},
	{never: true, text: "it reads and changes other processes",
		calls: []string{"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp"}},
	{never: true, text: "it makes or enters namespaces, where code has rights over parts of the kernel that it lacks here",
		calls: []string{"unshare", "setns"}},
	{never: true, text: "it changes what files there are",
		calls: []string{"mount", "umount", "umount2", "pivot_root", "chroot", "fsopen", "fsmount", "fsconfig", "fspick", "move_mount", "open_tree", "mount_setattr", "swapon", "swapoff"}},
	{never: true, text: "it is a language or a machine inside the kernel, with a long record of faults",
		calls: []string{"bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "add_key", "request_key", "keyctl", "modify_ldt"}},
	{never: true, text: "it replaces or stops the kernel",
		calls: []string{"init_module", "finit_module", "delete_module", "create_module", "kexec_load", "kexec_file_load", "reboot", "iopl", "ioperm"}},
	{never: true, text: "it opens files by guessed handle, past every path check",
		calls: []string{"open_by_handle_at", "name_to_handle_at"}},
	{never: true, text: "it changes filters, and with them what this profile says",
		calls: []string{"seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"}},
	{never: true, text: "it changes whom the plugin runs as, or the clock of the machine",
		calls: []string{"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "capset", "settimeofday", "clock_settime", "adjtimex", "clock_adjtime", "sethostname", "setdomainname", "acct", "quotactl", "syslog", "vhangup"}},

	{text: "a plugin that makes code and runs it is bound by the filter alone; nothing that was signed says what it does",
		calls: []string{"mprotect", "pkey_mprotect", "mmap", "shmat", "remap_file_pages"}},
	{text: "it finds files of the booth's root; Landlock lets it open only what a [[files]] or [[devices]] grant names, and four devices",
		calls: []string{"open", "openat", "openat2", "stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "getdents64", "getdents", "chdir", "getcwd", "statfs"}},
	{text: "it changes files and folders; without a [[files]] grant with write access there are none it can change",
		calls: []string{"creat", "unlink", "unlinkat", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "rmdir", "link", "linkat", "symlink", "symlinkat", "chmod", "fchmodat", "fchmod", "truncate", "ftruncate", "fallocate", "utimensat", "fsync", "fdatasync"}},
	{text: "sockets are a large part of the kernel, and the booth's network is empty: a plugin reaches a host only through a [[network]] grant",
		calls: []string{"socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg", "setsockopt", "getsockopt", "shutdown", "getpeername", "getsockname"}},
	{text: "without conditions it makes processes and namespaces, not only threads",
		calls: []string{"clone"}},
	{text: "each device and file has commands of its own, and none of them was looked at; name the request in a condition",
		calls: []string{"ioctl"}},
	{text: "it has options that switch protections of the process off; name the option in a condition",
		calls: []string{"prctl", "arch_prctl", "personality", "prlimit64", "setrlimit"}},
	{text: "it shares memory or messages with other processes of the booth; their memory is counted, their number is not",
		calls: []string{"shmget", "shmctl", "semget", "semop", "msgget", "msgsnd", "msgrcv", "mq_open", "memfd_create", "memfd_secret"}},
	{text: "it sends signals; in the booth's own pid namespace they reach the worker only",
		calls: []string{"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal", "pidfd_open"}},
	{text: "it makes descriptors, bounded by open_files, and the seal no longer knows them all",
		calls: []string{"dup", "dup2", "dup3", "fcntl", "pipe", "pipe2", "eventfd", "eventfd2", "epoll_create", "epoll_create1", "timerfd_create", "signalfd", "signalfd4", "inotify_init1", "close", "close_range"}},
	{text: "it waits or asks for time and order; nothing outside the booth is reached by it",
		calls: []string{"nanosleep", "clock_nanosleep", "sched_yield", "sched_getaffinity", "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "uname", "sysinfo", "getcpu", "times", "getrusage", "poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2", "epoll_ctl", "timerfd_settime", "timerfd_gettime", "set_robust_list", "rseq", "rt_sigaction", "rt_sigprocmask", "sigaltstack", "getrandom", "lseek", "fstat", "pread64", "pwrite64", "readv", "writev", "mlock", "munlock", "madvise", "membarrier", "setitimer", "alarm", "pause"}},
}

// riskOf is what allowing the call risks.
func riskOf(call string) risk {
	for _, r := range risks {
		if slices.Contains(r.calls, call) {
			return r
		}
	}
	return risk{text: "it is one more way into the kernel for code that nobody has to trust; read its man page first"}
}
