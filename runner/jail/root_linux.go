package jail

import (
	"debug/elf"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/runc/libcontainer/configs"
	"golang.org/x/sys/unix"
)

// workerPath is where the worker is inside a booth.
const workerPath = "/isobooth-worker"

// devices are the nodes of a booth's private /dev.
var devices = []string{"null", "zero", "random", "urandom"}

// root is the file system every booth of this jailer starts from: a folder of
// empty mount points, and the few files that are bound over them.
type root struct {
	dir   string
	files map[string]string // path inside: path on the host
}

// newRoot lays out the mount points below dir for the worker and the
// libraries that the worker itself needs.
func newRoot(dir, worker string) (*root, error) {
	files, err := closure(worker)
	if err != nil {
		return nil, fmt.Errorf("libraries of %s: %w", worker, err)
	}
	files[workerPath] = worker
	for _, d := range []string{"", "proc", "dev"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	points := slices.Collect(maps.Keys(files))
	for _, name := range devices {
		points = append(points, "/dev/"+name)
	}
	for _, inside := range points {
		p := filepath.Join(dir, inside)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(p, os.O_CREATE|os.O_RDONLY, 0o444)
		if err != nil {
			return nil, err
		}
		f.Close()
	}
	return &root{dir: dir, files: files}, nil
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
	for _, name := range devices {
		m = append(m, bind("/dev/"+name, "/dev/"+name, ro&^unix.MS_NODEV|unix.MS_NOEXEC))
	}
	return append(m,
		// libcontainer needs a /proc until it has executed the worker, and the
		// worker needs its own descriptors' links there to load from memfds.
		// Landlock closes everything else in it.
		&configs.Mount{Source: "proc", Destination: "/proc", Device: "proc", Flags: ro | unix.MS_NOEXEC, Data: "subset=pid,hidepid=invisible"},
	)
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
