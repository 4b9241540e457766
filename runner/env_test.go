//go:build linux

package runner_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestEnvironment: variables that steer the loader, set for the daemon, reach
// neither the jailer nor a worker. Any other program that this one starts has
// them, and the library that they name.
func TestEnvironment(t *testing.T) {
	plugin := build(t, "echo")
	dir := t.TempDir()
	compile(t, dir, "answer", "-DANSWER=1")
	rogue := filepath.Join(dir, "p.so")
	for name, value := range map[string]string{
		"LD_PRELOAD": rogue, "LD_AUDIT": rogue, "LD_LIBRARY_PATH": dir, "LD_BIND_NOW": "1",
		"GLIBC_TUNABLES": "glibc.malloc.perturb=1", "MALLOC_PERTURB_": "1", "ISOBOOTH_TEST_SECRET": "nonce",
	} {
		t.Setenv(name, value)
	}
	for _, file := range []string{"environ", "maps"} {
		out, err := exec.Command("cat", "/proc/self/"+file).Output()
		if err != nil || !strings.Contains(string(out), rogue) {
			missing(t, fmt.Sprintf("control: a program with the rogue library (%v)", err))
		}
	}
	h := newHost(t)
	b := h.must(plugin, nil)
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", b.About().PID))
	if want := "HOME=/\x00LANG=C.UTF-8\x00"; err != nil || string(environ) != want {
		t.Errorf("the worker's environment is %q, %v; want %q", environ, err, want)
	}
	for who, pid := range map[string]int{"worker": b.About().PID, "jailer": h.JailerPID()} {
		maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
		if err != nil || strings.Contains(string(maps), rogue) {
			t.Errorf("%s: %v, maps\n%s", who, err, maps)
		}
	}
	send(t, newLane(t, h), b, do("hello", 1))
	if r := b.reply(); r.status != 0 {
		t.Errorf("reply %+v", r)
	}
}
