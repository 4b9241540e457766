package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/isobooth/isobooth/profiles"
	"golang.org/x/sys/unix"
)

// wholeMachine has everything.
func wholeMachine() *machine {
	ok := attempt{how: "it works"}
	m := &machine{
		kernel: "Linux 6.18", root: true, allowed: nil, spaces: map[string]attempt{}, seccomp: map[string]attempt{"": ok},
		landlock: map[string]attempt{"": ok}, sealed: ok, groups: map[string]attempt{"": ok},
		rlimits: map[string]uint64{"open_files": 1 << 20, "file_size": profiles.Unlimited, "address_space": profiles.Unlimited},
		library: "libseccomp", booth: map[string]attempt{"": ok, "root": ok, "capabilities": ok, "no_new_privs": ok, "seccomp": ok, "rlimits": ok},
	}
	for _, name := range namespaceNames() {
		m.spaces[name] = ok
	}
	for _, part := range seccompParts {
		m.seccomp[part.name] = ok
	}
	for _, part := range landlockParts {
		m.landlock[part.name] = ok
	}
	for _, k := range groupKeys {
		m.groups[k.key] = ok
	}
	return m
}

func doctorTestProfile(t *testing.T, text string) *profiles.Profile {
	t.Helper()
	p, err := profiles.ParseProfile("mine.toml", []byte("name = \"mine\"\ndescription = \"for a test\"\nextends = \"strict\"\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestDoctorLayers: what a machine lacks, and what of it a profile needs,
// decide together whether a booth starts.
func TestDoctorLayers(t *testing.T) {
	no := attempt{err: errors.New("not here"), hint: "get it"}
	lackSpace := func(name string) func(*machine) { return func(m *machine) { m.spaces[name] = no } }
	lackGroup := func(key string) func(*machine) { return func(m *machine) { m.groups[key] = no } }
	lackLandlock := func(parts ...string) func(*machine) {
		return func(m *machine) {
			for _, part := range parts {
				m.landlock[part] = no
			}
		}
	}
	const write = "[[files]]\npath = \"/srv\"\naccess = \"write\"\nwhy = \"x\"\n"
	const device = "[[devices]]\npath = \"/dev/snd/*\"\naccess = \"read\"\nwhy = \"x\"\n"
	const network = "[[network]]\nto = [\"tcp://127.0.0.1:80\"]\nwhy = \"x\"\n"
	for _, test := range []struct {
		name     string
		profile  string
		change   func(*machine)
		starts   bool
		layer    string
		enforced string
		loss     string
		by       string
	}{
		{"control", "", func(*machine) {}, true, "landlock", enforcedYes, lossRefused, ""},
		{"no user namespaces", "", lackSpace("user"), false, "user", enforcedNo, lossRefused, ""},
		{"no time namespaces", "", lackSpace("time"), false, "time", enforcedNo, lossRefused, ""},
		{"no booth", "", func(m *machine) { m.booth = map[string]attempt{"": no} }, false, "booth", enforcedNo, lossRefused, ""},
		{"no sealed memory", "", func(m *machine) { m.sealed = no }, false, "sealed_memory", enforcedNo, lossRefused, ""},
		{"no listener", "", func(m *machine) { m.seccomp[""] = no }, false, "seccomp", enforcedNo, lossRefused, ""},
		{"a slower listener", "", func(m *machine) { m.seccomp["sync_wake_up"] = no }, true, "seccomp.sync_wake_up", enforcedNo, lossLess, ""},
		{"no ADDFD, not needed", "", func(m *machine) { m.seccomp["addfd"] = no }, true, "network", enforcedNo, lossRefused, ""},
		{"no ADDFD", network, func(m *machine) { m.seccomp["addfd"] = no }, false, "network", enforcedNo, lossRefused, "mine.toml:5"},
		{"a name without an address", network, func(m *machine) { m.booth["network"] = no }, false, "network", enforcedNo, lossRefused, "mine.toml:5"},
		{"no Landlock", "", lackLandlock(""), false, "landlock", enforcedNo, lossRefused, ""},
		{"no Landlock, allowed", "", func(m *machine) { m.allowed = []string{"landlock"}; lackLandlock("")(m) }, true, "landlock", enforcedNo, lossAllowed, ""},
		{"no Landlock, allowed and required", "require = [\"landlock\"]\n", func(m *machine) { m.allowed = []string{"landlock"}; lackLandlock("")(m) }, false, "landlock", enforcedNo, lossRefused, ""},
		{"no Landlock, allowed, a device for reading", device, func(m *machine) { m.allowed = []string{"landlock"}; lackLandlock("")(m) }, false, "landlock", enforcedNo, lossRefused, "mine.toml:5"},
		{"Landlock of Linux 6.1, nothing to write", "", lackLandlock("truncate", "net", "ioctl_dev", "scope"), true, "landlock", enforcedYes, lossRefused, ""},
		{"Landlock of Linux 6.1", write, lackLandlock("truncate", "net", "ioctl_dev", "scope"), true, "landlock", enforcedPartly, lossRefused, ""},
		{"its part", write, lackLandlock("truncate"), true, "landlock.truncate", enforcedNo, lossLess, "mine.toml:5"},
		{"no control groups", "", lackGroup(""), false, "cgroup.memory", enforcedNo, lossRefused, ""},
		{"no control groups, allowed", "[limits]\nio_weight = 300\n", func(m *machine) { m.allowed = []string{"cgroup"}; lackGroup("")(m) }, true, "cgroup.io_weight", enforcedNo, lossAllowed, "mine.toml:5"},
		{"no control groups, allowed and required", "require = [\"cgroup\"]\n", func(m *machine) { m.allowed = []string{"cgroup"}; lackGroup("")(m) }, false, "cgroup", enforcedNo, lossRefused, ""},
		{"no weight for disks, not needed", "", lackGroup("io_weight"), true, "cgroup.io_weight", enforcedNo, lossRefused, ""},
		{"no weight for disks", "[limits]\nio_weight = 300\n", func(m *machine) { m.allowed = []string{"cgroup"}; lackGroup("io_weight")(m) }, false, "cgroup.io_weight", enforcedNo, lossRefused, "mine.toml:5"},
		{"no cpuset", "[limits]\ncpus = \"0\"\n", lackGroup("cpus"), false, "cgroup.cpus", enforcedNo, lossRefused, "mine.toml:5"},
		{"swap is not accounted, none is wanted", "", lackGroup("swap"), true, "cgroup.swap", enforcedPartly, lossLess, ""},
		{"swap is not accounted", "[limits]\nswap = \"1MiB\"\n", lackGroup("swap"), false, "cgroup.swap", enforcedNo, lossRefused, "mine.toml:5"},
		{"a grant that is not there", write, func(m *machine) { m.booth["files"] = no }, false, "files", enforcedNo, lossRefused, "mine.toml:5"},
		{"a file system that maps nobody", write, func(m *machine) { m.booth["files.idmapped"] = no }, false, "files.idmapped", enforcedNo, lossRefused, "mine.toml:5"},
		{"the same for an ordinary user", write, func(m *machine) { m.root = false; m.booth["files.idmapped"] = no }, true, "files.idmapped", enforcedYes, lossRefused, "mine.toml:5"},
		{"fewer open files, no booth to try", "", func(m *machine) { delete(m.booth, "rlimits"); m.rlimits["open_files"] = 3 }, false, "rlimits", enforcedNo, lossRefused, ""},
	} {
		m := wholeMachine()
		test.change(m)
		p := doctorTestProfile(t, test.profile)
		r := m.report(p)
		i := slices.IndexFunc(r.Layers, func(l layerState) bool { return l.Layer == test.layer })
		if i < 0 {
			t.Fatalf("%s: no layer %q", test.name, test.layer)
		}
		l := r.Layers[i]
		if r.Starts != test.starts || l.Enforced != test.enforced || l.IfMissing != test.loss || test.by != "" && !slices.Contains(l.By, test.by) {
			t.Errorf("%s: starts %v, %+v", test.name, r.Starts, l)
		}
	}
}

// TestDoctorNames: what a profile may require, doctor knows by that name.
func TestDoctorNames(t *testing.T) {
	for _, name := range profiles.Layers() {
		p := doctorTestProfile(t, "require = [\""+name+"\"]\n")
		found := false
		for _, l := range wholeMachine().layers(p) {
			found = found || l.Required
		}
		if !found {
			t.Errorf("a profile can require %q, and doctor has no such layer", name)
		}
	}
}

// TestDoctorHostile: what the file system calls things reaches no terminal.
func TestDoctorHostile(t *testing.T) {
	m := wholeMachine()
	m.booth["files"] = attempt{err: errors.New("/\x1b[2J\u202e\nok"), hint: "\a"}
	var out bytes.Buffer
	a := &app{stdout: &out}
	p := doctorTestProfile(t, "[[files]]\npath = \"/srv\"\naccess = \"read\"\nwhy = \"x\"\n")
	a.printProfileReport(m.report(p))
	if !harmless(out.String()) || !strings.Contains(out.String(), `/\x1b[2J\u202e\nok`) {
		t.Errorf("%s", &out)
	}
}

// TestKnows: a flag that no kernel has is told from one that this one has.
func TestKnows(t *testing.T) {
	tried := trySeccomp()
	if tried[""].err != nil {
		requireMissing(t, tried[""].err.Error())
	}
	if err := tried["addfd"].err; err != nil {
		requireMissing(t, err.Error())
	}
	done := make(chan attempt)
	go func() {
		_, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, seccompNewListener|1<<30, 0)
		done <- knows(e, unix.EFAULT, "seccomp")
	}()
	if got := <-done; got.err == nil {
		t.Errorf("a flag that does not exist: %+v", got)
	}
	var a landlockAttr
	a.fs = 1 << 63
	if err := ruleset(a); err == nil || unsafe.Sizeof(a) != 24 {
		t.Errorf("a right that does not exist: %v", err)
	}
}

// testDoctor runs doctor with a profile on this machine, and on less of it.
func testDoctor(t *testing.T, programs string) {
	dir, err := os.MkdirTemp("/tmp", "isobooth-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	self := requireProgram(t, dir)
	for _, file := range []string{"isobooth-jail", "isobooth-worker"} {
		copyFile(t, filepath.Join(programs, file), filepath.Join(dir, file))
	}
	doctor := func(t *testing.T, run func(*exec.Cmd) error, other bool, args ...string) (*profileReport, int) {
		t.Helper()
		cmd := exec.Command(self, append([]string{"doctor", "--json", "--libexec", dir}, args...)...)
		cmd.Args[0] = "isobooth"
		cmd.Env = []string{"HOME=" + dir, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH")}
		if os.Geteuid() == 0 {
			ownAll(t, dir, other)
		}
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := run(cmd)
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatalf("%v\n%s", err, &stderr)
		}
		r := &profileReport{}
		if err := json.Unmarshal(stdout.Bytes(), r); err != nil || r.Schema != doctorSchema {
			t.Fatalf("%v\n%s%s", err, &stdout, &stderr)
		}
		return r, cmd.ProcessState.ExitCode()
	}
	layer := func(r *profileReport, name string) layerState {
		for _, l := range r.Layers {
			if l.Layer == name {
				return l
			}
		}
		return layerState{}
	}
	plain := func(cmd *exec.Cmd) error { return cmd.Run() }

	t.Run("doctor, control", func(t *testing.T) {
		r, code := doctor(t, plain, false, "strict")
		for _, name := range []string{"landlock", "cgroup", "booth"} {
			if l := layer(r, name); l.Enforced != enforcedYes || !l.Tried {
				t.Errorf("%+v", l)
			}
		}
		if code != exitDone || !r.Starts {
			t.Errorf("exit %d, %+v", code, r)
		}
	})
	t.Run("doctor without landlock", func(t *testing.T) {
		r, code := doctor(t, runWithoutLandlock, false, "strict")
		if l := layer(r, "landlock"); code != exitLayer || r.Starts || l.Enforced != enforcedNo || l.IfMissing != lossRefused || l.Hint == "" {
			t.Errorf("exit %d, %+v", code, l)
		}
		// The filter that hides Landlock is one around the booth, which is
		// built all the same.
		if l := layer(r, "booth"); l.Enforced != enforcedYes {
			t.Errorf("%+v", l)
		}
		r, _ = doctor(t, runWithoutLandlock, false, "strict", "--allow-missing", "landlock")
		if l := layer(r, "landlock"); l.Enforced != enforcedNo || l.IfMissing != lossAllowed {
			t.Errorf("allowed: %+v", l)
		}
		r, _ = doctor(t, runWithoutLandlock, false, requireProfile(t, dir, "landlock"), "--allow-missing", "landlock")
		if l := layer(r, "landlock"); !l.Required || l.IfMissing != lossRefused {
			t.Errorf("allowed and required: %+v", l)
		}
	})
	t.Run("doctor of an ordinary user", func(t *testing.T) {
		if os.Geteuid() != 0 {
			requireMissing(t, "root, to become another user")
		}
		nobody := func(cmd *exec.Cmd) error {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			return cmd.Run()
		}
		r, code := doctor(t, nobody, true, "strict", "--allow-missing", "cgroup")
		if l := layer(r, "booth"); l.Enforced != enforcedYes || code != exitDone || !r.Starts || r.User != 65534 {
			t.Errorf("exit %d, %+v", code, l)
		}
		if layer(r, "cgroup").Enforced == enforcedYes {
			requireMissing(t, "a machine where an ordinary user has no control groups")
		}
		if l := layer(r, "cgroup.memory"); l.Enforced != enforcedNo || l.IfMissing != lossAllowed {
			t.Errorf("%+v", l)
		}
		if r, code = doctor(t, nobody, true, "strict"); code != exitLayer || r.Starts || layer(r, "cgroup").IfMissing != lossRefused {
			t.Errorf("not allowed: exit %d, %+v", code, layer(r, "cgroup"))
		}
	})
}

// TestDoctorPage: docs/doctor.md names every layer and every key of the JSON.
func TestDoctorPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	r := wholeMachine().report(doctorTestProfile(t, ""))
	var names []string
	for _, l := range r.Layers {
		base, part, cut := strings.Cut(l.Layer, ".")
		names = append(names, base)
		if cut {
			names = append(names, "."+part)
		}
	}
	for _, v := range []any{r, layerState{Hint: "x"}} {
		var keys map[string]any
		text, err := json.Marshal(v)
		if err == nil {
			err = json.Unmarshal(text, &keys)
		}
		if err != nil {
			t.Fatal(err)
		}
		for key := range keys {
			names = append(names, key)
		}
	}
	for _, name := range names {
		if !strings.Contains(string(page), name+"`") {
			t.Errorf("docs/doctor.md does not name %q", name)
		}
	}
}
