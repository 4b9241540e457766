package main

import (
	"net/netip"
	"path"
	"strings"
	"testing"
)

func TestMetricsAddress(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	for _, test := range []struct{ listen, want, err string }{
		{"unix:/run/isobooth/metrics.sock", "unix:/run/isobooth/metrics.sock", ""},
		{"unix:~/m.sock", "unix:/home/me/m.sock", ""},
		{"127.0.0.1:9464", "127.0.0.1:9464", ""},
		{"127.8.9.1:1", "127.8.9.1:1", ""},
		{"[::1]:9464", "[::1]:9464", ""},
		{"127.0.0.1:0", "127.0.0.1:0", ""},
		{"0.0.0.0:9464", "", "not an address of this machine alone"},
		{"[::]:9464", "", "not an address of this machine alone"},
		{"192.168.1.2:9464", "", "not an address of this machine alone"},
		{"[::ffff:10.0.0.1]:9464", "", "not an address of this machine alone"},
		{":9464", "", "want unix:/PATH, 127.0.0.1:PORT or [::1]:PORT"},
		{"localhost:9464", "", "want unix:/PATH"}, // a name leads where somebody else says
		{"127.0.0.1", "", "want unix:/PATH"},
		{"127.0.0.1:99999", "", "want unix:/PATH"},
		{"unix:metrics.sock", "", "absolute path"},
		{"unix:", "", "absolute path"},
		{"unix:/", "", "absolute path"},
		{"unix:/a/../b", "", "absolute path"},
		{"unix:/a/", "", "absolute path"},
		{"unix:/a/" + strings.Repeat("x", maxSocketName+1), "", "may have 64 bytes"},
		{"http://127.0.0.1:9464", "", "want unix:/PATH"},
	} {
		at, err := (&metricsConfig{Listen: test.listen}).address()
		switch {
		case test.err == "" && (err != nil || at.String() != test.want || at.off()):
			t.Errorf("%q: %v, %v", test.listen, at, err)
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err) || !at.off()):
			t.Errorf("%q: %v, %v, want %q", test.listen, at, err, test.err)
		}
	}
	if at, err := (&metricsConfig{}).address(); err != nil || !at.off() {
		t.Errorf("by default: %v, %v", at, err)
	}
}

// FuzzMetricsAddress: whatever is accepted stays on this machine.
func FuzzMetricsAddress(f *testing.F) {
	for _, seed := range []string{"", "unix:/a", "127.0.0.1:9464", "[::1]:1", "[::1%lo]:1", "0.0.0.0:0", "unix:/a/../b", "[::ffff:127.0.0.1]:9"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, listen string) {
		at, err := (&metricsConfig{Listen: listen}).address()
		switch {
		case err != nil || at.off():
			if err == nil && listen != "" {
				t.Errorf("%q is taken for nothing", listen)
			}
		case at.path != "":
			if !path.IsAbs(at.path) || path.Clean(at.path) != at.path {
				t.Errorf("%q: path %q", listen, at.path)
			}
		case !at.tcp.Addr().Unmap().IsLoopback():
			t.Errorf("%q: %v", listen, at)
		}
		if err == nil && at.tcp.IsValid() && netip.MustParseAddrPort(at.String()) != at.tcp {
			t.Errorf("%q is printed as %v", listen, at)
		}
	})
}
