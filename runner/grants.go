package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/isobooth/isobooth/profiles"
	"github.com/isobooth/isobooth/runner/control"
)

// Bounds of what one booth may be granted. All of it goes to the worker in one
// message, see runner/worker/control.h.
const (
	maxPaths     = 64
	maxPathBytes = 64 << 10
	maxVariables = 64
	maxValue     = 4096 // bytes
)

// Places say where grants lead on this machine.
type Places struct {
	Home string // what "~" stands for; empty: it stands for nothing
	Work string // the plugin's work folder, {work}; likewise
	// Keep are files and folders, absolute, that no grant may let a plugin
	// write in: whoever can change them decides what plugins may do.
	Keep []string
	// Writable are folders, absolute, that some plugin may write in, this one
	// or another: no grant leads through a link in them.
	Writable []string
	Lookup   func(name string) (string, bool) // the host's environment
}

// ThisUser returns the places of the user that this process runs as.
func ThisUser() Places {
	home, err := os.UserHomeDir()
	if err != nil {
		home = "" // a grant of "~" is then an error, others are not
	}
	return Places{Home: home, Lookup: os.LookupEnv}
}

// path is where a grant's path leads to, or empty when that is nowhere here.
func (at *Places) path(grant string) string {
	rest, home := strings.CutPrefix(grant, "~/")
	switch {
	case grant == profiles.WorkFolder:
		return at.Work
	case home && at.Home == "":
		return ""
	case home:
		return filepath.Join(at.Home, rest)
	}
	return grant
}

// Writes lists where the grants of a profile let its plugin write, as far as
// that is there, without links.
func (at *Places) Writes(p *profiles.Profile) (dirs []string) {
	for _, f := range p.Files {
		if path := at.path(f.Path); f.Access == profiles.AccessWrite && filepath.IsAbs(path) {
			dirs = append(dirs, resolveThere(path))
		}
	}
	return dirs
}

// UsesWork reports whether a profile grants the plugin a work folder.
func UsesWork(p *profiles.Profile) bool {
	return slices.ContainsFunc(p.Files, func(f profiles.FileGrant) bool { return f.Path == profiles.WorkFolder })
}

// GrantError is a grant that cannot be given on this machine.
type GrantError struct {
	At   profiles.Position
	What string // "files", "devices" or "environment"
	Name string // the path or the variable, as the profile has it
	Err  error
	Hint string // what the user can do, or empty
}

func (e *GrantError) Error() string {
	return fmt.Sprintf("%v: %s %q: %v", e.At, e.What, e.Name, e.Err)
}

func (e *GrantError) Unwrap() error { return e.Err }

// resolveGrants turns what a profile grants into what is there on this
// machine: no "~", no globs, no symbolic links. Network grants are not its own.
func resolveGrants(p *profiles.Profile, at Places) (control.Grants, error) {
	g := control.Grants{Tmp: p.Limits.TmpSize}
	inside := map[string]profiles.Position{} // every path taken in the booth
	for i := range p.Files {
		b, err := resolveFile(&p.Files[i], at, g.Tmp > 0, inside)
		if err != nil {
			return control.Grants{}, err
		}
		g.Files = append(g.Files, b)
	}
	for i := range p.Devices {
		b, err := resolveDevices(&p.Devices[i])
		if err != nil {
			return control.Grants{}, err
		}
		for _, one := range b {
			g.Devices = addDevice(g.Devices, one)
		}
	}
	size := 0
	for _, b := range slices.Concat(g.Files, g.Devices) {
		size += len(b.Inside)
	}
	if n := len(g.Files) + len(g.Devices); n > maxPaths || size > maxPathBytes {
		return control.Grants{}, fmt.Errorf("profile %q grants %d paths of %d bytes, at most %d of %d can be", p.Name, n, size, maxPaths, maxPathBytes)
	}
	var err error
	g.Env, err = resolveEnvironment(p.Environment, at.Lookup)
	return g, err
}

// addDevice adds one device; two grants of the same one are the wider of them.
func addDevice(have []control.Bind, b control.Bind) []control.Bind {
	for i := range have {
		if have[i].Inside == b.Inside {
			have[i].Write = have[i].Write || b.Write
			return have
		}
	}
	return append(have, b)
}

// resolveFile finds one file or folder of the host. taken has the paths that
// other grants have in the booth, and gets this one's.
func resolveFile(f *profiles.FileGrant, at Places, tmp bool, taken map[string]profiles.Position) (control.Bind, error) {
	fail := func(hint, format string, args ...any) (control.Bind, error) {
		return control.Bind{}, &GrantError{f.At, "files", f.Path, fmt.Errorf(format, args...), hint}
	}
	inside := f.Inside
	path := at.path(f.Path)
	switch {
	case path == "" && f.Path == profiles.WorkFolder:
		return fail("", "this plugin has no work folder here")
	case path == "":
		return fail("set HOME for isobooth, or write the path out", "this user has no home folder")
	}
	if !filepath.IsAbs(path) {
		return fail("", "is not absolute")
	}
	if err := checkInside(inside, tmp); err != nil {
		return fail("inside says where the plugin finds it", "inside %q: %w", inside, err)
	}
	for other, where := range taken {
		if within(inside, other) || within(other, inside) {
			return fail("each grant needs a place of its own in the booth: inside", "inside %q: the grant at %v is at %q", inside, where, other)
		}
	}
	host, err := resolveLinks(path, at.Writable)
	if errors.Is(err, fs.ErrNotExist) {
		return fail("make it, or take the grant out", "%w", pathCause(err))
	}
	if err != nil {
		return fail("write out where it leads to", "%w", pathCause(err))
	}
	st, err := os.Lstat(host)
	if err != nil {
		return fail("", "%w", pathCause(err))
	}
	if !plain(host) {
		return fail("", "leads to %q, which is no plain text", host)
	}
	if !st.Mode().IsRegular() && !st.IsDir() {
		return fail("[[devices]] grants devices; sockets and pipes cannot be granted", "is neither a file nor a folder")
	}
	// What the kernel shows of itself is no file of anybody's.
	for _, own := range []string{"/proc", "/sys", "/dev"} {
		if host == "/" || within(host, own) {
			return fail("", "%q cannot be granted", host)
		}
	}
	write := f.Access == profiles.AccessWrite
	if write && f.Path != profiles.WorkFolder {
		for _, keep := range at.Keep {
			if real := resolveThere(keep); holds(host, real) || holds(real, host) {
				return fail("grant a folder beside it", "a plugin that writes there decides what plugins may do: isobooth keeps %q", keep)
			}
		}
	}
	taken[inside] = f.At
	return control.Bind{Path: host, Inside: inside, Write: write}, nil
}

// resolveThere resolves the symbolic links of as much of an absolute path as
// there is: what is not there yet can be made.
func resolveThere(path string) string {
	for there, rest := filepath.Clean(path), ""; ; there, rest = filepath.Dir(there), filepath.Join(filepath.Base(there), rest) {
		if resolved, err := filepath.EvalSymlinks(there); err == nil {
			return filepath.Join(resolved, rest)
		}
		if there == filepath.Dir(there) {
			return path
		}
	}
}

// holds reports whether path is dir, by another name or not, or below it:
// a bind mount shows a folder, and a hard link a file, in a second place.
func holds(dir, path string) bool {
	if within(path, dir) {
		return true
	}
	st, err := os.Stat(dir)
	if err != nil {
		return false
	}
	for {
		if other, err := os.Stat(path); err == nil && os.SameFile(st, other) {
			return true
		}
		if path == filepath.Dir(path) {
			return false
		}
		path = filepath.Dir(path)
	}
}

// checkInside looks at a path in the booth; the jailer knows what else is
// there.
func checkInside(path string, tmp bool) error {
	switch {
	case !filepath.IsAbs(path) || filepath.Clean(path) != path:
		return errors.New("is not absolute and clean")
	case path == "/":
		return errors.New("is the booth's root")
	case len(path) > 1024 || !plain(path):
		return errors.New("is too long, or no plain text")
	}
	for _, own := range []string{"/proc", "/dev"} {
		if within(path, own) {
			return fmt.Errorf("%s is the booth's own", own)
		}
	}
	if tmp && within(path, "/tmp") {
		return errors.New("the booth has a /tmp of its own: tmp_size")
	}
	return nil
}

// plain reports whether text has no control characters and is UTF-8: messages
// to the jailer are JSON, which would change anything else.
func plain(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// within reports whether path is dir or below it. Both are clean.
func within(path, dir string) bool {
	return path == dir || dir == "/" || strings.HasPrefix(path, dir+"/")
}

// pathCause drops the path that the message names already.
func pathCause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// withheld are devices that reach past every booth: all memory of the machine,
// and the page faults of programs, for which strict kills the call.
var withheld = []string{"/dev/mem", "/dev/kmem", "/dev/port", "/dev/userfaultfd"}

// resolveDevices finds the device nodes that a grant names.
func resolveDevices(d *profiles.DeviceGrant) ([]control.Bind, error) {
	fail := func(hint, format string, args ...any) ([]control.Bind, error) {
		return nil, &GrantError{d.At, "devices", d.Path, fmt.Errorf(format, args...), hint}
	}
	if filepath.Clean(d.Path) != d.Path || !strings.HasPrefix(d.Path, "/dev/") {
		return fail("", "is not below /dev")
	}
	names, err := filepath.Glob(d.Path)
	if err != nil {
		return fail("", "%w", err)
	}
	if len(names) == 0 {
		return fail("plug it in, load its driver, or take the grant out", "no such device")
	}
	var binds []control.Bind
	for _, name := range names {
		host, err := filepath.EvalSymlinks(name)
		if err != nil {
			return fail("", "%s: %w", name, pathCause(err))
		}
		st, err := os.Lstat(host)
		if err != nil {
			return fail("", "%s: %w", name, pathCause(err))
		}
		switch {
		case !strings.HasPrefix(host, "/dev/"):
			return fail("", "%s leads to %q, out of /dev", name, host)
		case st.Mode().Type() != fs.ModeDevice|fs.ModeCharDevice:
			return fail("folders and disks cannot be granted as devices; a glob can name the devices", "%s is no character device", name)
		case slices.Contains(withheld, host):
			return fail("", "%s reaches past the booth and cannot be granted", name)
		case slices.Contains(control.Devices(), name):
			return fail("take the grant out", "%s is in every booth", name)
		case !plain(name) || !plain(host):
			return fail("", "%q is no plain text", name)
		}
		binds = append(binds, control.Bind{Path: host, Inside: name, Write: d.Access == profiles.AccessWrite})
	}
	return binds, nil
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

// loaders decide which code and data libc and its loader take, or what they
// do with memory, ld.so(8), mallopt(3): for code that was verified, none of
// them may. A name that ends in "_" stands for all that begin with it.
var loaders = []string{"LD_", "MALLOC_", "GLIBC_TUNABLES", "GCONV_PATH", "GETCONF_DIR", "LOCPATH", "NLSPATH"}

// resolveEnvironment takes the values of the host. A variable that the host
// lacks is none in the booth.
func resolveEnvironment(grants []profiles.EnvironmentGrant, lookup func(string) (string, bool)) ([]string, error) {
	var env []string
	seen := map[string]bool{}
	for _, g := range grants {
		fail := func(hint, format string, args ...any) ([]string, error) {
			return nil, &GrantError{g.At, "environment", g.Name, fmt.Errorf(format, args...), hint}
		}
		if !variableName.MatchString(g.Name) {
			return fail("", "is not the name of a variable")
		}
		if slices.ContainsFunc(loaders, func(l string) bool {
			return g.Name == l || strings.HasSuffix(l, "_") && strings.HasPrefix(g.Name, l)
		}) {
			return fail("", "decides what code is loaded or how, and cannot be granted")
		}
		if seen[g.Name] || lookup == nil {
			continue
		}
		seen[g.Name] = true
		value, ok := lookup(g.Name)
		if !ok {
			continue
		}
		if len(value) > maxValue || !plain(value) {
			return fail("set it to something else for isobooth", "its value is longer than %d bytes, or no plain text", maxValue)
		}
		env = append(env, g.Name+"="+value)
	}
	if len(env) > maxVariables {
		return nil, fmt.Errorf("%d variables granted, at most %d can be", len(env), maxVariables)
	}
	slices.Sort(env)
	return env, nil
}
