// Package packaging holds what an installation has besides programs and pages;
// there is only a test of it here.
package packaging

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/isobooth/isobooth/profiles"
)

// missing skips, or with ISOBOOTH_MUST_RUN=1 fails.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("ISOBOOTH_MUST_RUN") == "1" {
		t.Fatalf("this machine lacks %s", what)
	}
	t.Skipf("this machine lacks %s", what)
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// units are the templates, and the highest exposure, of 10, that systemd may
// find. It counts namespaces and control groups as exposed, which booths are
// made of, and of a user's manager everything that it cannot take away.
var units = []struct {
	file     string
	user     bool
	exposure float64
}{
	{"systemd/isobooth.service.in", false, 4.5},
	{"systemd/isobooth-user.service.in", true, 8.2},
}

// filled writes a unit as make install does, with a program to start, and
// returns its path.
func filled(t *testing.T, template string) string {
	t.Helper()
	prefix := t.TempDir()
	if err := os.Mkdir(filepath.Join(prefix, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(prefix, "bin", "isobooth"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(prefix, "isobooth.service")
	if err := os.WriteFile(unit, []byte(strings.ReplaceAll(read(t, template), "@PREFIX@", prefix)), 0o644); err != nil {
		t.Fatal(err)
	}
	return unit
}

func analyze(t *testing.T, user bool, args ...string) (string, error) {
	t.Helper()
	if user {
		args = append(args, "--user")
	}
	cmd := exec.Command("systemd-analyze", args...)
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestUnitsVerify: systemd knows every directive; and would say if not.
func TestUnitsVerify(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		missing(t, "systemd-analyze")
	}
	for _, u := range units {
		unit := filled(t, u.file)
		if out, err := analyze(t, u.user, "verify", "--man=no", unit); err != nil || strings.Contains(out, unit) {
			t.Errorf("%s: %v\n%s", u.file, err, out)
		}
		broken := strings.Replace(read(t, unit), "NoNewPrivileges=", "NoOldPrivileges=", 1)
		if err := os.WriteFile(unit, []byte(broken), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, _ := analyze(t, u.user, "verify", "--man=no", unit); !strings.Contains(out, "NoOldPrivileges") {
			t.Errorf("%s: a directive that does not exist is not noticed:\n%s", u.file, out)
		}
	}
}

// TestUnitsExposure: hardening that somebody takes out shows in the score.
func TestUnitsExposure(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		missing(t, "systemd-analyze")
	}
	score := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`)
	of := func(user bool, unit string) float64 {
		out, err := analyze(t, user, "security", "--offline=yes", unit)
		m := score.FindStringSubmatch(out)
		if m == nil {
			t.Fatalf("%v\n%s", err, out)
		}
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, u := range units {
		unit := filled(t, u.file)
		got := of(u.user, unit)
		t.Logf("%s: exposure %.1f", u.file, got)
		if got > u.exposure {
			t.Errorf("%s: exposure %.1f, want at most %.1f", u.file, got, u.exposure)
		}
		bare := regexp.MustCompile(`(?m)^(NoNew|Restrict[AS]|SystemCall|Capability|Protect|Private|Device).*\n`).ReplaceAllString(read(t, unit), "")
		if err := os.WriteFile(unit, []byte(bare), 0o644); err != nil {
			t.Fatal(err)
		}
		if without := of(u.user, unit); without <= u.exposure {
			t.Errorf("%s: without any hardening the exposure is %.1f: the bound sees nothing", u.file, without)
		}
	}
}

// directives are a unit's, with the values of those that occur more than once.
func directives(t *testing.T, file string) map[string][]string {
	all := map[string][]string{}
	for n, line := range strings.Split(read(t, file), "\n") {
		if line == "" || line[0] == '#' || line[0] == '[' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			t.Fatalf("%s:%d: %q is no directive", file, n+1, line)
		}
		all[key] = append(all[key], value)
	}
	return all
}

// TestUnitsFilter: booths inherit the units' filter of system calls, and an
// errno of an outer filter goes before the jailer's: it may hold nothing but
// what every profile kills for, or refusals would not be counted.
func TestUnitsFilter(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		missing(t, "systemd-analyze")
	}
	for _, u := range units {
		value := directives(t, u.file)["SystemCallFilter"]
		if len(value) != 1 || !strings.HasPrefix(value[0], "~") {
			t.Fatalf("%s: SystemCallFilter %q", u.file, value)
		}
		for _, group := range strings.Fields(value[0][1:]) {
			calls := groupCalls(t, group)
			if len(calls) == 0 {
				t.Errorf("group %s holds nothing", group)
			}
			for _, call := range calls {
				for _, name := range profiles.Names() {
					if got := fate(t, name, call); got != "killed" && got != "unknown" {
						t.Errorf("%s: %s of %s is %s by profile %s", u.file, call, group, got, name)
					}
				}
			}
		}
	}
	if got := fate(t, "strict", "personality"); got != "refused" {
		t.Errorf("control: personality is %s", got)
	}
}

// groupCalls are the system calls of one of systemd's groups.
func groupCalls(t *testing.T, group string) []string {
	out, err := exec.Command("systemd-analyze", "syscall-filter", group).Output()
	if err != nil {
		t.Fatal(err)
	}
	var calls []string
	for _, line := range strings.Split(string(out), "\n") {
		if line = strings.TrimSpace(line); line != "" && line != group && line[0] != '#' {
			calls = append(calls, line)
		}
	}
	return calls
}

// TestUnitsAgree: what the two units have in common is the same in both.
func TestUnitsAgree(t *testing.T) {
	system, user := directives(t, units[0].file), directives(t, units[1].file)
	for key, value := range user {
		if key != "WantedBy" && !slices.Equal(system[key], value) {
			t.Errorf("%s is %q in the user's unit and %q in the system's", key, value, system[key])
		}
	}
	for key, want := range map[string]string{
		"Type": "notify", "NotifyAccess": "main", "Delegate": "yes", "OOMPolicy": "continue", "KillMode": "mixed", "NoNewPrivileges": "yes",
	} {
		if fmt.Sprint(user[key]) != "["+want+"]" {
			t.Errorf("%s is %q", key, user[key])
		}
	}
	// Each breaks booths, or what is counted of them; the units say how.
	for _, u := range units {
		all := directives(t, u.file)
		for _, key := range []string{
			"RestrictNamespaces", "RestrictRealtime", "ProtectControlGroups", "ProtectKernelTunables", "ProtectKernelLogs", "ProtectProc", "ProcSubset",
			"ProtectHostname", "PrivateDevices", "LockPersonality", "MemoryDenyWriteExecute", "DelegateSubgroup",
		} {
			if all[key] != nil {
				t.Errorf("%s has %s", u.file, key)
			}
		}
	}
}

// fate is what becomes of a call under a built-in profile.
func fate(t *testing.T, profile, call string) string {
	t.Helper()
	p, err := profiles.NewLibrary("", "").Load(profile)
	if err != nil {
		t.Fatal(err)
	}
	return string(p.Explain(call, profiles.PhaseRun, nil).Outcome)
}
