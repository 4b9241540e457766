package profiles

import (
	"fmt"
	"slices"
	"strings"
)

// maxChain bounds how many profiles extend one another.
const maxChain = 8

// Origin is where a profile was found.
type Origin string

const (
	FromEmbedded Origin = "embedded"
	FromSystem   Origin = "system"
	FromUser     Origin = "user"
	FromFile     Origin = "file" // named by a path
)

// source is the text of one profile and where it was found.
type source struct {
	file   string // its path, or "embedded:NAME.toml"
	data   []byte
	origin Origin
	name   string // that its file's name promises, or ""
}

// finder finds the profile that another one names as its parent.
type finder interface {
	parent(child *source, extends string) (*source, error)
}

// resolve reads a profile and its parents and applies them, eldest first.
func resolve(src *source, find finder) (*Profile, error) {
	var chain []*parser
	for {
		p, err := newParser(src.file, src.data)
		if err != nil {
			return nil, err
		}
		if src.name != "" && p.doc.Name != src.name {
			return nil, p.fail("name", fmt.Errorf("name %q: the file's name says %q", p.doc.Name, src.name))
		}
		chain = append(chain, p)
		if p.doc.Extends == "" {
			break
		}
		parent, err := find.parent(src, p.doc.Extends)
		if err != nil {
			return nil, p.fail("extends", fmt.Errorf("extends %q: %w", p.doc.Extends, err))
		}
		if err := mayExtend(chain, parent); err != nil {
			return nil, p.fail("extends", fmt.Errorf("extends %q: %w", p.doc.Extends, err))
		}
		src = parent
	}
	profile := &Profile{lines: chain[0].lines}
	for i := len(chain) - 1; i >= 0; i-- {
		if err := chain[i].apply(profile); err != nil {
			return nil, err
		}
	}
	return profile, nil
}

func mayExtend(chain []*parser, parent *source) error {
	circle := slices.IndexFunc(chain, func(child *parser) bool { return child.file == parent.file })
	if circle >= 0 {
		var files []string
		for _, child := range chain[circle:] {
			files = append(files, child.file)
		}
		return fmt.Errorf("profiles extend one another in a circle: %s", strings.Join(append(files, parent.file), " -> "))
	}
	if len(chain) == maxChain {
		return fmt.Errorf("more than %d profiles extend one another", maxChain)
	}
	return nil
}
