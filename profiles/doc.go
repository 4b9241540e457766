// Package profiles holds what a booth may do, as data, and compiles it to
// one seccomp filter plus the table by which the jailer answers the calls
// that filter hands over.
//
// A profile is a TOML file that may extend one other. A [Library] finds it by
// name, embedded, of the system or of the user; what is loaded is whole: the
// rules, limits and grants of all it extends, each with its file and line.
// "strict" is the default and the measure: everything a profile allows beyond
// it is listed by [Profile.Warnings]. [Profile.Overlay] lays on top what a user
// set for one plugin, below the profile's [Ceilings].
//
// [Profile.Explain], [Profile.EditFor], [Profile.Check], [Diff] and [Learn] are
// about what a profile means, not about its text.
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
