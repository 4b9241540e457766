package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// checkMIDIAccess says whether this user may open the devices of ALSA's
// sequencer and of MIDI ports, and if not, how to.
func (i *installation) checkMIDIAccess() finding {
	f := finding{Name: "midi access", OK: true}
	ports, err := fs.Glob(i.files, "dev/snd/midiC*D*")
	if err != nil {
		return bad(f, err, "")
	}
	devices := ports
	if i.exists("/dev/snd/seq") {
		devices = append([]string{"dev/snd/seq"}, ports...)
	} else {
		return bad(f, fmt.Errorf("/dev/snd/seq: %w", fs.ErrNotExist),
			"sudo modprobe snd-seq loads ALSA's sequencer; in a container, hand /dev/snd in. Files and stdin work without")
	}
	for _, device := range devices {
		if err := i.access("/" + device); err != nil {
			return bad(f, fmt.Errorf("/%s: %w", device, err), i.groupHint(device))
		}
	}
	f.Detail = fmt.Sprintf("/dev/snd/seq and %d MIDI ports can be opened", len(ports))
	return f
}

// groupHint says how to come into the group that a device belongs to.
func (i *installation) groupHint(device string) string {
	st, err := fs.Stat(i.files, device)
	if err != nil {
		return ""
	}
	gid, known := deviceGroup(st)
	name := i.group(gid)
	if !known || gid == 0 || name == "" || st.Mode()&0o060 != 0o060 {
		return fmt.Sprintf("no group may open it; distributions give /dev/snd to the group audio, by udev: ls -l /%s", device)
	}
	have, member, err := i.groups()
	if err == nil && slices.Contains(member, gid) && !slices.Contains(have, gid) {
		return fmt.Sprintf("you are in the group %s since after this session began: log out and in again; a user's service needs: loginctl terminate-user %s", name, i.user)
	}
	return fmt.Sprintf("sudo usermod -aG %s %s, then log out and in again", name, i.user)
}

// deviceGroup is the group of a file.
func deviceGroup(st fs.FileInfo) (int, bool) {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return int(s.Gid), true
	}
	return 0, false
}

// accessible asks the kernel, which knows of access lists that logind puts on
// devices for whoever sits at the machine.
func accessible(path string) error {
	if err := unix.Access(path, unix.R_OK|unix.W_OK); err != nil {
		return os.NewSyscallError("access", err)
	}
	return nil
}

// ourGroups are those of this process, and those that the user database has.
func ourGroups() (have, member []int, err error) {
	if have, err = os.Getgroups(); err != nil {
		return nil, nil, err
	}
	have = append(have, os.Getegid())
	u, err := user.Current()
	if err != nil {
		return nil, nil, err
	}
	ids, err := u.GroupIds()
	if err != nil {
		return nil, nil, err
	}
	for _, id := range ids {
		if n, err := strconv.Atoi(id); err == nil {
			member = append(member, n)
		}
	}
	return have, member, nil
}

func groupName(id int) string {
	g, err := user.LookupGroupId(strconv.Itoa(id))
	if err != nil {
		return ""
	}
	return g.Name
}
