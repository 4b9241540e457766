package verify

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

const (
	maxLibs    = 32
	maxLibSize = 512 << 20 // bytes, all libraries together
)

// closure collects the libraries a plugin needs, dependencies first. The
// worker opens them from their memfds in that order, and glibc then finds each
// DT_NEEDED already loaded, because it compares with the DT_SONAME of what is
// there before it searches. That is why a library must carry the name it is
// asked for under, and why two that need each other cannot be loaded.
type closure struct {
	dir      *folder
	options  Options
	provided map[string]bool
	system   system

	state map[string]visit
	libs  []*Image
	size  int64
}

type visit int

const (
	unseen visit = iota
	visiting
	done
)

func newClosure(dir *folder, o Options, sys system) *closure {
	c := &closure{dir: dir, options: o, provided: map[string]bool{}, system: sys, state: map[string]visit{}}
	for _, name := range o.Provided {
		c.provided[name] = true
	}
	return c
}

func (c *closure) close() {
	for _, m := range c.libs {
		m.Close()
	}
}

// add collects what lib needs. chain names who needs it, outermost first; lib
// is the last of it. beside says that lib lies in the plugin's folder, so that
// its run path, if it has one, is that folder.
func (c *closure) add(lib *library, chain []string, beside bool) error {
	for _, name := range lib.needed {
		if c.provided[name] {
			continue
		}
		switch c.state[name] {
		case done:
			continue
		case visiting:
			return fmt.Errorf("%w: %q is needed by what it needs itself: %s", ErrLibrary, name, quoted(append(chain, name)))
		}
		c.state[name] = visiting
		if err := c.resolve(name, chain, beside && lib.ownFolder); err != nil {
			return err
		}
		c.state[name] = done
	}
	return nil
}

// resolve finds, checks and keeps one library, after those it needs.
func (c *closure) resolve(name string, chain []string, ownFolder bool) error {
	by := chain[len(chain)-1]
	m, lib, beside, err := c.find(name, by, ownFolder)
	if err != nil {
		return err
	}
	if lib.soname != name {
		m.Close()
		return fmt.Errorf("%w: %q, needed by %q, calls itself %q (DT_SONAME)", ErrLibrary, m.Path, by, lib.soname)
	}
	if err := c.add(lib, append(chain[:len(chain):len(chain)], name), beside); err != nil {
		m.Close()
		return err
	}
	m.unmap()
	c.libs = append(c.libs, m)
	return nil
}

// find opens the library called name: beside the plugin if the run path of
// who needs it says so, else among the system's.
func (c *closure) find(name, by string, ownFolder bool) (m *Image, lib *library, beside bool, err error) {
	if len(c.state) > maxLibs {
		return nil, nil, false, fmt.Errorf("%w: more than %d libraries are needed", ErrLibrary, maxLibs)
	}
	max := min(maxImage, maxLibSize-c.size)
	if ownFolder {
		m, err = c.dir.seal(name, max)
		beside = err == nil
	}
	if !ownFolder || errors.Is(err, fs.ErrNotExist) {
		m, err = c.system.find(name, max)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, false, fmt.Errorf("%w: %q, needed by %q", ErrMissingLibrary, name, by)
	}
	if err != nil {
		return nil, nil, false, fmt.Errorf("%w: %q, needed by %q: %w", ErrLibrary, name, by, err)
	}
	c.size += m.Size
	from := fromSystem
	if beside {
		from = fromPlugin
		_, err = c.dir.checkSigned(m, c.options)
	}
	if err == nil {
		lib, err = readLibrary(m.data, from)
	}
	if err != nil {
		m.Close()
		return nil, nil, false, fmt.Errorf("library %q, needed by %q: %w", m.Path, by, err)
	}
	return m, lib, beside, nil
}

func quoted(names []string) string {
	var b strings.Builder
	for i, n := range names {
		if i > 0 {
			b.WriteString(" → ")
		}
		fmt.Fprintf(&b, "%q", n)
	}
	return b.String()
}
