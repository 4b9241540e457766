package jail

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/isobooth/isobooth/runner/control"
	"github.com/opencontainers/runc/libcontainer/configs"
	"golang.org/x/sys/unix"
)

// with is the root of one booth: r itself for a booth that is granted nothing,
// else one of its own in dir, which the caller removes, also after an error.
// user is the worker's on the host, or -1 when that is ours.
func (r *root) with(dir string, p *control.Prepare, user int) (*root, error) {
	g := &p.Grants
	if !g.Any() {
		return r, nil
	}
	own, mounts, err := layOut(dir, r.files)
	if err != nil {
		return own, &LayerError{"root", err}
	}
	for i := range g.Files {
		if err := own.addFile(mounts, &g.Files[i], user); err != nil {
			return own, layerErrorf("files", "%s: %w", g.Files[i].Path, err)
		}
	}
	for i := range g.Devices {
		if !g.Devices[i].Write && !p.Landlock {
			// A mount that is read-only stops no write to a device.
			return own, layerErrorf("landlock", "device %s is granted for reading only, which nothing else enforces", g.Devices[i].Path)
		}
		if err := own.addDevice(mounts, &g.Devices[i], user); err != nil {
			return own, layerErrorf("devices", "%s: %w", g.Devices[i].Path, err)
		}
	}
	if g.Tmp > 0 {
		if err := own.addTmp(g.Tmp); err != nil {
			return own, layerErrorf("files", "/tmp: %w", err)
		}
	}
	for inside, text := range nameFiles(g) {
		if err := own.own.file(inside, text); err != nil {
			return own, layerErrorf("root", "%s: %w", inside, err)
		}
	}
	return own, nil
}

// addFile binds one file or folder. Nothing but what was resolved is bound:
// what became a link since, or got a mount below it, is an error.
func (r *root) addFile(mounts []mountLine, b *control.Bind, user int) error {
	st, err := lookNoLinks(b.Path)
	if err != nil {
		return err
	}
	for inside := range r.files {
		if below(inside, b.Inside) || below(b.Inside, inside) {
			return fmt.Errorf("inside %q: the booth has its %s there", b.Inside, inside)
		}
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		err = r.own.file(b.Inside, nil)
	case unix.S_IFDIR:
		err = r.own.folder(b.Inside)
	default:
		err = fmt.Errorf("is neither a file nor a folder")
	}
	if err != nil {
		return err
	}
	for _, m := range mounts {
		if m.point != b.Path && below(m.point, b.Path) {
			return fmt.Errorf("%s below it is another mount; grant the folders beside that one", m.point)
		}
	}
	m, at, err := findMount(mounts, b.Path)
	if err != nil {
		return err
	}
	flags := unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	want := wantMount{device: m.device, root: at, has: []string{"ro", "nosuid", "nodev", "noexec"}, grant: true}
	if b.Write {
		if slices.Contains(m.options, "ro") || slices.Contains(m.super, "ro") {
			return fmt.Errorf("write access: %w", unix.EROFS)
		}
		want.has[0] = "rw"
	} else {
		flags |= unix.MS_RDONLY
	}
	mount := bind(b.Path, b.Inside, flags)
	if user >= 0 {
		// The worker's user is nobody's on disk. In this one mount the owner
		// of what is granted appears as that user, and what the plugin makes
		// belongs to the owner. Linux 5.12, mount_setattr(2).
		mount.IDMapping = &configs.MountIDMapping{
			UIDMappings: []configs.IDMap{{ContainerID: int64(st.Uid), HostID: int64(user), Size: 1}},
			GIDMappings: []configs.IDMap{{ContainerID: int64(st.Gid), HostID: int64(user), Size: 1}},
		}
		want.has = append(want.has, "idmapped")
	} else {
		want.lacks = []string{"idmapped"}
	}
	r.grants = append(r.grants, mount)
	r.want[b.Inside] = want
	return nil
}

// addDevice binds one device node. devtmpfs knows no id-mapped mounts, so a
// worker with a user of its own opens it as others may, or by its group.
func (r *root) addDevice(mounts []mountLine, b *control.Bind, user int) error {
	st, err := lookNoLinks(b.Path)
	if err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFCHR {
		return fmt.Errorf("is no character device")
	}
	need := uint32(4)
	if b.Write {
		need = 6
	}
	switch {
	case user < 0 || st.Mode&need == need:
	case st.Mode>>3&need == need && st.Gid != 0:
		if !slices.Contains(r.groups, int(st.Gid)) {
			r.groups = append(r.groups, int(st.Gid))
		}
	default:
		return fmt.Errorf("mode %04o of group %d: a booth of root's is neither its owner nor in a group that may", st.Mode&0o7777, st.Gid)
	}
	if err := r.own.file(b.Inside, nil); err != nil {
		return err
	}
	m, at, err := findMount(mounts, b.Path)
	if err != nil {
		return err
	}
	r.grants = append(r.grants, bind(b.Path, b.Inside, unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NOEXEC))
	r.want[b.Inside] = wantMount{device: m.device, root: at, has: []string{"ro", "nosuid", "noexec"}, lacks: []string{"nodev", "idmapped"}, grant: true}
	return nil
}

// addTmp gives the booth a /tmp in memory. Its pages count in the group of
// who wrote them; so do its inodes, which have a bound of their own.
func (r *root) addTmp(size uint64) error {
	if err := r.own.folder("/tmp"); err != nil {
		return err
	}
	// libcontainer takes the mode from the mount point.
	if err := os.Chmod(r.dir+"/tmp", 0o777|os.ModeSticky); err != nil {
		return err
	}
	page := uint64(os.Getpagesize())
	pages := (size + page - 1) / page
	r.grants = append(r.grants, &configs.Mount{
		Source: "tmpfs", Destination: "/tmp", Device: "tmpfs", Flags: unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC,
		Data: fmt.Sprintf("size=%d,nr_inodes=%d", pages*page, pages+16),
	})
	r.want["/tmp"] = wantMount{
		kind: "tmpfs", root: "/", super: fmt.Sprintf("size=%dk", pages*page>>10),
		has: []string{"rw", "nosuid", "nodev", "noexec"}, lacks: []string{"idmapped"}, grant: true,
	}
	return nil
}

// lookNoLinks is stat(2) of a path that holds no symbolic link. Linux 5.6.
func lookNoLinks(path string) (st unix.Stat_t, err error) {
	fd, err := unix.Openat2(unix.AT_FDCWD, path, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS})
	if err != nil {
		return st, os.NewSyscallError("openat2", err)
	}
	defer unix.Close(fd)
	return st, os.NewSyscallError("fstat", unix.Fstat(fd, &st))
}

// below reports whether path is dir or below it. Both are clean.
func below(path, dir string) bool {
	return path == dir || dir == "/" || strings.HasPrefix(path, dir+"/")
}

// environment is the whole environment of a worker.
func environment(g *control.Grants) []string {
	var env []string
	for _, base := range boothEnv {
		name, _, _ := strings.Cut(base, "=")
		if !slices.ContainsFunc(g.Env, func(v string) bool { return strings.HasPrefix(v, name+"=") }) {
			env = append(env, base)
		}
	}
	return append(env, g.Env...)
}

// idmapError names the layer when a file system cannot map users. Only
// libcontainer's text tells: its error has the EINVAL of other failures, too.
func idmapError(err error) error {
	if strings.Contains(err.Error(), "MOUNT_ATTR_IDMAP") {
		return layerErrorf("files", "the file system of a granted path cannot map its owner to the booth's user: %w", err)
	}
	return &LayerError{"container", err}
}
