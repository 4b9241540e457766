package main

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
)

// file is one of an installation in a test, of group 29 where that matters.
func file(text string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(text), Mode: 0o644}
}

func device(gid uint32, mode fs.FileMode) *fstest.MapFile {
	return &fstest.MapFile{Mode: mode | fs.ModeDevice | fs.ModeCharDevice, Sys: &syscall.Stat_t{Gid: gid}}
}

// otherInstallation is one whose user may open nothing in refused.
func otherInstallation(files fstest.MapFS, refused ...string) *installation {
	return &installation{
		files: files, user: "mary", config: "/home/mary/.config",
		access: func(path string) error {
			for _, r := range refused {
				if path == r {
					return syscall.EACCES
				}
			}
			return nil
		},
		groups: func() (have, member []int, err error) { return []int{1000}, []int{1000}, nil },
		group: func(id int) string {
			return map[int]string{0: "root", 29: "audio", 1000: "mary"}[id]
		},
	}
}

func wantFinding(t *testing.T, f finding, ok bool, detail, hint string) {
	t.Helper()
	if f.OK != ok || f.Required || !strings.Contains(f.Detail, detail) || !strings.Contains(f.Hint, hint) || (f.Hint == "") != (hint == "") {
		t.Errorf("%+v\nwant OK %v, detail %q, hint %q", f, ok, detail, hint)
	}
}

func TestDoctorMIDIAccess(t *testing.T) {
	sound := fstest.MapFS{"dev/snd/seq": device(29, 0o660), "dev/snd/midiC0D0": device(29, 0o660), "dev/snd/midiC1D0": device(29, 0o660)}
	wantFinding(t, otherInstallation(sound).checkMIDIAccess(), true, "/dev/snd/seq and 2 MIDI ports can be opened", "")
	wantFinding(t, otherInstallation(sound, "/dev/snd/seq").checkMIDIAccess(), false, "/dev/snd/seq: permission denied", "sudo usermod -aG audio mary")
	wantFinding(t, otherInstallation(sound, "/dev/snd/midiC1D0").checkMIDIAccess(), false, "/dev/snd/midiC1D0: permission denied", "sudo usermod -aG audio mary")
	wantFinding(t, otherInstallation(fstest.MapFS{}).checkMIDIAccess(), false, "/dev/snd/seq: file does not exist", "sudo modprobe snd-seq")

	// In the group since this session began, and a group that gives nothing.
	later := otherInstallation(sound, "/dev/snd/seq")
	later.groups = func() (have, member []int, err error) { return []int{1000}, []int{1000, 29}, nil }
	wantFinding(t, later.checkMIDIAccess(), false, "permission denied", "log out and in again")
	if f := later.checkMIDIAccess(); strings.Contains(f.Hint, "usermod") {
		t.Errorf("the hint is %q for somebody who is in the group", f.Hint)
	}
	unknown := otherInstallation(sound, "/dev/snd/seq")
	unknown.groups = func() (have, member []int, err error) { return nil, nil, errors.New("no user database") }
	wantFinding(t, unknown.checkMIDIAccess(), false, "permission denied", "sudo usermod -aG audio mary")
	for _, d := range []*fstest.MapFile{device(0, 0o660), device(29, 0o600), device(77, 0o660)} {
		f := otherInstallation(fstest.MapFS{"dev/snd/seq": d}, "/dev/snd/seq").checkMIDIAccess()
		wantFinding(t, f, false, "permission denied", "no group may open it")
	}
}

func TestDoctorAppArmor(t *testing.T) {
	const installed, other = "/usr/lib/isobooth/isobooth-jail", "/home/mary/isobooth/bin/isobooth-jail"
	restricted := func(more ...string) *installation {
		files := fstest.MapFS{"proc/sys/kernel/apparmor_restrict_unprivileged_userns": file("1\n")}
		for _, name := range more {
			files[name] = file("")
		}
		return otherInstallation(files)
	}
	const inEtc, loaded = "etc/apparmor.d/isobooth-jail", "sys/kernel/security/apparmor/policy/profiles/isobooth-jail.12/name"
	for _, test := range []struct {
		name         string
		i            *installation
		jailer       string
		ok, may      bool
		detail, hint string
	}{
		{"no AppArmor", otherInstallation(fstest.MapFS{}), installed, true, false, "does not restrict", ""},
		{"not restricted", otherInstallation(fstest.MapFS{"proc/sys/kernel/apparmor_restrict_unprivileged_userns": file("0\n"), loaded: file("")}),
			installed, true, false, "does not restrict", ""},
		{"no profile", restricted(), installed, false, false, "has no profile", "make install"},
		{"not loaded", restricted(inEtc), installed, false, false, "has no profile", "sudo apparmor_parser -r /etc/apparmor.d/isobooth-jail loads"},
		{"another's profile", restricted("sys/kernel/security/apparmor/policy/profiles/isobooth-jailer.12/name"), installed, false, false, "has no profile", "make install"},
		{"loaded", restricted(inEtc, loaded), installed, true, true, "has the profile of", ""},
		{"another jailer", restricted(inEtc, loaded), other, false, false, "this one is " + other, "the profile goes by the path"},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantFinding(t, test.i.checkAppArmor(test.jailer), test.ok, test.detail, test.hint)
			if may := test.i.jailerMay(test.jailer); may != test.may {
				t.Errorf("the jailer may: %v", may)
			}
		})
	}
}

func TestDoctorNamespaceHint(t *testing.T) {
	for _, test := range []struct{ file, value, hint string }{
		{"proc/sys/kernel/unprivileged_userns_clone", "0\n", "sudo sysctl -w kernel.unprivileged_userns_clone=1"},
		{"proc/sys/kernel/unprivileged_userns_clone", "1\n", "inside a container"},
		{"proc/sys/user/max_user_namespaces", "0\n", "sudo sysctl -w user.max_user_namespaces=1000"},
		{"proc/sys/user/max_user_namespaces", "7\n", "inside a container"},
		{"proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", "sudo apparmor_parser -r"},
		{"proc/sys/kernel/apparmor_restrict_unprivileged_userns", "0\n", "inside a container"},
	} {
		if hint := otherInstallation(fstest.MapFS{test.file: file(test.value)}).namespaceHint(); !strings.Contains(hint, test.hint) {
			t.Errorf("%s is %q: %q, want %q", test.file, test.value, hint, test.hint)
		}
	}
}

func TestDoctorService(t *testing.T) {
	const booted = "run/systemd/system/x"
	for _, test := range []struct {
		name         string
		files        []string
		ok           bool
		detail, hint string
	}{
		{"no systemd", nil, true, "no systemd here", ""},
		{"not installed", []string{booted}, false, "is not installed", "systemctl --user enable --now isobooth"},
		{"another unit", []string{booted, "usr/lib/systemd/user/other.service"}, false, "is not installed", "make install"},
		{"installed", []string{booted, "usr/local/lib/systemd/user/isobooth.service"}, true,
			"the user's is not enabled (/usr/local/lib/systemd/user/isobooth.service)", ""},
		{"enabled by the user", []string{booted, "usr/lib/systemd/user/isobooth.service", "home/mary/.config/systemd/user/default.target.wants/isobooth.service"}, true,
			"the user's is enabled (/usr/lib/systemd/user/isobooth.service)", ""},
		{"enabled for the machine", []string{booted, "usr/lib/systemd/user/isobooth.service", "usr/lib/systemd/system/isobooth.service",
			"etc/systemd/system/multi-user.target.wants/isobooth.service"}, true,
			"the user's is not enabled (/usr/lib/systemd/user/isobooth.service), the system's is enabled (/usr/lib/systemd/system/isobooth.service)", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := fstest.MapFS{}
			for _, name := range test.files {
				files[name] = file("")
			}
			wantFinding(t, otherInstallation(files).checkService(), test.ok, test.detail, test.hint)
		})
	}
}
