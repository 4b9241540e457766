package jail

import (
	"debug/elf"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/isobooth/isobooth/runner/control"
	"github.com/opencontainers/runc/libcontainer/configs"
	"golang.org/x/sys/unix"
)

// workerPath is where the worker is inside a booth.
const workerPath = "/isobooth-worker"

// root is the file system a booth starts from: a folder of empty mount points,
// and what is mounted over them. Booths without grants share one.
type root struct {
	dir    string
	files  map[string]string // the worker and its libraries: path inside: path on the host
	grants []*configs.Mount  // mounted after everything else
	want   map[string]wantMount
	groups []int // that open its devices, as the host knows them
	own    *layout
}

// wantMount is a mount that a booth must have: its place is the key of a map.
type wantMount struct {
	device string // of its file system, or empty for one of its own
	root   string // in that file system
	kind   string // type of a file system of its own
	has    []string
	lacks  []string
	super  string // an option of a file system of its own
	grant  bool   // a plugin may hold its files open
}

// newRoot lays out the mount points below dir for the worker and the
// libraries that the worker itself needs.
func newRoot(dir, worker string) (*root, error) {
	files, err := closure(worker)
	if err != nil {
		return nil, fmt.Errorf("libraries of %s: %w", worker, err)
	}
	if files[workerPath], err = filepath.EvalSymlinks(worker); err != nil {
		return nil, err
	}
	r, _, err := layOut(dir, files)
	return r, err
}

// layOut makes the mount points that every booth has.
func layOut(dir string, files map[string]string) (*root, []mountLine, error) {
	l, err := newLayout(dir)
	if err != nil {
		return nil, nil, err
	}
	r := &root{dir: dir, files: files, own: l}
	points := slices.Concat(slices.Collect(maps.Keys(files)), control.Devices())
	for _, inside := range points {
		if err := l.file(inside, nil); err != nil {
			return r, nil, err
		}
	}
	if err := l.folder("/proc"); err != nil {
		return r, nil, err
	}
	mounts, err := hostMounts()
	if err != nil {
		return r, nil, err
	}
	return r, mounts, r.expect(mounts)
}

// expect notes the mounts that every booth has.
func (r *root) expect(mounts []mountLine) error {
	r.want = map[string]wantMount{
		"/proc": {kind: "proc", root: "/", super: "subset=pid", has: []string{"ro", "nosuid", "nodev", "noexec"}},
	}
	dir, err := filepath.EvalSymlinks(r.dir)
	if err != nil {
		return err
	}
	add := func(inside, host string, has, lacks []string) {
		if err == nil {
			var m mountLine
			w := wantMount{has: has, lacks: append(lacks, "idmapped")}
			m, w.root, err = findMount(mounts, host)
			w.device = m.device
			r.want[inside] = w
		}
	}
	add("/", dir, []string{"ro"}, nil)
	add("/dev", filepath.Join(dir, "dev"), []string{"ro", "nosuid", "nodev", "noexec"}, nil)
	for inside, host := range r.files {
		add(inside, host, []string{"ro", "nosuid", "nodev"}, []string{"noexec"})
	}
	for _, node := range control.Devices() {
		add(node, node, []string{"ro", "nosuid", "noexec"}, []string{"nodev"})
	}
	return err
}

func (r *root) mounts() []*configs.Mount {
	const ro = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV
	var m []*configs.Mount
	for inside, host := range r.files {
		m = append(m, bind(host, inside, ro))
	}
	// A bind on /dev itself makes libcontainer leave out its own set-up of
	// /dev: there are then these four nodes and nothing else.
	m = append(m, bind(filepath.Join(r.dir, "dev"), "/dev", ro|unix.MS_NOEXEC))
	for _, node := range control.Devices() {
		m = append(m, bind(node, node, ro&^unix.MS_NODEV|unix.MS_NOEXEC))
	}
	m = append(m,
		// libcontainer needs a /proc until it has executed the worker, and the
		// worker needs its own descriptors' links there to load from memfds.
		// Landlock closes everything else in it.
		&configs.Mount{Source: "proc", Destination: "/proc", Device: "proc", Flags: ro | unix.MS_NOEXEC, Data: "subset=pid,hidepid=invisible"},
	)
	return append(m, r.grants...)
}

func bind(host, inside string, flags int) *configs.Mount {
	return &configs.Mount{Source: host, Destination: inside, Device: "bind", Flags: unix.MS_BIND | flags}
}

// closure finds the loader and the libraries of one of our own programs:
// path inside the booth by path on the host.
func closure(program string) (map[string]string, error) {
	files := map[string]string{}
	queue := []string{program}
	seen := map[string]bool{}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		if seen[path] {
			continue
		}
		seen[path] = true
		f, err := elf.Open(path)
		if err != nil {
			return nil, err
		}
		for _, p := range f.Progs {
			if p.Type != elf.PT_INTERP {
				continue
			}
			b, err := io.ReadAll(p.Open())
			if err != nil {
				f.Close()
				return nil, err
			}
			interp := strings.TrimRight(string(b), "\x00")
			if files[interp], err = filepath.EvalSymlinks(interp); err != nil {
				f.Close()
				return nil, err
			}
		}
		needed, err := f.ImportedLibraries()
		f.Close()
		if err != nil {
			return nil, err
		}
		for _, name := range needed {
			inside, host, err := findLibrary(name, files)
			if err != nil {
				return nil, err
			}
			if inside != "" {
				files[inside] = host
				queue = append(queue, host)
			}
		}
	}
	return files, nil
}

// findLibrary looks where the loader looks without a cache. The loader itself
// appears as a needed library of libc; it is there already.
func findLibrary(name string, have map[string]string) (inside, host string, err error) {
	for p := range have {
		if filepath.Base(p) == name {
			return "", "", nil
		}
	}
	for _, dir := range []string{"/lib/" + multiarch, "/usr/lib/" + multiarch, "/lib64", "/usr/lib64", "/lib", "/usr/lib"} {
		p := filepath.Join(dir, name)
		host, err := filepath.EvalSymlinks(p)
		if err == nil {
			return p, host, nil
		}
	}
	return "", "", fmt.Errorf("%s not found", name)
}
