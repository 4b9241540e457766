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
	"clone":         {"flags": {0, word}},
	"clock_gettime": {"clockid": {0, word}},
	"fcntl":         {"fd": {0, word}, "cmd": {1, word}},
	"ioctl":         {"fd": {0, word}, "request": {1, word}},
	"kill":          {"pid": {0, word}, "sig": {1, word}},
	"madvise":       {"advice": {2, word}},
	"mmap":          {"prot": {2, long}, "flags": {3, long}, "fd": {4, word}},
	"mprotect":      {"prot": {2, long}},
	"openat":        {"dirfd": {0, word}, "flags": {2, word}},
	"prctl":         {"option": {0, word}},
	"prlimit64":     {"pid": {0, word}, "resource": {1, word}, "new_limit": {2, long}},
	"read":          {"fd": {0, word}},
	"socket":        {"domain": {0, word}, "type": {1, word}, "protocol": {2, word}},
	"tgkill":        {"tgid": {0, word}, "tid": {1, word}, "sig": {2, word}},
	"write":         {"fd": {0, word}},
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
