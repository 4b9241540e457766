package profiles

import "slices"

// risk is what a plugin gains by some calls that are not dangerous.
type risk struct {
	calls []string
	text  string
}

var risks = []risk{
	{text: "it makes another process, outside what the seal checked",
		calls: []string{"fork", "vfork"}},
	{text: "it adds restrictions of the plugin's own to those that hold it",
		calls: []string{"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"}},
	{text: "a plugin that makes code and runs it is bound by the filter alone; nothing that was signed says what it does",
		calls: []string{"mprotect", "pkey_mprotect", "mmap", "shmat"}},
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
		calls: []string{"prctl", "arch_prctl", "prlimit64", "setrlimit"}},
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
func riskOf(call string) string {
	for _, r := range risks {
		if slices.Contains(r.calls, call) {
			return r.text
		}
	}
	return "it is one more way into the kernel for code that nobody has to trust; read its man page first"
}
