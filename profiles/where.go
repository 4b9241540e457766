package profiles

import "fmt"

// Position is where something stands in the text of a profile.
type Position struct {
	// File is the path of the profile, or "embedded:NAME.toml" for one that
	// is built in; "" for what stands in no file.
	File string `json:"file"`
	Line int    `json:"line"` // from 1
}

// String is FILE:LINE, as compilers print it.
func (p Position) String() string {
	if p.File == "" {
		return "no file"
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Source is one profile of a chain of extends.
type Source struct {
	Name string   `json:"name"`
	At   Position `json:"at"` // of its name
}
