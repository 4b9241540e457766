// Package jail builds booths: it starts confined workers with libcontainer,
// answers the system calls their filters hand over, and checks from outside
// what they are left with. It puts granted files and devices into a booth's
// root and makes the connections that are granted, in the plugin's place. Only
// cmd/isobooth-jail links it.
//
// libcontainer runs its own program again inside every container, with every
// package's init: keep what this package imports small.
package jail
