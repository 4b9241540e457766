package profiles

import (
	"math"
	"strings"
)

// argument is where a system call's argument is and which of its bits the
// kernel looks at.
type argument struct {
	index int
	bits  uint64
}

const (
	word = math.MaxUint32 // int, unsigned int: the kernel drops the rest
	long = math.MaxUint64
)

// arguments are the scalar arguments rules name, after the kernel's
// SYSCALL_DEFINE lines. clone takes an unsigned long and uses its lower 32
// bits, kernel/fork.c.
var arguments = map[string]map[string]argument{
	"accept4":            {"fd": {0, word}, "flags": {3, word}},
	"alarm":              {"seconds": {0, word}},
	"bind":               {"fd": {0, word}},
	"clock_getres":       {"clockid": {0, word}},
	"clock_gettime":      {"clockid": {0, word}},
	"clock_nanosleep":    {"clockid": {0, word}, "flags": {1, word}},
	"clone":              {"flags": {0, word}},
	"connect":            {"fd": {0, word}},
	"dup":                {"fd": {0, word}},
	"dup2":               {"oldfd": {0, word}, "newfd": {1, word}},
	"dup3":               {"oldfd": {0, word}, "newfd": {1, word}, "flags": {2, word}},
	"epoll_create1":      {"flags": {0, word}},
	"epoll_ctl":          {"epfd": {0, word}, "op": {1, word}, "fd": {2, word}},
	"eventfd2":           {"initval": {0, word}, "flags": {1, word}},
	"faccessat":          {"dirfd": {0, word}, "mode": {2, word}},
	"faccessat2":         {"dirfd": {0, word}, "mode": {2, word}, "flags": {3, word}},
	"fallocate":          {"fd": {0, word}, "mode": {1, word}},
	"fchmod":             {"fd": {0, word}, "mode": {1, word}},
	"fcntl":              {"fd": {0, word}, "cmd": {1, word}, "arg": {2, long}},
	"flock":              {"fd": {0, word}, "operation": {1, word}},
	"fstat":              {"fd": {0, word}},
	"ftruncate":          {"fd": {0, word}, "length": {1, long}},
	"futex":              {"op": {1, word}},
	"getpriority":        {"which": {0, word}, "who": {1, word}},
	"getrandom":          {"flags": {2, word}},
	"getrusage":          {"who": {0, word}},
	"getsockopt":         {"fd": {0, word}, "level": {1, word}, "optname": {2, word}},
	"inotify_init1":      {"flags": {0, word}},
	"ioctl":              {"fd": {0, word}, "request": {1, word}},
	"kill":               {"pid": {0, word}, "sig": {1, word}},
	"lseek":              {"fd": {0, word}, "whence": {2, word}},
	"madvise":            {"advice": {2, word}},
	"membarrier":         {"cmd": {0, word}, "flags": {1, word}},
	"memfd_create":       {"flags": {1, word}},
	"mkdirat":            {"dirfd": {0, word}, "mode": {2, word}},
	"mlock2":             {"flags": {2, word}},
	"mlockall":           {"flags": {0, word}},
	"mmap":               {"prot": {2, long}, "flags": {3, long}, "fd": {4, word}},
	"mprotect":           {"prot": {2, long}},
	"mremap":             {"flags": {3, long}},
	"msync":              {"flags": {2, word}},
	"newfstatat":         {"dirfd": {0, word}, "flags": {3, word}},
	"open":               {"flags": {1, word}, "mode": {2, word}},
	"openat":             {"dirfd": {0, word}, "flags": {2, word}, "mode": {3, word}},
	"personality":        {"persona": {0, word}},
	"pipe2":              {"flags": {1, word}},
	"pkey_mprotect":      {"prot": {2, long}, "pkey": {3, word}},
	"prctl":              {"option": {0, word}},
	"prlimit64":          {"pid": {0, word}, "resource": {1, word}, "new_limit": {2, long}},
	"read":               {"fd": {0, word}},
	"recvfrom":           {"fd": {0, word}, "flags": {3, word}},
	"recvmsg":            {"fd": {0, word}, "flags": {2, word}},
	"renameat2":          {"olddirfd": {0, word}, "newdirfd": {2, word}, "flags": {4, word}},
	"rt_sigaction":       {"sig": {0, word}},
	"sched_getaffinity":  {"pid": {0, word}},
	"sched_getparam":     {"pid": {0, word}},
	"sched_getscheduler": {"pid": {0, word}},
	"sched_setaffinity":  {"pid": {0, word}},
	"sched_setattr":      {"pid": {0, word}, "flags": {2, word}},
	"sched_setparam":     {"pid": {0, word}},
	"sched_setscheduler": {"pid": {0, word}, "policy": {1, word}},
	"sendmsg":            {"fd": {0, word}, "flags": {2, word}},
	"sendto":             {"fd": {0, word}, "flags": {3, word}, "dest_addr": {4, long}, "addrlen": {5, word}},
	"setpriority":        {"which": {0, word}, "who": {1, word}, "prio": {2, word}},
	"setsockopt":         {"fd": {0, word}, "level": {1, word}, "optname": {2, word}},
	"shutdown":           {"fd": {0, word}, "how": {1, word}},
	"signalfd4":          {"fd": {0, word}, "flags": {3, word}},
	"socket":             {"domain": {0, word}, "type": {1, word}, "protocol": {2, word}},
	"socketpair":         {"domain": {0, word}, "type": {1, word}, "protocol": {2, word}},
	"statx":              {"dirfd": {0, word}, "flags": {2, word}, "mask": {3, word}},
	"tgkill":             {"tgid": {0, word}, "tid": {1, word}, "sig": {2, word}},
	"timer_create":       {"clockid": {0, word}},
	"timerfd_create":     {"clockid": {0, word}, "flags": {1, word}},
	"timerfd_settime":    {"fd": {0, word}, "flags": {1, word}},
	"tkill":              {"tid": {0, word}, "sig": {1, word}},
	"unlinkat":           {"dirfd": {0, word}, "flags": {2, word}},
	"utimensat":          {"dirfd": {0, word}, "flags": {3, word}},
	"wait4":              {"pid": {0, word}, "options": {2, word}},
	"waitid":             {"which": {0, word}, "pid": {1, word}, "options": {3, word}},
	"write":              {"fd": {0, word}},
}

func findArgument(call, name string) (argument, bool) {
	if a, ok := arguments[call][name]; ok {
		return a, true
	}
	digit, ok := strings.CutPrefix(name, "arg")
	if !ok || len(digit) != 1 || digit[0] < '0' || digit[0] > '5' {
		return argument{}, false
	}
	return argument{int(digit[0] - '0'), long}, true
}
