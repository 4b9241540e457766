package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"isobooth": main, // with its signals
		"filtered": filtered,
	})
}

// TestScripts runs testdata/*.txtar: one file for each behaviour of the
// commands, without any booth.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			return surroundings(e)
		},
		Cmds: commands,
	})
}

// commands are those of the scripts beside testscript's own.
var commands = map[string]func(*testscript.TestScript, bool, []string){"cc": ccCmd, "exits": exitsCmd, "replace": replaceCmd, "bytes": bytesCmd}

// notesMid is a MIDI file of half a second: a note, held.
const notesMid = "MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x60" +
	"MTrk\x00\x00\x00\x0c\x00\x90\x3c\x64\x60\x80\x3c\x00\x00\xff\x2f\x00"

// surroundings gives a script a home of its own, two notes on one status byte,
// the second with velocity 0, and notesMid.
func surroundings(e *testscript.Env) error {
	e.Setenv("HOME", e.WorkDir)
	e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
	e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, "state"))
	return errors.Join(
		os.WriteFile(filepath.Join(e.WorkDir, "notes.bin"), []byte{0x90, 60, 100, 60, 0}, 0o644),
		os.WriteFile(filepath.Join(e.WorkDir, "notes.mid"), []byte(notesMid), 0o644))
}

// TestBooths runs testdata/booth/*.txtar, which start real booths.
func TestBooths(t *testing.T) {
	requireBooths(t)
	root, programs := buildPrograms(t)
	testRequire(t, root, programs)
	testDoctor(t, programs)
	t.Run("selftest interrupted", func(t *testing.T) { testSelftestInterrupted(t, programs) })
	testscript.Run(t, testscript.Params{
		Dir: "testdata/booth",
		Setup: func(e *testscript.Env) error {
			e.Setenv("ISOBOOTH_LIBEXEC", programs)
			e.Setenv("ROOT", root)
			// Booths of root's self-test must be able to pass through it.
			e.Setenv("TMPDIR", "/tmp")
			return surroundings(e)
		},
		Cmds: commands,
	})
}

// buildPrograms builds the worker, the jailer and what the self-test attacks
// with into the folder programs, unless ISOBOOTH_TEST_BIN names one where they
// are; root is the repository.
func buildPrograms(t *testing.T) (root, programs string) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if programs = os.Getenv("ISOBOOTH_TEST_BIN"); programs != "" {
		return root, programs
	}
	programs = t.TempDir()
	sources, err := filepath.Glob(filepath.Join(root, "runner/worker/*.c"))
	if err != nil {
		t.Fatal(err)
	}
	include := filepath.Join(root, "runner/worker/include")
	for _, args := range [][]string{
		append([]string{"cc", "-std=c11", "-O2", "-I", include, "-o", filepath.Join(programs, "isobooth-worker")}, sources...),
		// The same rules as for an installation.
		{"make", "-s", "-C", root, "BIN=" + programs, "-o", "setup", "selftest"},
		{"go", "build", "-o", filepath.Join(programs, "isobooth-jail"), filepath.Join(root, "cmd/isobooth-jail")},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	if err := os.Chmod(programs, 0o755); err != nil {
		t.Fatal(err)
	}
	return root, programs
}

// requireBooths skips, or with ISOBOOTH_MUST_RUN=1 fails, where this machine
// cannot run booths with every layer.
func requireBooths(t *testing.T) {
	t.Helper()
	a := &app{settings: &settings{config: config{}}}
	for _, f := range []finding{checkKernel(), a.checkUserNamespaces(), checkSeccomp(), a.checkLandlock(), checkMemfd(), a.checkCgroups()} {
		if f.OK {
			continue
		}
		if os.Getenv("ISOBOOTH_MUST_RUN") == "1" {
			t.Fatalf("this machine lacks %s: %s", f.Name, f.Detail)
		}
		t.Skipf("this machine lacks %s: %s", f.Name, f.Detail)
	}
}

// ccCmd compiles a plugin: cc SOURCE LIBRARY [FLAG...].
func ccCmd(ts *testscript.TestScript, neg bool, args []string) {
	include, err := filepath.Abs("../../runner/worker/include")
	ts.Check(err)
	c := exec.Command("cc", append([]string{"-shared", "-fPIC", "-I", include, "-o", ts.MkAbs(args[1]), ts.MkAbs(args[0])}, args[2:]...)...)
	out, err := c.CombinedOutput()
	ts.Logf("%s", out)
	ts.Check(err)
}

// exitsCmd checks an exit code: exits CODE COMMAND ARGS...
func exitsCmd(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit, ok := err.(*exec.ExitError); ok {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// replaceCmd copies a file with one text in it changed: replace FROM TO OLD NEW.
func replaceCmd(ts *testscript.TestScript, neg bool, args []string) {
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	if strings.Count(string(data), args[2]) != 1 {
		ts.Fatalf("%s holds %q %d times, want once", args[0], args[2], strings.Count(string(data), args[2]))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Replace(string(data), args[2], args[3], 1)), 0o644))
}
