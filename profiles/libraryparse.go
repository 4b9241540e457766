package profiles

// Parse reads a text as if it stood in the file of a user's folder of this
// library, with what it extends: what an editor has not yet written there.
func (l *Library) Parse(file, name string, data []byte) (*Profile, error) {
	return resolve(&source{file: file, data: data, origin: FromUser, name: name}, l)
}

// ValidName reports whether a profile may have the name.
func ValidName(name string) bool { return profileName.MatchString(name) }
