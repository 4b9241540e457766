package profiles

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed *.toml
var embedded embed.FS

// Default is the name of the profile a plugin gets when nothing names one.
const Default = "strict"

// Named returns an embedded profile. A name that is not among Names gives
// ErrUnknown.
func Named(name string) (*Profile, error) {
	if !profileName.MatchString(name) {
		return nil, fmt.Errorf("profile %q: %w", name, ErrUnknown)
	}
	file := name + ".toml"
	data, err := embedded.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("profile %q: %w", name, ErrUnknown)
	}
	return ParseProfile(file, data)
}

// Names lists the embedded profiles in alphabetical order.
func Names() []string {
	entries, err := embedded.ReadDir(".")
	if err != nil {
		return nil // an embedded root can always be read
	}
	var names []string
	for _, entry := range entries {
		names = append(names, strings.TrimSuffix(entry.Name(), ".toml"))
	}
	return names
}
