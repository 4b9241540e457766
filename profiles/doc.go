// Package profiles holds what a booth may do, as data, and compiles it to
// one seccomp filter plus the table by which the jailer answers the calls
// that filter hands over.
//
// A profile is a TOML file. The profiles that ship are embedded; "strict"
// is the default and the measure: everything a profile allows beyond it is
// listed by [Profile.Warnings].
//
// What becomes of a system call:
//
//	rule                          load phase              run phase
//	allow, phase "run", when ok   kernel allows           kernel allows
//	allow, phase "load", when ok  jailer lets continue    jailer: EPERM
//	errno                         kernel fails it         kernel fails it
//	kill                          kernel: SIGSYS          kernel: SIGSYS
//	none, or when does not hold   jailer: EPERM           jailer: EPERM
//	number nobody knows           kernel: ENOSYS          kernel: ENOSYS
//	foreign architecture, x32     kernel: SIGSYS          kernel: SIGSYS
package profiles
