package jail

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/isobooth/isobooth/runner/control"
	"github.com/moby/sys/capability"
	"github.com/opencontainers/runc/libcontainer/configs"
	"golang.org/x/sys/unix"
)

// without is the set of layers that all booths of this jailer do without. It
// is empty but for a self-test, which learns from it what each layer stops.
type without map[string]bool

// removed stands in the details of a layer that a self-test left out.
const removed = "REMOVED"

func newWithout(names []string) (without, error) {
	w := without{}
	for _, n := range names {
		if !slices.Contains(control.Removable(), n) {
			return nil, fmt.Errorf("self-test: no layer %q can be left out", n)
		}
		w[n] = true
	}
	if w[control.LayerUser] && os.Geteuid() != 0 {
		return nil, layerErrorf(control.LayerUser, "only root can do without: a user's other namespaces need it")
	}
	return w, nil
}

// namespace reports whether booths share one with the host, by its name in
// /proc/PID/ns. The layer "cgroup" is the limits, not the namespace.
func (w without) namespace(link string) bool { return link != control.LayerCgroup && w[link] }

// removed is what inspect reports instead of what it found; "" where the
// layer must be as ever.
func (w without) removed(layer string) string {
	switch {
	case w[layer]:
		return removed + " for a self-test"
	case layer == control.LayerRoot && w[control.LayerPID]:
		return removed + " in part: /proc is the host's"
	case layer == control.LayerCapabilities && w[control.LayerNoNewPrivs]:
		return removed + " in part: CAP_SYS_ADMIN, in the booth's user namespace"
	}
	return ""
}

// openRoot makes mount points for the host's folders.
func (w without) openRoot(r *root) error {
	if !w[control.LayerRoot] {
		return nil
	}
	folders, err := hostFolders()
	if err != nil {
		return err
	}
	for _, f := range folders {
		if err := r.own.folder(f); err != nil {
			return err
		}
	}
	return nil
}

// hostFolders are the folders of the host's root, but for /proc and /dev, of
// which a booth has its own.
func hostFolders() ([]string, error) {
	entries, err := os.ReadDir("/")
	if err != nil {
		return nil, err
	}
	var folders []string
	for _, e := range entries {
		path := "/" + e.Name()
		// Through links: /bin is one on most systems.
		if st, err := os.Stat(path); err == nil && st.IsDir() && path != "/proc" && path != "/dev" {
			folders = append(folders, path)
		}
	}
	return folders, nil
}

// prepare takes out of a request what the worker would apply.
func (w without) prepare(p *control.Prepare) {
	if w[control.LayerSeccomp] {
		p.Policy.BPF = openFilter()
	}
	if w[control.LayerRlimits] {
		p.Rlimits = nil
	}
	if w[control.LayerLandlock] {
		p.Landlock = false
	}
}

// openFilter allows everything. recvmsg is handed over all the same: by that
// call the listener knows that the worker is in standby.
func openFilter() []byte {
	var b []byte
	for _, i := range []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // the number, struct seccomp_data
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_RECVMSG},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	} {
		b = binary.NativeEndian.AppendUint16(b, i.Code)
		b = append(b, i.Jt, i.Jf)
		b = binary.NativeEndian.AppendUint32(b, i.K)
	}
	return b
}

// loosen takes out of a container what libcontainer would apply. It returns
// the user id the worker gets in place of user.
func (w without) loosen(c *configs.Config, user int) (int, error) {
	if w[control.LayerRoot] {
		if err := bindHost(c); err != nil {
			return 0, err
		}
	}
	if w[control.LayerCapabilities] {
		names, err := w.capabilities()
		if err != nil {
			return 0, err
		}
		c.Capabilities = allSets(names)
	}
	if w[control.LayerNoNewPrivs] {
		c.NoNewPrivileges = false
		if !w[control.LayerCapabilities] {
			c.Capabilities = allSets([]string{"CAP_SYS_ADMIN"})
		}
	}
	for _, n := range namespaces {
		if w.namespace(n.link) {
			c.Namespaces.Remove(n.kind)
		}
	}
	if w[control.LayerUTS] {
		c.Hostname = ""
	}
	if w[control.LayerPID] {
		bindProc(c)
	}
	if w[control.LayerUser] {
		// The same user as ever, by its number outside.
		user += int(c.UIDMappings[0].HostID)
		c.UIDMappings, c.GIDMappings = nil, nil
	}
	return user, nil
}

// capabilities names all that a worker can get: in a user namespace of its
// own every one, else those that we have.
func (w without) capabilities() ([]string, error) {
	all, err := capability.ListSupported()
	if err != nil {
		return nil, err
	}
	self, err := capability.NewPid2(0)
	if err == nil {
		err = self.Load()
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, one := range all {
		if !w[control.LayerUser] || self.Get(capability.PERMITTED, one) {
			names = append(names, "CAP_"+strings.ToUpper(one.String()))
		}
	}
	return names, nil
}

func allSets(names []string) *configs.Capabilities {
	return &configs.Capabilities{Bounding: names, Effective: names, Inheritable: names, Permitted: names, Ambient: names}
}

// bindHost puts the host's folders below a booth's own files.
func bindHost(c *configs.Config) error {
	folders, err := hostFolders()
	if err != nil {
		return err
	}
	var m []*configs.Mount
	for _, f := range folders {
		m = append(m, bind(f, f, unix.MS_REC))
	}
	c.Mounts = append(m, c.Mounts...)
	return nil
}

// bindProc is for a booth in the host's pid namespace: only that namespace's
// owner could mount a /proc of it.
func bindProc(c *configs.Config) {
	for i, m := range c.Mounts {
		if m.Destination == "/proc" {
			c.Mounts[i] = bind("/proc", "/proc", unix.MS_REC)
		}
	}
}
