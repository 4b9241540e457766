package profiles

import (
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
)

//go:embed *.toml
var embedded embed.FS

// groupsFile is among the embedded files and no profile.
const groupsFile = "groups.toml"

// embeddedFile begins the File of a Position in an embedded profile.
const embeddedFile = "embedded:"

// Default is the name of the profile a plugin gets when nothing names one.
const Default = "strict"

// Named returns an embedded profile. A name that is not among Names gives
// ErrUnknown.
func Named(name string) (*Profile, error) {
	src, err := builtIn{}.find(name)
	if err != nil {
		return nil, err
	}
	return resolve(src, builtIn{})
}

// Names lists the embedded profiles in alphabetical order.
func Names() []string {
	entries, err := embedded.ReadDir(".")
	if err != nil {
		return nil // an embedded root can always be read
	}
	var names []string
	for _, entry := range entries {
		if entry.Name() != groupsFile {
			names = append(names, strings.TrimSuffix(entry.Name(), ".toml"))
		}
	}
	return names
}

// builtIn finds embedded profiles.
type builtIn struct{}

func (builtIn) find(name string) (*source, error) {
	if !slices.Contains(Names(), name) {
		return nil, fmt.Errorf("profile %q: %w", name, ErrUnknown)
	}
	file := name + ".toml"
	data, err := embedded.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("profile %q: %w", name, err)
	}
	return &source{file: embeddedFile + file, data: data, origin: FromEmbedded}, nil
}

func (b builtIn) parent(_ *source, extends string) (*source, error) {
	if strings.Contains(extends, "/") {
		return nil, errors.New("only a profile in a file may extend a path")
	}
	return b.find(extends)
}
