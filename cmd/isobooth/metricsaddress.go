package main

import (
	"fmt"
	"net/netip"
	"path"
	"strings"
)

// metricsConfig says where metrics can be fetched from.
type metricsConfig struct {
	Listen string `toml:"listen"`
}

// metricsAddress is where metrics are served: at a path, at an address, or,
// without both, nowhere.
type metricsAddress struct {
	path string
	tcp  netip.AddrPort
}

// off reports whether metrics are served nowhere.
func (m metricsAddress) off() bool { return m.path == "" && !m.tcp.IsValid() }

func (m metricsAddress) String() string {
	if m.path != "" {
		return "unix:" + m.path
	}
	return m.tcp.String()
}

// address reads the one key of [metrics]. What it serves has no password, so
// it must not leave the machine.
func (m *metricsConfig) address() (metricsAddress, error) {
	if m.Listen == "" {
		return metricsAddress{}, nil
	}
	wrong := func(format string, args ...any) (metricsAddress, error) {
		return metricsAddress{}, fmt.Errorf("config: metrics.listen: %q: "+format, append([]any{m.Listen}, args...)...)
	}
	if p, ok := strings.CutPrefix(m.Listen, "unix:"); ok {
		p = expandHome(p)
		if !path.IsAbs(p) || path.Clean(p) != p || p == "/" || strings.ContainsRune(p, 0) {
			return wrong("want an absolute path after unix:, without //, . and ..")
		}
		if len(path.Base(p)) > maxSocketName {
			return wrong("the name of the socket may have %d bytes", maxSocketName)
		}
		return metricsAddress{path: p}, nil
	}
	tcp, err := netip.ParseAddrPort(m.Listen)
	if err != nil {
		return wrong("want unix:/PATH, 127.0.0.1:PORT or [::1]:PORT")
	}
	if !tcp.Addr().Unmap().IsLoopback() {
		return wrong("%v is not an address of this machine alone (127.0.0.1, [::1]); metrics have no password", tcp.Addr())
	}
	return metricsAddress{tcp: tcp}, nil
}
