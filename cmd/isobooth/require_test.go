package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner"
	"golang.org/x/sys/unix"
)

// TestMissingLayer: what the config allows to be missing is refused as soon as
// one profile requires it.
func TestMissingLayer(t *testing.T) {
	cause := errors.New("not built in")
	for _, test := range []struct {
		name    string
		allowed []string
		require []string
		want    string // "" starts without it
	}{
		{"control: allowed", []string{"landlock"}, nil, ""},
		{"not allowed", nil, nil, "sandbox layer missing: landlock: not built in"},
		{"required", []string{"landlock"}, []string{"seccomp", "landlock"}, `plugin "p": sandbox layer missing: landlock: profile "mine" requires it, whatever allow_missing says: not built in`},
		{"another is required", []string{"landlock"}, []string{"cgroup"}, ""},
	} {
		profile := &profiles.Profile{Name: "mine", Require: test.require}
		g := &plug{config: pluginConfig{Name: "p"}}
		g.stack.inForce.Store(profile)
		s := &session{app: &app{settings: &settings{config: config{AllowMissing: test.allowed}}}}
		s.running.add(g)
		err := s.missingLayer("landlock", cause)
		if got := text(err); got != test.want || err != nil && (exitCode(err) != exitLayer || !errors.Is(err, cause)) {
			t.Errorf("%s: %q, exit %d, want %q", test.name, got, exitCode(err), test.want)
		}
		s.tree, s.hasLandlock = nil, false
		var layer *runner.LayerError
		if err := s.requirements(profile); (err != nil) != (len(test.require) > 0) || err != nil && !errors.As(err, &layer) {
			t.Errorf("%s: a profile that comes later: %v", test.name, err)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// requireProfile writes a profile that requires one layer, or with "" none.
func requireProfile(t *testing.T, dir, layer string) string {
	t.Helper()
	name := "needs-" + layer
	require := fmt.Sprintf("require = [%q]\n", layer)
	if layer == "" {
		name, require = "needs-nothing", ""
	}
	path := filepath.Join(dir, name+".toml")
	text := fmt.Sprintf("name = %q\ndescription = \"for a test\"\nextends = \"strict\"\n%s", name, require)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// testRequire runs a real booth where a layer is missing and the config
// allows that: with a profile that requires it there is none.
func testRequire(t *testing.T, root, programs string) {
	for _, test := range []struct {
		layer string
		run   func(t *testing.T, cmd *exec.Cmd) error
	}{
		{"landlock", func(t *testing.T, cmd *exec.Cmd) error { return runWithoutLandlock(cmd) }},
		{"cgroup", func(t *testing.T, cmd *exec.Cmd) error {
			if os.Geteuid() == 0 {
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			}
			return cmd.Run()
		}},
	} {
		t.Run("require "+test.layer, func(t *testing.T) {
			dir, err := os.MkdirTemp("/tmp", "isobooth-test-")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(dir) })
			plugin, self := requirePlugin(t, dir, root), requireProgram(t, dir)
			for _, file := range []string{"isobooth-jail", "isobooth-worker"} {
				copyFile(t, filepath.Join(programs, file), filepath.Join(dir, file))
			}
			play := func(layer, allow string) (int, string) {
				cmd := exec.Command(self, "play", "-", "--plugin", plugin, "--libexec", dir, "--allow-missing", allow,
					"--profile", requireProfile(t, dir, layer), "--allow-unsigned", "--sha256", digestOf(t, filepath.Join(plugin, "p.so")))
				cmd.Args[0] = "isobooth"
				cmd.Env = []string{"HOME=" + dir, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH")}
				cmd.Stdin = bytes.NewReader([]byte{0x90, 60, 100})
				if os.Geteuid() == 0 {
					ownAll(t, dir, test.layer == "cgroup")
				}
				var out bytes.Buffer
				cmd.Stdout, cmd.Stderr = &out, &out
				err := test.run(t, cmd)
				var exit *exec.ExitError
				if err != nil && !errors.As(err, &exit) {
					t.Fatalf("%v\n%s", err, &out)
				}
				return cmd.ProcessState.ExitCode(), out.String()
			}
			code, out := play("", test.layer)
			if !strings.Contains(out, "layer "+test.layer+" is MISSING") {
				requireMissing(t, "a machine where "+test.layer+" can be missing: "+out)
			}
			// Behind the filter that takes Landlock away a booth gets no further
			// than to its own filter, which must be the only one.
			if strings.Contains(out, "requires it") || code != exitDone && (test.layer != "landlock" || !strings.Contains(out, "Seccomp_filters")) {
				t.Fatalf("control: exit %d\n%s", code, out)
			}
			code, out = play(test.layer, test.layer)
			if code != exitLayer || !strings.Contains(out, "requires it, whatever allow_missing says") || strings.Contains(out, "is ready") {
				t.Errorf("required and missing: exit %d\n%s", code, out)
			}
		})
	}
}

// requireMissing skips, or fails where everything must run.
func requireMissing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("ISOBOOTH_MUST_RUN") == "1" {
		t.Fatalf("missing: %s", what)
	}
	t.Skipf("missing: %s", what)
}

// requirePlugin builds the example plugin, unsigned.
func requirePlugin(t *testing.T, dir, root string) string {
	t.Helper()
	plugin := filepath.Join(dir, "plugin")
	if err := os.Mkdir(plugin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(plugin, "plugin.toml"), []byte("[plugin]\nname = \"transpose\"\nversion = \"1\"\nbinary = \"p.so\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cc", "-shared", "-fPIC", "-I", filepath.Join(root, "runner/worker/include"), "-o", filepath.Join(plugin, "p.so"),
		filepath.Join(root, "examples/plugins/transpose/transpose.c")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return plugin
}

// requireProgram copies this test, which is isobooth under that name, to
// where any user can run it.
func requireProgram(t *testing.T, dir string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	copyFile(t, self, filepath.Join(dir, "isobooth"))
	return filepath.Join(dir, "isobooth")
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o755); err != nil {
		t.Fatal(err)
	}
}

// ownAll gives a folder to the user that will use it.
func ownAll(t *testing.T, dir string, other bool) {
	t.Helper()
	id := 0
	if other {
		id = 65534
	}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		return errors.Join(err, os.Lchown(path, id, id))
	})
	if err := errors.Join(err, os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
}

// runWithoutLandlock runs a program that gets ENOSYS from
// landlock_create_ruleset, as from a kernel without it. The filter is that of
// this thread, which ends here, and of what it starts.
func runWithoutLandlock(cmd *exec.Cmd) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good
		done <- errors.Join(refuseLandlock(), cmd.Run())
	}()
	return <-done
}

func refuseLandlock() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // struct seccomp_data begins with nr
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_LANDLOCK_CREATE_RULESET},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog))); e != 0 {
		return e
	}
	return nil
}

func digestOf(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(data))
}
