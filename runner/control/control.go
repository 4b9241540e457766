// Package control is the protocol between the daemon and its jailer: JSON
// messages with descriptors, over an inherited SOCK_SEQPACKET socket pair.
//
//	daemon                                   jailer
//	   |-> hello    folder, worker               |
//	   |-> prepare  policy, limits, pipes        |   one booth, confined, in
//	   |                prepared pid, layers   <-|   standby before any plugin
//	   |   (the plugin goes to the worker over   |
//	   |    its own socket, see HandOver; it     |
//	   |    says LOADED on the pipe)             |
//	   |-> seal                                  |   load phase ends, checks
//	   |                         sealed layers <-|   from outside
//	   |                        event: denial <--|   any time
//	   |                          event: exit <--|
//	   |-> release                               |   container and its groups
//	   |                                  done <-|   are removed
//	   |-> bye                                   |   the daemon will remove
//	   |                                  done <-|   its own folders and groups
//
// Requests carry an id and are answered once each, in any order. When the
// daemon's end closes, the jailer kills and removes everything it built and,
// without a bye before, also what the daemon made; when the jailer's end
// closes, the daemon does.
package control

import "net/netip"

// MaxMessage is the largest message in bytes; a filter and its table are the
// largest thing sent. It stays below the kernel's default socket buffer
// (net.core.wmem_default, 212,992 bytes on x86-64).
const MaxMessage = 160 << 10

// MaxFiles is the number of descriptors one message may carry: a plugin and
// the libraries it needs.
const MaxFiles = 33

// Op names a request.
type Op string

const (
	OpHello   Op = "hello"
	OpPrepare Op = "prepare"
	OpSeal    Op = "seal"
	OpRelease Op = "release"
	OpBye     Op = "bye"
)

// Request is what the daemon asks. Exactly the field that Op names is set;
// release needs only Booth, bye nothing.
type Request struct {
	ID      uint64   `json:"id"`
	Op      Op       `json:"op"`
	Booth   string   `json:"booth,omitempty"`
	Hello   *Hello   `json:"hello,omitempty"`
	Prepare *Prepare `json:"prepare,omitempty"`
	Seal    *Seal    `json:"seal,omitempty"`
}

// Hello is the first request.
type Hello struct {
	// Dir is a folder of this daemon alone, for the jailer's files.
	Dir string `json:"dir"`
	// Worker is the path of isobooth-worker.
	Worker string `json:"worker"`
	// Sweep lists folders, deepest first, that the jailer removes (rmdir)
	// after everything else when the daemon is gone: its cgroups.
	Sweep []string `json:"sweep,omitempty"`
	// Remove is the daemon's own folder, removed whole when it is gone.
	Remove string `json:"remove,omitempty"`
	// Without names layers, as Removable lists them, that all booths of this
	// jailer do without: only the self-test does that, to see what each stops.
	Without []string `json:"without,omitempty"`
}

// Layers that a self-test can leave out. The last five are namespaces.
const (
	LayerSeccomp      = "seccomp"      // every call is allowed
	LayerLandlock     = "landlock"     //
	LayerCgroup       = "cgroup"       // the daemon sets limits out of reach
	LayerRlimits      = "rlimits"      // the jailer's own are in force
	LayerRoot         = "root"         // the host's folders are there, too
	LayerCapabilities = "capabilities" // all of them, in the booth's user namespace
	LayerNoNewPrivs   = "no_new_privs" // and CAP_SYS_ADMIN, without which there is no filter then
	LayerPID          = "pid"
	LayerNet          = "net"
	LayerIPC          = "ipc"
	LayerUTS          = "uts"
	LayerUser         = "user"
)

// Removable lists the layers that Hello.Without may name.
func Removable() []string {
	return []string{LayerSeccomp, LayerLandlock, LayerCgroup, LayerRlimits, LayerRoot, LayerCapabilities,
		LayerNoNewPrivs, LayerPID, LayerNet, LayerIPC, LayerUTS, LayerUser}
}

// Prepare asks for one booth. Its files are, in this order: the read end of
// the trigger pipe, the write end of the reply pipe, the write end of the log
// pipe.
type Prepare struct {
	Policy Policy `json:"policy"`
	// Rlimits are set by the worker on itself before it confines itself.
	Rlimits []Rlimit `json:"rlimits"`
	// Cgroup is the path of the booth's group inside every hierarchy, or
	// empty when the config allows cgroups to be missing.
	Cgroup string `json:"cgroup,omitempty"`
	// Landlock is false when the config allows it to be missing.
	Landlock bool `json:"landlock"`
	// Threads is the number of tasks that may exist when the booth is sealed.
	Threads int `json:"threads"`
	// Denials is how many refused calls within a minute end the booth.
	Denials int    `json:"denials"`
	Grants  Grants `json:"grants"`
	// CPUs are the processors the booth may use; none is all.
	CPUs []int `json:"cpus,omitempty"`
}

// Grants are what one booth has beyond an empty one. Everything is resolved:
// no "~", no globs, no names.
type Grants struct {
	Env     []string      `json:"env,omitempty"` // NAME=value
	Files   []Bind        `json:"files,omitempty"`
	Devices []Bind        `json:"devices,omitempty"`
	Tmp     uint64        `json:"tmp,omitempty"` // bytes of a tmpfs on /tmp; 0 is none
	Network []Destination `json:"network,omitempty"`
	// Hosts are the names of Network with their addresses, for /etc/hosts.
	Hosts []HostName `json:"hosts,omitempty"`
}

// Bind is a file, folder or device of the host inside a booth.
type Bind struct {
	Path   string `json:"path"`   // on the host, without symbolic links
	Inside string `json:"inside"` // absolute
	Write  bool   `json:"write"`
}

// Any reports whether a booth has anything beyond an empty one but variables
// and network.
func (g *Grants) Any() bool {
	return len(g.Files)+len(g.Devices)+len(g.Hosts) > 0 || g.Tmp > 0
}

// Devices are the nodes that every booth has.
func Devices() []string {
	return []string{"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"}
}

// Destination is where the jailer connects to for the plugin.
type Destination struct {
	UDP  bool         `json:"udp,omitempty"` // else TCP
	Net  netip.Prefix `json:"net"`           // one address or a network
	Port uint16       `json:"port"`
}

// HostName is a name that a plugin may connect to.
type HostName struct {
	Name string     `json:"name"`
	Addr netip.Addr `json:"addr"`
}

// Rlimit is one resource limit, soft and hard alike.
type Rlimit struct {
	Name     string `json:"name"`     // as getrlimit(2) spells it
	Resource uint32 `json:"resource"` // its number on this machine
	Max      uint64 `json:"max"`      // math.MaxUint64 is no limit
}

// Policy is a compiled profile: the filter the kernel runs and what the
// jailer answers to the calls that the filter hands over.
type Policy struct {
	Profile string `json:"profile"`
	// BPF is an array of struct sock_filter.
	BPF []byte `json:"bpf"`
	// Names has the name of every call the filter hands over, by number.
	Names map[int]string `json:"names"`
	// Load has, by number, under which conditions a call continues while the
	// booth loads: any of the alternatives, each all of its conditions.
	Load map[int][][]Cond `json:"load"`
	// Learn has, like Load, which calls continue in both phases all the same,
	// each of them reported: in a booth that learns. Nil in every other.
	Learn map[int][][]Cond `json:"learn,omitempty"`
	// Rules is the number of rules the profile names, for people.
	Rules int `json:"rules"`
}

// Cond holds when the argument, masked, equals Value. Only the lower 32 bits
// count where the kernel takes an int.
type Cond struct {
	Arg   int    `json:"arg"` // 0 to 5
	Mask  uint64 `json:"mask"`
	Value uint64 `json:"value"`
}

// Kind says how the worker calls the plugin; the numbers are those of enum
// control_kind in runner/worker/control.h.
type Kind uint32

const (
	KindIsobooth Kind = 1
	KindExecute  Kind = 2
)

// Seal ends the load phase.
type Seal struct {
	// CPU is the processor the worker is pinned to; with -1 it may use all of
	// Prepare.CPUs.
	CPU int `json:"cpu"`
}

// Message is what the jailer sends: an answer when ID is not 0, else an event.
type Message struct {
	ID       uint64    `json:"id,omitempty"`
	Error    *Error    `json:"error,omitempty"`
	Prepared *Prepared `json:"prepared,omitempty"`
	Sealed   *Sealed   `json:"sealed,omitempty"`

	Booth  string  `json:"booth,omitempty"`
	Exit   *Exit   `json:"exit,omitempty"`
	Denial *Denial `json:"denial,omitempty"`
	// Connected is sent for every connection that the jailer makes.
	Connected *Connection `json:"connected,omitempty"`
}

// Error is a failed request.
type Error struct {
	// Layer is the sandbox layer that could not be applied, or empty.
	Layer string `json:"layer,omitempty"`
	Text  string `json:"text"`
}

func (e *Error) Error() string { return e.Text }

// Prepared is the answer to prepare. Its files are the worker's pidfd and the
// other end of the worker's control socket, for HandOver.
type Prepared struct {
	PID    int     `json:"pid"` // as the daemon sees it
	Layers []Layer `json:"layers"`
}

// Sealed is the answer to seal.
type Sealed struct {
	Layers []Layer `json:"layers"`
}

// Layer is one part of the sandbox as the jailer found it from outside.
type Layer struct {
	Name   string `json:"name"`
	Detail string `json:"detail"`
}

// Exit is sent once per booth, when its first process is gone. The booth's
// groups still exist, so that the out-of-memory counter can be read; release
// removes them.
type Exit struct {
	Code   int `json:"code"`   // exit code, or -1
	Signal int `json:"signal"` // 0 when it was not killed
}

// Denial is a refused system call.
type Denial struct {
	Call  string    `json:"call"`
	Nr    int       `json:"nr"`
	Phase string    `json:"phase"` // "load" or "run"
	Args  [6]uint64 `json:"args"`
	// Count is how often this call was refused in this phase; a message is
	// sent at 1, 2, 4, 8 and so on, so a flood stays cheap.
	Count uint64 `json:"count"`
	// Quota is set when the jailer has killed the booth with this one.
	Quota bool `json:"quota,omitempty"`
	// Errno is what the plugin got; 0 when the call went on (Learned).
	Errno int `json:"errno,omitempty"`
	// Learned: it was let through, in a booth that learns.
	Learned bool `json:"learned,omitempty"`
	// Decoded are the arguments that mean something to people, in order: what
	// the plugin's memory held when the jailer looked. It may lie.
	Decoded []Argument `json:"decoded,omitempty"`
	// At is CLOCK_MONOTONIC, in nanoseconds, when the call was taken.
	At int64 `json:"at"`
}

// Argument is one decoded argument of a call.
type Argument struct {
	Name  string `json:"name"`  // as in the kernel's own declaration
	Value string `json:"value"` // constants by name, text quoted, addresses as HOST:PORT
}
