package profiles

import "net"

// Access is what a plugin may do with a file or device.
type Access string

const (
	AccessNone  Access = "none" // of a ceiling only
	AccessRead  Access = "read"
	AccessWrite Access = "write" // and read
)

// WorkFolder stands, as the path of a FileGrant, for a folder that the host
// keeps for this one plugin.
const WorkFolder = "{work}"

// FileGrant makes one file or folder of the host, with all below it, visible
// in a booth. The calls that open it need rules of their own.
type FileGrant struct {
	Path   string // on the host: absolute, "~/..." or WorkFolder
	Inside string // where the plugin finds it: absolute, clean
	Access Access
	Why    string
	At     Position
}

// DeviceGrant makes device nodes of the host visible under their own names.
type DeviceGrant struct {
	Path   string // absolute, below /dev; may be a glob, "/dev/snd/pcm*"
	Access Access
	Why    string
	At     Position
}

// Protocol is what a network destination is reached by.
type Protocol string

const (
	TCP Protocol = "tcp"
	UDP Protocol = "udp"
)

// Destination is where a plugin may connect to.
type Destination struct {
	Protocol Protocol
	// Host is a name, an address ("127.0.0.1", "::1") or a network
	// ("192.168.0.0/16"). A name is resolved when the booth is planned.
	Host string
	Port uint16 // never 0
}

// String is the destination as ParseDestination takes it.
func (d Destination) String() string {
	return string(d.Protocol) + "://" + net.JoinHostPort(d.Host, text16(d.Port))
}

// NetworkGrant lets a plugin connect to some destinations; the host makes
// the connection and hands it over.
type NetworkGrant struct {
	To  []Destination
	Why string
	At  Position
}

// EnvironmentGrant hands the host's value of one variable to the plugin.
type EnvironmentGrant struct {
	Name string
	Why  string
	At   Position
}
