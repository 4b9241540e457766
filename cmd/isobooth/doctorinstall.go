package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// installation is what doctor looks at of this machine's files; in tests it is
// another one's.
type installation struct {
	files fs.FS // its root folder
	// access reports whether this process may read and write a file.
	access func(path string) error
	groups func() (have, member []int, err error) // of this process; of its user
	group  func(id int) string                    // its name, or ""
	user   string                                 // name, for commands to copy
	config string                                 // folder that holds the user's configs
}

const (
	appArmorProfile = "/etc/apparmor.d/isobooth-jail"
	appArmorSwitch  = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
	appArmorLoaded  = "/sys/kernel/security/apparmor/policy/profiles"
)

// holds reports whether a file holds exactly this value.
func (i *installation) holds(file, value string) bool {
	data, err := fs.ReadFile(i.files, file[1:])
	return err == nil && strings.TrimSpace(string(data)) == value
}

func (i *installation) exists(file string) bool {
	_, err := fs.Lstat(i.files, strings.TrimPrefix(file, "/"))
	return err == nil
}

// restricted reports whether AppArmor makes user namespaces useless to
// programs without a profile, as Ubuntu has it since 23.10.
func (i *installation) restricted() bool { return i.holds(appArmorSwitch, "1") }

// loaded reports whether the kernel has the jailer's profile: it lists each
// as NAME.NUMBER.
func (i *installation) loaded() bool {
	entries, err := fs.ReadDir(i.files, appArmorLoaded[1:])
	if err != nil {
		return false
	}
	for _, e := range entries {
		if name, _, ok := strings.Cut(e.Name(), "."); ok && name == "isobooth-jail" {
			return true
		}
	}
	return false
}

// jailerMay reports whether the jailer alone may make user namespaces here, so
// that trying it in this program says nothing.
func (i *installation) jailerMay(jailer string) bool {
	return i.restricted() && i.loaded() && jailer == filepath.Join(libexecDir, "isobooth-jail")
}

// namespaceHint says what keeps an ordinary user from user namespaces.
func (i *installation) namespaceHint() string {
	switch {
	case i.holds("/proc/sys/kernel/unprivileged_userns_clone", "0"): // Debian's, off until 11
		return "sudo sysctl -w kernel.unprivileged_userns_clone=1 lets ordinary users make user namespaces; a file in /etc/sysctl.d keeps it so"
	case i.holds("/proc/sys/user/max_user_namespaces", "0"):
		return "sudo sysctl -w user.max_user_namespaces=1000 lets users make user namespaces; a file in /etc/sysctl.d keeps it so"
	case i.restricted():
		return i.appArmorHint()
	}
	return "inside a container, run it with user namespaces allowed, or run isobooth on the host"
}

func (i *installation) appArmorHint() string {
	if i.exists(appArmorProfile) {
		return "sudo apparmor_parser -r " + appArmorProfile + " loads the profile that lets isobooth-jail make user namespaces"
	}
	return "make install, or a package of isobooth, puts the profile that lets isobooth-jail make user namespaces into /etc/apparmor.d; then: sudo apparmor_parser -r " + appArmorProfile
}

// checkAppArmor is about Ubuntu's restriction; jailer is the path of ours.
func (i *installation) checkAppArmor(jailer string) finding {
	f := finding{Name: "apparmor", OK: true, Detail: "does not restrict user namespaces"}
	if !i.restricted() {
		return f
	}
	f.Detail = "restricts user namespaces, and has the profile of " + filepath.Join(libexecDir, "isobooth-jail")
	switch {
	case !i.loaded():
		f.OK, f.Detail, f.Hint = false, "restricts user namespaces, and has no profile of isobooth-jail", i.appArmorHint()
	case !i.jailerMay(jailer):
		f.OK, f.Detail = false, f.Detail+"; this one is "+jailer
		f.Hint = "the profile goes by the path: use the installed isobooth, or write one like " + appArmorProfile + " for this path"
	}
	return f
}

// unitFolders are where systemd finds units, by who installs them;
// systemd.unit(5). The first is for links of those that are enabled.
func (i *installation) unitFolders() (user, system []string) {
	user = []string{path.Join(i.config, "systemd/user"), "/etc/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user"}
	return user, []string{"/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"}
}

// checkService says whether isobooth is installed as a service, and started by
// itself.
func (i *installation) checkService() finding {
	f := finding{Name: "service", OK: true, Detail: "no systemd here"}
	if !i.exists("/run/systemd/system") { // sd_booted(3)
		return f
	}
	user, system := i.unitFolders()
	var found []string
	for _, kind := range []struct {
		name, target string
		dirs         []string
	}{{"user's", "default.target.wants", user}, {"system's", "multi-user.target.wants", system}} {
		unit, enabled := "", false
		for _, dir := range kind.dirs {
			if file := path.Join(dir, "isobooth.service"); unit == "" && i.exists(file) {
				unit = file
			}
			enabled = enabled || i.exists(path.Join(dir, kind.target, "isobooth.service"))
		}
		switch {
		case unit != "" && enabled:
			found = append(found, fmt.Sprintf("the %s is enabled (%s)", kind.name, unit))
		case unit != "":
			found = append(found, fmt.Sprintf("the %s is not enabled (%s)", kind.name, unit))
		}
	}
	if f.Detail = strings.Join(found, ", "); len(found) == 0 {
		f.OK, f.Detail = false, "isobooth is not installed as one"
		f.Hint = "make install, or a package, brings it; then: systemctl --user enable --now isobooth"
	}
	return f
}

// thisInstallation is this machine's.
func thisInstallation() *installation {
	config, err := os.UserConfigDir()
	if err != nil {
		config = "/nonexistent" // nothing is found there
	}
	i := &installation{files: os.DirFS("/"), config: config, user: os.Getenv("USER")}
	i.access, i.groups, i.group = accessible, ourGroups, groupName
	if i.user == "" {
		i.user = "YOU"
	}
	return i
}
