package jail

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/isobooth/isobooth/runner/control"
	"golang.org/x/sys/unix"
)

// inspector reads what the kernel says about a worker, from outside. It asks
// the worker nothing: what it would say is worth nothing once foreign code
// has run in it. Every check returns what it found, or a LayerError.
type inspector struct {
	*procDir
	pid     int
	status  map[string]string
	granted map[int]bool // ids of the mounts that are granted, by mounts
}

// newInspector opens a process; close it.
func newInspector(pid int) (*inspector, error) {
	dir, err := openProc(pid)
	if err != nil {
		return nil, err
	}
	data, err := dir.read("status")
	if err != nil {
		dir.close()
		return nil, err
	}
	in := &inspector{procDir: dir, pid: pid, status: map[string]string{}}
	for line := range strings.Lines(string(data)) {
		if k, v, ok := strings.Cut(line, ":"); ok {
			in.status[k] = strings.TrimSpace(v)
		}
	}
	return in, nil
}

// expect compares fields of /proc/PID/status; proc_pid_status(5).
func (in *inspector) expect(layer, want string, fields ...string) error {
	for _, f := range fields {
		if got := in.status[f]; got != want {
			return layerErrorf(layer, "%s is %q, want %q", f, got, want)
		}
	}
	return nil
}

func (in *inspector) namespaces(w without) (string, error) {
	all, err := ourNamespaces()
	if err != nil {
		return "", &LayerError{"namespaces", err}
	}
	var names []string
	for _, n := range namespaces {
		theirs, err := in.readlink("ns/" + n.link)
		if err != nil {
			return "", &LayerError{"namespaces", err}
		}
		ours := all[n.link]
		if w.namespace(n.link) && theirs == ours {
			names = append(names, removed+" "+n.link)
			continue
		}
		if theirs == ours {
			return "", layerErrorf("namespaces", "%s namespace is the host's", n.link)
		}
		names = append(names, n.link)
	}
	return "own " + strings.Join(names, ", "), nil
}

// mounts compares every mount the worker can see with what was planned:
// where it is, what of the host it shows, and how; proc_pid_mountinfo(5). The
// first time it notes their numbers in ids. Later these must be the same, and
// what they show is so, too, but may be called otherwise: the host may have
// replaced a file meanwhile.
func (in *inspector) mounts(r *root, ids *map[string]int) (string, error) {
	data, err := in.read("mountinfo")
	if err != nil {
		return "", &LayerError{"root", err}
	}
	have, err := parseMounts(string(data))
	if err != nil {
		return "", &LayerError{"root", err}
	}
	in.granted = map[int]bool{}
	seen := map[string]int{}
	for _, m := range have {
		w, ok := r.want[m.point]
		if _, twice := seen[m.point]; !ok || twice {
			return "", layerErrorf("root", "unexpected mount on %q", m.point)
		}
		seen[m.point] = m.id
		if *ids != nil {
			if (*ids)[m.point] != m.id {
				return "", layerErrorf("root", "mount on %q is another one than before", m.point)
			}
			m.root = w.root
		}
		if err := w.compare(&m); err != nil {
			return "", layerErrorf("root", "mount on %q: %w", m.point, err)
		}
		if w.grant {
			in.granted[m.id] = true
		}
	}
	if len(seen) != len(r.want) {
		return "", layerErrorf("root", "%d mounts, want %d", len(seen), len(r.want))
	}
	*ids = seen
	text := fmt.Sprintf("%d files and %d devices, nothing can be written, nothing is set-uid; no shell, no other program", len(r.files), len(control.Devices()))
	if n := len(r.grants); n > 0 {
		text = fmt.Sprintf("%d files, %d devices and %d grants, nothing else can be written, nothing is set-uid; no shell, no other program", len(r.files), len(control.Devices()), n)
	}
	return text, nil
}

func (w *wantMount) compare(m *mountLine) error {
	if w.device != "" && (m.device != w.device || m.root != w.root) {
		return fmt.Errorf("shows %q of %s, want %q of %s", m.root, m.device, w.root, w.device)
	}
	if w.kind != "" && (m.kind != w.kind || m.root != w.root) {
		return fmt.Errorf("is %q of a %s, want %q of a %s", m.root, m.kind, w.root, w.kind)
	}
	for _, flag := range w.has {
		if !slices.Contains(m.options, flag) {
			return fmt.Errorf("is not %s", flag)
		}
	}
	for _, flag := range w.lacks {
		if slices.Contains(m.options, flag) {
			return fmt.Errorf("is %s", flag)
		}
	}
	if w.super != "" && !slices.Contains(m.super, w.super) {
		return fmt.Errorf("is not %s", w.super)
	}
	return nil
}

// grants checks the groups that open devices, and lists what there is.
func (in *inspector) grants(g *control.Grants, r *root) (string, error) {
	if os.Geteuid() == 0 { // a user's booths have the user's groups
		var want []string
		for _, group := range slices.Sorted(slices.Values(r.groups)) {
			want = append(want, strconv.Itoa(group))
		}
		if have := strings.Fields(in.status["Groups"]); !slices.Equal(have, want) {
			return "", layerErrorf("grants", "the worker's groups are %v, want %v", have, want)
		}
	}
	var parts []string
	for _, b := range g.Files {
		parts = append(parts, describe("", b))
	}
	for _, b := range g.Devices {
		parts = append(parts, describe("device ", b))
	}
	if g.Tmp > 0 {
		parts = append(parts, fmt.Sprintf("/tmp in memory, %d KiB", g.Tmp>>10))
	}
	if len(parts) == 0 {
		return "no files, no devices", nil
	}
	return strings.Join(parts, "; ") + "; nothing there can be executed", nil
}

func describe(kind string, b control.Bind) string {
	access := "read"
	if b.Write {
		access = "write"
	}
	if b.Path == b.Inside {
		return fmt.Sprintf("%s%s %q", kind, access, b.Inside)
	}
	return fmt.Sprintf("%s%s %q, which is %q", kind, access, b.Inside, b.Path)
}

// descriptorTable is what each descriptor of a task leads to and which way it
// is open, "pipe:[123] 01".
func descriptorTable(dir *procDir, task string) (map[int]string, error) {
	names, err := dir.list("task/" + task + "/fd")
	if err != nil {
		return nil, err
	}
	table := map[int]string{}
	for _, name := range names {
		n, err := strconv.Atoi(name)
		if err != nil {
			return nil, err
		}
		link, err := dir.readlink("task/" + task + "/fd/" + name)
		if err != nil {
			return nil, err
		}
		info, err := dir.read("task/" + task + "/fdinfo/" + name)
		if err != nil {
			return nil, err
		}
		_, rest, _ := strings.Cut(string(info), "flags:\t")
		flags, err := strconv.ParseUint(strings.TrimSpace(strings.SplitN(rest, "\n", 2)[0]), 8, 64)
		if err != nil {
			return nil, fmt.Errorf("unreadable fdinfo %q", info)
		}
		table[n] = fmt.Sprintf("%s %d", link, flags&unix.O_ACCMODE)
	}
	return table, nil
}

// descriptors checks every task's own table, since a thread may have one of
// its own: the numbers want, each leading where it did before foreign code was
// near, as known has it. A plugin may have opened what its booth is granted;
// nothing else. mounts must have run before.
func (in *inspector) descriptors(want []int, known map[int]string, r *root) (string, error) {
	tasks, err := in.taskNames()
	if err != nil {
		return "", &LayerError{"descriptors", err}
	}
	more := 0
	for _, task := range tasks {
		table, err := descriptorTable(in.procDir, task)
		if in.ended(task) {
			continue
		}
		if err != nil {
			return "", &LayerError{"descriptors", err}
		}
		for n := range table {
			if slices.Contains(want, n) || len(r.grants) == 0 {
				continue
			}
			if err := in.grantedFile(task, n); err != nil {
				return "", layerErrorf("descriptors", "%d leads to %q: %w", n, table[n], err)
			}
			delete(table, n)
			more++
		}
		have := slices.Sorted(maps.Keys(table))
		if !slices.Equal(have, want) {
			return "", layerErrorf("descriptors", "open are %v, want %v", have, want)
		}
		for n, leads := range table {
			if known[n] != leads {
				return "", layerErrorf("descriptors", "%d leads to %q, it was %q", n, leads, known[n])
			}
		}
	}
	text := fmt.Sprintf("exactly %v, each where it always led", want)
	if more > 0 {
		text += fmt.Sprintf(", and %d that lead to what is granted", more)
	}
	return text, nil
}

// grantedFile returns an error unless a descriptor leads to a file, folder or
// device on a mount that is granted. The mount is told by the kernel's number
// of it, which no name can imitate; proc_pid_fdinfo(5).
func (in *inspector) grantedFile(task string, n int) error {
	name := "task/" + task + "/fdinfo/" + strconv.Itoa(n)
	info, err := in.read(name)
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(string(info), "mnt_id:")
	line, _, _ := strings.Cut(rest, "\n")
	id, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return fmt.Errorf("unreadable fdinfo %q", info)
	}
	if !in.granted[id] {
		return errors.New("is not granted")
	}
	var st unix.Stat_t
	if err := unix.Fstatat(in.fd, "task/"+task+"/fd/"+strconv.Itoa(n), &st, 0); err != nil {
		return os.NewSyscallError("fstatat", err)
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG, unix.S_IFDIR, unix.S_IFCHR: // devices: on their own mounts only, the others are nodev
		return nil
	}
	return errors.New("is neither file, folder nor device")
}

// ended reports whether a thread has ended since it was listed.
func (in *inspector) ended(task string) bool {
	_, err := in.read("task/" + task + "/comm")
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH)
}

func (in *inspector) taskNames() ([]string, error) {
	return in.list("task")
}

func (in *inspector) environment(env []string) (string, error) {
	data, err := in.read("environ")
	if err != nil {
		return "", &LayerError{"environment", err}
	}
	want := []byte(strings.Join(env, "\x00") + "\x00")
	if !bytes.Equal(data, want) {
		return "", layerErrorf("environment", "is not what was planned: %d bytes, want %d", len(data), len(want))
	}
	// Values of the host may be secrets.
	var names []string
	for _, v := range env {
		if slices.Contains(boothEnv, v) {
			names = append(names, v)
			continue
		}
		name, _, _ := strings.Cut(v, "=")
		names = append(names, name+" of the host")
	}
	return strings.Join(names, ", "), nil
}

// limitNames are the rows of /proc/PID/limits; proc_pid_limits(5).
var limitNames = map[string]string{
	"RLIMIT_AS":         "Max address space",
	"RLIMIT_CORE":       "Max core file size",
	"RLIMIT_FSIZE":      "Max file size",
	"RLIMIT_MEMLOCK":    "Max locked memory",
	"RLIMIT_MSGQUEUE":   "Max msgqueue size",
	"RLIMIT_NICE":       "Max nice priority",
	"RLIMIT_NOFILE":     "Max open files",
	"RLIMIT_RTPRIO":     "Max realtime priority",
	"RLIMIT_SIGPENDING": "Max pending signals",
	"RLIMIT_STACK":      "Max stack size",
}

func (in *inspector) rlimits(want []control.Rlimit) (string, error) {
	data, err := in.read("limits")
	if err != nil {
		return "", &LayerError{"rlimits", err}
	}
	have := map[string]string{}
	for line := range strings.Lines(string(data)) {
		for _, row := range limitNames {
			if rest, ok := strings.CutPrefix(line, row); ok {
				if f := strings.Fields(rest); len(f) >= 2 && f[0] == f[1] {
					have[row] = f[0]
				}
			}
		}
	}
	var parts []string
	for _, l := range want {
		text := "unlimited"
		if l.Max != ^uint64(0) {
			text = strconv.FormatUint(l.Max, 10)
		}
		row, ok := limitNames[l.Name]
		if !ok || have[row] != text {
			return "", layerErrorf("rlimits", "%s is %q, want %q", l.Name, have[row], text)
		}
		parts = append(parts, strings.ToLower(strings.TrimPrefix(l.Name, "RLIMIT_"))+"="+text)
	}
	return strings.Join(parts, " "), nil
}

// cgroup checks that the worker is in its group wherever the daemon limits
// it; cgroups(7), /proc/PID/cgroup.
func (in *inspector) cgroup(path string) (string, error) {
	data, err := in.read("cgroup")
	if err != nil {
		return "", &LayerError{"cgroup", err}
	}
	member := map[string]bool{}
	unified := false
	for line := range strings.Lines(strings.TrimSpace(string(data))) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 || f[2] != path {
			continue
		}
		unified = unified || f[0] == "0"
		for _, c := range strings.Split(f[1], ",") {
			member[c] = true
		}
	}
	for _, c := range []string{"memory", "cpu", "pids"} {
		// On a hybrid host the v1 hierarchies have the controllers, and the
		// process's line for them is always there.
		if !member[c] && (!unified || strings.Contains(string(data), ":"+c)) {
			return "", layerErrorf("cgroup", "the worker is not in %q for %s", path, c)
		}
	}
	return path, nil
}

// tasks counts the worker's threads and, through its pid namespace being
// empty otherwise, its children.
func (in *inspector) tasks(max int) (string, error) {
	n, err := strconv.Atoi(in.status["Threads"])
	if err != nil || n < 1 || n > max {
		return "", layerErrorf("tasks", "%s threads, at most %d may be there", in.status["Threads"], max)
	}
	tasks, err := in.taskNames()
	if err != nil {
		return "", &LayerError{"tasks", err}
	}
	for _, task := range tasks {
		// Needs CONFIG_PROC_CHILDREN, which distributions have.
		children, err := in.read("task/" + task + "/children")
		// Looked at before ended, which reads into the same memory what the
		// worker may choose: its name.
		if err == nil && len(bytes.TrimSpace(children)) > 0 {
			return "", layerErrorf("tasks", "the worker has child processes")
		}
		if err != nil && !in.ended(task) {
			return "", &LayerError{"tasks", err}
		}
	}
	return fmt.Sprintf("%d of at most %d", n, max), nil
}

func (in *inspector) capabilities() (string, error) {
	return "none: inheritable, permitted, effective, bounding and ambient sets are empty",
		in.expect("capabilities", strings.Repeat("0", 16), "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
}

func (in *inspector) noNewPrivs() (string, error) {
	return "set; cannot be unset", in.expect("no_new_privs", "1", "NoNewPrivs")
}

func (in *inspector) seccomp(p *control.Policy, ph phase) (string, error) {
	if err := in.expect("seccomp", "2", "Seccomp"); err != nil {
		return "", err
	}
	inherited, err := ourFilters()
	if err != nil {
		return "", &LayerError{"seccomp", err}
	}
	// Since Linux 5.10. One filter beside those that we have, too: nothing was
	// stacked on it.
	if err := in.expect("seccomp", strconv.Itoa(inherited+1), "Seccomp_filters"); err != nil {
		return "", err
	}
	return fmt.Sprintf("profile %s, %d rules, %s phase; refused calls are answered and counted by the jailer", p.Profile, p.Rules, ph), nil
}

// ourFilters counts the filters that this process has had since it was started,
// from a container or a unit around it. Workers inherit them, and nothing can
// take one away.
var ourFilters = sync.OnceValues(func() (int, error) {
	in, err := newInspector(os.Getpid())
	if err != nil {
		return 0, err
	}
	defer in.close()
	n, err := strconv.Atoi(in.status["Seccomp_filters"])
	if err != nil {
		return 0, fmt.Errorf("count our own filters: %w", err)
	}
	return n, nil
})

func (in *inspector) user() (string, error) {
	ids := strings.Fields(in.status["Uid"])
	if len(ids) != 4 {
		return "", layerErrorf("user", "unreadable Uid %q", in.status["Uid"])
	}
	if os.Geteuid() == 0 && slices.Contains(ids, "0") {
		return "", layerErrorf("user", "the worker is root outside")
	}
	return "host user id " + ids[1], nil
}
