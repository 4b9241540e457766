package jail

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// mountLine is one mount of a process; proc_pid_mountinfo(5).
type mountLine struct {
	id      int
	device  string // "major:minor" of the file system
	root    string // of the mount, in its file system
	point   string // where it is, for that process
	options []string
	kind    string // type of the file system
	super   []string
}

// parseMounts reads a whole mountinfo.
func parseMounts(data string) ([]mountLine, error) {
	var mounts []mountLine
	for line := range strings.Lines(data) {
		// Not Fields: the kernel escapes none of Unicode's other spaces.
		f := strings.Split(strings.TrimSuffix(line, "\n"), " ")
		dash := -1
		for i := 6; i < len(f); i++ { // behind any number of optional fields
			if f[i] == "-" {
				dash = i
				break
			}
		}
		if dash < 0 || len(f) < dash+4 || slices.Contains(f, "") {
			return nil, fmt.Errorf("unreadable mountinfo line %q", line)
		}
		id, err := strconv.Atoi(f[0])
		if err != nil {
			return nil, fmt.Errorf("unreadable mountinfo line %q", line)
		}
		mounts = append(mounts, mountLine{
			id: id, device: f[2], root: unescapeMount(f[3]), point: unescapeMount(f[4]),
			options: strings.Split(f[5], ","), kind: f[dash+1], super: strings.Split(f[dash+3], ","),
		})
	}
	return mounts, nil
}

// unescapeMount undoes what the kernel does to space, tab, newline and
// backslash: three octal digits, fs/proc_namespace.c.
func unescapeMount(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) {
			if n, err := strconv.ParseUint(text[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// hostMounts are the jailer's own mounts, which are the host's.
func hostMounts() ([]mountLine, error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	return parseMounts(string(data))
}

// findMount returns the mount that a path of the host is on, and where the
// path is in that file system. path has no symbolic links.
func findMount(mounts []mountLine, path string) (m mountLine, root string, err error) {
	var st unix.Statx_t
	// STATX_MNT_ID: Linux 5.8.
	if err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT, unix.STATX_MNT_ID, &st); err != nil {
		return m, "", &os.PathError{Op: "statx", Path: path, Err: err}
	}
	for _, m := range mounts {
		if m.id != int(st.Mnt_id) {
			continue
		}
		rest, ok := strings.CutPrefix(path, strings.TrimSuffix(m.point, "/"))
		if !ok || rest != "" && rest[0] != '/' {
			break
		}
		return m, filepath.Join(m.root, rest), nil
	}
	return m, "", fmt.Errorf("%s: its mount is not in mountinfo", path)
}
