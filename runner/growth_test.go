//go:build linux

package runner_test

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// watched is a daemon, which is this process, with its jailer.
type watched struct {
	jailer int    // process id
	dir    string // the host's folder
	tree   string // name of its control groups
	// settle is how long what has ended may take to disappear.
	settle time.Duration
}

// gauge counts one kind of thing that could be left behind.
type gauge struct {
	name string
	// slack is how much more there may be without anything being left: what
	// a runtime or an allocator keeps for later.
	slack int64
	// machine is set for what can only be counted for all of the machine,
	// whatever else runs there. It may then grow by half a thing each cycle.
	machine bool
	read    func(w *watched) (int64, error)
}

// gauges are in the order of the table.
var gauges = []gauge{
	{name: "descriptors, daemon", slack: 2, read: func(*watched) (int64, error) { return entries("/proc/self/fd") }},
	{name: "descriptors, jailer", slack: 2, read: func(w *watched) (int64, error) { return entries(procFile(w.jailer, "fd")) }},
	{name: "threads, daemon", slack: 16, read: func(*watched) (int64, error) { return entries("/proc/self/task") }},
	{name: "threads, jailer", slack: 16, read: func(w *watched) (int64, error) { return entries(procFile(w.jailer, "task")) }},
	{name: "goroutines, daemon", slack: 2, read: func(*watched) (int64, error) { return int64(runtime.NumGoroutine()), nil }},
	{name: "Go heap, daemon, KiB", slack: 512, read: heap},
	{name: "Go memory, daemon, KiB", slack: 4 << 10, read: goMemory},
	{name: "PSS, jailer, KiB", slack: 3 << 10, read: func(w *watched) (int64, error) { return field(procFile(w.jailer, "smaps_rollup"), "Pss:") }},
	{name: "processes", read: func(*watched) (int64, error) { return countOffspring(func(p process) bool { return p.state != 'Z' }) }},
	{name: "zombies", read: func(*watched) (int64, error) { return countOffspring(func(p process) bool { return p.state == 'Z' }) }},
	{name: "namespaces", slack: 2, read: namespacesHeld},
	{name: "mounts", read: mountsHeld},
	{name: "control groups", read: func(w *watched) (int64, error) { return int64(len(groupsBelow(w.tree))), nil }},
	{name: "dying groups", machine: true, read: dyingGroups},
	{name: "files in the runtime folder", read: func(w *watched) (int64, error) { return filesBelow(w.dir) }},
	{name: "keys", machine: true, read: keys},
	{name: "IPC objects", machine: true, read: ipcObjects},
}

func procFile(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }

func entries(dir string) (int64, error) {
	list, err := os.ReadDir(dir)
	return int64(len(list)), err
}

func heap(*watched) (int64, error) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc >> 10), nil
}

// goMemory is all that the runtime has from the system: heap, stacks and its
// own. There is no C in the daemon's part, and the PSS of a test with the race
// detector tells of the detector alone.
func goMemory(*watched) (int64, error) {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64((m.Sys - m.HeapReleased) >> 10), nil
}

// field returns the number after a word at the beginning of a line.
func field(path, word string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if words := strings.Fields(lines.Text()); len(words) > 1 && words[0] == word {
			return strconv.ParseInt(words[1], 10, 64)
		}
	}
	return 0, fmt.Errorf("%s has no line %q: %w", path, word, lines.Err())
}

func countOffspring(counts func(process) bool) (n int64, err error) {
	all, err := offspringOf(os.Getpid())
	for _, p := range all {
		if counts(p) {
			n++
		}
	}
	return n, err
}

// namespacesHeld counts those that the threads of both processes are in.
func namespacesHeld(w *watched) (int64, error) {
	seen := map[string]bool{}
	for _, pid := range []int{os.Getpid(), w.jailer} {
		links, err := filepath.Glob(procFile(pid, "task/*/ns/*"))
		if err != nil {
			return 0, err
		}
		for _, link := range links {
			if name, err := os.Readlink(link); err == nil { // else the thread has ended
				seen[name] = true
			}
		}
	}
	return int64(len(seen)), nil
}

// mountsHeld counts mounts of the host's in the namespace that we are in, and
// all of others that a thread of ours has been left in.
func mountsHeld(w *watched) (n int64, err error) {
	own, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return 0, err
	}
	seen := map[string]bool{}
	for _, pid := range []int{os.Getpid(), w.jailer} {
		tasks, err := filepath.Glob(procFile(pid, "task/*"))
		if err != nil {
			return 0, err
		}
		for _, task := range tasks {
			name, err := os.Readlink(task + "/ns/mnt")
			if err != nil || seen[name] {
				continue
			}
			seen[name] = true
			table, err := os.ReadFile(task + "/mountinfo")
			if err != nil {
				continue
			}
			for line := range strings.Lines(string(table)) {
				if name != own || strings.Contains(line, w.dir) {
					n++
				}
			}
		}
	}
	return n, nil
}

// groupsBelow lists the directories of a tree in all hierarchies.
func groupsBelow(tree string) (dirs []string) {
	trees, err := groupsCalled(tree)
	if err != nil {
		return nil
	}
	for _, dir := range trees {
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil // groups come and go meanwhile
		})
	}
	return dirs
}

// dyingGroups counts the groups that are removed and cannot be freed, because
// memory is still charged to them. v1 has only the machine's number of all
// groups, which they are part of; cgroups(7).
func dyingGroups(w *watched) (n int64, err error) {
	trees, err := groupsCalled(w.tree)
	if err != nil {
		return 0, err
	}
	for _, dir := range trees {
		if _, err := os.Stat(dir + "/memory.stat"); err != nil {
			continue
		}
		if n, err := field(dir+"/cgroup.stat", "nr_dying_descendants"); err == nil {
			return n, nil
		}
	}
	data, err := os.ReadFile("/proc/cgroups")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		if words := strings.Fields(line); len(words) == 4 && words[0] == "memory" {
			return strconv.ParseInt(words[2], 10, 64)
		}
	}
	return 0, nil
}

func filesBelow(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(string, fs.DirEntry, error) error {
		n++
		return nil // files come and go meanwhile
	})
	return n, err
}

// keys counts those of all users, proc_key-users(5).
func keys(*watched) (n int64, err error) {
	data, err := os.ReadFile("/proc/key-users")
	if os.IsNotExist(err) {
		return 0, nil // a kernel without keys
	}
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		if len(words) < 3 {
			continue
		}
		count, _, _ := strings.Cut(words[2], "/")
		k, err := strconv.ParseInt(count, 10, 64)
		if err != nil {
			return 0, err
		}
		n += k
	}
	return n, err
}

// ipcObjects counts System V's and POSIX's.
func ipcObjects(*watched) (n int64, err error) {
	for _, kind := range []string{"shm", "sem", "msg"} {
		data, err := os.ReadFile("/proc/sysvipc/" + kind)
		if err != nil && !os.IsNotExist(err) {
			return 0, err
		}
		n += int64(max(strings.Count(string(data), "\n")-1, 0)) // less the heading
	}
	for _, dir := range []string{"/dev/shm", "/dev/mqueue"} {
		k, err := entries(dir)
		if err != nil && !os.IsNotExist(err) {
			return 0, err
		}
		n += k
	}
	return n, nil
}

// growth is how all gauges stood at some points of a run.
type growth struct {
	w      *watched
	points [][]int64 // by point and gauge
}

// look reads all gauges. What has ended may take a moment to disappear, so
// the least of several readings counts.
func (g *growth) look() error {
	var least []int64
	for deadline := time.Now().Add(g.w.settle); ; time.Sleep(20 * time.Millisecond) {
		settled := len(g.points) > 0
		for i := range gauges {
			v, err := gauges[i].read(g.w)
			if err != nil {
				return fmt.Errorf("%s: %w", gauges[i].name, err)
			}
			if len(least) == i {
				least = append(least, v)
			}
			least[i] = min(least[i], v)
			if len(g.points) > 0 && !gauges[i].machine {
				settled = settled && least[i] <= g.points[0][i]+gauges[i].slack
			}
		}
		if settled || time.Now().After(deadline) {
			g.points = append(g.points, least)
			return nil
		}
	}
}

// by returns how much a gauge has grown: from the least of the first half of
// all points to the least of the second. A leak grows steadily; one high
// reading says nothing.
func (g *growth) by(i int) int64 {
	half := len(g.points)/2 + 1
	least := func(points [][]int64) int64 {
		return slices.MinFunc(points, func(a, b []int64) int { return int(a[i] - b[i]) })[i]
	}
	return least(g.points[half:]) - least(g.points[:half])
}

// allowed is how much a gauge may grow in so many cycles.
func (g *gauge) allowed(cycles int) int64 {
	if g.machine {
		return int64(cycles / 2)
	}
	return g.slack
}

// leaks names the gauges that grew by more than they may.
func (g *growth) leaks(cycles int) (names []string) {
	for i := range gauges {
		if g.by(i) > gauges[i].allowed(cycles) {
			names = append(names, gauges[i].name)
		}
	}
	return names
}

// table prints every gauge.
func (g *growth) table(out io.Writer, cycles int) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "counted\twarmed up\thalf-way\tat the end\tgrown by\tallowed\t\t\n")
	for i := range gauges {
		verdict := "ok"
		if g.by(i) > gauges[i].allowed(cycles) {
			verdict = "LEAK"
		}
		n := len(g.points)
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%s\t\n", gauges[i].name,
			g.points[0][i], g.points[n/2][i], g.points[n-1][i], g.by(i), gauges[i].allowed(cycles), verdict)
	}
	return t.Flush()
}
