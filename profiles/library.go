package profiles

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// suffix ends the names of a library's files.
const suffix = ".toml"

// Library is where profiles are looked for: the embedded ones, a folder of
// the system and one of the user. A name exists once in all three, so that
// nobody gets a weaker profile than the one he knows by that name.
type Library struct {
	places []place
}

type place struct {
	dir    string
	origin Origin
}

// Listed is one profile of a library.
type Listed struct {
	Name   string
	File   string // "embedded:NAME.toml", or its path
	Origin Origin
	Err    error // why it cannot be used, or nil
}

// NewLibrary returns the library of two folders, which need not exist; ""
// leaves one out.
func NewLibrary(system, user string) *Library {
	l := &Library{}
	if system != "" {
		l.places = append(l.places, place{system, FromSystem})
	}
	if user != "" {
		l.places = append(l.places, place{user, FromUser})
	}
	return l
}

// Load returns the profile of a name, or with "/" in it the one in the file
// of that path. Files and their folders must belong to root or to the user, a
// system's to root, and must not let others write; else the error wraps
// ErrUnsafe. A name that is nowhere gives ErrUnknown, one that is there twice
// ErrTwice. What a profile extends is found in the same way.
func (l *Library) Load(nameOrPath string) (*Profile, error) {
	find := l.find
	if strings.Contains(nameOrPath, "/") {
		find = readPath
	}
	src, err := find(nameOrPath)
	if err != nil {
		return nil, err
	}
	return resolve(src, l)
}

// List returns all profiles by name, and those that cannot be used with the
// reason. The error is about a folder that cannot be read, and then what is
// elsewhere is returned all the same.
func (l *Library) List() ([]Listed, error) {
	var all []Listed
	var errs []error
	for _, name := range Names() {
		all = append(all, Listed{Name: name, File: embeddedFile + name + suffix, Origin: FromEmbedded})
	}
	for _, at := range l.places {
		names, err := at.names()
		if err != nil {
			errs = append(errs, err)
		}
		for _, name := range names {
			all = append(all, Listed{Name: name, File: filepath.Join(at.dir, name+suffix), Origin: at.origin})
		}
	}
	slices.SortFunc(all, func(a, b Listed) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.File, b.File)) })
	for i := range all {
		_, all[i].Err = l.Load(all[i].Name)
	}
	return all, errors.Join(errs...)
}

// names lists the files that are meant as profiles.
func (at place) names() ([]string, error) {
	f, err := openFolder(at.dir, trusting(at.origin), false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s profiles: %w", at.origin, err)
	}
	defer f.close()
	files, err := f.list()
	if err != nil {
		return nil, fmt.Errorf("%s profiles: %w", at.origin, err)
	}
	var names []string
	for _, file := range files {
		if name, ok := strings.CutSuffix(file, suffix); ok && name != "" {
			names = append(names, name)
		}
	}
	return names, nil
}

// all lists the names there are, as far as folders can be read.
func (l *Library) all() []string {
	names := Names()
	for _, at := range l.places {
		more, _ := at.names()
		names = append(names, more...)
	}
	return names
}

// find looks for a name everywhere. A folder that cannot be trusted is an
// error for every name: it may hold this one a second time.
func (l *Library) find(name string) (*source, error) {
	if !profileName.MatchString(name) {
		return nil, fmt.Errorf("profile %q: %w: a name is a lower-case word", name, ErrUnknown)
	}
	var found []*source
	src, err := builtIn{}.find(name)
	if err == nil {
		found = append(found, src)
	} else if !errors.Is(err, ErrUnknown) {
		return nil, err
	}
	for _, at := range l.places {
		src, err := at.find(name)
		if err != nil {
			return nil, err
		}
		if src != nil {
			found = append(found, src)
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("profile %q: %w%s", name, ErrUnknown, meant(name, l.all()))
	case 1:
		return found[0], nil
	}
	var files []string
	for _, src := range found {
		files = append(files, src.file)
	}
	return nil, fmt.Errorf("profile %q: %w: %s; rename or remove one", name, ErrTwice, strings.Join(files, " and "))
}

// find returns nil when there is no such file here.
func (at place) find(name string) (*source, error) {
	f, err := openFolder(at.dir, trusting(at.origin), false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s profiles: %w", at.origin, err)
	}
	defer f.close()
	data, err := f.read(name + suffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &source{file: filepath.Join(at.dir, name+suffix), data: data, origin: at.origin, name: name}, nil
}

// readPath reads the file that a path names.
func readPath(path string) (*source, error) { return readFile(path, FromFile) }

func readFile(path string, origin Origin) (*source, error) {
	f, err := openFolder(filepath.Dir(path), trusting(origin), true)
	if err != nil {
		return nil, fmt.Errorf("read profile %s: %w", path, err)
	}
	defer f.close()
	data, err := f.read(filepath.Base(path))
	if err != nil {
		return nil, err
	}
	return &source{file: path, data: data, origin: origin}, nil
}

// parent finds what a profile extends. One of the system may not depend on
// what a user can change.
func (l *Library) parent(child *source, extends string) (*source, error) {
	if child.origin == FromEmbedded {
		return builtIn{}.parent(child, extends)
	}
	if strings.Contains(extends, "/") {
		origin := FromFile
		if child.origin == FromSystem {
			origin = FromSystem
		}
		path := extends
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(child.file), path)
		}
		return readFile(path, origin)
	}
	src, err := l.find(extends)
	if err == nil && child.origin == FromSystem && src.origin == FromUser {
		return nil, fmt.Errorf("%s is a user's; a system profile extends built-in and system ones", src.file)
	}
	return src, err
}
