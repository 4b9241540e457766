// Package attack is the corpus of hostile plugins, and what judges them. Each
// row of the catalogue is one attack; it is made in a booth, at every moment
// of a library's life that matters, and once more by the same library without
// a booth, where it must work. The host decides by what it sees itself.
// Tests run it, and so does the self-test of an installation, which has no
// compiler: one prebuilt library per family is patched with what it needs to
// know.
//
// # To add an attack
//
// Write in plugins/FAMILY.c
//
//	static long open_canary(void)
//	{
//		return raw(SYS_openat, AT_FDCWD, (long)p.canary, O_WRONLY | O_CREAT, 0666, 0, 0);
//	}
//
// and one line RUN(open_canary) in attack() at the end of the file. It returns
// 0 or more, or -errno; what it found out it say()s. p has what the host gives
// it, plugins/attack.h lists it: canaries, ports, the sentinel's process id,
// and Arg and Text of the row, so that one function can serve many rows. Under
// Ifunc only raw(), say() and inline code work. A new family is a new file
// that includes attack.h; make finds it.
//
// An attack is bounded by itself: also as root, without a booth, it must harm
// nobody. What would (reboot, modules, clock, swap) is made with a bad pointer
// or descriptor and has the errors of a call that was made in Row.Reached. The
// control runs in a cgroup of 512 MiB, 64 tasks and one processor, for half a
// minute at most, without core files, and with namespaces of its own where
// Row.Control says so.
//
// # To add a row
//
// Put it into the table_FAMILY.go of its section; Row says what each field
// means. Eight need thought:
//
//	Phases     Everywhere(), WithLibc(), ButThread(), Loading(), Serving() or a list
//	Layer      what stops it once sealed; LoadLayer while it loads, if that differs
//	           (openat goes on while loading: there the root stops it)
//	Calls      what the jailer is to name when Seccomp stops it
//	Evidence   what the host looks at, below
//	Proof      ByEvidence: the control must bring evidence about,
//	           ByResult: its call must succeed, or fail with one of Reached, or
//	           ByRules: without Arg and Text the library is served, in a booth
//	Errnos     which layer an errno without a denial record means, where it is not
//	           as in usual (judge_linux.go)
//	AllowedBy  calls and limits of a profile looser than strict that allows it
//	Harmless   the layer thanks to which a success without evidence is none; without
//	           it a success that nobody refused is a breach
//
// A booth that ends with SIGSYS, out of memory, by a deadline or a broken
// protocol names its layer itself; Row.Ends is for other ends. A thread or a
// handler that is refused counts as contained by Seccomp. Rows that cannot run
// here have Manual, those that other tests have, Elsewhere.
//
// Evidence there is:
//
//	Canary         a file that must not come into being           p.canary
//	Secret         a file whose nonce must not leave               p.secret
//	Segment        System V shared memory, likewise                p.shm
//	HostName       the machine's name must not be said
//	TCP4 TCP6 UDP  nobody may connect or send                      p.tcp4 p.tcp6 p.udp
//	UnixPath       likewise                                        p.unix_path
//	Abstract       likewise                                        p.abstract
//	Port, PortLow  nobody may answer there                         p.tcp4
//	PosixQueue     likewise, with the nonce as its name            p.nonce
//	Neighbour      another booth must be served all the while
//	Sentinel       a process of the worker's user: alive, no signal  p.sentinel
//	Worker         all that the kernel shows of the worker is as before
//	Unblocked      Worker, but for O_NONBLOCK where AllowedBy is
//	Posture(f, v)  field f of the worker's status is v, always
//	NoObject       no System V object may be made                  p.shm
//	Queue          a POSIX queue's nonce must not leave            p.text
//	NamedMemory    POSIX shared memory, likewise                   p.secret
//	Content(path)  what the file holds must not leave
//	Environment    nor what the daemon was started with
//	Terminal       nobody may type, write or change it             p.text
//	SetUID         a program that must not run as its owner        p.text
//	Installed      programs are as before, byte for byte
//	Skeleton       so are the mount points of the next booth
//	Host           names, limits, settings and clock of the host are as before
//
// Another is a function of type Evidence; a trap with a method inside() is not
// looked at for the control.
//
// # To run some
//
//	go test ./runner/attack -v -run 'TestAttacks/rows/B05/trigger'
//	go test ./runner/attack -v -run 'TestAttacks/rows/E0'
//	go test ./runner/attack -v -run TestKnockOut
package attack
