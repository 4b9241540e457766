package main

import (
	"path/filepath"

	"github.com/isobooth/isobooth/profiles"
)

// systemProfiles is where an administrator puts profiles for everybody.
const systemProfiles = "/etc/isobooth/profiles.d"

// library is where this user's profiles are.
func (a *app) library() *profiles.Library {
	return profiles.NewLibrary(systemProfiles, userProfiles())
}

// userProfiles is the folder of this user's own profiles, or "" without a home.
func userProfiles() string {
	dir := filepath.Join(configDir(), "profiles.d")
	if dir == systemProfiles {
		return ""
	}
	return dir
}

// findProfile takes the name of a profile, or a path, which has a slash in it.
func (a *app) findProfile(name string) (*profiles.Profile, error) {
	return a.library().Load(expandHome(name))
}
