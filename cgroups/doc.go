// Package cgroups creates, limits, reads and kills control groups. It is the
// only writer of limits; whoever starts a booth only joins a process to
// [Group.Path].
//
// A [Tree] belongs to one daemon and holds one [Group] per booth:
//
//	v2:            <mount>/<delegated group>/<tree>/<group>
//	v1 and hybrid: <mount of each hierarchy>/<tree>/<group>
//
// On v1 and hybrid machines this package itself needs cpu, cpuacct, memory
// and pids, and cpuset and blkio for limits that name processors or a weight
// for disks, but a container library that joins a process makes the same
// path in every other hierarchy too. Kill, Delete and Close look at all of
// them, so that nothing is left behind.
package cgroups
