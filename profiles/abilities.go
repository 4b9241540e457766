package profiles

import "slices"

// Ability is one thing that people ask of a plugin: whether it may.
type Ability struct {
	Name string
	May  bool   // once loaded
	Text string // what that is, for either answer
}

// Abilities says in plain words what the rules allow once the booth is sealed.
// Every booth computes, reads triggers and answers them.
func (p *Profile) Abilities() []Ability {
	code := slices.ContainsFunc(codeCalls, func(call string) bool {
		return slices.ContainsFunc(p.allowing(call, PhaseRun), func(r Rule) bool {
			return cubeOf(r.When).meets(cubeOf([]Compare{{Arg: 2, Mask: protExec, Value: protExec}}))
		})
	})
	processes := p.allowsAny("fork", "vfork", "clone3") || slices.ContainsFunc(p.allowing("clone", PhaseRun), func(r Rule) bool { return !threadsOnly(&r) })
	return []Ability{
		{"threads", p.allowsAny("clone", "clone3"), "start threads"},
		{"sleep", p.allowsAny("nanosleep", "clock_nanosleep", "timerfd_create", "poll", "epoll_wait", "epoll_pwait"), "sleep and wait for timers by itself"},
		{"processes", processes, "make other processes"},
		{"programs", p.allowsAny("execve", "execveat"), "start other programs"},
		{"code", code, "run code that was not there when it was loaded"},
		{"open", p.allowsAny(openCalls...), "open files and devices that are granted to it"},
		{"change", p.allowsAny("unlink", "unlinkat", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "rmdir", "truncate", "ftruncate"),
			"delete, rename and cut files that it may write"},
		{"sockets", p.allowsAny("socket"), "make sockets and connect to what is granted to it"},
		{"control", p.allowsAny("ioctl"), "send commands to devices and files it has open"},
	}
}
