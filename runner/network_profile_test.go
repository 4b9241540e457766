//go:build linux

package runner_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"golang.org/x/sys/unix"
)

// TestNetworkProfile is a profile as users write it, from the file to the
// connection.
func TestNetworkProfile(t *testing.T) {
	granted, other := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "client.toml")
	text := fmt.Sprintf(`name = "client"
description = "A client"
extends = "network-client"

[[network]]
to = ["tcp://localhost:%d"]
why = "the test's own"
`, granted.port)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	profile, err := profiles.NewLibrary("", "").Load(path)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := runner.NewPlan("network", build(t, "network", "-pthread"), profile)
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(t)
	b, stop, err := h.run(plan)
	if err != nil {
		t.Fatal(err)
	}
	d := &dialer{b, newLane(t, h)}
	if fd, _ := d.say("call localhost %d", granted.port); fd < 5 {
		t.Errorf("call: %d", fd)
	}
	fd := d.socket(unix.AF_INET, unix.SOCK_STREAM)
	d.expect(no, "connect %d 127.0.0.1 %d", fd, other.port)
	if n := other.reached(t); n != 0 {
		t.Errorf("reached %d times", n)
	}
	if n := granted.reached(t); n != 1 {
		t.Errorf("the granted address was reached %d times, want once", n)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
