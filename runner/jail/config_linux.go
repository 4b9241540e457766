package jail

import (
	"os"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runc/libcontainer/configs"
)

// uidBase is the first of the host user ids that booths run as when the
// jailer is root, two for each booth. The range from 1879048192 to 2147352575
// is one that systemd's allocation leaves unused (systemd, "Users, Groups,
// UIDs and GIDs").
const (
	uidBase  = 1900000000
	uidSlots = 1 << 16
)

// boothEnv is the environment of a worker that is granted none.
var boothEnv = []string{"HOME=/", "LANG=C.UTF-8"}

var namespaces = []struct {
	kind configs.NamespaceType
	link string // name in /proc/PID/ns
}{
	{configs.NEWUSER, "user"},
	{configs.NEWPID, "pid"},
	{configs.NEWNS, "mnt"},
	{configs.NEWIPC, "ipc"},
	{configs.NEWUTS, "uts"},
	{configs.NEWNET, "net"},
	{configs.NEWCGROUP, "cgroup"},
	{configs.NEWTIME, "time"},
}

// containerConfig is the whole sandbox except for what the worker does to
// itself (rlimits, Landlock, the filter) and what the daemon writes (cgroup
// limits).
func containerConfig(r *root, cgroup string, slot int) *configs.Config {
	c := &configs.Config{
		Rootfs:          r.dir,
		Readonlyfs:      true,
		NoNewPrivileges: true,
		Capabilities:    &configs.Capabilities{},
		Hostname:        "booth",
		Mounts:          r.mounts(),
		Cgroups: &cgroups.Cgroup{
			Path: cgroup,
			// Must not be nil; the daemon writes the limits.
			Resources: &cgroups.Resources{},
		},
	}
	for _, n := range namespaces {
		c.Namespaces = append(c.Namespaces, configs.Namespace{Type: n.kind})
	}
	uid, gid, size := int64(os.Geteuid()), int64(os.Getegid()), int64(1)
	if uid == 0 {
		// Users of its own for every booth, so that per-user limits and
		// signals never meet another's; not even root inside.
		uid = firstUser(slot)
		gid, size = uid, 2
	} else {
		c.RootlessEUID = true
	}
	c.UIDMappings = []configs.IDMap{{ContainerID: 0, HostID: uid, Size: size}}
	c.GIDMappings = []configs.IDMap{{ContainerID: 0, HostID: gid, Size: size}}
	for i, group := range r.groups {
		c.GIDMappings = append(c.GIDMappings, configs.IDMap{ContainerID: size + int64(i), HostID: int64(group), Size: 1})
	}
	if cgroup == "" {
		// Allowed to be missing by the config; libcontainer then ignores that
		// it cannot make one.
		c.Cgroups.Name = "isobooth-none"
		c.Cgroups.Rootless, c.RootlessCgroups = true, true
	}
	return c
}

// firstUser is the first of a booth's two user ids on the host, for root.
func firstUser(slot int) int64 { return uidBase + 2*int64(slot%uidSlots) }

// hostUser is the worker's user on the host, or -1 when it is the jailer's.
func hostUser(slot int) int {
	if os.Geteuid() == 0 {
		return int(firstUser(slot)) + boothUser()
	}
	return -1
}

// boothGroups are the groups that open a booth's devices, as mapped inside by
// containerConfig. A user's booths keep all of the user's.
func boothGroups(r *root) []int {
	var groups []int
	for i := range r.groups {
		groups = append(groups, 2+i)
	}
	return groups
}

// boothUser is the user id inside, mapped to the host by containerConfig.
func boothUser() int {
	if os.Geteuid() == 0 {
		return 1
	}
	return 0
}
